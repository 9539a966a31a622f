// Shows the message flow: ring of the last messages, live stream, counters, supervision tree.
#pragma once

#include "actors/core.hpp"

#include <caf/actor_system.hpp>

namespace bmsd::actors {

/// Fills core->debug. Nobody depends on it: when it fails, watchers are gone and all else goes on.
DebugActor spawn_debug(caf::actor_system& system, CorePtr core);

} // namespace bmsd::actors
