// Owns one port: opens it, keeps it open, hands exchanges and frames through.
#pragma once

#include "actors/core.hpp"
#include "actors/port/port_plan.hpp"

#include <caf/actor_system.hpp>

namespace bmsd::actors {

/// Fills plan->port. A lost link is no failure of the actor: it waits (1 s doubling to 30 s) and
/// opens again; a hot-plug event opens at once.
PortActor spawn_port(caf::actor_system& system, CorePtr core, PortPlanPtr plan);

} // namespace bmsd::actors
