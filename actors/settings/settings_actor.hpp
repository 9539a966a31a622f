// Device instances and custom names: from com.victronenergy.settings where it runs, else from the
// state directory.
#pragma once

#include "actors/core.hpp"

#include <caf/actor_system.hpp>

#include <string>

namespace bmsd::actors {

/// Fills core->settings. `bus`: as from dbus::bus_address(); empty: no D-Bus, the file serves.
SettingsActor spawn_settings(caf::actor_system& system, CorePtr core, const std::string& bus);

/// "/Settings/Devices/serialbattery_80_5_0AH": where dbus-serialbattery keeps what belongs to this
/// battery, so that instance, name and VRM history survive a change between the two.
std::string device_settings_path(const std::string& battery_id);

} // namespace bmsd::actors
