// Runs CAF's actors on the I/O thread, between the handlers of its io_context.
#pragma once

#include <asio/io_context.hpp>
#include <caf/actor_system_config.hpp>

namespace bmsd::app {

/// A poll stays on one thread from its beat to the D-Bus signal: no other thread, whose caches are cold, has
/// to be woken on the way, which is half of what a poll costs. No actor blocks or computes for long, so none
/// waits for another (bench_controller, bench_decode).
///
/// The io_context outlives the actor system, and actors live while it runs: whoever stops it calls
/// actor_system::await_actors_before_shutdown(false) first. Throws nothing.
void run_actors_on(asio::io_context& io, caf::actor_system_config& config);

} // namespace bmsd::app
