// The complete configuration file with every key explained: `bmsd --print-config`, and etc/bmsd.ini.
#pragma once

#include <string>

namespace bmsd::app {

/// Every key, commented out, with its default. Reading it changes nothing.
std::string config_template();

} // namespace bmsd::app
