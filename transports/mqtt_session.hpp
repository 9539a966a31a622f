// libmosquitto without its thread: one connection attempt and what follows from it. Internal to
// transports/.
#pragma once

#include "transports/links.hpp"

#include <functional>
#include <memory>
#include <string>

struct mosquitto;

namespace bmsd::transports {

/// connect() may run on a thread of its own; everything else afterwards on the I/O thread. Events
/// are called inside read(), which must not destroy the session.
class MqttSession {
public:
  explicit MqttSession(const MqttOptions& options);
  MqttSession(const MqttSession&) = delete;
  MqttSession& operator=(const MqttSession&) = delete;
  ~MqttSession();

  std::function<void(int code)> on_connack; ///< CONNACK return code, 0: accepted
  std::function<void(int id, bool granted)> on_suback;
  std::function<void(Document document)> on_message;
  std::function<void(std::string topic, std::size_t size)> on_oversize; ///< dropped

  /// Blocks while it looks up the name and connects. Fault::link, or Fault::rejected for options
  /// that can't work (no such certificate file).
  Result<void> connect();
  int socket() const;
  /// True: there may be more, which the socket need not show. A failure ends the session.
  Result<bool> read();
  Result<void> write();
  bool wants_write() const;
  /// MQTT's own keep-alive; call it every few seconds.
  Result<void> tend();

  Result<int> subscribe(const std::string& filter); ///< the id that on_suback names
  void unsubscribe(const std::string& filter);
  Result<void> publish(const std::string& topic, const std::string& payload);
  void disconnect();

private:
  struct Delete {
    void operator()(mosquitto* handle) const;
  };
  Result<void> configure();

  MqttOptions options_;
  std::unique_ptr<mosquitto, Delete> mosquitto_;
};

/// "Connection Refused: not authorised."
std::string mqtt_connack_text(int code);

} // namespace bmsd::transports
