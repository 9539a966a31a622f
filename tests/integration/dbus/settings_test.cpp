// SettingsClient and RemoteItem against the stand-in of localsettings: late, absent, restarted.
#include "support/dbus_client.hpp"
#include "support/dbus_daemon.hpp"
#include "support/dbus_io_thread.hpp"
#include "support/localsettings.hpp"
#include "transports/dbus/remote_item.hpp"
#include "transports/dbus/service.hpp"
#include "transports/dbus/settings_client.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace bmsd::test {
namespace {

using dbus::SettingSpec;
using dbus::Value;

constexpr const char* kService = "com.victronenergy.settings";
const std::string kGroup = "/Settings/Devices/serialbattery_A1/";

std::vector<SettingSpec> battery_settings(const std::string& group = kGroup) {
  return {{group + "ClassAndVrmInstance", std::string("battery:1")},
          {group + "CustomName", std::string("House")},
          {group + "LastSeen", 5, Value(0), Value(1000)},
          {group + "SocCalc", 50.0, {}, {}, true}};
}

class SettingsTest : public ::testing::Test {
protected:
  void SetUp() override {
    io.run([&] {
      dbus::Connection::Timing timing{std::chrono::milliseconds(20), std::chrono::milliseconds(100),
                                      std::chrono::milliseconds(500)};
      connection = std::make_unique<dbus::Connection>(io.io, daemon.address(), timing);
      client = std::make_unique<dbus::SettingsClient>(*connection);
      client->on_changed([this](const std::string& path, const Value& value) { changes.emplace_back(path, value); });
      client->on_available([this](bool available) { availability.push_back(available); });
      connection->start();
    });
  }
  void TearDown() override {
    io.run([&] {
      client.reset();
      connection.reset();
    });
  }

  void serve() { settings = std::make_unique<LocalSettingsThread>(daemon.address(), daemon.directory() + "/settings"); }
  void add(std::vector<SettingSpec> specs) {
    io.run([&] {
      client->add(std::move(specs), [this](const auto& values) {
        ++answers;
        added = values;
      });
    });
  }
  bool answered(int times = 1) {
    return io.wait([&] { return answers >= times; });
  }
  /// Waits for the outcome of one asynchronous call.
  template <class Outcome, class Begin>
  Outcome wait_for(Begin begin) {
    std::optional<Outcome> outcome;
    io.run([&] { begin([&](Outcome result) { outcome = std::move(result); }); });
    EXPECT_TRUE(io.wait([&] { return outcome.has_value(); }));
    return *outcome;
  }
  Result<void> set(const std::string& path, const Value& value) {
    return wait_for<Result<void>>([&](auto done) { client->set(path, value, done); });
  }

  DbusDaemon daemon;
  IoThread io;
  std::unique_ptr<dbus::Connection> connection;
  std::unique_ptr<dbus::SettingsClient> client;
  std::unique_ptr<LocalSettingsThread> settings;
  std::vector<Result<Value>> added;
  std::vector<std::pair<std::string, Value>> changes;
  std::vector<bool> availability;
  int answers = 0;
};

TEST_F(SettingsTest, adds_all_and_gets_values) {
  serve();
  add(battery_settings());
  ASSERT_TRUE(answered());
  ASSERT_EQ(added.size(), 4U);
  EXPECT_EQ(*added[0], Value(std::string("battery:1")));
  EXPECT_EQ(*added[1], Value(std::string("House")));
  EXPECT_EQ(*added[2], Value(5));
  EXPECT_EQ(*added[3], Value(50.0));
  DbusClient other(daemon.address());
  EXPECT_EQ(other.item(kService, kGroup + "LastSeen", "GetMax"), "v <i 1000>");
}

TEST_F(SettingsTest, instances_are_unique) {
  serve();
  add(battery_settings());
  ASSERT_TRUE(answered());
  add(battery_settings("/Settings/Devices/serialbattery_B2/"));
  ASSERT_TRUE(answered(2));
  EXPECT_EQ(*added[0], Value(std::string("battery:2")));
  // A number that is taken is accepted, but another one is stored: on_changed tells which.
  EXPECT_TRUE(set("/Settings/Devices/serialbattery_B2/ClassAndVrmInstance", std::string("battery:1")));
  EXPECT_TRUE(set("/Settings/Devices/serialbattery_B2/ClassAndVrmInstance", std::string("battery:7")));
  EXPECT_TRUE(io.wait([&] { return !changes.empty() && changes.back().second == Value(std::string("battery:7")); }));
}

TEST_F(SettingsTest, each_setting_has_its_own_error) {
  serve();
  add(battery_settings());
  ASSERT_TRUE(answered());
  add({{kGroup + "CustomName", 5},
       {"/Elsewhere/X", 5},
       {"/Settings/Devices", 5},
       {"/Settings/A/_b", 5},
       {"/Settings/A/c", 50, Value(0), Value(10)},
       {"/Settings/A/d", Value()},
       {"/Settings/A/good", 5}});
  ASSERT_TRUE(answered(2));
  ASSERT_EQ(added.size(), 7U);
  const char* expected[] = {
      "exists with another type", "not below /Settings", "is a group", "a path element starts with an underscore",
      "default out of range",     "bad default"};
  for (std::size_t n = 0; n < 6; ++n) {
    ASSERT_FALSE(added[n]) << n;
    EXPECT_EQ(added[n].error(), (Error{Fault::refused, expected[n]}));
  }
  EXPECT_TRUE(added[6]);
}

TEST_F(SettingsTest, a_service_that_comes_late_gets_everything) {
  add(battery_settings());
  add({{"/Settings/Other/Thing", 1}});
  io.run([&] { EXPECT_FALSE(client->available()); });
  EXPECT_EQ(answers, 0);
  serve();
  ASSERT_TRUE(answered(2));
  EXPECT_EQ(availability, std::vector{true});
}

TEST_F(SettingsTest, a_restart_adds_all_again_and_tells_what_changed_meanwhile) {
  serve();
  add(battery_settings());
  ASSERT_TRUE(answered());
  settings.reset();
  ASSERT_TRUE(io.wait([&] { return !client->available(); }));
  EXPECT_EQ(set(kGroup + "CustomName", std::string("x")).error().fault, Fault::link);
  SettingsStore offline(daemon.directory() + "/settings");
  EXPECT_EQ(offline.set(kGroup + "CustomName", std::string("Boat")), 0);
  EXPECT_EQ(offline.remove(kGroup + "SocCalc"), 0);
  serve();
  ASSERT_TRUE(io.wait([&] { return !changes.empty(); }));
  EXPECT_EQ(changes[0], (std::pair<std::string, Value>(kGroup + "CustomName", std::string("Boat"))));
  EXPECT_EQ(answers, 1);
  DbusClient other(daemon.address());
  EXPECT_EQ(other.item(kService, kGroup + "SocCalc", "GetValue"), "v <d 50>");
}

TEST_F(SettingsTest, survives_a_restart_of_the_bus) {
  serve();
  add(battery_settings());
  ASSERT_TRUE(answered());
  daemon.stop();
  ASSERT_TRUE(io.wait([&] { return !client->available(); }));
  settings.reset();
  daemon.start();
  serve();
  ASSERT_TRUE(io.wait([&] { return client->available(); }));
  EXPECT_TRUE(set(kGroup + "LastSeen", 77));
  EXPECT_TRUE(io.wait([&] { return !changes.empty(); }));
  EXPECT_EQ(changes[0].second, Value(77));
}

TEST_F(SettingsTest, a_bus_that_takes_no_calls_is_given_up_without_growing_for_ever) {
  serve();
  add(battery_settings());
  ASSERT_TRUE(answered());
  daemon.freeze();
  const std::string text(10'000, 'x');
  EXPECT_TRUE(io.wait([&] {
    for (int n = 0; n < 100 && client->available(); ++n) {
      client->set(kGroup + "CustomName", text, [](const Result<void>&) {});
    }
    return !client->available();
  }));
  daemon.thaw();
  EXPECT_TRUE(io.wait([&] { return client->available(); }));
}

TEST_F(SettingsTest, set_tells_what_the_service_thinks_of_it) {
  serve();
  add(battery_settings());
  ASSERT_TRUE(answered());
  EXPECT_TRUE(set(kGroup + "LastSeen", 10));
  EXPECT_EQ(set(kGroup + "LastSeen", 1001).error(), (Error{Fault::rejected, "refused with -1"}));
  EXPECT_EQ(set(kGroup + "LastSeen", std::string("text")).error().fault, Fault::rejected);
  EXPECT_EQ(set("/Settings/None", 1).error().fault, Fault::refused);
  ASSERT_TRUE(io.wait([&] { return changes.size() == 1; }));
  EXPECT_EQ(changes[0].second, Value(10));
}

TEST_F(SettingsTest, changes_by_others_are_told_by_either_signal) {
  serve();
  add(battery_settings());
  ASSERT_TRUE(answered());
  DbusClient other(daemon.address());
  EXPECT_EQ(other.set(kService, kGroup + "CustomName", "s", "Boat"), "i 0");
  ASSERT_TRUE(io.wait([&] { return changes.size() == 1; }));
  EXPECT_EQ(changes[0], (std::pair<std::string, Value>(kGroup + "CustomName", std::string("Boat"))));
  // A signal of somebody else who claims nothing but the same path changes nothing.
  sd_bus_emit_signal(other.bus(), (kGroup + "CustomName").c_str(), "com.victronenergy.BusItem", "PropertiesChanged",
                     "a{sv}", 1, "Value", "s", "Forged");
  other.settle();
  EXPECT_EQ(other.set(kService, kGroup + "LastSeen", "i", 6), "i 0");
  ASSERT_TRUE(io.wait([&] { return changes.size() == 2; }));
  EXPECT_EQ(changes[1].second, Value(6));
}

TEST_F(SettingsTest, reads_a_group_and_removes) {
  serve();
  add(battery_settings());
  ASSERT_TRUE(answered());
  using Values = dbus::SettingsClient::Values;
  auto group = wait_for<Result<Values>>([&](auto done) { client->read("/Settings/Devices", done); });
  ASSERT_TRUE(group);
  ASSERT_EQ(group->size(), 4U);
  EXPECT_EQ((*group)[0].first, "serialbattery_A1/ClassAndVrmInstance");
  auto one = wait_for<Result<Values>>([&](auto done) { client->read(kGroup + "LastSeen", done); });
  EXPECT_EQ(*one, (Values{{"", Value(5)}}));
  EXPECT_TRUE(wait_for<Result<void>>([&](auto done) { client->remove({kGroup + "LastSeen"}, done); }));
  EXPECT_EQ(wait_for<Result<void>>([&](auto done) { client->remove({kGroup + "LastSeen"}, done); }).error().fault,
            Fault::rejected);
  EXPECT_FALSE(wait_for<Result<Values>>([&](auto done) { client->read(kGroup + "LastSeen", done); }));
}

TEST_F(SettingsTest, may_be_destroyed_with_calls_under_way) {
  serve();
  ASSERT_TRUE(io.wait([&] { return client->available(); }));
  add(battery_settings());
  io.run([&] {
    client->set(kGroup + "LastSeen", 10, [](auto) { FAIL() << "after destruction"; });
    client.reset();
  });
  DbusClient(daemon.address()).settle();
  io.run([] {});
}

TEST_F(SettingsTest, may_be_destroyed_from_its_own_callback) {
  serve();
  add(battery_settings());
  ASSERT_TRUE(answered());
  bool gone = false;
  io.run([&] {
    client->on_changed([&, this](const std::string&, const Value&) {
      client.reset();
      gone = true;
    });
  });
  DbusClient other(daemon.address());
  EXPECT_EQ(other.set(kService, kGroup + "CustomName", "s", "Boat"), "i 0");
  EXPECT_TRUE(io.wait([&] { return gone; }));
}

// -- RemoteItem -------------------------------------------------------------------

class RemoteItemTest : public SettingsTest {
protected:
  void watch(const std::string& path) {
    io.run([&] {
      item = std::make_unique<dbus::RemoteItem>(
          *connection, "com.victronenergy.battery.shunt", path, [this](const Value& value) { values.push_back(value); },
          [this](bool available) { shunt_availability.push_back(available); });
    });
  }
  void TearDown() override {
    io.run([&] {
      item.reset();
      shunt.reset();
    });
    SettingsTest::TearDown();
  }
  void serve_shunt(double current) {
    io.run([&] {
      shunt = std::make_unique<dbus::Service>(io.io, daemon.address(), "com.victronenergy.battery.shunt");
      EXPECT_TRUE(shunt->add({{"/Dc/0/Current", dbus::Type::real, current, "x"}}));
      shunt->start();
    });
  }
  bool reads(const Value& value) {
    return io.wait([&] { return item->value() == value; });
  }

  std::unique_ptr<dbus::RemoteItem> item;
  std::unique_ptr<dbus::Service> shunt;
  std::vector<Value> values;
  std::vector<bool> shunt_availability;
};

TEST_F(RemoteItemTest, follows_a_service_that_comes_changes_and_goes) {
  watch("/Dc/0/Current");
  serve_shunt(5.0);
  ASSERT_TRUE(reads(5.0));
  io.run([&] {
    dbus::Change change{"/Dc/0/Current", -3.5, "x"};
    shunt->update({&change, 1});
  });
  ASSERT_TRUE(reads(-3.5));
  io.run([&] { shunt.reset(); });
  ASSERT_TRUE(reads(Value()));
  io.run([&] { EXPECT_FALSE(item->available()); });
  serve_shunt(7.0);
  ASSERT_TRUE(reads(7.0));
  EXPECT_EQ(values, (std::vector<Value>{5.0, -3.5, Value(), 7.0}));
  EXPECT_EQ(shunt_availability, (std::vector{true, false, true}));
}

TEST_F(RemoteItemTest, reads_a_service_that_was_there_first_and_survives_the_bus) {
  serve_shunt(5.0);
  watch("/Dc/0/Current");
  ASSERT_TRUE(reads(5.0));
  daemon.stop();
  ASSERT_TRUE(reads(Value()));
  daemon.start();
  ASSERT_TRUE(reads(5.0));
}

TEST_F(RemoteItemTest, a_path_that_does_not_exist_is_invalid_until_it_appears) {
  serve_shunt(5.0);
  watch("/Soc");
  ASSERT_TRUE(io.wait([&] { return item->available(); }));
  DbusClient(daemon.address()).settle();
  io.run([&] { EXPECT_EQ(item->value(), Value()); });
  io.run([&] { EXPECT_TRUE(shunt->add({{"/Soc", dbus::Type::real, 80.0, "80"}})); });
  EXPECT_TRUE(reads(80.0));
}

TEST_F(RemoteItemTest, a_setting_tells_by_properties_changed) {
  serve();
  add({{"/Settings/CGwacs/BatteryLife/MinimumSocLimit", 10.0}});
  ASSERT_TRUE(answered());
  io.run([&] {
    item = std::make_unique<dbus::RemoteItem>(*connection, kService, "/Settings/CGwacs/BatteryLife/MinimumSocLimit",
                                              [this](const Value& value) { values.push_back(value); });
  });
  ASSERT_TRUE(reads(10.0));
  DbusClient other(daemon.address());
  EXPECT_EQ(other.set(kService, "/Settings/CGwacs/BatteryLife/MinimumSocLimit", "i", 25), "i 0");
  EXPECT_TRUE(reads(25.0));
}

} // namespace
} // namespace bmsd::test
