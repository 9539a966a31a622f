#include "transports/dbus/service.hpp"

#include "transports/dbus/bus_item_calls.hpp"
#include "transports/dbus/items_changed.hpp"

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <map>

namespace bmsd::dbus {

namespace {

constexpr std::size_t kMaxPendingWrites = 64;

Type type_of(const ValueView& value) {
  return std::holds_alternative<std::int32_t>(value)       ? Type::integer
         : std::holds_alternative<std::string_view>(value) ? Type::text
                                                           : Type::real;
}

} // namespace

std::string_view to_string(ServiceState state) {
  switch (state) {
  case ServiceState::stopped: return "stopped";
  case ServiceState::connecting: return "connecting";
  case ServiceState::naming: return "naming";
  case ServiceState::online: return "online";
  case ServiceState::name_taken: return "name_taken";
  }
  return "unknown";
}

class Service::Impl : public std::enable_shared_from_this<Service::Impl> {
public:
  Impl(asio::io_context& io, std::string address, std::string name, Timing timing)
      : io_(io), name_(std::move(name)), timing_(timing), connection_(io, std::move(address), timing.connection),
        name_timer_(io), flush_timer_(io) {}

  void start() {
    if (state_ == ServiceState::stopped) {
      observation_ = connection_.observe([this](bool up, const std::string& reason) { on_connection(up, reason); });
      set_state(ServiceState::connecting, {});
      connection_.start();
    }
  }

  void stop() {
    observation_.reset();
    leave();
    connection_.stop();
    set_state(ServiceState::stopped, {});
  }

  Result<void> add(std::vector<Item> items) {
    std::string wrong;
    for (auto& item : items) {
      auto path = item.path;
      if (Item* added = tree_.add(std::move(item))) {
        announce(*added, true);
      } else {
        wrong += " " + path;
      }
    }
    flush();
    return wrong.empty() ? Result<void>() : Error{Fault::rejected, "not object paths:" + wrong};
  }

  void update(std::span<const Change> changes) {
    for (const auto& change : changes) {
      Item* item = tree_.find(change.path, change.place);
      bool changed = false;
      if (item) {
        changed = ItemTree::assign(*item, change.value, change.text);
      } else {
        item = tree_.add({.path = std::string(change.path),
                          .type = type_of(change.value),
                          .value = own(change.value),
                          .text = std::string(change.text)});
        changed = item != nullptr;
      }
      if (changed) {
        announce(*item, false);
      }
    }
    flush();
  }

  const Item* find(std::string_view path) { return tree_.find(path); }

  WriteHandler write_handler;
  RefusalHandler refusal_handler;
  StateHandler state_handler;

  ServiceState state() const { return state_; }
  const std::string& name() const { return name_; }

private:
  struct News {
    Item* item;
    bool with_limits;
  };
  struct PendingWrite {
    PendingWrite(asio::io_context& io, Message c, Item& i, Value v)
        : call(std::move(c)), item(i), value(std::move(v)), timer(io) {}
    Message call;
    Item& item;
    Value value;
    asio::steady_timer timer;
  };

  // -- signals ------------------------------------------------------------------

  /// Nobody would hear it before the name is ours.
  void announce(Item& item, bool with_limits) {
    if (state_ != ServiceState::online) {
      return;
    }
    // Only what was left from before can be there already.
    const auto left = news_.begin() + static_cast<std::ptrdiff_t>(news_left_);
    const auto known = std::find_if(news_.begin(), left, [&](const News& news) { return news.item == &item; });
    if (known == left) {
      news_.push_back({&item, with_limits});
    } else {
      known->with_limits |= with_limits;
    }
  }

  /// What a bus that is busy does not take now goes out a little later, with the values of then.
  void flush() {
    if (news_.empty()) {
      return;
    }
    const auto keep = shared_from_this(); // who hears of a loss of the bus may destroy us
    signal_.clear();
    for (const auto& news : news_) {
      signal_.add(*news.item, news.with_limits);
    }
    if (connection_.write(signal_.finish())) {
      news_.clear();
    }
    news_left_ = news_.size();
    if (news_left_ > 0) {
      flush_timer_.expires_after(timing_.flush_retry);
      flush_timer_.async_wait([weak = weak_from_this()](std::error_code failure) {
        if (auto self = weak.lock(); self && !failure) {
          self->flush();
        }
      });
    }
  }

  void set_state(ServiceState state, const std::string& reason) {
    if (std::exchange(state_, state) != state && state_handler) {
      auto handler = state_handler; // it may destroy us, and itself with us
      handler(state, reason);
    }
  }

  // -- bus and name -------------------------------------------------------------

  void on_connection(bool up, const std::string& reason) {
    if (!up) {
      leave();
      set_state(ServiceState::connecting, reason);
      return;
    }
    sd_bus_slot* slot = nullptr;
    sd_bus_add_fallback(connection_.bus(), &slot, "/", on_call, this);
    objects_.reset(slot);
    name_wanted_since_ = std::chrono::steady_clock::now();
    set_state(ServiceState::naming, {});
    request_name();
  }

  void leave() {
    name_timer_.cancel();
    name_request_.reset();
    objects_.reset();
    pending_.clear();
    news_.clear();
    news_left_ = 0;
    flush_timer_.cancel();
  }

  void request_name() {
    sd_bus_slot* slot = nullptr;
    // No flags: neither queue for the name nor let others take it.
    int result = sd_bus_request_name_async(connection_.bus(), &slot, name_.c_str(), 0, on_name_reply, this);
    name_request_.reset(slot);
    if (result < 0) {
      retry_name(error_text(result));
    }
    connection_.touch();
  }

  static int on_name_reply(sd_bus_message* reply, void* user, sd_bus_error*) {
    constexpr std::uint32_t kPrimaryOwner = 1, kAlreadyOwner = 4;
    auto& self = *static_cast<Impl*>(user);
    std::uint32_t answer = 0;
    if (const sd_bus_error* error = sd_bus_message_get_error(reply)) {
      self.retry_name(error->message ? error->message : error->name);
    } else if (sd_bus_message_read_basic(reply, SD_BUS_TYPE_UINT32, &answer) >= 0 &&
               (answer == kPrimaryOwner || answer == kAlreadyOwner)) {
      self.set_state(ServiceState::online, {});
    } else {
      self.retry_name(self.name_ + " belongs to another process");
    }
    return 1;
  }

  void retry_name(const std::string& reason) {
    bool patient = std::chrono::steady_clock::now() - name_wanted_since_ < timing_.name_patience;
    name_timer_.expires_after(patient ? timing_.name_retry : timing_.name_slow_retry);
    name_timer_.async_wait([weak = weak_from_this()](std::error_code failure) {
      if (auto self = weak.lock(); self && !failure && self->connection_.up()) {
        self->request_name();
      }
    });
    if (!patient) {
      set_state(ServiceState::name_taken, reason);
    }
  }

  // -- calls --------------------------------------------------------------------

  static int on_call(sd_bus_message* call, void* user, sd_bus_error*) {
    auto self = static_cast<Impl*>(user)->shared_from_this();
    answer_call(
        self->tree_, call,
        [&](Item& item, Value value, Message message) { self->take_write(item, std::move(value), std::move(message)); },
        [&](const Item& item, SetResult result) {
          if (auto handler = self->refusal_handler) { // it may destroy us, and itself with us
            handler(item.path, result);
          }
        });
    return 1;
  }

  void take_write(Item& item, Value value, Message call) {
    if (!write_handler || pending_.size() >= kMaxPendingWrites) {
      answer_write(call.get(), kRefused);
      return;
    }
    auto token = ++last_token_;
    auto& pending = pending_.try_emplace(token, io_, std::move(call), item, value).first->second;
    pending.timer.expires_after(timing_.write_patience);
    pending.timer.async_wait([weak = weak_from_this(), token](std::error_code failure) {
      if (auto self = weak.lock(); self && !failure) {
        self->finish_write(token, kRefused);
      }
    });
    auto handler = write_handler; // it may destroy us, and itself with us
    handler(item.path, value, [weak = weak_from_this(), token, &io = io_](int code) {
      asio::post(io, [weak, token, code] {
        if (auto self = weak.lock()) {
          self->finish_write(token, code);
        }
      });
    });
  }

  void finish_write(std::uint64_t token, int code) {
    auto found = pending_.find(token);
    if (found == pending_.end()) {
      return;
    }
    auto write = pending_.extract(found);
    auto& pending = write.mapped();
    if (code == kAccepted) {
      auto text = plain_text(pending.value);
      Change change{pending.item.path, view(pending.value), text};
      update({&change, 1});
    }
    answer_write(pending.call.get(), code);
    connection_.touch();
  }

  asio::io_context& io_;
  std::string name_;
  Timing timing_;
  ItemTree tree_;
  ServiceState state_ = ServiceState::stopped;
  std::vector<News> news_;    // what clients have not heard yet
  std::size_t news_left_ = 0; // of them, when the last update was over
  ItemsChanged signal_;
  std::map<std::uint64_t, PendingWrite> pending_;
  std::uint64_t last_token_ = 0;
  Connection connection_;
  Connection::Observation observation_;
  Slot objects_, name_request_;
  asio::steady_timer name_timer_, flush_timer_;
  std::chrono::steady_clock::time_point name_wanted_since_;
};

Service::Service(asio::io_context& io, std::string address, std::string name)
    : Service(io, std::move(address), std::move(name), Timing{}) {}

Service::Service(asio::io_context& io, std::string address, std::string name, Timing timing)
    : impl_(std::make_shared<Impl>(io, std::move(address), std::move(name), timing)) {}

Service::~Service() {
  impl_->state_handler = nullptr;
  impl_->write_handler = nullptr;
  impl_->refusal_handler = nullptr;
  impl_->stop();
}

Result<void> Service::add(std::vector<Item> items) {
  return impl_->add(std::move(items));
}

void Service::start() {
  impl_->start();
}

void Service::stop() {
  impl_->stop();
}

void Service::update(std::span<const Change> changes) {
  impl_->update(changes);
}

const Item* Service::find(std::string_view path) const {
  return impl_->find(path);
}

void Service::set_write_handler(WriteHandler handler) {
  impl_->write_handler = std::move(handler);
}

void Service::on_refusal(RefusalHandler handler) {
  impl_->refusal_handler = std::move(handler);
}

void Service::on_state(StateHandler handler) {
  impl_->state_handler = std::move(handler);
}

ServiceState Service::state() const {
  return impl_->state();
}

const std::string& Service::name() const {
  return impl_->name();
}

} // namespace bmsd::dbus
