#include "transports/dbus/remote_service.hpp"

#include <cstring>
#include <deque>
#include <map>

namespace bmsd::dbus {

namespace {

constexpr const char* kBus = "org.freedesktop.DBus";
constexpr const char* kBusPath = "/org/freedesktop/DBus";

} // namespace

class RemoteService::Impl : public std::enable_shared_from_this<RemoteService::Impl> {
public:
  Impl(Connection& connection, std::string name, PresenceHandler on_presence)
      : connection_(connection), name_(std::move(name)), on_presence_(std::move(on_presence)) {}

  void start() {
    observation_ = connection_.observe([this](bool up, const std::string&) { up ? begin() : end(); });
    if (connection_.up()) {
      begin();
    }
  }

  void shut() {
    on_presence_ = nullptr;
    calls_.clear();
    observation_.reset();
    end();
  }

  bool present() const { return !owner_.empty(); }
  const std::string& name() const { return name_; }

  void subscribe(std::string filter, SignalHandler handler) {
    auto& subscription = subscriptions_.emplace_back();
    subscription.filter = std::move(filter);
    subscription.handler = std::move(handler);
    subscription.service = this;
    if (connection_.up()) {
      add_match(subscription);
      connection_.touch();
    }
  }

  void call(const std::string& path, const char* interface, const char* member, const Fill& fill,
            ReplyHandler handler) {
    auto id = ++last_call_;
    auto on_reply = [weak = weak_from_this(), id](sd_bus_message* reply, const Error& error) {
      if (auto self = weak.lock()) {
        self->finish(id, reply, error);
      }
    };
    calls_.emplace(id, std::move(handler));
    if (!present() || !send(owner_.c_str(), path.c_str(), interface, member, fill, on_reply)) {
      finish(id, nullptr, Error{Fault::link, name_ + " is not on the bus"});
    }
  }

private:
  struct Subscription {
    std::string filter;
    SignalHandler handler;
    Impl* service = nullptr;
    Slot slot;
  };

  /// Watch first, then ask: the bus keeps that order, so no change is missed.
  void begin() {
    sd_bus_slot* slot = nullptr;
    auto rule = "type='signal',sender='" + std::string(kBus) + "',path='" + kBusPath + "',interface='" + kBus +
                "',member='NameOwnerChanged',arg0='" + name_ + "'";
    sd_bus_add_match_async(connection_.bus(), &slot, rule.c_str(), on_owner_changed, nullptr, this);
    owner_watch_.reset(slot);
    for (auto& subscription : subscriptions_) {
      add_match(subscription);
    }
    auto fill = [&](sd_bus_message* call) { sd_bus_message_append_basic(call, SD_BUS_TYPE_STRING, name_.c_str()); };
    send(kBus, kBusPath, kBus, "GetNameOwner", fill, [weak = weak_from_this()](sd_bus_message* reply, const Error&) {
      const char* owner = nullptr;
      auto self = weak.lock();
      if (self && reply && sd_bus_message_read_basic(reply, SD_BUS_TYPE_STRING, &owner) > 0) {
        self->set_owner(owner);
      }
    });
    connection_.touch();
  }

  void end() {
    owner_watch_.reset();
    for (auto& subscription : subscriptions_) {
      subscription.slot.reset();
    }
    set_owner({});
    for (auto& [id, handler] : std::exchange(calls_, {})) {
      handler(nullptr, Error{Fault::link, "the bus is gone"});
    }
  }

  void finish(std::uint64_t id, sd_bus_message* reply, const Error& error) {
    if (auto call = calls_.extract(id)) {
      call.mapped()(reply, error);
    }
  }

  void add_match(Subscription& subscription) {
    sd_bus_slot* slot = nullptr;
    auto rule = "type='signal',sender='" + name_ + "',interface='" + kBusItem + "'," + subscription.filter;
    sd_bus_add_match_async(connection_.bus(), &slot, rule.c_str(), on_signal, nullptr, &subscription);
    subscription.slot.reset(slot);
  }

  bool send(const char* destination, const char* path, const char* interface, const char* member, const Fill& fill,
            const ReplyHandler& handler) {
    sd_bus_message* fresh = nullptr;
    sd_bus* bus = connection_.bus();
    if (!bus || sd_bus_message_new_method_call(bus, &fresh, destination, path, interface, member) < 0) {
      return false;
    }
    Message call(fresh);
    if (fill) {
      fill(fresh);
    }
    bool sent = call_async(bus, fresh, handler);
    connection_.touch();
    return sent;
  }

  void set_owner(const std::string& owner) {
    if (owner == owner_) {
      return;
    }
    auto self = shared_from_this();
    bool was_present = present();
    owner_.clear();
    if (auto handler = on_presence_; was_present && handler) {
      handler(false);
    }
    owner_ = owner;
    if (auto handler = on_presence_; present() && handler) {
      handler(true);
    }
  }

  static int on_owner_changed(sd_bus_message* signal, void* user, sd_bus_error*) {
    const char *name = nullptr, *before = nullptr, *after = nullptr;
    if (sd_bus_message_read(signal, "sss", &name, &before, &after) > 0) {
      static_cast<Impl*>(user)->shared_from_this()->set_owner(after);
    }
    return 0;
  }

  static int on_signal(sd_bus_message* signal, void* user, sd_bus_error*) {
    auto& subscription = *static_cast<Subscription*>(user);
    auto self = subscription.service->shared_from_this();
    // sd-bus lets unique names through a rule with a well-known sender.
    const char* sender = sd_bus_message_get_sender(signal);
    if (sender && self->owner_ == sender) {
      subscription.handler(signal);
    }
    return 0;
  }

  Connection& connection_;
  std::string name_, owner_;
  PresenceHandler on_presence_;
  Connection::Observation observation_;
  std::deque<Subscription> subscriptions_;
  Slot owner_watch_;
  std::map<std::uint64_t, ReplyHandler> calls_; // not answered yet
  std::uint64_t last_call_ = 0;
};

RemoteService::RemoteService(Connection& connection, std::string name, PresenceHandler on_presence)
    : impl_(std::make_shared<Impl>(connection, std::move(name), std::move(on_presence))) {}

RemoteService::~RemoteService() {
  impl_->shut();
}

void RemoteService::start() {
  impl_->start();
}

bool RemoteService::present() const {
  return impl_->present();
}

const std::string& RemoteService::name() const {
  return impl_->name();
}

void RemoteService::subscribe(std::string filter, SignalHandler handler) {
  impl_->subscribe(std::move(filter), std::move(handler));
}

void RemoteService::call(const std::string& path, const char* interface, const char* member, const Fill& fill,
                         ReplyHandler handler) {
  impl_->call(path, interface, member, fill, std::move(handler));
}

void visit_changes(sd_bus_message* signal, const std::function<void(std::string_view, const Value&)>& visit) {
  sd_bus_message_rewind(signal, 1); // other subscribers may have read it
  if (sd_bus_message_has_signature(signal, "a{sa{sv}}") > 0) {
    read_dictionary(signal, "a{sv}", [&](const char* path) {
      if (auto value = read_value_entry(signal)) {
        visit(path, *value);
      }
      return true;
    });
  } else if (sd_bus_message_has_signature(signal, "a{sv}") > 0) {
    if (auto value = read_value_entry(signal)) {
      visit(sd_bus_message_get_path(signal), *value);
    }
  }
}

} // namespace bmsd::dbus
