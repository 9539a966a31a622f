// Where the bus is: the meaning of `--bus`.
#pragma once

#include "messages/error.hpp"

#include <string>
#include <string_view>

namespace bmsd::dbus {

/// D-Bus address ("unix:path=...", several separated by ';') for
///   system    DBUS_SYSTEM_BUS_ADDRESS, else the standard socket of the system bus
///   session   DBUS_SESSION_BUS_ADDRESS, else the socket in XDG_RUNTIME_DIR
///   none      "": no bus
///   ADDRESS   itself
/// Victron's programs change to the session bus as soon as DBUS_SESSION_BUS_ADDRESS is set. bmsd does so only when
/// asked by `session`: a daemon started from a desktop must not leave the inverter's bus silently.
/// Fault::rejected: no such bus. Reads the environment.
Result<std::string> bus_address(std::string_view bus);

} // namespace bmsd::dbus
