// One connection to an MQTT broker, shared by all links with the same options. Internal to
// transports/; I/O thread. Resolving and connecting, which libmosquitto can't do without blocking,
// run on a short-lived thread.
#pragma once

#include "transports/background.hpp"
#include "transports/lifetime.hpp"
#include "transports/mqtt_session.hpp"

#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bmsd::transports {

class MqttBroker {
public:
  /// One link. All calls are posted; none comes after leave(). A member leaves when joined() brings
  /// an error and when left() is called.
  class Member {
  public:
    virtual void joined(const Result<void>& result) = 0;
    virtual void left(const std::string& reason) = 0;
    virtual void arrived(const Document& document) = 0;
    virtual void noticed(const std::string& text) = 0;

  protected:
    ~Member() = default;
  };

  /// The connection for these options, made at the first call.
  static std::shared_ptr<MqttBroker> shared(asio::io_context& io, const MqttOptions& options);

  MqttBroker(asio::io_context& io, MqttOptions options);
  MqttBroker(const MqttBroker&) = delete;
  MqttBroker& operator=(const MqttBroker&) = delete;
  ~MqttBroker();

  /// Connects if need be and subscribes; the answer is Member::joined().
  void join(Member& member, std::vector<std::string> filters);
  /// Ends the membership, and the connection with the last one.
  void leave(Member& member);
  Result<void> publish(const std::string& topic, const std::string& payload);

private:
  enum class State { idle, connecting, connected };

  struct Membership {
    Member* member = nullptr;
    std::vector<std::string> filters;
    std::vector<int> pending; // subscriptions that the broker has not confirmed yet
    bool joined = false;
    bool refused = false;
    bool over = false; // its last word is on the way; leave() follows
    std::unique_ptr<Lifetime> life = std::make_unique<Lifetime>();
  };

  template <class Call>
  void tell(const Membership& membership, Call call);
  void subscribe(Membership& membership);
  void confirmed(int id, bool granted);
  void dispatch(const Document& document);

  void connect();
  void connected(const std::shared_ptr<MqttSession>& session, const Result<void>& result);
  void accepted();
  void broken(const std::string& reason);
  void shut();
  void watch();
  void watch_output();
  void read();
  void tick();
  void send_keepalives();

  asio::io_context& io_;
  MqttOptions options_;
  State state_ = State::idle;
  std::shared_ptr<MqttSession> mqtt_;
  BackgroundCall connecting_;
  std::shared_ptr<std::atomic<bool>> thread_busy_ = std::make_shared<std::atomic<bool>>(false);
  asio::posix::stream_descriptor descriptor_; // a duplicate: libmosquitto closes its own when it likes
  asio::steady_timer timer_;                  // connection limit, later the tick
  int ticks_ = 0;
  bool output_watched_ = false;
  std::optional<int> connack_;
  std::vector<Membership> members_;
  Lifetime session_; // until the connection ends
};

} // namespace bmsd::transports
