#include "app/sim/mqtt_json_sim.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace bmsd::sim {

namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, int decimals) {
  const double scale = std::pow(10.0, decimals);
  return std::round(value * scale) / scale + 0.0; // + 0.0: no "-0.0"
}

int flag(bool on) {
  return on ? 1 : 0;
}

/// Levels under Victron's names; a tripped protection is an alarm (2).
constexpr std::array<std::pair<Alarm, const char*>, 15> kAlarmKeys = {{
    {Alarm::LowVoltage, "low_voltage"},
    {Alarm::HighVoltage, "high_voltage"},
    {Alarm::LowCellVoltage, "low_cell_voltage"},
    {Alarm::HighCellVoltage, "high_cell_voltage"},
    {Alarm::LowSoc, "low_soc"},
    {Alarm::HighChargeCurrent, "high_charge_current"},
    {Alarm::HighDischargeCurrent, "high_discharge_current"},
    {Alarm::CellImbalance, "cell_imbalance"},
    {Alarm::InternalFailure, "internal_failure"},
    {Alarm::HighChargeTemperature, "high_charge_temperature"},
    {Alarm::LowChargeTemperature, "low_charge_temperature"},
    {Alarm::HighTemperature, "high_temperature"},
    {Alarm::LowTemperature, "low_temperature"},
    {Alarm::HighInternalTemperature, "high_internal_temperature"},
    {Alarm::FuseBlown, "fuse_blown"},
}};

std::string cell_key(std::size_t index) {
  return "Cell" + std::to_string(index + 1);
}

Json path_names(const Reading& r, bool with_channel) {
  const Json dc = {{"Power", rounded(r.voltage * r.current, 1)},
                   {"Voltage", rounded(r.voltage, 2)},
                   {"Current", rounded(r.current, 2)},
                   {"Temperature", rounded(r.cell_temperatures.front(), 1)}};
  Json out;
  if (with_channel) {
    out["Dc"]["0"] = dc;
  } else {
    out["Dc"] = dc;
  }
  out["Soc"] = rounded(r.soc, 1);
  out["InstalledCapacity"] = rounded(r.capacity, 2);
  out["Capacity"] = rounded(r.remaining, 2);
  out["ConsumedAmphours"] = rounded(r.remaining - r.capacity, 2);
  out["Balancing"] = flag(r.balancing != 0);
  for (std::size_t i = 0; i < r.cells.size(); ++i) {
    out["Voltages"][cell_key(i)] = rounded(r.cells[i], 3);
    out["Balances"][cell_key(i)] = r.balancing >> i & 1U;
  }
  const auto [low, high] = std::minmax_element(r.cells.begin(), r.cells.end());
  out["System"] = {{"NrOfCellsPerBattery", r.cells.size()},
                   {"NrOfModulesOnline", 1},
                   {"NrOfModulesOffline", 0},
                   {"MinCellVoltage", rounded(*low, 3)},
                   {"MaxCellVoltage", rounded(*high, 3)},
                   {"MinVoltageCellId", "C" + std::to_string(low - r.cells.begin() + 1)},
                   {"MaxVoltageCellId", "C" + std::to_string(high - r.cells.begin() + 1)},
                   {"Temperature1", rounded(r.cell_temperatures[0], 1)},
                   {"Temperature2", rounded(r.cell_temperatures[1], 1)},
                   {"MOSTemperature", rounded(r.mos_temperature, 1)}};
  out["Io"] = {{"AllowToCharge", flag(r.charge_on)},
               {"AllowToDischarge", flag(r.discharge_on)},
               {"AllowToBalance", flag(r.balancer_enabled)}};
  out["Info"] = {{"MaxChargeVoltage", rounded(r.max_charge_voltage, 1)},
                 {"MaxChargeCurrent", rounded(r.max_charge_current, 1)},
                 {"MaxDischargeCurrent", rounded(r.max_discharge_current, 1)},
                 {"BatteryLowVoltage", rounded(r.low_voltage, 1)}};
  for (const auto& [alarm, key] : kAlarmKeys) {
    out["Alarms"][std::string(kAlarmNames[static_cast<std::size_t>(alarm)])] = r.alarm(alarm) ? 2 : 0;
  }
  out["History"] = {{"ChargeCycles", r.cycles},
                    {"ChargedEnergy", rounded(r.charged_energy, 3)},
                    {"DischargedEnergy", rounded(r.discharged_energy, 3)}};
  return out;
}

Json flat_names(const Reading& r, const DeviceOptions& options) {
  Json out = {{"cell_count", r.cells.size()},
              {"capacity", rounded(r.capacity, 2)},
              {"serial_number", options.serial},
              {"voltage", rounded(r.voltage, 2)},
              {"current", rounded(r.current, 2)},
              {"soc", rounded(r.soc, 2)},
              {"capacity_remain", rounded(r.remaining, 2)},
              {"temperature_1", rounded(r.cell_temperatures[0], 1)},
              {"temperature_2", rounded(r.cell_temperatures[1], 1)},
              {"temperature_mos", rounded(r.mos_temperature, 1)},
              {"charge_fet", r.charge_on},
              {"discharge_fet", r.discharge_on},
              {"balance_fet", r.balancer_enabled},
              {"max_battery_charge_current", rounded(r.max_charge_current, 1)},
              {"max_battery_discharge_current", rounded(r.max_discharge_current, 1)},
              {"hardware_version", "bmssim"},
              {"custom_field", options.name}};
  for (std::size_t i = 0; i < r.cells.size(); ++i) {
    const Json cell = {{"voltage", rounded(r.cells[i], 3)}, {"balance", (r.balancing >> i & 1U) != 0}};
    out["cells"].push_back(cell);
  }
  for (const auto& [alarm, key] : kAlarmKeys) {
    out["protection"][key] = r.alarm(alarm) ? 2 : 0;
  }
  out["history"] = {{"charge_cycles", r.cycles},
                    {"charged_energy", rounded(r.charged_energy, 3)},
                    {"discharged_energy", rounded(r.discharged_energy, 3)}};
  return out;
}

} // namespace

std::string MqttJsonSim::encode(const Reading& reading) const {
  if (options_.dialect == "m3") {
    return flat_names(reading, options_).dump();
  }
  if (options_.dialect == "m2") {
    const Json wrapped = {{"value", path_names(reading, true).dump()}};
    return wrapped.dump();
  }
  return path_names(reading, false).dump();
}

namespace {
constexpr std::string_view kDialects[] = {"m1", "m2", "m3"};
} // namespace

constinit const SimulatorInfo MqttJsonSim::kInfo = {
    .key = "mqtt_json",
    .about = "JSON over MQTT, as the two peer drivers read it",
    .max_capacity = 100'000.0,
    .dialects = kDialects,
    .document = make_document<MqttJsonSim>,
};

} // namespace bmsd::sim
