// Actors on one thread and on a clock that the test moves.
#pragma once

#include "actors/core.hpp"

#include <asio/io_context.hpp>
#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace bmsd::actors::test {

class ActorTest : public ::testing::Test {
protected:
  ActorTest()
      : system(configure(config_)), scheduler(dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())),
        core(std::make_shared<Core>(io, std::string())) {
    core->now = [this] { return now; };
  }

  ~ActorTest() override {
    // What holds handles goes before the system that waits for all actors to end.
    core->supervisor->set({});
    core->settings->set({});
    core->debug->set({});
    run();
  }

  /// Lets everything happen that can happen now.
  void run() {
    do {
      scheduler.run();
      io.restart();
    } while (io.poll() > 0 || scheduler.has_job());
  }

  /// Time passes in small steps, so that timers fire in their order.
  void pass(std::chrono::milliseconds time, std::chrono::milliseconds step = std::chrono::milliseconds(50)) {
    run();
    for (auto left = time; left.count() > 0; left -= step) {
      const auto part = std::min(left, step);
      now.steady += part;
      wall_rest_ += part;
      now.wall += std::chrono::duration_cast<std::chrono::seconds>(wall_rest_);
      wall_rest_ %= std::chrono::seconds(1);
      scheduler.advance_time(part);
      run();
    }
  }

  template <class Handle>
  void end(const Handle& actor) {
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    run();
  }

  asio::io_context io;
  Now now{std::chrono::hours(1), std::chrono::seconds(1'790'000'000)};
  caf::actor_system_config config_;
  caf::actor_system system;
  caf::scheduler::test_coordinator& scheduler;
  CorePtr core;

private:
  static caf::actor_system_config& configure(caf::actor_system_config& config) {
    config.set("scheduler.policy", caf::atom("testing"));
    return config;
  }
  std::chrono::milliseconds wall_rest_{0};
};

/// What came to a stand-in, in order.
struct Seen {
  std::vector<Identified> identified;
  std::vector<Vacated> vacated;
  std::vector<Polled> samples;
  std::vector<PollFailed> failures;
  std::vector<LinkState> links;
  std::vector<Identity> identities;
};

/// An actor of which only the behaviour matters. It travels as an argument, as in actors/spawn.hpp.
template <class Handle, class Behaviour>
Handle spawn_stand_in(caf::actor_system& system, Behaviour behaviour) {
  using Self = typename caf::infer_handle_from_fun<Behaviour>::impl;
  return system.spawn([](Self* self, const Behaviour& b) { return b(self); }, std::move(behaviour));
}

/// Stands in for a battery actor.
inline BatteryActor spawn_battery_stand_in(caf::actor_system& system, std::shared_ptr<Seen> seen) {
  return spawn_stand_in<BatteryActor>(system, [seen](BatteryActor::pointer) -> BatteryActor::behavior_type {
    return {
        [seen](const Identity& identity) { seen->identities.push_back(identity); },
        [seen](const Polled& polled) { seen->samples.push_back(polled); },
        [seen](const PollFailed& failed) { seen->failures.push_back(failed); },
        [seen](const LinkState& link) { seen->links.push_back(link); },
        [](const RemoteReading&) {},
        [](const KeptValues&) {},
        [](const Tick&) {},
        [](const Command& command) {
          return CommandOutcome{command.id, command.kind, command.value, {}};
        },
        [](const Describe&) { return Json::object(); },
        [](const Configured&) {},
        [](const CloseDown&) {},
    };
  });
}

/// Stands in for a session.
inline SessionActor spawn_session_stand_in(caf::actor_system& system,
                                           std::function<void(const BatteryAssigned&)> on_assigned,
                                           std::function<void(const ExchangeDone&)> on_done = {}) {
  return spawn_stand_in<SessionActor>(system, [=](SessionActor::pointer) -> SessionActor::behavior_type {
    return {
        [](const LinkState&) {},
        [on_done](const ExchangeDone& done) {
          if (on_done) {
            on_done(done);
          }
        },
        [](const FrameBatch&) {},
        [](const Document&) {},
        [on_assigned](const BatteryAssigned& assigned) { on_assigned(assigned); },
        [](const Tick&) {},
        [](const Command& command) {
          return CommandOutcome{command.id, command.kind, command.value, {}};
        },
        [](const Describe&) { return Json::object(); },
        [](const Configured&) {},
        [](const CloseDown&) {},
    };
  });
}

/// Stands in for the supervisor: gives every battery that is found the same slot.
inline SupervisorActor spawn_supervisor_stand_in(caf::actor_system& system, std::shared_ptr<Seen> seen,
                                                 BatteryRef battery) {
  return spawn_stand_in<SupervisorActor>(system, [=](SupervisorActor::pointer self) -> SupervisorActor::behavior_type {
    return {
        [](const AddChild&) {},
        [](const RemovePort&) {},
        [=](const Identified& found) {
          seen->identified.push_back(found);
          self->send(found.session->get(), BatteryAssigned{"A", battery});
        },
        [seen](const Vacated& vacated) { seen->vacated.push_back(vacated); },
        [](const Tick&) {},
        [](const RestartChild&) { return true; },
        [](const ListActors&) { return ActorList{}; },
        [](const Configured&) {},
        [](const CloseDown&) {},
    };
  });
}

} // namespace bmsd::actors::test
