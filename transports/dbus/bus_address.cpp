#include "transports/dbus/bus_address.hpp"

#include <cstdlib>

namespace bmsd::dbus {

namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

} // namespace

Result<std::string> bus_address(std::string_view bus) {
  if (bus == "none") {
    return std::string();
  }
  if (bus == "system") {
    auto address = environment("DBUS_SYSTEM_BUS_ADDRESS");
    return address.empty() ? std::string("unix:path=/var/run/dbus/system_bus_socket") : address;
  }
  if (bus == "session") {
    if (auto address = environment("DBUS_SESSION_BUS_ADDRESS"); !address.empty()) {
      return address;
    }
    if (auto directory = environment("XDG_RUNTIME_DIR"); !directory.empty()) {
      return "unix:path=" + directory + "/bus";
    }
    return Error{Fault::rejected, "no session bus: DBUS_SESSION_BUS_ADDRESS and XDG_RUNTIME_DIR are not set"};
  }
  if (auto colon = bus.find(':'); colon == 0 || colon == std::string_view::npos) {
    return Error{Fault::rejected, "not a bus: " + std::string(bus) + " (system, session, none or a D-Bus address)"};
  }
  return std::string(bus);
}

} // namespace bmsd::dbus
