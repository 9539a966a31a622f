// What reaches the battery logic from the bus, and what goes back.
#include "daemon_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

namespace bmsd {
namespace {

using namespace std::chrono_literals;
using test::DaemonTest;
using test::wait_until;

class BatteryOnTheBus : public DaemonTest {
protected:
  void SetUp() override { start_bus(); }

  test::Process settings_service() {
    test::Process process({program("tests/localsettings_standin"), bus->address(), directory / "settings.json"},
                          directory / "settings.log");
    test::DbusClient client(bus->address());
    EXPECT_TRUE(wait_until([&] { return !client.owner("com.victronenergy.settings").empty(); })) << process.output();
    return process;
  }

  bool has_saved_state() const {
    const std::filesystem::directory_iterator files(directory / "state");
    return std::any_of(begin(files), end(files),
                       [](const auto& file) { return file.path().filename().string().starts_with("battery_"); });
  }

  /// What dbus-serialbattery left of a battery in float, one value of another type than ours.
  static void remember_as_dbus_serialbattery(test::DbusClient& client, const std::string& base) {
    client.call("com.victronenergy.settings", "/", "com.victronenergy.Settings", "AddSettings", [&](sd_bus_message* m) {
      sd_bus_message_append(m, "aa{sv}", 3, 2, "path", "s", (base + "/AllowMaxVoltage").c_str(), "default", "i", 0, 2,
                            "path", "s", (base + "/MaxVoltageStartTime").c_str(), "default", "s", "", 2, "path", "s",
                            (base + "/HistoryValues").c_str(), "default", "s", R"({"total_ah_drawn": -1234.0})");
    });
  }
};

TEST_F(BatteryOnTheBus, InstanceAndNameComeFromTheSettingsService) {
  auto settings = settings_service();
  auto sim = simulate("lltjbd", tty("ttyA"), {"--capacity", "280"});
  start({tty("ttyA")});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); })) << daemon.output();
  const std::string base = "/Settings/Devices/serialbattery_80_280_0AH";
  const auto setting = [&](const std::string& name) {
    return client.item("com.victronenergy.settings", base + name, "GetValue");
  };
  EXPECT_EQ(setting("/ClassAndVrmInstance"), "v <s \"battery:1\">");
  EXPECT_EQ(value(client, "ttyA", "/DeviceInstance"), "v <i 1>");
  EXPECT_EQ(client.set(service("ttyA"), "/CustomName", "s", "Cellar"), "i 0");
  EXPECT_TRUE(wait_until([&] { return setting("/CustomName") == "v <s \"Cellar\">"; })) << setting("/CustomName");

  // Another instance by the user: the service leaves and comes back with it.
  EXPECT_EQ(client.set("com.victronenergy.settings", base + "/ClassAndVrmInstance", "s", "battery:7"), "i 0");
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/DeviceInstance") == "v <i 7>"; })) << daemon.output();
  EXPECT_EQ(value(client, "ttyA", "/CustomName"), "v <s \"Cellar\">");
}

TEST_F(BatteryOnTheBus, ASettingsServiceThatHangsDelaysNoKnownBattery) {
  auto settings = settings_service();
  auto sim = simulate("lltjbd", tty("ttyA"), {"--capacity", "280"});
  start({tty("ttyA") + ",protocol=lltjbd"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); })) << daemon.output();
  daemon.signal(SIGKILL);
  daemon.wait();
  settings.signal(SIGSTOP);
  start({tty("ttyA") + ",protocol=lltjbd"});
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/DeviceInstance") == "v <i 1>"; }, 8s)) << daemon.output();
  EXPECT_THAT(daemon.output(), ::testing::HasSubstr("the settings service does not answer"));
  settings.signal(SIGCONT);
}

TEST_F(BatteryOnTheBus, TheSettingsServiceMayComeLate) {
  auto sim = simulate("lltjbd", tty("ttyA"), {"--capacity", "280"});
  start({tty("ttyA")});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); })) << daemon.output();
  EXPECT_EQ(client.set(service("ttyA"), "/CustomName", "s", "Cellar"), "i 0");
  auto settings = settings_service();
  const auto setting = [&](const std::string& name) {
    return client.item("com.victronenergy.settings", "/Settings/Devices/serialbattery_80_280_0AH/" + name, "GetValue");
  };
  EXPECT_TRUE(wait_until([&] { return setting("ClassAndVrmInstance") == "v <s \"battery:1\">"; }));
  EXPECT_TRUE(wait_until([&] { return setting("CustomName") == "v <s \"Cellar\">"; })) << setting("CustomName");
  EXPECT_EQ(value(client, "ttyA", "/CustomName"), "v <s \"Cellar\">");

  settings.kill();
  EXPECT_TRUE(wait_until([&] { return daemon.output().find("settings service absent") != std::string::npos; }));
  EXPECT_EQ(client.set(service("ttyA"), "/CustomName", "s", "Attic"), "i 0");
  settings = settings_service();
  EXPECT_TRUE(wait_until([&] { return setting("CustomName") == "v <s \"Attic\">"; })) << setting("CustomName");
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/CustomName") == "v <s \"Attic\">"; }));
}

TEST_F(BatteryOnTheBus, ANameOutlivesServiceAndDaemon) {
  auto settings = settings_service();
  auto sim = simulate("lltjbd", tty("ttyA"), {"--capacity", "280"});
  start({tty("ttyA") + ",protocol=lltjbd"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); })) << daemon.output();
  const auto setting = [&] {
    return client.item("com.victronenergy.settings", "/Settings/Devices/serialbattery_80_280_0AH/CustomName",
                       "GetValue");
  };
  EXPECT_EQ(client.set(service("ttyA"), "/CustomName", "s", "Cellar"), "i 0");
  ASSERT_TRUE(wait_until([&] { return setting() == "v <s \"Cellar\">"; })) << setting();
  settings.signal(SIGTERM);
  settings.wait();
  ASSERT_TRUE(wait_until([&] { return daemon.output().find("settings service absent") != std::string::npos; }));
  EXPECT_EQ(client.set(service("ttyA"), "/CustomName", "s", "Attic"), "i 0");
  daemon.signal(SIGKILL);
  daemon.wait();

  settings = settings_service();
  ASSERT_TRUE(wait_until([&] { return setting() == "v <s \"Cellar\">"; }))
      << "the service knows no better: " << setting();
  start({tty("ttyA") + ",protocol=lltjbd"});
  EXPECT_TRUE(wait_until([&] { return setting() == "v <s \"Attic\">"; })) << setting();
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/CustomName") == "v <s \"Attic\">"; })) << daemon.output();

  // From now on the service has the last word again, also about what changed while bmsd was down.
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(), 0);
  EXPECT_EQ(
      client.set("com.victronenergy.settings", "/Settings/Devices/serialbattery_80_280_0AH/CustomName", "s", "Shed"),
      "i 0");
  start({tty("ttyA") + ",protocol=lltjbd"});
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/CustomName") == "v <s \"Shed\">"; })) << daemon.output();
}

TEST_F(BatteryOnTheBus, ANameThatCannotBeKeptIsRefused) {
  auto sim = simulate("lltjbd", tty("ttyA"), {"--capacity", "280"});
  start({tty("ttyA") + ",protocol=lltjbd"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); })) << daemon.output();
  EXPECT_EQ(client.set(service("ttyA"), "/CustomName", "s", "Cellar"), "i 0");
  const std::string state = directory / "state", aside = directory / "aside";
  std::filesystem::rename(state, aside);
  std::ofstream(state) << "no folder";
  EXPECT_EQ(client.set(service("ttyA"), "/CustomName", "s", "Attic"), "i 2");
  std::filesystem::remove(state);
  std::filesystem::rename(aside, state);
  EXPECT_EQ(client.set(service("ttyA"), "/CustomName", "s", "Shed"), "i 0");
}

TEST_F(BatteryOnTheBus, ItsMemoryIsTakenOverFromTheSettingsService) {
  auto settings = settings_service();
  auto sim = simulate("lltjbd", tty("ttyA"), {"--capacity", "280", "--soc", "95"});
  test::DbusClient client(bus->address());
  const std::string base = "/Settings/Devices/serialbattery_80_280_0AH";
  const auto setting = [&](const std::string& name) {
    return client.item("com.victronenergy.settings", base + name, "GetValue");
  };
  remember_as_dbus_serialbattery(client, base);
  ASSERT_EQ(setting("/AllowMaxVoltage"), "v <i 0>");
  start({tty("ttyA")});
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/History/TotalAhDrawn") == "v <d -1234>"; }))
      << value(client, "ttyA", "/History/TotalAhDrawn") << daemon.output();
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/Info/MaxChargeVoltage") == "v <d 54>"; }))
      << value(client, "ttyA", "/Info/MaxChargeVoltage"); // float
  EXPECT_EQ(client.set(service("ttyA"), "/History/Clear", "i", 1), "i 0");
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.wait(), 0);
  EXPECT_EQ(setting("/HistoryValues").find("1234"), std::string::npos) << setting("/HistoryValues");
  EXPECT_EQ(setting("/AllowMaxVoltage"), "v <i 0>");
}

TEST_F(BatteryOnTheBus, AMemoryThatComesLateIsTakenOverAndNotOverwritten) {
  {
    auto settings = settings_service();
    test::DbusClient client(bus->address());
    remember_as_dbus_serialbattery(client, "/Settings/Devices/serialbattery_80_280_0AH");
    settings.signal(SIGTERM);
    EXPECT_EQ(settings.wait(), 0) << settings.output();
  }
  auto sim = simulate("lltjbd", tty("ttyA"), {"--capacity", "280", "--soc", "100", "--current", "40"});
  start({tty("ttyA")});
  // A charge state of its own, which it saves and would like to be kept.
  ASSERT_TRUE(wait_until([&] { return has_saved_state(); }, 30s)) << daemon.output();
  auto settings = settings_service();
  test::DbusClient client(bus->address());
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/History/TotalAhDrawn") == "v <d -1234>"; }))
      << value(client, "ttyA", "/History/TotalAhDrawn") << daemon.output();
}

TEST_F(BatteryOnTheBus, AnExternalShuntGivesTheCurrentWhileItIsThere) {
  configure("[DEFAULT]\n"
            "EXTERNAL_SENSOR_DBUS_DEVICE = com.victronenergy.battery.shunt\n"
            "EXTERNAL_SENSOR_DBUS_PATH_CURRENT = /Dc/0/Current\n");
  auto sim = simulate("lltjbd", tty("ttyA"), {"--current", "-10"});
  start({tty("ttyA")});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return value(client, "ttyA", "/Dc/0/Current") == "v <d -10>"; }, 15s))
      << daemon.output();
  {
    // Any battery monitor will do: a second daemon plays the shunt.
    auto other = simulate("lltjbd", tty("shunt"), {"--current", "25", "--capacity", "100"});
    std::ofstream(directory / "shunt.ini") << "";
    test::Process shunt({program("bmsd"), "--config", directory / "shunt.ini", "--state-dir", directory / "state2",
                         "--socket", directory / "sock2", "--bus", bus->address(), "--port", tty("shunt")},
                        directory / "shunt.log");
    EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/Dc/0/Current") == "v <d 25>"; }, 15s))
        << value(client, "ttyA", "/Dc/0/Current");
  }
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/Dc/0/Current") == "v <d -10>"; }, 15s)) << "fallback";
}

TEST_F(BatteryOnTheBus, WritesOfTheWrongTypeOrRangeAreRefused) {
  configure("[DEFAULT]\nSOC_CALCULATION = True\n");
  auto sim = simulate("lltjbd", tty("ttyA"), {"--soc", "50", "--current", "0"});
  start({tty("ttyA") + ",allow_writes=true"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return !client.owner(service("ttyA")).empty(); }));
  const auto name = service("ttyA");
  struct Writable {
    const char* path;
    int below, above; ///< the first numbers that are not allowed
  };
  for (const auto& [path, below, above] :
       {Writable{"/Settings/ForceChargingOff", -1, 2}, Writable{"/Settings/ForceDischargingOff", -1, 2},
        Writable{"/Settings/TurnBalancingOff", -1, 2}, Writable{"/Settings/ResetSocTo", -1, 101},
        Writable{"/Settings/ResetSocToApply", -1, 2}, Writable{"/History/Clear", -1, 8}}) {
    const auto before = value(client, "ttyA", path);
    ASSERT_TRUE(before.starts_with("v <")) << path << before;
    EXPECT_EQ(client.set(name, path, "i", below), "i 2") << path;
    EXPECT_EQ(client.set(name, path, "i", above), "i 2") << path;
    EXPECT_EQ(client.set(name, path, "i", 2147483647), "i 2") << path;
    EXPECT_NE(client.set(name, path, "x", std::int64_t{1} << 40), "i 0") << path;
    EXPECT_NE(client.set(name, path, "d", 0.5), "i 0") << path;
    EXPECT_NE(client.set(name, path, "d", std::nan("")), "i 0") << path;
    EXPECT_NE(client.set(name, path, "d", HUGE_VAL), "i 0") << path;
    EXPECT_EQ(client.set(name, path, "s", "off"), "i 1") << path;
    EXPECT_NE(client.item(name, path, "SetValue",
                          [](sd_bus_message* m) { sd_bus_message_append(m, "v", "as", 2, "a", "b"); }),
              "i 0")
        << path;
    EXPECT_TRUE(client.item(name, path, "SetValue", [](sd_bus_message* m) { sd_bus_message_append(m, "s", "x"); })
                    .starts_with("error "))
        << path;
    EXPECT_NE(client.item(name, path, "SetValue", [](sd_bus_message* m) { sd_bus_message_append(m, "ai", 0); }), "i 0")
        << path;
    EXPECT_EQ(value(client, "ttyA", path), before) << path;
  }
  EXPECT_EQ(client.set(name, "/CustomName", "s", std::string(5000, 'x').c_str()), "i 2");
  EXPECT_EQ(client.item(name, "/CustomName", "SetValue",
                        [](sd_bus_message* m) { sd_bus_message_append(m, "v", "as", 1, "a"); }),
            "i 1");
  EXPECT_EQ(value(client, "ttyA", "/CustomName"), "v <s \"\">");

  // And every other path is read-only.
  auto items = client.item(name, "/", "GetItems");
  int refused = 0;
  for (auto at = items.find("\"/"); at != std::string::npos; at = items.find("\"/", at + 1)) {
    const auto path = items.substr(at + 1, items.find('"', at + 1) - at - 1);
    if (path.starts_with("/Settings/") || path == "/History/Clear" || path == "/CustomName") {
      continue;
    }
    EXPECT_EQ(client.set(name, path, "d", 1.0), "i 1") << path;
    ++refused;
  }
  EXPECT_GT(refused, 80) << items;
  EXPECT_EQ(value(client, "ttyA", "/Soc"), "v <d 50>");
  EXPECT_TRUE(daemon.running());
  EXPECT_TRUE(fresh("ttyA"));
}

TEST_F(BatteryOnTheBus, ASwitchReachesTheBmsAndIsSeenInItsState) {
  configure("[DEFAULT]\nCCL_RECOVERY_HOLD_SEC = 0\n");
  auto sim = simulate("lltjbd", tty("ttyA"));
  start({tty("ttyA") + ",allow_writes=true"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return value(client, "ttyA", "/Io/AllowToCharge") == "v <i 1>"; }, 15s));
  EXPECT_EQ(client.set(service("ttyA"), "/Settings/ForceChargingOff", "i", 1), "i 0") << daemon.output();
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/Io/AllowToCharge") == "v <i 0>"; }));
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/Info/MaxChargeCurrent") == "v <d 0>"; }));
  EXPECT_EQ(client.set(service("ttyA"), "/Settings/ForceChargingOff", "i", 0), "i 0");
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/Io/AllowToCharge") == "v <i 1>"; }));
}

TEST_F(BatteryOnTheBus, LostBmsIsBlockedRaisesTheCableAlarmAndLeavesTheBus) {
  configure("[DEFAULT]\nBLOCK_ON_DISCONNECT = True\n");
  auto sim = simulate("lltjbd", tty("ttyA"), {"--soc", "50"});
  start({tty("ttyA")});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return value(client, "ttyA", "/Info/MaxChargeCurrent") == "v <d 50>"; }, 15s));
  sim.signal(SIGSTOP);
  // Limits are held for ten seconds, then charge and discharge stop.
  EXPECT_TRUE(wait_until(
      [&] {
        return value(client, "ttyA", "/Info/MaxChargeCurrent") == "v <d 0>" &&
               value(client, "ttyA", "/Info/MaxDischargeCurrent") == "v <d 0>";
      },
      20s));
  EXPECT_EQ(value(client, "ttyA", "/Dc/0/Voltage"), "v <ai []>") << value(client, "ttyA", "/Dc/0/Voltage");
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/Alarms/BmsCable") == "v <i 2>"; }, 70s));
  EXPECT_TRUE(wait_until([&] { return client.owner(service("ttyA")).empty(); }, 10s)) << daemon.output();
  sim.signal(SIGCONT);
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/Info/MaxChargeCurrent") == "v <d 50>"; }, 90s));
  EXPECT_EQ(value(client, "ttyA", "/Alarms/BmsCable"), "v <i 0>");
}

TEST_F(BatteryOnTheBus, HangUpReadsTheConfigurationAgain) {
  configure("[DEFAULT]\nMAX_BATTERY_CHARGE_CURRENT = 40\n");
  auto sim = simulate("lltjbd", tty("ttyA"), {"--soc", "50"});
  start({tty("ttyA")});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return value(client, "ttyA", "/Info/MaxChargeCurrent") == "v <d 40>"; }, 15s));
  configure("[DEFAULT]\nMAX_BATTERY_CHARGE_CURRENT = 20\n");
  daemon.signal(SIGHUP);
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/Info/MaxChargeCurrent") == "v <d 20>"; }));
  EXPECT_THAT(daemon.output(), ::testing::Not(::testing::HasSubstr("does not know")));
  std::filesystem::remove(directory / "bmsd.ini");
  daemon.signal(SIGHUP);
  EXPECT_TRUE(
      wait_until([&] { return daemon.output().find("the configuration stays as it was") != std::string::npos; }));
  EXPECT_EQ(value(client, "ttyA", "/Info/MaxChargeCurrent"), "v <d 20>");
}

TEST_F(BatteryOnTheBus, AWrongSafetyKeyStopsThisBatteryAndNoOther) {
  configure("[port ttyA]\nprotocol = lltjbd\nMAX_CELL_VOLTAGE = 9\n");
  auto a = simulate("lltjbd", tty("ttyA"), {"--capacity", "100"});
  auto b = simulate("lltjbd", tty("ttyB"), {"--capacity", "200"});
  start({tty("ttyA"), tty("ttyB")});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until(
      [&] { return !client.owner(service("ttyA")).empty() && !client.owner(service("ttyB")).empty(); }, 15s));
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/Info/MaxChargeCurrent") == "v <d 0>"; }))
      << value(client, "ttyA", "/Info/MaxChargeCurrent");
  EXPECT_EQ(value(client, "ttyA", "/State"), "v <i 10>");
  EXPECT_EQ(value(client, "ttyB", "/Info/MaxChargeCurrent"), "v <d 50>");
  EXPECT_EQ(value(client, "ttyB", "/State"), "v <i 9>");
  const auto checked = test::run({program("bmsd"), "--config", directory / "bmsd.ini", "--check-config"});
  EXPECT_EQ(checked.status, 1);
  EXPECT_THAT(checked.output, ::testing::HasSubstr("bmsd.ini:3: MAX_CELL_VOLTAGE"));
}

} // namespace
} // namespace bmsd
