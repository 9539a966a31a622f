// `bmsctl protocols`: the registry for people and programs.
#pragma once

#include "messages/json.hpp"

#include <string>

namespace bmsd::app {

std::string protocols_table();
Json protocols_json();

} // namespace bmsd::app
