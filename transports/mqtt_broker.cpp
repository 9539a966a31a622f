#include "transports/mqtt_broker.hpp"

#include <asio/execution_context.hpp>
#include <asio/post.hpp>
#include <fcntl.h>
#include <mosquitto.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>

namespace bmsd::transports {

namespace {

/// How often libmosquitto looks after its own keep-alive.
constexpr std::chrono::seconds kTick{5};
/// A GX device publishes N/<id>/... only while R/<id>/keepalive comes at least once a minute.
constexpr int kTicksPerKeepalive = 6;

/// The brokers of one io_context.
class Directory : public asio::execution_context::service {
public:
  static inline asio::execution_context::id id;
  explicit Directory(asio::execution_context& context) : asio::execution_context::service(context) {}
  std::map<MqttOptions, std::weak_ptr<MqttBroker>> brokers;

private:
  void shutdown() override { brokers.clear(); }
};

/// The portal id of a filter N/<id>/...; empty: it is none.
std::string portal_id(const std::string& filter) {
  auto end = filter.starts_with("N/") ? filter.find('/', 2) : std::string::npos;
  auto id = end == std::string::npos ? std::string() : filter.substr(2, end - 2);
  return id == "+" ? std::string() : id;
}

bool matches(const std::string& filter, const std::string& topic) {
  bool result = false;
  return mosquitto_topic_matches_sub(filter.c_str(), topic.c_str(), &result) == MOSQ_ERR_SUCCESS && result;
}

} // namespace

std::shared_ptr<MqttBroker> MqttBroker::shared(asio::io_context& io, const MqttOptions& options) {
  auto& brokers = asio::use_service<Directory>(static_cast<asio::execution_context&>(io)).brokers;
  std::erase_if(brokers, [](const auto& entry) { return entry.second.expired(); });
  auto& entry = brokers[options];
  auto broker = entry.lock();
  if (!broker) {
    broker = std::make_shared<MqttBroker>(io, options);
    entry = broker;
  }
  return broker;
}

MqttBroker::MqttBroker(asio::io_context& io, MqttOptions options)
    : io_(io), options_(std::move(options)), descriptor_(io), timer_(io) {}

MqttBroker::~MqttBroker() {
  shut();
}

// -- members ---------------------------------------------------------------------

template <class Call>
void MqttBroker::tell(const Membership& membership, Call call) {
  asio::post(io_, membership.life->guard([member = membership.member, call = std::move(call)] { call(*member); }));
}

void MqttBroker::join(Member& member, std::vector<std::string> filters) {
  Membership membership;
  membership.member = &member;
  membership.filters = std::move(filters);
  members_.push_back(std::move(membership));
  if (state_ == State::connected) {
    subscribe(members_.back());
  } else if (state_ == State::idle) {
    connect();
  }
}

void MqttBroker::leave(Member& member) {
  auto found = std::find_if(members_.begin(), members_.end(), [&](const auto& each) { return each.member == &member; });
  if (found == members_.end()) {
    return;
  }
  auto filters = std::move(found->filters);
  members_.erase(found);
  if (members_.empty()) {
    shut();
    return;
  }
  for (const auto& filter : filters) {
    bool in_use = std::any_of(members_.begin(), members_.end(), [&](const auto& each) {
      return std::find(each.filters.begin(), each.filters.end(), filter) != each.filters.end();
    });
    if (!in_use && state_ == State::connected) {
      mqtt_->unsubscribe(filter);
    }
  }
  watch_output();
}

void MqttBroker::subscribe(Membership& membership) {
  if (membership.over) {
    return;
  }
  for (const auto& filter : membership.filters) {
    if (auto id = mqtt_->subscribe(filter)) {
      membership.pending.push_back(*id);
    }
  }
  watch_output();
}

void MqttBroker::confirmed(int id, bool granted) {
  for (auto& membership : members_) {
    if (std::erase(membership.pending, id) == 0) {
      continue;
    }
    membership.refused = membership.refused || !granted;
    if (!membership.pending.empty() || membership.joined) {
      return;
    }
    membership.joined = true;
    if (membership.refused) {
      tell(membership, [](Member& member) {
        member.joined(Error{Fault::link, "the broker refuses to let this user read the topic"});
      });
    } else {
      tell(membership, [](Member& member) { member.joined({}); });
      send_keepalives(); // makes a GX device send all its values now
    }
    return;
  }
}

void MqttBroker::dispatch(const Document& document) {
  for (const auto& membership : members_) {
    if (!membership.over && std::any_of(membership.filters.begin(), membership.filters.end(),
                                        [&](const auto& filter) { return matches(filter, document.topic); })) {
      tell(membership, [document](Member& member) { member.arrived(document); });
    }
  }
}

Result<void> MqttBroker::publish(const std::string& topic, const std::string& payload) {
  if (state_ != State::connected) {
    return Error{Fault::link, "not connected"};
  }
  auto result = mqtt_->publish(topic, payload);
  watch_output();
  return result;
}

// -- connection --------------------------------------------------------------------

void MqttBroker::connect() {
  state_ = State::connecting;
  session_.renew();
  timer_.expires_after(options_.connect_limit);
  timer_.async_wait(session_.guard([this](const std::error_code& error) {
    if (!error) {
      broken("no connection in " + std::to_string(options_.connect_limit.count()) + " ms");
    }
  }));
  if (thread_busy_->exchange(true)) {
    return; // an earlier attempt still hangs in connect(); the limit above answers
  }
  auto done = session_.guard(
      [this](const std::shared_ptr<MqttSession>& session, const Result<void>& result) { connected(session, result); });
  connecting_ = BackgroundCall(
      io_, [session = std::make_shared<MqttSession>(options_), busy = thread_busy_, done]() -> BackgroundCall::Done {
        auto result = session->connect();
        *busy = false;
        return [session, result, done]() mutable { done(session, result); };
      });
}

void MqttBroker::connected(const std::shared_ptr<MqttSession>& session, const Result<void>& result) {
  if (!result) {
    broken(result.error().detail);
    return;
  }
  mqtt_ = session;
  mqtt_->on_connack = [this](int code) { connack_ = code; };
  mqtt_->on_suback = [this](int id, bool granted) { confirmed(id, granted); };
  mqtt_->on_message = [this](const Document& document) { dispatch(document); };
  mqtt_->on_oversize = [this](const std::string& topic, std::size_t size) {
    for (const auto& membership : members_) {
      tell(membership, [topic, size](Member& member) {
        member.noticed(topic + ": document of " + std::to_string(size) + " bytes dropped");
      });
    }
  };
  std::error_code error;
  int fd = ::fcntl(mqtt_->socket(), F_DUPFD_CLOEXEC, 0);
  if (fd < 0 || (descriptor_.assign(fd, error), error)) {
    broken(fd < 0 ? std::strerror(errno) : error.message());
    return;
  }
  watch();
  watch_output();
}

void MqttBroker::accepted() {
  state_ = State::connected;
  for (auto& membership : members_) {
    subscribe(membership);
  }
  ticks_ = 0;
  tick();
}

/// Every member learns why, and may join again from there.
void MqttBroker::broken(const std::string& reason) {
  shut();
  for (auto& membership : members_) {
    if (std::exchange(membership.over, true)) {
      continue;
    }
    tell(membership, [reason, joined = membership.joined](Member& member) {
      if (joined) {
        member.left(reason);
      } else {
        member.joined(Error{Fault::link, reason});
      }
    });
  }
}

void MqttBroker::shut() {
  session_.renew();
  connecting_ = {};
  timer_.cancel();
  std::error_code ignored;
  descriptor_.close(ignored);
  if (mqtt_) {
    mqtt_->disconnect();
    mqtt_.reset();
  }
  connack_.reset();
  output_watched_ = false;
  state_ = State::idle;
}

void MqttBroker::watch() {
  descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                         session_.guard([this](const std::error_code& error) {
                           if (!error) {
                             read();
                           }
                         }));
}

void MqttBroker::watch_output() {
  if (!mqtt_ || output_watched_ || !mqtt_->wants_write()) {
    return;
  }
  output_watched_ = true;
  descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                         session_.guard([this](const std::error_code& error) {
                           output_watched_ = false;
                           if (error) {
                             return;
                           }
                           if (auto written = mqtt_->write(); !written) {
                             broken(written.error().detail);
                           } else {
                             watch_output();
                           }
                         }));
}

void MqttBroker::read() {
  auto more = mqtt_->read();
  if (connack_ && *connack_ != 0) {
    broken(mqtt_connack_text(*connack_)); // says more than the end of the connection that follows
    return;
  }
  if (!more) {
    broken(more.error().detail);
    return;
  }
  if (connack_ && state_ == State::connecting) {
    accepted();
  }
  if (*more) {
    asio::post(io_, session_.guard([this] { read(); }));
  } else {
    watch();
  }
  watch_output();
}

void MqttBroker::tick() {
  if (auto tended = mqtt_->tend(); !tended) {
    broken(tended.error().detail);
    return;
  }
  if (ticks_++ % kTicksPerKeepalive == 0) {
    send_keepalives();
  }
  watch_output();
  timer_.expires_after(kTick);
  timer_.async_wait(session_.guard([this](const std::error_code& error) {
    if (!error) {
      tick();
    }
  }));
}

void MqttBroker::send_keepalives() {
  std::set<std::string> ids;
  for (const auto& membership : members_) {
    for (const auto& filter : membership.filters) {
      ids.insert(portal_id(filter));
    }
  }
  ids.erase("");
  for (const auto& id : ids) {
    static_cast<void>(publish("R/" + id + "/keepalive", "")); // a break shows when reading
  }
}

} // namespace bmsd::transports
