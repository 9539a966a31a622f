// A session of any kind, with stand-ins for those that it tells.
#pragma once

#include "actor_fixture.hpp"
#include "actors/port/session_plan.hpp"

#include <memory>
#include <string>
#include <vector>

namespace bmsd::actors::test {

class SessionTest : public ActorTest {
protected:
  explicit SessionTest(const protocols::ProtocolInfo* protocol) {
    port->config.name = "toy0";
    port->port = std::make_shared<Slot<PortActor>>("port/toy0");
    auto session = std::make_shared<SessionPlan>();
    session->port = port;
    session->session = std::make_shared<Slot<SessionActor>>("session/toy0");
    session->protocol = protocol;
    plan = session;
    battery->set(spawn_battery_stand_in(system, seen));
    core->supervisor->set(spawn_supervisor_stand_in(system, seen, battery));
  }

  ~SessionTest() override {
    end(actor);
    end(battery->get());
    end(core->supervisor->get());
    actor = SessionActor();
    plan->session->set({});
    battery->set({});
  }

  template <class Spawn>
  void start(Spawn spawn) {
    actor = spawn(system, core, plan);
    run();
  }

  /// Of the batteries that were found, in order.
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& each : seen->identified) {
      out.push_back(each.identity.own_name());
    }
    return out;
  }

  std::shared_ptr<Seen> seen = std::make_shared<Seen>();
  BatteryRef battery = std::make_shared<Slot<BatteryActor>>("battery/A");
  std::shared_ptr<PortPlan> port = std::make_shared<PortPlan>();
  SessionPlanPtr plan;
  SessionActor actor;
};

} // namespace bmsd::actors::test
