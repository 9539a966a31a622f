// One line of `bmsctl trace` for a terminal.
#pragma once

#include "messages/json.hpp"

#include <string>

namespace bmsd::app {

std::string render_trace(const Json& line);

} // namespace bmsd::app
