// Supervision as it happens: children that die come back, alone, and never stop coming back.
#include "actor_fixture.hpp"
#include "actors/supervisor/supervisor_actor.hpp"

#include <map>

namespace bmsd::actors {
namespace {

using namespace std::chrono_literals;

class SupervisorTest : public test::ActorTest {
protected:
  SupervisorTest() {
    supervisor = spawn_supervisor(system, core, factory());
    run();
  }

  BatteryFactory factory() {
    BatteryFactory factory;
    factory.build = [this](const std::string& id, const Identified&) {
      ++built[id];
      BatteryFactory::Built result;
      result.battery = std::make_shared<Slot<BatteryActor>>("battery/" + id);
      result.found = std::make_shared<Slot<std::shared_ptr<const Identified>>>(id);
      result.children.push_back(child("battery/" + id));
      return result;
    };
    return factory;
  }

  ~SupervisorTest() override {
    for (const auto& [port, slot] : sessions) {
      end(slot->get());
      slot->set({});
    }
    caf::anon_send(supervisor, CloseDown{});
    run();
    supervisor = SupervisorActor();
    alive.clear();
  }

  /// A child that does nothing but live, and end when told to.
  std::shared_ptr<const ChildSpec> child(const std::string& name, const std::string& parent = {}) {
    auto spec = std::make_shared<ChildSpec>();
    spec->name = name;
    spec->escalate_to = parent;
    spec->start = [this, name](caf::actor_system& sys) {
      ++starts[name];
      auto actor = test::spawn_stand_in<caf::actor>(sys, [](caf::event_based_actor* self) -> caf::behavior {
        return {[self](const CloseDown&) { self->quit(); }, [](const Configured&) {},
                [self](const std::string& why) { self->quit(caf::make_error(caf::sec::runtime_error, why)); }};
      });
      alive[name] = actor;
      return actor;
    };
    return spec;
  }

  void add(const std::string& name, const std::string& parent = {}) {
    caf::anon_send(supervisor, AddChild{child(name, parent)});
    run();
  }

  void fail(const std::string& name, const std::string& why = "out of luck") {
    caf::anon_send(alive[name], why);
    run();
  }

  ActorInfo info(const std::string& name) {
    caf::scoped_actor asker(system);
    auto waiting = asker->request(supervisor, caf::infinite, ListActors{});
    run();
    ActorInfo found;
    waiting.receive(
        [&](const ActorList& list) {
          for (const auto& entry : list.infos) {
            if (entry.name == name) {
              found = entry;
            }
          }
        },
        [](const caf::error&) { FAIL(); });
    return found;
  }

  /// A session on that port has found that battery, and notes what it is told.
  Identified found(const std::string& port, const std::string& unique_id) {
    auto& slot = sessions[port];
    if (!slot) {
      slot = std::make_shared<Slot<SessionActor>>("session/" + port);
      slot->set(test::spawn_session_stand_in(
          system, [this, port](const BatteryAssigned& battery) { assigned[port].push_back(battery.id); }));
    }
    Identified result;
    result.session = slot;
    result.port = port;
    result.identity.unique_id = unique_id;
    return result;
  }

  void restart_supervisor() {
    caf::anon_send(supervisor, CloseDown{});
    run();
    supervisor = spawn_supervisor(system, core, factory());
    run();
  }

  SupervisorActor supervisor;
  std::map<std::string, caf::actor> alive;
  std::map<std::string, int> starts;
  std::map<std::string, int> built;
  std::map<std::string, SessionRef> sessions;
  std::map<std::string, std::vector<std::string>> assigned; ///< ids, by port
};

TEST_F(SupervisorTest, AChildThatFailsComesBackAlone) {
  add("port/a");
  add("port/b");
  fail("port/a");
  EXPECT_NE(info("port/a").state, "running");
  pass(1s);
  EXPECT_EQ(starts["port/a"], 2);
  EXPECT_EQ(starts["port/b"], 1);
  const auto about = info("port/a");
  EXPECT_EQ(about.state, "running");
  EXPECT_EQ(about.restarts, 1U);
  EXPECT_NE(about.last_failure.find("out of luck"), std::string::npos);
  EXPECT_EQ(core->counters.restarts.load(), 1U);
}

TEST_F(SupervisorTest, ASessionThatKeepsFailingHasItsPortRestartedOnce) {
  add("port/a");
  add("session/a", "port/a");
  add("session/b", "port/b");
  for (int i = 0; i < 6; ++i) {
    fail("session/a");
    pass(4s);
  }
  EXPECT_EQ(starts["session/a"], 7);
  EXPECT_EQ(starts["port/a"], 2);
  EXPECT_EQ(starts["session/b"], 1);
}

TEST_F(SupervisorTest, NothingIsGivenUpForGood) {
  add("session/a");
  for (int i = 0; i < 60; ++i) {
    fail("session/a");
    pass(6min, 5s);
  }
  EXPECT_EQ(starts["session/a"], 61);
  EXPECT_EQ(info("session/a").state, "running");
}

TEST_F(SupervisorTest, RestartByRequest) {
  add("port/a");
  caf::scoped_actor asker(system);
  for (const auto& entry : std::map<std::string, bool>{{"port/a", true}, {"port/none", false}}) {
    const auto& name = entry.first;
    const bool expected = entry.second;
    auto waiting = asker->request(supervisor, caf::infinite, RestartChild{name});
    run();
    waiting.receive([&](bool done) { EXPECT_EQ(done, expected) << name; }, [](const caf::error&) { FAIL(); });
  }
  pass(1s);
  EXPECT_EQ(starts["port/a"], 2);
}

TEST_F(SupervisorTest, ABatteryIsBuiltOnceAndFoundAgain) {
  Identified found;
  found.session = std::make_shared<Slot<SessionActor>>("session/a");
  found.port = "a";
  found.identity.unique_id = "X";
  caf::anon_send(supervisor, found);
  caf::anon_send(supervisor, found);
  run();
  EXPECT_EQ(built["X"], 1);
  EXPECT_EQ(starts["battery/X"], 1);
  fail("battery/X");
  pass(1s);
  EXPECT_EQ(starts["battery/X"], 2);
}

TEST_F(SupervisorTest, ABatteryThatMovesHasOneSessionThatSpeaksForIt) {
  const auto at_a = found("a", "X"), at_b = found("b", "X");
  caf::anon_send(supervisor, at_a);
  caf::anon_send(supervisor, Vacated{"a", 0});
  caf::anon_send(supervisor, at_b);
  run();
  EXPECT_EQ(built["X"], 1) << "the same battery";
  EXPECT_EQ(assigned["a"], (std::vector<std::string>{"X", ""}));
  EXPECT_EQ(assigned["b"], std::vector<std::string>{"X"});
}

TEST_F(SupervisorTest, AnotherBatteryAtAPlaceIsTheOnlyOneThere) {
  caf::anon_send(supervisor, found("a", "X"));
  caf::anon_send(supervisor, found("a", "Y"));
  run();
  EXPECT_TRUE(info("battery/X").name.empty());
  EXPECT_EQ(info("battery/Y").state, "running");
  caf::anon_send(supervisor, found("a", "X"));
  run();
  EXPECT_EQ(info("battery/X").state, "running") << "built anew";
  EXPECT_TRUE(info("battery/Y").name.empty());
}

TEST_F(SupervisorTest, AfterARestartABatteryWaitsForWhoHadItsId) {
  ASSERT_TRUE(core->store.save("roster", Json::parse(R"({"places":{"a":{"unique_id":"X","id":"X"}}})")));
  restart_supervisor();
  caf::anon_send(supervisor, found("b", "X"));
  pass(2s);
  EXPECT_TRUE(assigned["b"].empty());
  caf::anon_send(supervisor, found("a", "X"));
  run();
  EXPECT_EQ(assigned["a"], std::vector<std::string>{"X"});
  pass(4s);
  EXPECT_EQ(assigned["b"], std::vector<std::string>{"X_b"}) << "not for ever";

  restart_supervisor();
  assigned.clear();
  caf::anon_send(supervisor, found("c", "X"));
  caf::anon_send(supervisor, found("c", "Z")); // somebody else after all
  pass(6s);
  EXPECT_EQ(assigned["c"], std::vector<std::string>{"Z"}) << "who it was before is forgotten";
  caf::anon_send(supervisor, found("d", "X"));
  pass(6s);
  EXPECT_EQ(assigned["d"], std::vector<std::string>{"X"}) << "not for ever";
}

TEST_F(SupervisorTest, WhoSaysAgainAndAgainThatItIsThereIsSeatedInTheEnd) {
  caf::anon_send(supervisor, found("a", "X"));
  for (int i = 0; i < 8; ++i) { // as a CAN battery does with every set
    caf::anon_send(supervisor, found("b", "X"));
    pass(1s);
  }
  ASSERT_FALSE(assigned["b"].empty());
  EXPECT_EQ(assigned["b"].back(), "X_b");
}

TEST_F(SupervisorTest, ARemovedPortTakesItsSessionsAndBatteriesWithIt) {
  add("port/a");
  add("session/a", "port/a");
  add("port/b");
  Identified found;
  found.session = std::make_shared<Slot<SessionActor>>("session/a");
  found.port = "a";
  found.identity.unique_id = "X";
  caf::anon_send(supervisor, found);
  run();
  caf::anon_send(supervisor, RemovePort{"a"});
  pass(1s);
  EXPECT_TRUE(info("port/a").name.empty());
  EXPECT_TRUE(info("session/a").name.empty());
  EXPECT_TRUE(info("battery/X").name.empty());
  EXPECT_EQ(info("port/b").state, "running");
  EXPECT_EQ(starts["port/a"], 1) << "a child that was told to end is not restarted";
}

TEST_F(SupervisorTest, ClosingDownEndsAllAndThenItself) {
  add("port/a");
  add("battery/X");
  bool ended = false;
  supervisor->attach_functor([&](const caf::error&) { ended = true; });
  caf::anon_send(supervisor, CloseDown{});
  pass(1s);
  EXPECT_TRUE(ended);
  EXPECT_EQ(starts["port/a"], 1);
}

} // namespace
} // namespace bmsd::actors
