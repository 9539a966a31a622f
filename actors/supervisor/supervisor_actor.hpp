// Starts, watches and restarts all other actors, one for one; knows which battery is whose.
#pragma once

#include "actors/core.hpp"

#include <caf/actor_system.hpp>

#include <functional>

namespace bmsd::actors {

/// Builds what a newly found battery needs.
struct BatteryFactory {
  /// The battery's slot, and its children to start (battery, publisher).
  struct Built {
    BatteryRef battery;
    /// Where it is, who it is and where its commands go; renewed each time it is found.
    FoundSlot found;
    std::vector<std::shared_ptr<const ChildSpec>> children;
  };
  std::function<Built(const std::string& id, const Identified&)> build;
};

/// Spawns the root of the tree and fills core->supervisor. Its end is the end of the daemon.
SupervisorActor spawn_supervisor(caf::actor_system& system, CorePtr core, BatteryFactory factory);

} // namespace bmsd::actors
