// Configuration files as users write them, given to the real program; and a disk that is slow.
#include "daemon_fixture.hpp"

#include <algorithm>
#include <cstdlib>

namespace bmsd {
namespace {

using namespace std::chrono_literals;
using test::DaemonTest;
using test::wait_until;
using ::testing::HasSubstr;
using ::testing::Not;

class Setup : public DaemonTest {
protected:
  test::Finished check(const std::string& file) {
    return test::run({program("bmsd"), "--config", file, "--check-config"});
  }
};

TEST_F(Setup, CheckConfigSaysFileLineAndWhatIsAllowed) {
  configure("[DEFAULT]\n"
            "MAX_CELL_VOLTAGE = 9\n"
            "NO_SUCH_KEY = 1\n"
            "TIME_TO_GO_ENABLE = perhaps\n"
            "LOGGING = LOUD\n"
            "[bmsd]\n"
            "LOG_LEVEL = quiet\n"
            "PRODUCT_ID = x\n"
            "COLOUR = blue\n"
            "[port ttyX]\n"
            "baud = fast\n"
            "protocol = nope\n"
            "address = 1-999\n"
            "[port other]\n"
            "link = /dev/ttyX\n"
            "[battery A]\n"
            "MAX_BATTERY_CHARGE_CURRENT = -1\n"
            "poll = 1\n"
            "[wishes]\n"
            "a = b\n"
            "[bmsd]\n"
            "BUS = sytem\n"
            "WORKERS = 99\n"
            "[port lost]\n"
            "link = nowhere:1\n");
  const auto checked = check(directory / "bmsd.ini");
  EXPECT_EQ(checked.status, 1);
  for (const std::string line :
       {"bmsd.ini:2: MAX_CELL_VOLTAGE", "bmsd.ini:3: unknown key NO_SUCH_KEY",
        "bmsd.ini:4: TIME_TO_GO_ENABLE: perhaps is neither True nor False",
        "bmsd.ini:5: LOGGING: \"LOUD\" is not allowed; allowed is error, warning, info, debug",
        "bmsd.ini:7: LOG_LEVEL: \"quiet\" is not allowed; allowed is error, warning, info, debug",
        "bmsd.ini:8: PRODUCT_ID: \"x\" is not allowed; allowed is 0..0xFFFF", "bmsd.ini:9: unknown key COLOUR",
        "bmsd.ini:11: baud: \"fast\" is not allowed; allowed is a number 300..", "bmsd.ini:12: protocol",
        "bmsd.ini:13: address: \"1-999\" is not allowed; allowed is auto, or numbers 0..255",
        "bmsd.ini:14: port other (/dev/ttyX) is given twice", "bmsd.ini:17: MAX_BATTERY_CHARGE_CURRENT",
        "bmsd.ini:18: unknown key poll", "bmsd.ini:19: unknown section [wishes]",
        "bmsd.ini:22: BUS: not a bus: sytem (system, session, none or a D-Bus address)",
        "bmsd.ini:23: WORKERS: \"99\" is not allowed; allowed is 0..8", "bmsd.ini:25: link"}) {
    EXPECT_THAT(checked.output, HasSubstr(line));
  }
  configure("[DEFAULT]\nMAX_CELL_VOLTAGE = 3.5\n");
  const auto good = check(directory / "bmsd.ini");
  EXPECT_EQ(good.status, 0) << good.output;
  EXPECT_THAT(good.output, HasSubstr("configuration ok"));
}

TEST_F(Setup, AFileThatIsNoneIsSaid) {
  for (const bool checking : {true, false}) {
    std::vector<std::string> command = {program("bmsd"), "--config",    directory.path(),   "--bus",
                                        "none",          "--state-dir", directory / "state"};
    if (checking) {
      command.emplace_back("--check-config");
    }
    const auto finished = test::run(command);
    EXPECT_EQ(finished.status, 2);
    EXPECT_THAT(finished.output, HasSubstr("is a directory, not a file"));
  }
  EXPECT_EQ(check(directory / "none.ini").status, 2);
  EXPECT_THAT(check(directory / "none.ini").output, HasSubstr("No such file"));
}

TEST_F(Setup, MistakesThatAreNotOfSafetyKeepNobodyFromWorking) {
  configure("[bmsd]\nLOG_LEVEL = quiet\n[port ttyA]\nlink = " + tty("ttyA") + "\nprotocol = lltjbd\npoll = often\n" +
            "[port again]\nlink = " + tty("ttyA") + "\n");
  auto sim = simulate("lltjbd", tty("ttyA"), {"--soc", "50"});
  start({});
  EXPECT_TRUE(wait_for_link("ttyA", "up")) << daemon.output();
  EXPECT_THAT(daemon.output(), HasSubstr("bmsd.ini:2: LOG_LEVEL"));
  EXPECT_THAT(daemon.output(), HasSubstr("bmsd.ini:6: poll"));
  EXPECT_EQ(status()["ports"].size(), 1U);
}

TEST_F(Setup, ActorsMayHaveThreadsOfTheirOwn) {
  configure("[bmsd]\nWORKERS = 2\n");
  start_bus();
  auto a = simulate("lltjbd", tty("ttyA"), {"--capacity", "100"});
  auto b = simulate("jkbms_pb", tty("ttyB"), {"--chain", "3"});
  start({tty("ttyA"), tty("ttyB") + ",protocol=jkbms_pb,address=1-3"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return status().value("batteries", Json::array()).size() == 4; }, 20s))
      << daemon.output();
  ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); })) << daemon.output();
  EXPECT_GE(std::distance(std::filesystem::directory_iterator("/proc/" + std::to_string(daemon.pid()) + "/task"), {}),
            4);
  daemon.signal(SIGHUP);
  EXPECT_TRUE(ask({{"cmd", "restart"}, {"actor", "port/ttyA"}}).value("error", std::string()).empty());
  EXPECT_TRUE(wait_until([&] { return actor("port/ttyA").value("restarts", 0) == 1; }));
  EXPECT_TRUE(wait_until([&] { return fresh("ttyA") && fresh("ttyB"); }));
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(), 0) << daemon.output();
}

TEST_F(Setup, HangUpAddsAndRemovesPortsAndSetsTheLogLevel) {
  start_bus();
  const auto section = [&](const std::string& name) {
    return "[port " + name + "]\nlink = " + tty(name) + "\nprotocol = lltjbd\n";
  };
  auto a = simulate("lltjbd", tty("ttyA"), {"--capacity", "100"});
  auto b = simulate("lltjbd", tty("ttyB"), {"--capacity", "200"});
  auto c = simulate("lltjbd", tty("ttyC"), {"--capacity", "300"});
  configure(section("ttyA") + section("ttyB"));
  start({});
  ASSERT_TRUE(wait_for_link("ttyA", "up"));
  ASSERT_TRUE(wait_for_link("ttyB", "up"));
  const auto restarts = counter("restarts");
  test::DbusClient client(bus->address());
  std::string owner;
  ASSERT_TRUE(wait_until([&] { return !(owner = client.owner(service("ttyB"))).empty(); }));
  configure("[bmsd]\nLOG_LEVEL = error\nBUS = none\n" + section("ttyB") + section("ttyC"));
  daemon.signal(SIGHUP);
  EXPECT_TRUE(wait_for_link("ttyC", "up")) << daemon.output();
  EXPECT_TRUE(wait_until([&] { return client.owner(service("ttyA")).empty(); }));
  EXPECT_TRUE(wait_until([&] { return !client.owner(service("ttyC")).empty(); }));
  EXPECT_TRUE(fresh("ttyB"));
  EXPECT_EQ(client.owner(service("ttyB")), owner) << "nothing of it has changed, so it stays on the bus";
  EXPECT_THAT(daemon.output(), Not(HasSubstr("configuration read again"))) << "a line of level info";
  configure(section("ttyB") + "MIDPOINT_ENABLE = True\n" + section("ttyC"));
  daemon.signal(SIGHUP);
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyB", "/Dc/0/MidVoltage").starts_with("v <d"); }))
      << "another set of paths comes with another connection";
  EXPECT_NE(client.owner(service("ttyB")), owner);
  EXPECT_EQ(counter("restarts"), restarts);
  configure("");
  daemon.signal(SIGHUP);
  EXPECT_TRUE(wait_until([&] { return client.owner(service("ttyC")).empty() && status()["ports"].empty(); }))
      << "no port is configured any more";
}

TEST_F(Setup, StateOfAnotherShapeIsNotBelieved) {
  auto sim = simulate("lltjbd", tty("ttyA"), {"--soc", "50", "--capacity", "280"});
  start({tty("ttyA")});
  ASSERT_TRUE(wait_for_link("ttyA", "up"));
  daemon.signal(SIGTERM);
  ASSERT_EQ(daemon.wait(), 0);
  for (const std::string text :
       {R"({"protocol":5,"baud":"x","parity":[],"address":-1,"device_instance":"one","custom_name":{},"mode":[],)"
        R"("history":7,"soc":"full"})",
        R"({"protocol":"lltjbd","baud":1e300,"device_instance":1e300,"custom_name":5,"history":[]})", "{}"}) {
    for (const auto& file : std::filesystem::directory_iterator(directory / "state")) {
      if (file.path().extension() == ".json") {
        std::ofstream(file.path()) << text;
      }
    }
    start({tty("ttyA")});
    EXPECT_TRUE(wait_for_link("ttyA", "up")) << text << daemon.output();
    for (const auto& item : status().value("actors", Json::array())) {
      EXPECT_EQ(item.value("restarts", -1), 0) << item.dump() << text;
    }
    daemon.signal(SIGTERM);
    EXPECT_EQ(daemon.wait(), 0);
  }
}

TEST_F(Setup, AStateDirectoryThatCannotBeWrittenCostsNothingElse) {
  std::ofstream(directory / "state") << "a file";
  auto sim = simulate("lltjbd", tty("ttyA"));
  start({tty("ttyA") + ",protocol=lltjbd"});
  EXPECT_TRUE(wait_for_link("ttyA", "up")) << daemon.output();
  EXPECT_THAT(daemon.output(), HasSubstr("nothing will be remembered"));
  EXPECT_TRUE(daemon.running());
}

#ifndef BMSD_SANITIZED
TEST_F(Setup, ASlowDiskDelaysNoPoll) {
  auto a = simulate("lltjbd", tty("ttyA"), {"--capacity", "100"});
  auto b = simulate("lltjbd", tty("ttyB"), {"--capacity", "200"});
  auto c = simulate("lltjbd", tty("ttyC"), {"--capacity", "300"});
  // Every file takes 0.8 s to reach the disk, and each battery has several.
  ::setenv("LD_PRELOAD", program("tests/libbmsd_slow_disk.so").c_str(), 1);
  start({tty("ttyA") + ",protocol=lltjbd", tty("ttyB") + ",protocol=lltjbd", tty("ttyC") + ",protocol=lltjbd"});
  ::unsetenv("LD_PRELOAD");
  const auto up = [&] {
    const auto all = status().value("batteries", Json::array());
    return std::count_if(all.begin(), all.end(), [](const Json& each) { return each.value("link", "") == "up"; }) == 3;
  };
  EXPECT_TRUE(wait_until(up, 3s)) << status().dump();
  const auto samples = counter("samples");
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(wait_until([&] { return counter("samples") >= samples + 9; }, 10s));
  EXPECT_LT(std::chrono::steady_clock::now() - began, 4500ms);
  // And what is saved reaches it.
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(60s), 0);
  int kept = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory / "state")) {
    kept += file.path().filename().string().starts_with("battery_") && file.path().extension() == ".json" ? 1 : 0;
  }
  EXPECT_EQ(kept, 3);
}
#endif

} // namespace
} // namespace bmsd
