#include "actors/publisher/path_table.hpp"
#include "actors/publisher/path_text.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <set>

namespace bmsd::actors {
namespace {

using dbus::Type;
using dbus::Value;

Identity some_identity() {
  Identity identity;
  identity.protocol = "lltjbd";
  identity.label = "LLT/JBD";
  identity.unique_id = "A1B2";
  identity.hardware_version = "JBD-SP04S020";
  identity.cell_count = 4;
  identity.capabilities = {true, true, true, false, true, false};
  return identity;
}

PublisherOptions some_options() {
  PublisherOptions options;
  options.connection = "Serial /dev/ttyUSB0";
  options.device_instance = 3;
  options.process_version = "1.2.3";
  options.allow_writes = true;
  return options;
}

Status some_status() {
  Status status;
  status.voltage = 13.254;
  status.current = -4.5049;
  status.power = -59.71;
  status.temperature = 21.26;
  status.soc = 53.0;
  status.capacity = 52.999;
  status.installed_capacity = 100.0;
  status.consumed_ah = -47.001;
  status.cvl = 14.2;
  status.ccl = 50.0;
  status.dcl = 60.0;
  status.state = 9;
  status.sample.cell_voltages.push_back(3.3011);
  status.sample.cell_voltages.push_back(std::nullopt);
  status.sample.cell_voltages.push_back(3.2999);
  status.sample.cell_voltages.push_back(0.0);
  status.sample.balancing_cells.push_back(true);
  status.alarms.set(Alarm::LowSoc, 1);
  return status;
}

class PathTableTest : public ::testing::Test {
protected:
  void make(PublisherOptions options, Identity identity = some_identity()) {
    table = std::make_unique<PathTable>(std::move(options), std::move(identity));
    items = table->items(status);
  }
  const dbus::Item* find(std::string_view path) const {
    auto found = std::find_if(items.begin(), items.end(), [&](const auto& item) { return item.path == path; });
    return found == items.end() ? nullptr : &*found;
  }
  void expect(std::string_view path, Type type, const Value& value, std::string_view text) const {
    const auto* item = find(path);
    ASSERT_NE(item, nullptr) << path;
    EXPECT_EQ(item->type, type) << path;
    EXPECT_EQ(item->value, value) << path;
    EXPECT_EQ(item->text, text) << path;
  }
  /// "path=text" of each change.
  std::vector<std::string> changes() {
    std::vector<std::string> result;
    for (const auto& change : table->changes(status)) {
      result.push_back(std::string(change.path) + "=" + std::string(change.text));
    }
    return result;
  }

  Status status = some_status();
  std::unique_ptr<PathTable> table;
  std::vector<dbus::Item> items;
};

TEST_F(PathTableTest, mandatory_paths) {
  make(some_options());
  expect("/Mgmt/ProcessName", Type::text, std::string("bmsd"), "bmsd");
  expect("/Mgmt/ProcessVersion", Type::text, std::string("1.2.3"), "1.2.3");
  expect("/Mgmt/Connection", Type::text, std::string("Serial /dev/ttyUSB0"), "Serial /dev/ttyUSB0");
  expect("/DeviceInstance", Type::integer, 3, "3");
  expect("/ProductId", Type::integer, 0xBA77, "0xBA77");
  expect("/ProductName", Type::text, std::string("SerialBattery(LLT/JBD)"), "SerialBattery(LLT/JBD)");
  expect("/FirmwareVersion", Type::text, std::string("1.2.3"), "1.2.3");
  expect("/HardwareVersion", Type::text, std::string("JBD-SP04S020"), "JBD-SP04S020");
  expect("/Connected", Type::integer, 1, "1");
  expect("/CustomName", Type::text, std::string(), "");
  expect("/Serial", Type::text, std::string("A1B2"), "A1B2");
  expect("/State", Type::integer, 9, "9");
  expect("/DeviceState", Type::integer, 0x100, "256");
  expect("/ErrorCode", Type::integer, Value(), "---");
}

TEST_F(PathTableTest, measured_values_are_rounded_doubles_with_unit_in_the_text) {
  make(some_options());
  expect("/Dc/0/Voltage", Type::real, 13.25, "13.25V");
  expect("/Dc/0/Current", Type::real, -4.5, "-4.50A");
  expect("/Dc/0/Power", Type::real, -60.0, "-60W");
  expect("/Dc/0/Temperature", Type::real, 21.3, "21.3");
  expect("/Soc", Type::real, 53.0, "53");
  expect("/Capacity", Type::real, 53.0, "53.00Ah");
  expect("/InstalledCapacity", Type::real, 100.0, "100Ah");
  expect("/ConsumedAmphours", Type::real, -47.0, "-47Ah");
  expect("/TimeToGo", Type::integer, Value(), "---");
  expect("/Info/MaxChargeVoltage", Type::real, 14.2, "14.20V");
  expect("/Info/MaxChargeCurrent", Type::real, 50.0, "50.00A");
  expect("/Info/MaxDischargeCurrent", Type::real, 60.0, "60.00A");
}

TEST_F(PathTableTest, cells_by_number) {
  make(some_options());
  expect("/Voltages/Cell1", Type::real, 3.301, "3.301V");
  expect("/Voltages/Cell2", Type::real, Value(), "---");
  expect("/Voltages/Cell3", Type::real, 3.3, "3.300V");
  expect("/Voltages/Cell4", Type::real, 0.0, "0.000V");
  EXPECT_EQ(find("/Voltages/Cell0"), nullptr);
  EXPECT_EQ(find("/Voltages/Cell5"), nullptr);
  expect("/Balances/Cell1", Type::integer, 1, "1");
  expect("/Balances/Cell2", Type::integer, Value(), "---");
  expect("/Balancing", Type::integer, 1, "1");
  expect("/System/NrOfCellsPerBattery", Type::integer, 4, "4");
  EXPECT_EQ(find("/Cell/1/Volts"), nullptr);
}

TEST_F(PathTableTest, cell_data_format_bits) {
  auto options = some_options();
  options.cell_data_format = 3;
  make(options);
  EXPECT_NE(find("/Voltages/Cell1"), nullptr);
  expect("/Cell/1/Volts", Type::real, 3.301, "3.301V");
  EXPECT_NE(find("/Cell/Sum"), nullptr);
  EXPECT_NE(find("/Voltages/Diff"), nullptr);
  options.cell_data_format = 2;
  make(options);
  EXPECT_EQ(find("/Voltages/Cell1"), nullptr);
  EXPECT_EQ(find("/Balances/Cell1"), nullptr);
  EXPECT_NE(find("/Cell/4/Volts"), nullptr);
  options.cell_data_format = 0;
  make(options);
  EXPECT_EQ(find("/Cell/4/Volts"), nullptr);
}

TEST_F(PathTableTest, alarms_by_name) {
  make(some_options());
  expect("/Alarms/LowSoc", Type::integer, 1, "1");
  expect("/Alarms/BmsCable", Type::integer, Value(), "---");
  for (auto name : kAlarmNames) {
    EXPECT_NE(find("/Alarms/" + std::string(name)), nullptr) << name;
  }
}

TEST_F(PathTableTest, paths_are_legal_and_unique_and_texts_never_empty_for_invalid) {
  auto options = some_options();
  options.limits = options.calculated_soc = options.midpoint = options.json = options.insecure_connection = true;
  options.cell_data_format = 3;
  options.time_to_soc_points = {0, 50, 50, 100, 101, -1};
  options.config = {{"MAX_CELL_VOLTAGE", 3.45}, {"BAD KEY", 1}, {"NAME", std::string("x")}};
  make(options);
  std::set<std::string> seen;
  for (const auto& item : items) {
    EXPECT_TRUE(dbus::is_object_path(item.path)) << item.path;
    EXPECT_TRUE(seen.insert(item.path).second) << item.path;
    if (item.value == Value()) {
      EXPECT_EQ(item.text, "---") << item.path;
    }
    bool fits = item.value == Value() || dbus::convert(item.value, item.type) == item.value;
    EXPECT_TRUE(fits) << item.path << " holds another type than it promises";
  }
  EXPECT_EQ(seen.count("/TimeToSoC/50"), 1U);
  EXPECT_EQ(seen.count("/TimeToSoC/101"), 0U);
  EXPECT_EQ(seen.count("/Mgmt/InsecureConnection"), 1U);
  expect("/Info/Config/MAX_CELL_VOLTAGE", Type::real, 3.45, "3.45");
}

TEST_F(PathTableTest, paths_that_switch_gui_pages_are_left_out) {
  make(some_options());
  for (auto* path : {"/NumberOfBmses", "/System/NrOfBatteries", "/Battery/Request/Id", "/NrOfDistributors", "/Redetect",
                     "/N2kDeviceInstance", "/Io/ExternalRelay", "/SystemSwitch", "/Dc/1/Voltage"}) {
    EXPECT_EQ(find(path), nullptr) << path;
  }
}

TEST_F(PathTableTest, a_monitor_has_no_limits) {
  auto options = some_options();
  options.limits = false;
  make(options);
  for (const auto& item : items) {
    EXPECT_EQ(item.path.find("/Info/Max"), std::string::npos) << item.path;
  }
  EXPECT_EQ(find("/Info/BatteryLowVoltage"), nullptr);
  EXPECT_NE(find("/Dc/0/Voltage"), nullptr);
}

TEST_F(PathTableTest, unknown_limits_are_invalid_but_exist) {
  status.cvl = status.ccl = status.dcl = std::nullopt;
  make(some_options());
  expect("/Info/MaxChargeVoltage", Type::real, Value(), "---");
  expect("/Info/MaxChargeCurrent", Type::real, Value(), "---");
}

TEST_F(PathTableTest, an_impossible_limit_stops_and_never_lifts_the_limit) {
  for (double wrong : {-5.0, 1e9, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    status.ccl = status.dcl = wrong;
    status.cvl = wrong;
    make(some_options());
    expect("/Info/MaxChargeCurrent", Type::real, 0.0, "0.00A");
    expect("/Info/MaxDischargeCurrent", Type::real, 0.0, "0.00A");
  }
  expect("/Info/MaxChargeVoltage", Type::real, Value(), "---");
}

TEST_F(PathTableTest, signs) {
  status.consumed_ah = 5.0;
  status.history.total_ah_drawn = -1234.567;
  status.history.deepest_discharge = 3.0;
  status.time_to_go = -5;
  make(some_options());
  expect("/ConsumedAmphours", Type::real, 0.0, "0Ah");
  expect("/History/TotalAhDrawn", Type::real, -1234.57, "-1234.57Ah");
  expect("/History/DeepestDischarge", Type::real, 0.0, "0.00Ah");
  expect("/TimeToGo", Type::integer, 0, "0");
}

TEST_F(PathTableTest, history_counts_are_integers) {
  status.history.charge_cycles = 12.0;
  make(some_options());
  expect("/History/ChargeCycles", Type::integer, 12, "12");
  expect("/History/CanBeCleared", Type::integer, 1, "1");
}

TEST_F(PathTableTest, writable_paths_follow_what_the_bms_can) {
  auto writable = [&] {
    std::vector<std::string> paths;
    for (const auto& item : items) {
      if (item.writable) {
        paths.push_back(item.path);
      }
    }
    return paths;
  };
  make(some_options());
  EXPECT_EQ(writable(), (std::vector<std::string>{"/CustomName", "/History/Clear", "/Settings/ForceChargingOff",
                                                  "/Settings/ForceDischargingOff", "/Settings/TurnBalancingOff",
                                                  "/Settings/ResetSocTo", "/Settings/ResetSocToApply"}));
  expect("/Settings/HasSettings", Type::integer, 1, "1");
  auto options = some_options();
  options.allow_writes = false;
  make(options);
  EXPECT_EQ(writable(), (std::vector<std::string>{"/CustomName", "/History/Clear"}));
  expect("/Settings/HasSettings", Type::integer, 0, "0");
  options.calculated_soc = true;
  make(options);
  EXPECT_NE(find("/Settings/ResetSocTo"), nullptr);
  EXPECT_NE(find("/SocBms"), nullptr);
}

// -- changes --------------------------------------------------------------------

TEST_F(PathTableTest, nothing_changes_without_a_change) {
  make(some_options());
  EXPECT_TRUE(changes().empty());
}

TEST_F(PathTableTest, noise_below_the_rounding_is_no_change) {
  make(some_options());
  status.voltage = 13.2501;
  status.soc = 53.001;
  EXPECT_TRUE(changes().empty());
}

TEST_F(PathTableTest, only_what_changed) {
  make(some_options());
  status.voltage = 13.26;
  status.sample.cell_voltages[1] = 3.305;
  status.current = std::nullopt;
  status.charge_mode = "Bulk";
  EXPECT_EQ(changes(), (std::vector<std::string>{"/Dc/0/Voltage=13.26V", "/Dc/0/Current=---", "/Info/ChargeMode=Bulk",
                                                 "/Voltages/Cell2=3.305V"}));
  EXPECT_TRUE(changes().empty());
}

TEST_F(PathTableTest, cells_learnt_late_are_new_paths) {
  auto identity = some_identity();
  identity.cell_count = std::nullopt;
  status.sample.cell_voltages.clear();
  status.sample.balancing_cells.clear();
  make(some_options(), identity);
  EXPECT_EQ(find("/Voltages/Cell1"), nullptr);
  expect("/System/NrOfCellsPerBattery", Type::integer, Value(), "---");
  status.sample.cell_voltages.push_back(3.3);
  status.sample.cell_voltages.push_back(std::nullopt);
  EXPECT_EQ(changes(), (std::vector<std::string>{"/System/NrOfCellsPerBattery=2", "/Voltages/Cell1=3.300V",
                                                 "/Voltages/Cell2=---", "/Balances/Cell1=---", "/Balances/Cell2=---"}));
  // A sample with fewer cells takes no path away.
  status.sample.cell_voltages.clear();
  EXPECT_EQ(changes(), (std::vector<std::string>{"/Voltages/Cell1=---"}));
}

TEST_F(PathTableTest, time_to_soc_by_type) {
  auto options = some_options();
  options.time_to_soc_points = {20, 100};
  status.time_to_soc = {{100, 3600, "1h"}};
  make(options);
  expect("/TimeToSoC/100", Type::integer, 3600, "3600");
  expect("/TimeToSoC/20", Type::integer, Value(), "---");
  options.time_to_soc_type = 2;
  make(options);
  expect("/TimeToSoC/100", Type::text, std::string("1h"), "1h");
}

TEST_F(PathTableTest, names_and_identity_show_with_the_next_changes) {
  make(some_options());
  table->set_custom_name("House");
  EXPECT_EQ(changes(), std::vector<std::string>{"/CustomName=House"});
  auto identity = some_identity();
  identity.device_name = "Pack 1";
  table->set_identity(identity);
  EXPECT_EQ(changes(), std::vector<std::string>{"/DeviceName=Pack 1"});
  EXPECT_TRUE(changes().empty());
  table->set_custom_name("Shed");
  table->set_identity(some_identity());
  EXPECT_EQ(changes(), (std::vector<std::string>{"/CustomName=Shed", "/DeviceName=---"}));
}

// -- writes ---------------------------------------------------------------------

TEST_F(PathTableTest, commands_are_validated) {
  make(some_options());
  auto command = [&](std::string_view path, const Value& value) { return table->command_for(path, value); };
  ASSERT_TRUE(command("/Settings/ForceChargingOff", 1));
  EXPECT_EQ(command("/Settings/ForceChargingOff", 1)->kind, CommandKind::force_charging_off);
  EXPECT_EQ(command("/Settings/ForceChargingOff", 1)->value, 1.0);
  EXPECT_EQ(command("/Settings/ResetSocTo", 80.0)->value, 80.0);
  EXPECT_EQ(command("/Settings/ResetSocToApply", 1)->kind, CommandKind::reset_soc_apply);
  EXPECT_EQ(command("/History/Clear", 7)->kind, CommandKind::history_clear);
  EXPECT_FALSE(command("/Settings/ForceChargingOff", 2));
  EXPECT_FALSE(command("/Settings/ForceChargingOff", -1));
  EXPECT_FALSE(command("/Settings/ResetSocTo", 101));
  EXPECT_FALSE(command("/Settings/ResetSocTo", 50.5));
  EXPECT_FALSE(command("/Settings/ResetSocToApply", 0));
  EXPECT_FALSE(command("/History/Clear", 0));
  EXPECT_FALSE(command("/History/Clear", 8));
  EXPECT_FALSE(command("/Settings/ForceChargingOff", std::string("1")));
  EXPECT_FALSE(command("/Settings/ForceChargingOff", Value()));
  EXPECT_FALSE(command("/Settings/TurnHeatingOff", 1)) << "this BMS cannot";
  EXPECT_FALSE(command("/CustomName", std::string("x")));
  EXPECT_FALSE(command("/Soc", 50));
}

TEST_F(PathTableTest, a_bms_that_only_takes_100_percent) {
  auto identity = some_identity();
  identity.capabilities.soc_reset_only_full = true;
  make(some_options(), identity);
  EXPECT_FALSE(table->command_for("/Settings/ResetSocTo", 80));
  EXPECT_TRUE(table->command_for("/Settings/ResetSocTo", 100));
}

TEST_F(PathTableTest, a_switch_stays_as_written_and_a_button_springs_back) {
  make(some_options());
  table->written("/Settings/ForceChargingOff", 1);
  EXPECT_TRUE(changes().empty());
  table->written("/Settings/ResetSocToApply", 1);
  table->written("/History/Clear", 3);
  EXPECT_EQ(changes(), (std::vector<std::string>{"/History/Clear=0", "/Settings/ResetSocToApply=0"}));
  table->written("/CustomName", std::string("Boat"));
  EXPECT_TRUE(changes().empty());
}

// -- JSON -----------------------------------------------------------------------

TEST_F(PathTableTest, json_nests_by_path_and_leaves_settings_out) {
  auto options = some_options();
  options.json = true;
  make(options);
  auto document = nlohmann::json::parse(std::get<std::string>(find("/JsonData")->value));
  EXPECT_EQ(document["Dc"]["0"]["Voltage"], 13.25);
  EXPECT_EQ(document["Voltages"]["Cell1"], 3.301);
  EXPECT_TRUE(document["Voltages"]["Cell2"].is_null());
  EXPECT_TRUE(document["CustomName"].is_null());
  EXPECT_EQ(document["Alarms"]["LowSoc"], 1);
  EXPECT_FALSE(document.contains("Settings"));
  EXPECT_FALSE(document.contains("JsonData"));
  EXPECT_TRUE(changes().empty());
  status.voltage = 14.0;
  auto list = table->changes(status);
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[1].path, "/JsonData");
}

TEST_F(PathTableTest, json_path_exists_but_is_invalid_when_off) {
  make(some_options());
  expect("/JsonData", Type::text, Value(), "---");
}

// -- rounding and texts ------------------------------------------------------------

TEST(PathText, rounding) {
  EXPECT_EQ(round_value(1.005, 2), dbus::ValueView(1.0)); // 1.00499999... in binary
  EXPECT_EQ(round_value(2.675, 1), dbus::ValueView(2.7));
  EXPECT_EQ(round_value(-0.001, 2), dbus::ValueView(0.0));
  EXPECT_FALSE(std::signbit(std::get<double>(round_value(-0.001, 2))));
  EXPECT_EQ(round_value(std::nan(""), 2), dbus::ValueView());
  EXPECT_EQ(round_value(1e300, 2), dbus::ValueView());
  EXPECT_EQ(round_value(7, 2), dbus::ValueView(7));
}

TEST(PathText, formats) {
  using Text = PathFormat::Text;
  TextBuffer buffer{};
  auto text = [&](const dbus::ValueView& value, const PathFormat& format) {
    return std::string(format_value(value, format, buffer));
  };
  PathFormat volt{Type::real, 3, Text::number, 3, "V"};
  EXPECT_EQ(text(3.3, volt), "3.300V");
  EXPECT_EQ(text(-0.05, volt), "-0.050V");
  EXPECT_EQ(text(0.0, volt), "0.000V");
  EXPECT_EQ(text(-1e11, volt), "-100000000000.000V");
  EXPECT_EQ(text({}, volt), "---");
  PathFormat plain{Type::real, 2};
  EXPECT_EQ(text(53.0, plain), "53");
  EXPECT_EQ(text(53.5, plain), "53.5");
  EXPECT_EQ(text(53.05, plain), "53.05");
  EXPECT_EQ(text(-0.5, plain), "-0.5");
  EXPECT_EQ(text(0xBA77, {Type::integer, 0, Text::hexadecimal}), "0xBA77");
  EXPECT_EQ(text(std::string_view("as it is"), {Type::text}), "as it is");
}

} // namespace
} // namespace bmsd::actors
