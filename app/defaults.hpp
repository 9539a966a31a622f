// Where things are unless the user says otherwise.
#pragma once

#include <string>

namespace bmsd::app {

/// On a GX device below /data, as root elsewhere below /etc, /var/lib and /run, for others below
/// their home and runtime directory.
struct Defaults {
  std::string config;
  std::string state_dir;
  std::string socket;
};

Defaults defaults();

} // namespace bmsd::app
