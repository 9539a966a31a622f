// One per battery: takes samples, runs the controller, publishes the status, keeps what must survive.
#pragma once

#include "actors/core.hpp"

#include <caf/actor_system.hpp>

namespace bmsd::actors {

/// What a battery actor keeps over a restart of its own.
struct BatteryPlan {
  std::string id;
  BatteryRef battery;
  PublisherRef publisher;
  FoundSlot found; ///< never empty: who it is, who takes its commands, which section of the configuration it has
};
using BatteryPlanPtr = std::shared_ptr<const BatteryPlan>;

/// Fills plan->battery. Starts from the state that its predecessor (or the last run) saved.
BatteryActor spawn_battery(caf::actor_system& system, CorePtr core, BatteryPlanPtr plan);

} // namespace bmsd::actors
