// A battery between its session and the bus: what it publishes when nobody speaks for it.
#include "actor_fixture.hpp"
#include "actors/battery/battery_actor.hpp"

namespace bmsd::actors {
namespace {

using namespace std::chrono_literals;

class BatteryActorTest : public test::ActorTest {
protected:
  BatteryActorTest() {
    auto config = std::make_shared<DaemonConfig>();
    PortConfig slow;
    slow.name = "slow";
    slow.poll_interval = 600;
    config->ports.push_back(slow);
    config->port_lines["slow"].push_back({"MAX_BATTERY_CHARGE_CURRENT", "10", "bmsd.ini:1", {}});
    core->set_config(config);

    auto plan = std::make_shared<BatteryPlan>();
    plan->id = "A";
    plan->battery = std::make_shared<Slot<BatteryActor>>("battery/A");
    plan->publisher = std::make_shared<Slot<PublisherActor>>("publisher/A");
    plan->found = place = std::make_shared<Slot<std::shared_ptr<const Identified>>>("A");
    move_to("a");
    plan->publisher->set(publisher = spawn_publisher_stand_in());
    battery = spawn_battery(system, core, plan);
    run();
  }
  ~BatteryActorTest() override {
    end(battery);
    end(publisher);
    battery = BatteryActor();
    publisher = PublisherActor();
  }

  PublisherActor spawn_publisher_stand_in() {
    return test::spawn_stand_in<PublisherActor>(
        system, [this](PublisherActor::pointer) -> PublisherActor::behavior_type {
          return {[this](const Published& published) { last = published.status; },
                  [](const Identity&) {},
                  [](const Registration&) {},
                  [](const WriteRequest&) {},
                  [](const PublishState&) {},
                  [](const Tick&) {},
                  [](const Describe&) { return Json::object(); },
                  [](const Configured&) {},
                  [](const CloseDown&) {}};
        });
  }

  void move_to(const std::string& port) {
    Identified found;
    found.port = port;
    place->set(std::make_shared<const Identified>(found));
    if (battery) {
      caf::anon_send(battery, found.identity);
      run();
    }
  }

  void sample(const std::string& port, double cell = 3.2) {
    Sample sample;
    sample.voltage = 16 * cell;
    sample.current = 0.0;
    sample.soc = 50.0;
    for (int i = 0; i < 16; ++i) {
      sample.cell_voltages.push_back(cell);
    }
    caf::anon_send(battery, LinkState{port, Link::up, {}});
    caf::anon_send(battery, Polled{sample, now.steady});
    run();
  }

  Json describe() {
    caf::scoped_actor asker(system);
    auto waiting = asker->request(battery, caf::infinite, Describe{});
    run();
    Json found;
    waiting.receive([&](const Json& json) { found = json; }, [](const caf::error&) { FAIL(); });
    return found;
  }

  FoundSlot place;
  BatteryActor battery;
  PublisherActor publisher;
  std::shared_ptr<const Status> last;
};

TEST_F(BatteryActorTest, WithoutAWordFromItsDriverItCountsAsLost) {
  sample("a");
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->connected);
  EXPECT_GT(last->ccl.value_or(0), 0);
  EXPECT_EQ(describe().value("voltage", 0.0), 51.2);
  pass(30s, 1s);
  EXPECT_TRUE(last->connected) << "a restart of the session takes less";
  pass(30s, 1s);
  EXPECT_FALSE(last->connected);
  EXPECT_EQ(last->voltage, std::nullopt);
  EXPECT_FALSE(describe().contains("voltage")) << "nor shown to people";
  pass(2min, 1s);
  EXPECT_EQ(last->ccl, 0.0) << "a minute, with cells below BLOCK_ON_DISCONNECT_VOLTAGE_MIN";
  EXPECT_GE(last->alarms[Alarm::BmsCable], 1);
  sample("a");
  EXPECT_TRUE(last->connected);
}

TEST_F(BatteryActorTest, TheLastWordBeforeTheServiceLeavesIsThatNoCurrentMayFlow) {
  sample("a", 3.3);
  for (int i = 0; i < 1830 && !last->given_up; ++i) {
    pass(1s, 1s);
    caf::anon_send(battery, PollFailed{{Fault::timeout, {}}});
    run();
    if (!last->given_up) {
      ASSERT_EQ(last->ccl, 50.0) << i << " s, cells within the window: held";
    }
  }
  ASSERT_TRUE(last->given_up);
  EXPECT_EQ(last->ccl, 0.0);
  EXPECT_EQ(last->dcl, 0.0);
  EXPECT_EQ(last->charge_limitation, "Disconnected");
  EXPECT_EQ(last->alarms[Alarm::BmsCable], 2);
}

TEST_F(BatteryActorTest, ASlowPollIsNoSilence) {
  move_to("slow");
  sample("slow");
  pass(25min, 5s);
  EXPECT_TRUE(last->connected);
  pass(10min, 5s);
  EXPECT_FALSE(last->connected);
}

TEST_F(BatteryActorTest, TheSectionOfItsPresentPortCounts) {
  sample("a");
  EXPECT_EQ(last->ccl, 50.0);
  move_to("slow");
  sample("slow");
  EXPECT_EQ(last->ccl, 10.0);
}

TEST_F(BatteryActorTest, AfterTheSilenceOfItsDriverTheLinkIsWhatItWas) {
  sample("a");
  pass(1min, 1s);
  EXPECT_EQ(describe().value("reason", std::string()), "its driver has failed");
  Sample again;
  again.voltage = 51.2;
  caf::anon_send(battery, Polled{again, now.steady}); // for the session nothing has changed
  run();
  EXPECT_EQ(describe().value("link", std::string()), "up");
  EXPECT_EQ(describe().value("reason", std::string("?")), "");
}

} // namespace
} // namespace bmsd::actors
