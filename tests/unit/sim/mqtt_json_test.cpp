// Documents against docs/protocols/mqtt_json.md.
#include "app/sim/mqtt_json_sim.hpp"
#include "support.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bmsd::sim {
namespace {

using nlohmann::json;

Reading four_cells() {
  Reading reading;
  reading.voltage = 13.2;
  reading.current = 5.2;
  reading.soc = 45.87;
  reading.capacity = 100.0;
  reading.remaining = 45.87;
  reading.cells = {3.3, 3.31, 3.29, 3.3};
  reading.cell_temperatures = {25.5, 25.1};
  reading.mos_temperature = 27.0;
  reading.balancing = 0b0010;
  return reading;
}

json document(const std::string& dialect, const Reading& reading = four_cells()) {
  Battery battery{BatteryConfig{}};
  return json::parse(MqttJsonSim(battery, {0, "garage", "SN12345678", dialect}).encode(reading));
}

void expect_path_names(const json& out, const json& dc) {
  EXPECT_EQ(dc["Voltage"], 13.2);
  EXPECT_EQ(dc["Current"], 5.2);
  EXPECT_EQ(dc["Power"], 68.6);
  EXPECT_EQ(dc["Temperature"], 25.5);
  EXPECT_EQ(out["Soc"], 45.9);
  EXPECT_EQ(out["InstalledCapacity"], 100.0);
  EXPECT_EQ(out["Capacity"], 45.87);
  EXPECT_EQ(out["ConsumedAmphours"], -54.13);
  EXPECT_EQ(out["Voltages"]["Cell2"], 3.31);
  EXPECT_EQ(out["Balances"]["Cell2"], 1);
  EXPECT_EQ(out["Balances"]["Cell1"], 0);
  EXPECT_EQ(out["System"]["MinVoltageCellId"], "C3");
  EXPECT_EQ(out["System"]["MaxVoltageCellId"], "C2");
  EXPECT_EQ(out["System"]["NrOfCellsPerBattery"], 4);
  EXPECT_EQ(out["Io"]["AllowToCharge"], 1);
  EXPECT_EQ(out["Alarms"]["LowVoltage"], 0);
}

TEST(MqttJson, PathNames) {
  const auto out = document("m1");
  expect_path_names(out, out["Dc"]);
  EXPECT_EQ(document(""), out) << "the first dialect is the default";
}

TEST(MqttJson, WrappedByTheBroker) {
  const auto wrapped = document("m2");
  ASSERT_TRUE(wrapped["value"].is_string());
  const auto out = json::parse(wrapped["value"].get<std::string>());
  expect_path_names(out, out["Dc"]["0"]);
}

TEST(MqttJson, FlatNames) {
  const auto out = document("m3");
  EXPECT_EQ(out["cell_count"], 4);
  EXPECT_EQ(out["capacity"], 100.0);
  EXPECT_EQ(out["serial_number"], "SN12345678");
  EXPECT_EQ(out["voltage"], 13.2);
  EXPECT_EQ(out["current"], 5.2);
  EXPECT_EQ(out["soc"], 45.87);
  EXPECT_EQ(out["temperature_1"], 25.5);
  EXPECT_EQ(out["charge_fet"], true);
  EXPECT_EQ(out["cells"].size(), 4U);
  EXPECT_EQ(out["cells"][1]["voltage"], 3.31);
  EXPECT_EQ(out["cells"][1]["balance"], true);
  EXPECT_EQ(out["protection"]["high_cell_voltage"], 0);
}

TEST(MqttJson, TrippedProtection) {
  auto reading = four_cells();
  test::raise(reading, Alarm::HighCellVoltage);
  reading.charge_on = false;
  EXPECT_EQ(document("m1", reading)["Alarms"]["HighCellVoltage"], 2);
  EXPECT_EQ(document("m1", reading)["Io"]["AllowToCharge"], 0);
  EXPECT_EQ(document("m3", reading)["protection"]["high_cell_voltage"], 2);
  EXPECT_EQ(document("m3", reading)["charge_fet"], false);
}

} // namespace
} // namespace bmsd::sim
