// The whole daemon on a SocketCAN interface.
#include "integration/daemon/daemon_fixture.hpp"
#include "vcan.hpp"

namespace bmsd {
namespace {

using namespace std::chrono_literals;
using test::wait_until;
using transports::test::CanSocket;
using transports::test::Vcan;

class CanDaemon : public test::DaemonTest {
protected:
  void SetUp() override {
    start_bus();
    sim =
        simulate("pylontech_can", "can:" + bus_interface.name, {"--soc", "81", "--current", "5", "--interval", "200"});
    start({"can:" + bus_interface.name + ",protocol=pylontech_can"});
    ASSERT_TRUE(wait_for_link(port, "up", 30s)) << daemon.output() << sim.output();
  }
  std::uint64_t samples() { return battery(port).value("samples", std::uint64_t{0}); }

  Vcan bus_interface{"vcandaemon"};
  const std::string port = bus_interface.name;
  test::Process sim;
};

TEST_F(CanDaemon, ABatteryReachesTheBusAndStrangeFramesChangeNothing) {
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return value(client, port, "/Soc") == "v <d 81>"; }, 20s)) << daemon.output();
  EXPECT_EQ(value(client, port, "/Dc/0/Current"), "v <d 5>");
  EXPECT_EQ(value(client, port, "/Mgmt/Connection"), "v <s \"CAN vcandaemon\">");

  CanSocket stranger(bus_interface.name);
  const auto before = samples();
  ASSERT_TRUE(wait_until(
      [&] {
        stranger.send(0x355, {99});                                             // short
        stranger.send(0x355 | CAN_EFF_FLAG, {99, 0, 99, 0, 0, 0, 0, 0});        // extended, the same number
        stranger.send(0x355 | CAN_RTR_FLAG);                                    // remote
        stranger.send(0x356, {});                                               // nothing
        stranger.send(0x7FF, {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}); // unknown
        EXPECT_EQ(value(client, port, "/Soc"), "v <d 81>");
        return samples() >= before + 5;
      },
      20s))
      << status().dump();
  EXPECT_GE(failures("framing"), 2U);
  const auto log = daemon.output();
  EXPECT_NE(log.find("CAN frames remote, without data"), std::string::npos) << log;
  EXPECT_NE(log.find("frame 0x355 has 29 bits"), std::string::npos) << log;
  EXPECT_NE(log.find("frame 0x355 is too short"), std::string::npos) << log;
}

TEST_F(CanDaemon, AnInterfaceThatGoesDownOrAwayIsWaitedFor) {
  ASSERT_TRUE(bus_interface.set_up(false));
  EXPECT_TRUE(wait_for_link(port, "silent", 20s)) << status().dump();
  EXPECT_NE(daemon.output().find("vcandaemon is down"), std::string::npos) << daemon.output();
  ASSERT_TRUE(bus_interface.set_up(true));
  EXPECT_TRUE(wait_for_link(port, "up", 20s)) << daemon.output();

  bus_interface.remove();
  EXPECT_TRUE(wait_for_link(port, "gone", 20s)) << status().dump();
  EXPECT_EQ(entry("ports", "name", port).value("state", std::string()), "waiting");
  ASSERT_TRUE(bus_interface.add());
  sim = test::Process();
  sim = simulate("pylontech_can", "can:" + bus_interface.name, {"--soc", "70", "--interval", "200"});
  EXPECT_TRUE(wait_for_link(port, "up", 40s)) << daemon.output();
}

} // namespace
} // namespace bmsd
