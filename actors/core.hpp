// What every actor shares. Made once by the daemon, handed to each actor by shared pointer.
#pragma once

#include "actors/config.hpp"
#include "actors/interfaces.hpp"
#include "actors/latency_histogram.hpp"
#include "actors/state_store.hpp"
#include "actors/tap.hpp"
#include "messages/lifecycle.hpp"
#include "messages/now.hpp"

#include <asio/io_context.hpp>
#include <caf/send.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

namespace bmsd::actors {

/// Thread-safe. Only ever grow.
struct Counters {
  std::atomic<std::uint64_t> messages{0};
  std::atomic<std::uint64_t> polls{0};
  std::atomic<std::uint64_t> samples{0};
  std::atomic<std::uint64_t> frames{0};
  std::atomic<std::uint64_t> restarts{0};
  std::atomic<std::uint64_t> signals{0};
  std::array<std::atomic<std::uint64_t>, kFaultKinds> failures{};
  LatencyHistogram latency; ///< last byte of a reply to D-Bus signal

  void count(Fault fault, std::uint64_t times = 1) {
    failures[static_cast<std::size_t>(fault)].fetch_add(times, std::memory_order_relaxed);
  }
};

struct Core {
  Core(asio::io_context& io_context, std::string state_dir) : io(io_context), store(std::move(state_dir)) {
    store.on_damage = [this] { counters.count(Fault::truncated); };
  }

  asio::io_context& io; ///< the I/O thread's
  std::function<Now()> now = &Now::read;
  const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  StateStore store;
  Counters counters;
  Tap tap;

  SupervisorRef supervisor = std::make_shared<Slot<SupervisorActor>>("supervisor");
  SettingsRef settings = std::make_shared<Slot<SettingsActor>>("settings");
  DebugRef debug = std::make_shared<Slot<DebugActor>>("debug");

  std::shared_ptr<const DaemonConfig> config() const {
    std::lock_guard lock(config_mutex_);
    return config_;
  }
  void set_config(std::shared_ptr<const DaemonConfig> config) {
    std::lock_guard lock(config_mutex_);
    config_ = std::move(config);
  }

private:
  mutable std::mutex config_mutex_;
  std::shared_ptr<const DaemonConfig> config_ = std::make_shared<DaemonConfig>();
};

using CorePtr = std::shared_ptr<Core>;

// -- sending --------------------------------------------------------------------

/// The one way from actor to actor: sends, counts, and hands a copy to those who watch.
template <class Self, class Handle, class Message>
void post(Self* self, Core& core, const Ref<Handle>& to, Message message, const std::string& subject = {}) {
  core.counters.messages.fetch_add(1, std::memory_order_relaxed);
  if constexpr (Traceable<Message>) {
    if (core.tap.watched()) {
      core.tap.copy(self->state.slot->name(), to->name(), subject, message);
    }
  }
  if (auto handle = to->get()) {
    self->send(handle, std::move(message));
  }
}

/// The same from outside the actors (the I/O thread).
template <class Handle, class Message>
void post_from_outside(Core& core, const Ref<Handle>& to, Message message) {
  core.counters.messages.fetch_add(1, std::memory_order_relaxed);
  if (auto handle = to->get()) {
    caf::anon_send(handle, std::move(message));
  }
}

} // namespace bmsd::actors
