// Turns the traced frames of a port into lines of the capture format (docs/captures.md).
#pragma once

#include "messages/json.hpp"

#include <map>
#include <optional>
#include <string>

namespace bmsd::app {

/// One line per poll cycle: a cycle ends when its first request, id or topic comes again.
class CaptureWriter {
public:
  /// `protocol` of a port, for the line's "protocol".
  void set_protocol(const std::string& port, const std::string& protocol) { ports_[port].protocol = protocol; }
  /// `frame`: the body of a traced frame. Gives a finished line, if this frame finished one.
  std::optional<Json> add(const Json& frame);

private:
  struct Port {
    std::string protocol;
    std::string first; ///< what began the cycle
    Json exchanges = Json::array();
    int lines = 0;
  };
  static std::optional<Json> take(const std::string& name, Port& port);

  std::map<std::string, Port> ports_;
};

} // namespace bmsd::app
