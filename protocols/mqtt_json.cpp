#include "protocols/mqtt_json.hpp"

#include "protocols/core/decode.hpp"
#include "protocols/core/json_reader.hpp"
#include "protocols/core/options.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace bmsd::protocols {

using nlohmann::json;

struct MqttJson::Content {
  Dialect dialect{};
  Sample sample;
  Identity identity;
};

namespace {

constexpr int kMaxDepth = 8;
constexpr std::size_t kMaxPayload = 64 * 1024;

// -- keys ---------------------------------------------------------------------------

/// `group`: the object that holds the key, empty: the document itself.
struct NumberKey {
  std::string_view group, key;
  std::optional<double> Sample::*member;
  double low, high;
  bool mandatory = false;
};
struct WholeKey {
  std::string_view group, key;
  std::optional<int> Sample::*member;
  int high;
};
struct FlagKey {
  std::string_view group, key;
  std::optional<bool> Sample::*member;
  bool mandatory = false;
};
struct IdKey {
  std::string_view group, key;
  std::optional<std::string> Sample::*member;
};
struct TextKey {
  std::string_view key;
  std::string Identity::*member;
};

constexpr double kVolts = 1000, kAmperes = 1e5, kAmpereHours = 1e6, kWatts = 1e8, kEnergy = 1e9;
constexpr double kCellLow = 0.5, kCellHigh = 5, kCold = -50, kHot = 150;

constexpr NumberKey kTreeNumbers[] = {
    {"Dc", "Power", &Sample::power, -kWatts, kWatts, true},
    {"Dc", "Voltage", &Sample::voltage, 0, kVolts, true},
    {"Dc", "Current", &Sample::current, -kAmperes, kAmperes},
    {"", "Soc", &Sample::soc, 0, 100, true},
    {"", "Soh", &Sample::soh, 0, 100},
    {"", "InstalledCapacity", &Sample::capacity_full, 0, kAmpereHours},
    {"", "Capacity", &Sample::capacity_remaining, 0, kAmpereHours},
    {"", "ConsumedAmphours", &Sample::consumed_ah, -kAmpereHours, kAmpereHours},
    {"Info", "MaxChargeVoltage", &Sample::max_charge_voltage, 0, kVolts},
    {"Info", "MaxChargeCurrent", &Sample::max_charge_current, 0, kAmperes},
    {"Info", "MaxDischargeCurrent", &Sample::max_discharge_current, 0, kAmperes},
    {"Info", "BatteryLowVoltage", &Sample::battery_low_voltage, 0, kVolts},
    {"History", "TotalAhDrawn", &Sample::total_ah_drawn, -kEnergy, kEnergy},
    {"History", "ChargedEnergy", &Sample::charged_energy, 0, kEnergy},
    {"History", "DischargedEnergy", &Sample::discharged_energy, 0, kEnergy},
    {"System", "MinCellVoltage", &Sample::min_cell_voltage, kCellLow, kCellHigh},
    {"System", "MaxCellVoltage", &Sample::max_cell_voltage, kCellLow, kCellHigh},
    {"System", "MinCellTemperature", &Sample::min_cell_temperature, kCold, kHot},
    {"System", "MaxCellTemperature", &Sample::max_cell_temperature, kCold, kHot},
};
constexpr WholeKey kTreeWholes[] = {
    {"", "TimeToGo", &Sample::time_to_go, 1'000'000'000},
    {"System", "NrOfCellsPerBattery", &Sample::cell_count, static_cast<int>(kMaxCells)},
    {"System", "NrOfModulesOnline", &Sample::modules_online, 10000},
    {"System", "NrOfModulesOffline", &Sample::modules_offline, 10000},
    {"System", "NrOfModulesBlockingCharge", &Sample::modules_blocking_charge, 10000},
    {"System", "NrOfModulesBlockingDischarge", &Sample::modules_blocking_discharge, 10000},
};
constexpr FlagKey kTreeFlags[] = {
    {"", "Balancing", &Sample::balancing},
    {"", "Heating", &Sample::heating},
    {"Io", "AllowToCharge", &Sample::charge_enabled},
    {"Io", "AllowToDischarge", &Sample::discharge_enabled},
    {"Io", "AllowToBalance", &Sample::balancer_enabled},
    {"Io", "AllowToHeat", &Sample::heater_enabled},
    {"Info", "ChargeRequest", &Sample::charge_requested},
};
constexpr IdKey kTreeIds[] = {
    {"System", "MinVoltageCellId", &Sample::min_voltage_cell_id},
    {"System", "MaxVoltageCellId", &Sample::max_voltage_cell_id},
    {"System", "MinTemperatureCellId", &Sample::min_temperature_cell_id},
    {"System", "MaxTemperatureCellId", &Sample::max_temperature_cell_id},
};
constexpr TextKey kTreeTexts[] = {
    {"Serial", &Identity::serial},
    {"Manufacturer", &Identity::manufacturer},
    {"ProductName", &Identity::model},
    {"HardwareVersion", &Identity::hardware_version},
};

/// Known and quiet in a path tree that does not mention them.
constexpr Alarm kTreeAlarms[] = {
    Alarm::LowVoltage,
    Alarm::HighVoltage,
    Alarm::LowSoc,
    Alarm::HighChargeCurrent,
    Alarm::HighDischargeCurrent,
    Alarm::CellImbalance,
    Alarm::HighChargeTemperature,
    Alarm::LowChargeTemperature,
    Alarm::LowCellVoltage,
    Alarm::LowTemperature,
    Alarm::HighTemperature,
    Alarm::FuseBlown,
};

constexpr NumberKey kGenericNumbers[] = {
    {"", "voltage", &Sample::voltage, 0, kVolts, true},
    {"", "current", &Sample::current, -kAmperes, kAmperes, true},
    {"", "soc", &Sample::soc, 0, 100, true},
    {"", "soh", &Sample::soh, 0, 100},
    {"", "capacity", &Sample::capacity_full, 0, kAmpereHours, true},
    {"", "capacity_remain", &Sample::capacity_remaining, 0, kAmpereHours},
    {"", "max_battery_charge_current", &Sample::max_charge_current, 0, kAmperes},
    {"", "max_battery_discharge_current", &Sample::max_discharge_current, 0, kAmperes},
    {"history", "total_ah_drawn", &Sample::total_ah_drawn, -kEnergy, kEnergy},
    {"history", "charged_energy", &Sample::charged_energy, 0, kEnergy},
    {"history", "discharged_energy", &Sample::discharged_energy, 0, kEnergy},
};
constexpr FlagKey kGenericFlags[] = {
    {"", "charge_fet", &Sample::charge_enabled, true},
    {"", "discharge_fet", &Sample::discharge_enabled, true},
    {"", "balance_fet", &Sample::balancer_enabled},
    {"", "heater_fet", &Sample::heater_enabled},
    {"", "heating", &Sample::heating},
};
constexpr TextKey kGenericTexts[] = {
    {"serial_number", &Identity::serial},
    {"hardware_version", &Identity::hardware_version},
    {"custom_field", &Identity::device_name},
};

// -- reading ------------------------------------------------------------------------

void require(JsonReader& in, bool present, std::string_view key) {
  if (!present) {
    in.fail(Fault::truncated, std::string(key) + " is missing");
  }
}

/// `group(name)` gives the object of that name, nullptr when it is not there.
template <class Group>
void read_numbers(JsonReader& in, std::span<const NumberKey> keys, Group&& group, Sample& out) {
  for (const auto& key : keys) {
    out.*key.member = in.number(group(key.group), key.key, key.low, key.high);
    require(in, !key.mandatory || out.*key.member, key.key);
  }
  if (out.total_ah_drawn) {
    out.total_ah_drawn = std::abs(*out.total_ah_drawn); // both signs are in use
  }
}

template <class Group>
void read_flags(JsonReader& in, std::span<const FlagKey> keys, bool number_too, Group&& group, Sample& out) {
  for (const auto& key : keys) {
    out.*key.member = in.flag(group(key.group), key.key, number_too);
    require(in, !key.mandatory || out.*key.member, key.key);
  }
}

void read_texts(JsonReader& in, std::span<const TextKey> keys, const json& root, Identity& out) {
  for (const auto& key : keys) {
    if (auto text = in.text(&root, key.key)) {
      out.*key.member = std::move(*text);
    }
  }
}

/// HighCellVoltage and high_cell_voltage are one name.
bool same_alarm(std::string_view ours, std::string_view theirs) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  std::size_t i = 0;
  for (char c : theirs) {
    if (c != '_' && (i == ours.size() || lower(ours[i++]) != lower(c))) {
      return false;
    }
  }
  return i == ours.size();
}

void read_alarms(JsonReader& in, const json* alarms, Alarms& out) {
  if (alarms == nullptr) {
    return;
  }
  for (const auto& [name, value] : alarms->items()) {
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      if (!value.is_null() && same_alarm(kAlarmNames[i], name)) {
        if (auto level = in.whole(alarms, name, 0, 2)) {
          out.set(static_cast<Alarm>(i), static_cast<AlarmLevel>(*level));
        }
      }
    }
  }
}

/// 3 of "Cell3"; 0: no such name.
std::size_t cell_number(std::string_view name) {
  constexpr std::string_view kPrefix = "Cell";
  std::size_t number = 0;
  if (name.substr(0, kPrefix.size()) != kPrefix) {
    return 0;
  }
  const auto [end, error] = std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size() ? number : 0;
}

/// Calls `visit(index, key)` for each Cell<n> with a value.
template <class Visitor>
void for_each_cell(JsonReader& in, const json* cells, Visitor&& visit) {
  if (cells == nullptr) {
    return;
  }
  for (const auto& [name, value] : cells->items()) {
    const std::size_t number = cell_number(name);
    if (number > kMaxCells) {
      in.fail(Fault::implausible, "more than " + std::to_string(kMaxCells) + " cells");
    } else if (number != 0 && !value.is_null()) {
      visit(number - 1, name);
    }
  }
}

void set_optional_extra(Sample& out, std::string_view name, std::optional<double> value) {
  if (value) {
    set_extra(out, name, *value);
  }
}

// -- path tree ------------------------------------------------------------------------

/// What the capacities leave open follows from the others; consumed Ah are never positive.
void derive_capacities(Sample& out) {
  if (out.consumed_ah) {
    out.consumed_ah = -std::abs(*out.consumed_ah);
  }
  if (!out.capacity_full) {
    return;
  }
  if (!out.capacity_remaining) {
    out.capacity_remaining =
        out.consumed_ah ? std::max(0.0, *out.capacity_full + *out.consumed_ah) : *out.capacity_full * *out.soc / 100;
  }
  if (!out.consumed_ah) {
    out.consumed_ah = std::min(0.0, *out.capacity_remaining - *out.capacity_full);
  }
}

void read_tree_cells(JsonReader& in, const json& root, Sample& out) {
  const json* voltages = in.object(&root, "Voltages");
  for_each_cell(in, voltages, [&](std::size_t index, const std::string& name) {
    out.cell_voltages.resize(std::max(out.cell_voltages.size(), index + 1));
    out.cell_voltages[index] = in.number(voltages, name, kCellLow, kCellHigh);
  });
  set_optional_extra(out, "cell_sum", in.number(voltages, "Sum", 0, kVolts));
  set_optional_extra(out, "cell_diff", in.number(voltages, "Diff", 0, kVolts));
  if (out.cell_count.value_or(0) == 0) {
    out.cell_count.reset();
    if (!out.cell_voltages.empty()) {
      out.cell_count = static_cast<int>(out.cell_voltages.size());
    }
  }
  const json* balances = in.object(&root, "Balances");
  for_each_cell(in, balances, [&](std::size_t index, const std::string& name) {
    out.balancing_cells.resize(std::max(out.balancing_cells.size(), index + 1));
    out.balancing_cells[index] = in.flag(balances, name, true).value_or(false);
  });
}

void read_tree(JsonReader& in, const json& root, Sample& out, Identity& identity) {
  auto group = [&](std::string_view name) -> const json* {
    if (name.empty()) {
      return &root;
    }
    const json* found = in.object(&root, name);
    // Several DC channels are numbered; ours is the first.
    return name == "Dc" && JsonReader::find(found, "0") != nullptr ? in.object(found, "0") : found;
  };
  read_numbers(in, kTreeNumbers, group, out);
  for (const auto& key : kTreeWholes) {
    out.*key.member = in.whole(group(key.group), key.key, 0, key.high);
  }
  read_flags(in, kTreeFlags, true, group, out);
  for (const auto& key : kTreeIds) {
    out.*key.member = in.text(group(key.group), key.key);
  }
  read_texts(in, kTreeTexts, root, identity);
  for (auto alarm : kTreeAlarms) {
    out.alarms.set(alarm, 0);
  }
  read_alarms(in, group("Alarms"), out.alarms);
  read_tree_cells(in, root, out);

  constexpr std::string_view kSensors[] = {"Temperature1", "Temperature2", "Temperature3", "Temperature4"};
  bool any = false;
  for (std::size_t i = 0; i < std::size(kSensors); ++i) {
    out.temperatures.battery[i] = in.number(group("System"), kSensors[i], kCold, kHot);
    any = any || out.temperatures.battery[i];
  }
  out.temperatures.mos = in.number(group("System"), "MOSTemperature", kCold, kHot);
  const auto mean = in.number(group("Dc"), "Temperature", kCold, kHot);
  (any ? out.temperatures.pack : out.temperatures.battery[0]) = mean;

  if (in.failed()) {
    return;
  }
  if (!out.current) {
    out.current = *out.voltage > 0 ? *out.power / *out.voltage : 0.0;
  }
  derive_capacities(out);
}

// -- generic BMS ------------------------------------------------------------------------

void read_generic_cells(JsonReader& in, const json& root, Sample& out) {
  const json* cells = JsonReader::find(&root, "cells");
  require(in, cells != nullptr, "cells");
  if (in.failed()) {
    return;
  }
  if (!cells->is_array() || cells->size() != static_cast<std::size_t>(*out.cell_count)) {
    in.fail(Fault::framing, "cells is no list of cell_count entries");
    return;
  }
  bool any_flag = false;
  out.balancing = false;
  for (const auto& cell : *cells) {
    const auto volts = in.number(&cell, "voltage", kCellLow, kCellHigh);
    const auto balance = in.flag(&cell, "balance", false);
    require(in, volts.has_value(), "voltage of a cell");
    out.cell_voltages.push_back(volts);
    out.balancing_cells.push_back(balance.value_or(false));
    any_flag = any_flag || balance;
    out.balancing = *out.balancing || balance.value_or(false);
  }
  if (!any_flag) {
    out.balancing_cells.clear();
  }
}

void read_generic(JsonReader& in, const json& root, Sample& out, Identity& identity) {
  auto group = [&](std::string_view name) { return name.empty() ? &root : in.object(&root, name); };
  out.cell_count = in.whole(&root, "cell_count", 1, static_cast<int>(kMaxCells));
  require(in, out.cell_count.has_value(), "cell_count");
  read_numbers(in, kGenericNumbers, group, out);
  read_flags(in, kGenericFlags, false, group, out);
  read_texts(in, kGenericTexts, root, identity);
  require(in, !identity.serial.empty(), "serial_number");
  out.cycles = in.whole(group("history"), "charge_cycles", 0, 1'000'000);
  read_alarms(in, group("protection"), out.alarms);
  read_generic_cells(in, root, out);

  constexpr std::string_view kSensors[] = {"temperature_1", "temperature_2", "temperature_3", "temperature_4"};
  for (std::size_t i = 0; i < std::size(kSensors); ++i) {
    out.temperatures.battery[i] = in.number(&root, kSensors[i], kCold, kHot);
  }
  require(in, out.temperatures.battery[0].has_value(), kSensors[0]);
  out.temperatures.mos = in.number(&root, "temperature_mos", kCold, kHot);
  // Of information only: the limits in force come from the configuration.
  set_optional_extra(out, "max_battery_voltage_bms", in.number(&root, "max_battery_voltage_bms", 0, kVolts));
  set_optional_extra(out, "min_battery_voltage_bms", in.number(&root, "min_battery_voltage_bms", 0, kVolts));
  if (in.failed()) {
    return;
  }
  out.power = *out.voltage * *out.current;
  derive_capacities(out);
}

} // namespace

MqttJson::MqttJson(const ProtocolConfig& config)
    : use_limits_(option(config, "use_limits").empty() || option_set(config, "use_limits")),
      max_current_(option(config, "max_current", 2000)) {
  const auto name = option(config, "dialect");
  if (name == "path_tree") {
    dialect_ = Dialect::path_tree;
  } else if (name == "wrapped") {
    dialect_ = Dialect::wrapped;
  } else if (name == "generic") {
    dialect_ = Dialect::generic;
  }
}

Result<void> MqttJson::on_document(const Document& document, Identity& identity, Sample& sample) {
  Content content;
  if (auto result = read(document.payload, content); !result) {
    return result;
  }
  dialect_ = content.dialect;
  if (content.dialect == Dialect::generic) {
    cell_count_ = content.sample.cell_count;
  }
  identity = std::move(content.identity);
  sample = std::move(content.sample);
  return {};
}

Result<void> MqttJson::read(std::string_view payload, Content& out) const {
  if (payload.empty() || payload.size() > kMaxPayload) {
    return Error{Fault::framing, payload.empty() ? "empty document" : "document too large"};
  }
  auto root = parse_json(payload, kMaxDepth);
  if (!root) {
    return root.error();
  }
  if (const json* value = JsonReader::find(&*root, "value")) {
    out.dialect = Dialect::wrapped;
    if (value->is_string()) {
      const std::string inner = value->get<std::string>();
      root = parse_json(inner, kMaxDepth);
    } else {
      root = Result<json>(json(*value));
    }
    if (!root) {
      return root.error();
    }
  } else if (root->is_object() && root->contains("cell_count")) {
    out.dialect = Dialect::generic;
  } else {
    out.dialect = Dialect::path_tree;
  }
  if (!root->is_object()) {
    return Error{Fault::framing, "no JSON object"};
  }
  if (dialect_ && *dialect_ != out.dialect) {
    return Error{Fault::framing, "another kind of document than this topic has carried so far"};
  }

  JsonReader in;
  if (out.dialect == Dialect::generic) {
    read_generic(in, *root, out.sample, out.identity);
    if (cell_count_ && out.sample.cell_count != cell_count_) {
      in.fail(Fault::implausible, "the cell count has changed");
    }
    out.identity.unique_id = out.identity.serial;
  } else {
    read_tree(in, *root, out.sample, out.identity);
  }
  if (!in.failed() && std::abs(*out.sample.current) > max_current_) {
    in.fail(Fault::implausible, "current above max_current");
  }
  if (in.failed()) {
    return in.error();
  }
  if (!use_limits_) {
    out.sample.max_charge_voltage = out.sample.battery_low_voltage = std::nullopt;
    out.sample.max_charge_current = out.sample.max_discharge_current = std::nullopt;
  }
  out.identity.protocol = "mqtt_json";
  out.identity.label = "MQTT";
  out.identity.cell_count = out.sample.cell_count;
  out.identity.capacity_full = out.sample.capacity_full;
  return {};
}

// -- registry -------------------------------------------------------------------

namespace {

constexpr std::string_view kNames[] = {"Generic_Mqtt", "mqtt"};
constexpr ProtocolOption kOptions[] = {
    {"dialect", "path_tree, wrapped, generic", "structure of the documents; found out without it"},
    {"use_limits", "true, false", "take limits from the document"},
    {"max_current", "A", "larger currents are not believed"},
};

} // namespace

constinit const ProtocolInfo MqttJson::kInfo = {
    .key = "mqtt_json",
    .label = "MQTT",
    .about = "JSON by MQTT: Venus path tree, dbus-serialbattery's /JsonData, generic BMS",
    .aliases = kNames,
    .medium = Medium::document,
    .options = kOptions,
    .document = make_document<MqttJson>,
};

} // namespace bmsd::protocols
