// `bmsctl status` for a terminal.
#pragma once

#include "messages/json.hpp"

#include <string>

namespace bmsd::app {

struct ViewOptions {
  bool color = false;
  double messages_per_second = -1; ///< negative: not shown
};

/// Batteries, ports, what is searched, the supervision tree, counters.
std::string render_status(const Json& status, const ViewOptions& options);

} // namespace bmsd::app
