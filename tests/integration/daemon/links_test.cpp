// The three kinds of links, from the simulator to the bus.
#include "daemon_fixture.hpp"
#include "integration/transports/broker.hpp"

namespace bmsd {
namespace {

using namespace std::chrono_literals;
using test::DaemonTest;
using test::wait_until;
using transports::test::Broker;

class Links : public DaemonTest {
protected:
  void SetUp() override { start_bus(); }
};

TEST_F(Links, SerialAtWireSpeed) {
  auto sim = simulate("lltjbd", tty("ttyA"), {"--cells", "16", "--soc", "63", "--current", "-12", "--baud", "9600"});
  start({tty("ttyA")});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return value(client, "ttyA", "/Soc") == "v <d 63>"; })) << daemon.output();
  EXPECT_EQ(value(client, "ttyA", "/Dc/0/Current"), "v <d -12>");
  EXPECT_EQ(value(client, "ttyA", "/System/NrOfCellsPerBattery"), "v <i 16>");
  EXPECT_EQ(value(client, "ttyA", "/Info/MaxChargeVoltage"), "v <d 55.2>") << "16 x 3.45 V";
  EXPECT_EQ(value(client, "ttyA", "/Connected"), "v <i 1>");
  EXPECT_EQ(battery("ttyA").value("last_error", std::string("?")), "") << "nothing has gone wrong";
  EXPECT_EQ(failures("link"), 0U);
}

TEST_F(Links, TheSameOverTcp) {
  Broker port_finder; // has a port that is free
  const auto port = std::to_string(port_finder.port);
  auto sim = simulate("lltjbd", "tcp:127.0.0.1:" + port, {"--soc", "64"});
  start({"tcp:127.0.0.1:" + port + ",protocol=lltjbd"});
  test::DbusClient client(bus->address());
  const auto name = "tcp_127_0_0_1_" + port;
  ASSERT_TRUE(wait_until([&] { return value(client, name, "/Soc") == "v <d 64>"; }, 15s)) << daemon.output();
}

TEST_F(Links, CanFramesThroughSlcan) {
  auto sim = simulate("pylontech_can", tty("can0"), {"--soc", "81", "--current", "5"});
  start({"slcan:" + tty("can0") + "@500000,protocol=pylontech_can"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return value(client, "slcan_can0", "/Soc") == "v <d 81>"; })) << daemon.output();
  EXPECT_EQ(value(client, "slcan_can0", "/Dc/0/Current"), "v <d 5>");
  // No cells are told: the limits are those of the BMS, under the configured maxima.
  EXPECT_TRUE(value(client, "slcan_can0", "/Info/MaxChargeVoltage").starts_with("v <d 5"))
      << value(client, "slcan_can0", "/Info/MaxChargeVoltage");
  EXPECT_EQ(value(client, "slcan_can0", "/Info/MaxChargeCurrent"), "v <d 50>");
}

TEST_F(Links, CanBatteryIsFoundWithoutBeingNamed) {
  auto sim = simulate("pylontech_can", tty("can0"), {"--soc", "81"});
  start({"slcan:" + tty("can0")});
  EXPECT_TRUE(wait_for_link("slcan_can0", "up")) << daemon.output();
  EXPECT_EQ(battery("slcan_can0").value("protocol", std::string()), "pylontech_can");
}

TEST_F(Links, AsManySetsAsItSendsOneSignalASecond) {
  auto sim = simulate("pylontech_can", tty("can0"), {"--interval", "100", "--noise", "--current", "20"});
  start({"slcan:" + tty("can0") + ",protocol=pylontech_can"});
  ASSERT_TRUE(wait_for_link("slcan_can0", "up")) << daemon.output();
  ASSERT_TRUE(wait_until([&] { return counter("signals") >= 2; })) << status().dump();
  const auto samples_before = counter("samples"), before = counter("signals");
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(wait_until([&] { return counter("samples") >= samples_before + 60; }, 30s));
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const auto signals = static_cast<double>(counter("signals") - before);
  EXPECT_LE(signals, seconds + 1.5);
  EXPECT_GE(signals, seconds / 2);
}

TEST_F(Links, CanBatteryThatFallsSilentIsLost) {
  auto sim = simulate("pylontech_can", tty("can0"));
  start({"slcan:" + tty("can0")});
  ASSERT_TRUE(wait_for_link("slcan_can0", "up"));
  sim.signal(SIGSTOP);
  EXPECT_TRUE(wait_for_link("slcan_can0", "silent", 15s));
  sim.signal(SIGCONT);
  EXPECT_TRUE(wait_for_link("slcan_can0", "up", 15s));
}

TEST_F(Links, DocumentsFromABrokerThatStopsAndComesBack) {
  Broker broker;
  broker.start();
  const auto link = "mqtt:127.0.0.1:" + std::to_string(broker.port) + "/house/battery";
  auto sim = simulate("mqtt_json", link, {"--soc", "45", "--current", "0"});
  start({link});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return value(client, "mqtt_house_battery", "/Soc") == "v <d 45>"; }, 15s))
      << daemon.output();
  broker.stop();
  ASSERT_TRUE(wait_for_link("mqtt_house_battery", "gone", 20s)) << status().dump();
  broker.start();
  sim.kill();
  sim = simulate("mqtt_json", link, {"--soc", "46", "--current", "0"});
  EXPECT_TRUE(wait_for_link("mqtt_house_battery", "up", 60s)) << daemon.output();
}

TEST_F(Links, DocumentsThatAreNoneChangeNothing) {
  Broker broker;
  broker.start();
  const auto port = std::to_string(broker.port);
  const auto link = "mqtt:127.0.0.1:" + port + "/b";
  start({link});
  std::ofstream(directory / "payload") << "never a word of JSON";
  ASSERT_TRUE(wait_until([&] {
    EXPECT_EQ(test::run({"mosquitto_pub", "-p", port, "-t", "b", "-f", directory / "payload"}).status, 0);
    return daemon.output().find("wrong data: framing") != std::string::npos;
  })) << "said from the first one on\n"
      << daemon.output();
  auto sim = simulate("mqtt_json", link, {"--soc", "45", "--current", "0"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return value(client, "mqtt_b", "/Soc") == "v <d 45>"; }, 15s)) << daemon.output();
  sim.kill();
  for (const std::string& payload :
       {std::string("{not json"), std::string(R"({"value":null})"), std::string("[]"), std::string("{}"),
        std::string(R"({"Dc":{"Power":1e300,"Voltage":-5},"Soc":900})"), std::string(200000, '[')}) {
    std::ofstream(directory / "payload") << payload;
    ASSERT_EQ(test::run({"mosquitto_pub", "-p", port, "-t", "b", "-f", directory / "payload"}).status, 0);
  }
  ASSERT_TRUE(wait_until([&] { return failures("framing") + failures("implausible") + failures("truncated") >= 4; }))
      << status().dump();
  EXPECT_THAT(daemon.output(), ::testing::HasSubstr("wrong data"));
  std::ofstream(directory / "payload") << std::string(300000, ' ');
  ASSERT_EQ(test::run({"mosquitto_pub", "-p", port, "-t", "b", "-f", directory / "payload"}).status, 0);
  ASSERT_TRUE(wait_until([&] { return daemon.output().find("300000 bytes dropped") != std::string::npos; }))
      << daemon.output();
  EXPECT_EQ(value(client, "mqtt_b", "/Soc"), "v <d 45>");
  EXPECT_TRUE(daemon.running());
}

TEST_F(Links, ABatteryWithoutLimitsIsSaidInTheLog) {
  Broker broker;
  broker.start();
  const auto port = std::to_string(broker.port);
  start({"mqtt:127.0.0.1:" + port + "/b"});
  test::DbusClient client(bus->address());
  std::ofstream(directory / "payload") << R"({"Dc":{"Power":100,"Voltage":52},"Soc":50,"InstalledCapacity":100})";
  ASSERT_TRUE(wait_until([&] {
    (void)test::run({"mosquitto_pub", "-p", port, "-t", "b", "-f", directory / "payload"});
    return value(client, "mqtt_b", "/Soc") == "v <d 50>";
  })) << daemon.output();
  EXPECT_EQ(value(client, "mqtt_b", "/Info/MaxChargeCurrent"), "v <ai []>");
  EXPECT_THAT(daemon.output(), ::testing::HasSubstr("neither how many cells it has nor limits of its own"));
}

TEST_F(Links, EightPortsAreSearchedInParallel) {
  std::vector<test::Process> sims;
  std::vector<std::string> ports;
  for (int i = 0; i < 8; ++i) {
    ports.push_back(tty("tty" + std::to_string(i)));
    sims.push_back(simulate("lltjbd", ports.back(), {"--capacity", std::to_string(100 + i)}));
  }
  start(ports);
  ASSERT_TRUE(wait_until(
      [&] {
        int up = 0;
        for (const auto& battery : status().value("batteries", Json::array())) {
          up += battery.value("link", std::string()) == "up" ? 1 : 0;
        }
        return up == 8;
      },
      20s))
      << status().dump();
}

TEST_F(Links, EqualPacksAreTwoBatteriesAndStayTheOnesTheyAre) {
  auto a = simulate("lltjbd", tty("ttyA"));
  auto b = simulate("lltjbd", tty("ttyB"));
  start({tty("ttyA"), tty("ttyB")});
  ASSERT_TRUE(wait_for_link("ttyA", "up"));
  ASSERT_TRUE(wait_for_link("ttyB", "up"));
  const auto id = [&](const char* port) { return battery(port).value("id", std::string()); };
  const auto first = id("ttyA"), second = id("ttyB");
  EXPECT_NE(first, second);
  test::DbusClient client(bus->address());
  ASSERT_TRUE(
      wait_until([&] { return !client.owner(service("ttyA")).empty() && !client.owner(service("ttyB")).empty(); }));
  const auto instance = value(client, "ttyA", "/DeviceInstance");
  EXPECT_NE(instance, value(client, "ttyB", "/DeviceInstance"));

  // Next time the one answers late that was first before; the file tells which that was.
  const bool a_had_the_plain_id = first.size() < second.size();
  auto& late = a_had_the_plain_id ? a : b;
  const auto* late_port = a_had_the_plain_id ? "ttyA" : "ttyB";
  daemon.signal(SIGTERM);
  ASSERT_EQ(daemon.wait(), 0);
  late.signal(SIGSTOP);
  start({tty("ttyA"), tty("ttyB")});
  ASSERT_TRUE(wait_for_link(a_had_the_plain_id ? "ttyB" : "ttyA", "up"));
  late.signal(SIGCONT);
  ASSERT_TRUE(wait_for_link(late_port, "up", 30s)) << daemon.output();
  EXPECT_EQ(id("ttyA"), first);
  EXPECT_EQ(id("ttyB"), second);
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/DeviceInstance") == instance; }));
}

TEST_F(Links, TwoBatteriesThatSwapTheirPortsAreBothOnTheBus) {
  auto a = simulate("lltjbd", tty("ttyA"), {"--capacity", "100"});
  auto b = simulate("lltjbd", tty("ttyB"), {"--capacity", "280"});
  configure("[battery 80_100_0Ah]\nMAX_BATTERY_CHARGE_CURRENT = 10\n");
  start({tty("ttyA") + ",protocol=lltjbd", tty("ttyB") + ",protocol=lltjbd"});
  test::DbusClient client(bus->address());
  const auto capacities = [&] {
    return value(client, "ttyA", "/InstalledCapacity") + " " + value(client, "ttyB", "/InstalledCapacity");
  };
  ASSERT_TRUE(wait_until([&] { return capacities() == "v <d 100> v <d 280>"; }, 15s)) << capacities();
  a.kill();
  b.kill();
  std::filesystem::remove(tty("ttyA"));
  std::filesystem::remove(tty("ttyB"));
  ASSERT_TRUE(wait_for_link("ttyA", "gone"));
  ASSERT_TRUE(wait_for_link("ttyB", "gone"));
  a = simulate("lltjbd", tty("ttyB"), {"--capacity", "100"});
  b = simulate("lltjbd", tty("ttyA"), {"--capacity", "280"});
  EXPECT_TRUE(wait_until([&] { return capacities() == "v <d 280> v <d 100>"; }, 20s))
      << capacities() << daemon.output();
  EXPECT_EQ(battery("ttyB").value("id", std::string()), "80_100_0Ah") << "and so its section of the configuration";
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyB", "/Info/MaxChargeCurrent") == "v <d 10>"; }));
}

TEST_F(Links, ARenamedPortKeepsItsBattery) {
  auto sim = simulate("lltjbd", tty("ttyA"), {"--capacity", "100"});
  const std::string limits = "\n[battery 80_100_0Ah]\nMAX_BATTERY_CHARGE_CURRENT = 10\n";
  configure("[port packA]\nlink = " + tty("ttyA") + "\nprotocol = lltjbd" + limits);
  start({});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return value(client, "packA", "/Info/MaxChargeCurrent") == "v <d 10>"; }, 15s));
  configure("[port garage]\nlink = " + tty("ttyA") + "\nprotocol = lltjbd" + limits);
  daemon.signal(SIGHUP);
  EXPECT_TRUE(wait_until([&] { return value(client, "garage", "/Info/MaxChargeCurrent") == "v <d 10>"; }, 15s))
      << daemon.output();
  EXPECT_EQ(battery("garage").value("id", std::string()), "80_100_0Ah");
}

TEST_F(Links, AnotherBatteryOnTheSameCableTakesThePlaceOfTheFirst) {
  auto sim = simulate("lltjbd", tty("ttyA"), {"--capacity", "100"});
  start({tty("ttyA") + ",protocol=lltjbd"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return value(client, "ttyA", "/InstalledCapacity") == "v <d 100>"; }));
  const auto first = battery("ttyA").value("id", std::string());
  sim.kill();
  std::filesystem::remove(tty("ttyA"));
  sim = simulate("lltjbd", tty("ttyA"), {"--capacity", "280"});
  ASSERT_TRUE(wait_until([&] { return value(client, "ttyA", "/InstalledCapacity") == "v <d 280>"; }, 20s))
      << daemon.output();
  EXPECT_NE(battery("ttyA").value("id", std::string()), first);
  EXPECT_EQ(status()["batteries"].size(), 1U) << "nobody would ever speak for the first one again";
}

} // namespace
} // namespace bmsd
