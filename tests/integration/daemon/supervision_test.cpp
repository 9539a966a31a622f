// Each row of the supervision table, by really causing it.
#include "daemon_fixture.hpp"

namespace bmsd {
namespace {

using namespace std::chrono_literals;
using test::DaemonTest;
using test::Process;
using test::wait_until;

class Supervision : public DaemonTest {};

TEST_F(Supervision, UnpluggedPortWaitsAndComesBack) {
  auto a = simulate("lltjbd", tty("ttyA"), {"--soc", "50"});
  auto b = simulate("lltjbd", tty("ttyB"), {"--soc", "60"});
  start({tty("ttyA"), tty("ttyB")});
  ASSERT_TRUE(wait_for_link("ttyA", "up")) << daemon.output();
  ASSERT_TRUE(wait_for_link("ttyB", "up"));
  const auto id = battery("ttyA").value("id", std::string());

  a.kill(); // the pty vanishes like an unplugged adapter
  std::filesystem::remove(tty("ttyA"));
  ASSERT_TRUE(wait_for_link("ttyA", "gone")) << status().dump();
  EXPECT_EQ(entry("ports", "name", "ttyA").value("state", std::string()), "waiting");
  EXPECT_TRUE(fresh("ttyB")) << "nobody else is disturbed";

  a = simulate("lltjbd", tty("ttyA"), {"--soc", "51"});
  ASSERT_TRUE(wait_for_link("ttyA", "up", 40s)) << daemon.output();
  EXPECT_EQ(battery("ttyA").value("id", std::string()), id) << "the same battery as before";
  EXPECT_EQ(actor("port/ttyA").value("restarts", -1), 0) << "a lost link is no failure of an actor";
}

TEST_F(Supervision, SilentBmsIsCountedAndFoundAgain) {
  auto a = simulate("lltjbd", tty("ttyA"));
  start({tty("ttyA")});
  ASSERT_TRUE(wait_for_link("ttyA", "up"));
  a.signal(SIGSTOP);
  ASSERT_TRUE(wait_for_link("ttyA", "silent", 20s));
  EXPECT_GE(failures("timeout"), 3U);
  EXPECT_EQ(entry("ports", "name", "ttyA").value("state", std::string()), "open");
  a.signal(SIGCONT);
  EXPECT_TRUE(wait_for_link("ttyA", "up", 30s)) << daemon.output();
}

TEST_F(Supervision, AnyActorThatIsKilledComesBackByItself) {
  start_bus();
  auto a = simulate("lltjbd", tty("ttyA"));
  start({tty("ttyA")});
  ASSERT_TRUE(wait_for_link("ttyA", "up"));
  const auto id = battery("ttyA").value("id", std::string());
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); }));
  const auto instance = value(client, "ttyA", "/DeviceInstance");

  for (const auto* kind : {"port/ttyA", "session/ttyA", "battery/", "publisher/", "settings", "debug"}) {
    std::string name = kind;
    if (name.back() == '/') {
      name += id;
    }
    ASSERT_TRUE(ask({{"cmd", "restart"}, {"actor", name}}).value("ok", false)) << name;
    ASSERT_TRUE(wait_until([&] { return actor(name).value("restarts", 0) == 1; })) << name << status().dump();
    EXPECT_EQ(actor(name).value("state", std::string()), "running");
    EXPECT_EQ(actor(name).value("last_failure", std::string()), "killed");
    ASSERT_TRUE(wait_until([&] { return link_is("ttyA", "up") && fresh("ttyA"); }, 20s)) << name << status().dump();
    ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); })) << name;
    EXPECT_EQ(battery("ttyA").value("id", std::string()), id) << name;
    EXPECT_EQ(value(client, "ttyA", "/DeviceInstance"), instance) << name;
  }
  EXPECT_TRUE(daemon.running());
}

TEST_F(Supervision, APublisherWhoseSettingsActorFailsAtTheSameTimeIsBackSoon) {
  start_bus();
  auto sim = simulate("lltjbd", tty("ttyA"));
  start({tty("ttyA") + ",protocol=lltjbd"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); })) << daemon.output();
  const auto id = battery("ttyA").value("id", std::string());
  for (const auto& name : {"publisher/" + id, std::string("settings")}) {
    EXPECT_TRUE(ask({{"cmd", "restart"}, {"actor", name}}).value("ok", false));
  }
  EXPECT_TRUE(wait_until([&] { return actor("publisher/" + id).value("restarts", 0) == 1; }));
  EXPECT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); }, 8s)) << daemon.output();
}

TEST_F(Supervision, BusThatRestartsGetsEverythingAgain) {
  start_bus();
  auto a = simulate("lltjbd", tty("ttyA"), {"--soc", "42", "--current", "0"});
  start({tty("ttyA")});
  {
    test::DbusClient client(bus->address());
    ASSERT_TRUE(wait_until([&] { return value(client, "ttyA", "/Soc") == "v <d 42>"; }, 15s)) << daemon.output();
  }
  bus->stop();
  ASSERT_TRUE(wait_until([&] { return fresh("ttyA"); })) << "the BMS is polled without a bus";
  const auto polls = counter("polls");
  ASSERT_TRUE(wait_until([&] { return counter("polls") > polls + 2; }));
  bus->start();
  test::DbusClient client(bus->address());
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/Soc") == "v <d 42>"; }, 15s)) << daemon.output();
  EXPECT_EQ(value(client, "ttyA", "/Connected"), "v <i 1>");
}

TEST_F(Supervision, BusThatHangsDelaysNoBattery) {
  start_bus();
  auto a = simulate("lltjbd", tty("ttyA"));
  start({tty("ttyA")});
  ASSERT_TRUE(wait_for_link("ttyA", "up"));
  bus->freeze();
  const auto polls = counter("polls");
  ASSERT_TRUE(wait_until([&] { return counter("polls") >= polls + 5; }, 8s));
  EXPECT_TRUE(fresh("ttyA"));
  bus->thaw();
}

TEST_F(Supervision, KilledDaemonGoesOnWhereItWas) {
  start_bus();
  configure("[DEFAULT]\nSOC_CALCULATION = True\n");
  auto a = simulate("lltjbd", tty("ttyA"), {"--soc", "77", "--current", "0"});
  start({tty("ttyA") + ",name=House"});
  ASSERT_TRUE(wait_for_link("ttyA", "up"));
  std::string instance;
  {
    test::DbusClient client(bus->address());
    ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); }));
    instance = value(client, "ttyA", "/DeviceInstance");
    EXPECT_EQ(client.set(service("ttyA"), "/CustomName", "s", "Cellar"), "i 0");
    ASSERT_TRUE(wait_until([&] { return value(client, "ttyA", "/CustomName") == "v <s \"Cellar\">"; }))
        << value(client, "ttyA", "/CustomName");
  }
  daemon.signal(SIGKILL);
  ASSERT_EQ(daemon.wait(), 128 + SIGKILL);
  start({tty("ttyA") + ",name=House"});
  ASSERT_TRUE(wait_for_link("ttyA", "up")) << daemon.output();
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); }));
  EXPECT_EQ(value(client, "ttyA", "/DeviceInstance"), instance);
  EXPECT_EQ(value(client, "ttyA", "/CustomName"), "v <s \"Cellar\">");
  EXPECT_EQ(value(client, "ttyA", "/Soc"), "v <d 77>");
}

TEST_F(Supervision, StateFilesCutInHalfAreSetAsideAndReported) {
  auto a = simulate("lltjbd", tty("ttyA"));
  start({tty("ttyA")});
  ASSERT_TRUE(wait_for_link("ttyA", "up"));
  daemon.signal(SIGTERM);
  ASSERT_EQ(daemon.wait(), 0);
  int cut = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory / "state")) {
    if (file.path().extension() == ".json") {
      std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
      ++cut;
    }
  }
  ASSERT_GE(cut, 3);
  start({tty("ttyA")});
  ASSERT_TRUE(wait_for_link("ttyA", "up")) << daemon.output();
  EXPECT_THAT(daemon.output(), ::testing::HasSubstr("is damaged; set aside"));
  EXPECT_GE(failures("truncated"), 1U);
}

TEST_F(Supervision, TheAlarmOfAThreadThatHangsEndsTheProcess) {
  start({});
  daemon.signal(SIGALRM); // what the kernel sends when nobody has set it anew for a minute
  EXPECT_EQ(daemon.wait(), 75);
  EXPECT_NE(daemon.output().find("the I/O thread hangs"), std::string::npos) << daemon.output();
}

TEST_F(Supervision, WithoutItsSupervisorTheProcessEndsAndTheNextOneGoesOn) {
  start_bus();
  auto a = simulate("lltjbd", tty("ttyA"));
  start({tty("ttyA")});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_for_link("ttyA", "up"));
  ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); }));
  const auto id = battery("ttyA").value("id", std::string());
  EXPECT_TRUE(ask({{"cmd", "restart"}, {"actor", "supervisor"}}).value("ok", false)) << "says so first";
  EXPECT_EQ(daemon.wait(), 1);
  EXPECT_NE(daemon.output().find("the supervisor died"), std::string::npos) << daemon.output();
  EXPECT_TRUE(wait_until([&] { return client.owner(service("ttyA")).empty(); })) << "values of nobody stay on the bus";
  start({tty("ttyA")});
  EXPECT_TRUE(wait_for_link("ttyA", "up")) << daemon.output();
  EXPECT_EQ(battery("ttyA").value("id", std::string()), id);
}

TEST_F(Supervision, TerminateSavesReleasesAndEndsInTwoSeconds) {
  start_bus();
  auto a = simulate("lltjbd", tty("ttyA"));
  start({tty("ttyA")});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); }, 15s));
  const auto before = std::chrono::steady_clock::now();
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(), 0) << daemon.output();
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
  EXPECT_TRUE(wait_until([&] { return client.owner(service("ttyA")).empty(); }));
  EXPECT_FALSE(std::filesystem::exists(directory / "sock"));
  int kept = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory / "state")) {
    kept += file.path().filename().string().starts_with("battery_") ? 1 : 0;
  }
  EXPECT_EQ(kept, 1);
}

TEST_F(Supervision, ASecondDaemonOnTheSameStateRefusesToStart) {
  auto a = simulate("lltjbd", tty("ttyA"));
  start({tty("ttyA")});
  const auto second = test::run({program("bmsd"), "--config", directory / "bmsd.ini", "--state-dir",
                                 directory / "state", "--socket", directory / "sock2", "--bus", "none"});
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.output, ::testing::HasSubstr("another bmsd uses the state directory"));
}

} // namespace
} // namespace bmsd
