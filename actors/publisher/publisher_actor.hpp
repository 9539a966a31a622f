// One per battery: has it on D-Bus as com.victronenergy.battery.<port>.
#pragma once

#include "actors/core.hpp"

#include <caf/actor_system.hpp>

#include <memory>
#include <string>

namespace bmsd::actors {

struct PublisherPlan {
  std::string id;
  std::string bus; ///< as from dbus::bus_address(); empty: no D-Bus
  FoundSlot found; ///< never empty
  PublisherRef publisher;
  BatteryRef battery;
};
using PublisherPlanPtr = std::shared_ptr<const PublisherPlan>;

/// Fills plan->publisher. The name is requested when instance, custom name and the first status are
/// known, so that clients find everything at once.
PublisherActor spawn_publisher(caf::actor_system& system, CorePtr core, PublisherPlanPtr plan);

/// "com.victronenergy.battery.ttyUSB0__0x02"
std::string service_name(const std::string& port, std::uint32_t address);

} // namespace bmsd::actors
