// Protocol sessions: speak with one battery, whatever its medium, and report to its battery actor.
#pragma once

#include "actors/port/session_plan.hpp"

#include <caf/actor_system.hpp>

namespace bmsd::actors {

/// Each fills plan->session. A session never ends by itself; an exception in a decoder ends it.
SessionActor spawn_exchange_session(caf::actor_system& system, CorePtr core, SessionPlanPtr plan);
SessionActor spawn_broadcast_session(caf::actor_system& system, CorePtr core, SessionPlanPtr plan);
SessionActor spawn_document_session(caf::actor_system& system, CorePtr core, SessionPlanPtr plan);

} // namespace bmsd::actors
