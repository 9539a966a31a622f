// One per battery: takes samples, runs the controller, publishes the status, keeps what must survive.
#pragma once

#include "actors/core.hpp"

#include <caf/actor_system.hpp>

namespace bmsd::actors {

/// What a battery actor keeps over a restart of its own.
struct BatteryPlan {
  std::string id;
  std::string port; ///< where it was found first; chooses its section of the configuration
  BatteryRef battery;
  PublisherRef publisher;
  std::shared_ptr<Slot<SessionRef>> session; ///< who takes its commands
  /// The last identity, so that a restarted actor knows it at once.
  std::shared_ptr<Slot<std::shared_ptr<const Identity>>> identity;
};
using BatteryPlanPtr = std::shared_ptr<const BatteryPlan>;

/// Fills plan->battery. Starts from the state that its predecessor (or the last run) saved.
BatteryActor spawn_battery(caf::actor_system& system, CorePtr core, BatteryPlanPtr plan);

} // namespace bmsd::actors
