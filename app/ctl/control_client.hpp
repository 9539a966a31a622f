// Client of the daemon's control socket.
#pragma once

#include "messages/error.hpp"
#include "messages/json.hpp"

#include <optional>
#include <string>

namespace bmsd::app {

/// Blocking; for tools, one thread.
class ControlClient {
public:
  ControlClient() = default;
  ~ControlClient();
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;

  /// Fault::link says what a person can do about it: not running, no permission.
  Result<void> connect(const std::string& path);
  Result<void> send(const Json& request);
  /// The next line; Fault::link at the end, Fault::timeout after `seconds` (negative: waits for ever).
  Result<Json> receive(double seconds);
  /// One request, one answer.
  Result<Json> ask(const Json& request);

  /// For what goes on until Ctrl-C: SIGINT and SIGTERM no longer end the program, but receive() and all that follow.
  static void stop_by_signal();
  /// Such a signal has come.
  bool interrupted() const { return interrupted_; }

private:
  int fd_ = -1;
  bool interrupted_ = false;
  std::string buffer_;
};

} // namespace bmsd::app
