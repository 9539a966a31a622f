// `bmsctl protocols`: the registry for people and programs.
#pragma once

#include "messages/json.hpp"

#include <string>

namespace bmsd::app {

std::string protocols_table();
/// The table of the README.
std::string protocols_markdown();
/// The README's table of what is read from which BMS, found out with the simulators.
std::string readings_markdown();
Json protocols_json();

} // namespace bmsd::app
