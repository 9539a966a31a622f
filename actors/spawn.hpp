// How an actor comes to life: known in its slot before its first line runs.
#pragma once

#include "actors/failures.hpp"
#include "actors/slot.hpp"

#include <caf/all.hpp>

#include <memory>
#include <utility>

namespace bmsd::actors {

/// Spawns an actor whose state class has a public `slot` and `start(arguments...)`, which gives its
/// behavior. The slot holds the handle before start() runs, since an actor that asks something there
/// may get the answer before spawn() returns; and when this returns, since a worker may not have run
/// start() yet.
template <class State, class Handle, class... Arguments>
Handle spawn_in(const Ref<Handle>& slot, caf::actor_system& system, Arguments... arguments) {
  using Self = typename Handle::template stateful_pointer<State>;
  // As arguments, not captured: without any, CAF 0.17 binds a reference to a null pointer.
  const Handle actor = system.spawn(
      [](Self self, const Ref<Handle>& own, const Arguments&... with) {
        contain_exceptions(self);
        self->state.slot = own;
        own->set(caf::actor_cast<Handle>(self));
        return self->state.start(with...);
      },
      slot, std::move(arguments)...);
  slot->set(actor);
  return actor;
}

} // namespace bmsd::actors
