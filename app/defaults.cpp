#include "app/defaults.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace bmsd::app {

namespace {

std::string environment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

} // namespace

Defaults defaults() {
  if (std::filesystem::exists("/opt/victronenergy")) {
    return {"/data/apps/bmsd/bmsd.ini", "/data/apps/bmsd/state", "/run/bmsd.sock"};
  }
  if (::geteuid() == 0) {
    return {"/etc/bmsd.ini", "/var/lib/bmsd", "/run/bmsd.sock"};
  }
  const auto home = environment("HOME", "/tmp");
  return {environment("XDG_CONFIG_HOME", home + "/.config") + "/bmsd.ini",
          environment("XDG_STATE_HOME", home + "/.local/state") + "/bmsd",
          environment("XDG_RUNTIME_DIR", "/tmp") + "/bmsd-" + std::to_string(::geteuid()) + ".sock"};
}

} // namespace bmsd::app
