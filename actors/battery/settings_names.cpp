// Finding a key by its name, present or former, and applying it.
#include "actors/battery/battery_settings.hpp"
#include "actors/battery/settings_values.hpp"

namespace bmsd::battery {

using namespace values;

namespace {

using S = BatterySettings;

struct Rename {
  std::string_view old_name, name;
};
/// Names of earlier versions of dbus-serialbattery and of Louisvdw's driver.
constexpr Rename kRenamed[] = {
    {"MAX_VOLTAGE_TIME_SEC", "SWITCH_TO_FLOAT_WAIT_FOR_SEC"},
    {"CELL_VOLTAGE_DIFF_KEEP_MAX_VOLTAGE_UNTIL", "SWITCH_TO_FLOAT_CELL_VOLTAGE_DIFF"},
    {"CELL_VOLTAGE_DIFF_KEEP_MAX_VOLTAGE_TIME_RESTART", "SWITCH_TO_FLOAT_CELL_VOLTAGE_DEVIATION"},
    {"CELL_VOLTAGE_DIFF_TO_RESET_VOLTAGE_LIMIT", "SWITCH_TO_BULK_CELL_VOLTAGE_DIFF"},
    {"SOC_LEVEL_TO_RESET_VOLTAGE_LIMIT", "SWITCH_TO_BULK_SOC_THRESHOLD"},
    {"CVL_ICONTROLLER_MODE", "CVL_CONTROLLER_MODE"},
    {"LINEAR_LIMITATION_ENABLE", "CHARGE_MODE"},
    {"LINEAR_RECALCULATION_EVERY", "CVL_RECALCULATION_EVERY"},
    {"LINEAR_RECALCULATION_ON_PERC_CHANGE", "CVL_RECALCULATION_ON_MAX_PERCENTAGE_CHANGE"},
    {"SOC_RESET_VOLTAGE", "SOC_RESET_CELL_VOLTAGE"},
    {"SOC_CALC_CURRENT_REPORTED_BY_BMS", "CURRENT_REPORTED_BY_BMS"},
    {"SOC_CALC_CURRENT_MEASURED_BY_USER", "CURRENT_MEASURED_BY_USER"},
    {"SEPLOS_USE_BMS_VALUES", "USE_BMS_DVCC_VALUES"},
    {"TEMP_BATTERY", "TEMPERATURE_SOURCE_BATTERY"},
    {"TEMP_1_NAME", "TEMPERATURE_1_NAME"},
    {"TEMP_2_NAME", "TEMPERATURE_2_NAME"},
    {"TEMP_3_NAME", "TEMPERATURE_3_NAME"},
    {"TEMP_4_NAME", "TEMPERATURE_4_NAME"},
    {"EXTERNAL_CURRENT_SENSOR_DBUS_DEVICE", "EXTERNAL_SENSOR_DBUS_DEVICE"},
    {"EXTERNAL_CURRENT_SENSOR_DBUS_PATH", "EXTERNAL_SENSOR_DBUS_PATH_CURRENT"},
};

/// The former key of Louisvdw's driver: 0 all sensors, else one of them.
Result<void> apply_one_source(S& settings, std::string_view value, const KeyInfo& info) {
  auto sensor = whole_number(value, info);
  if (!sensor) {
    return sensor.error();
  }
  for (std::size_t i = 0; i < kSensorsThatCount; ++i) {
    settings.temperature_source[i] = *sensor == 0.0 || static_cast<std::size_t>(*sensor) == i + 1;
  }
  return {};
}

Result<void> apply_linear(S& settings, std::string_view value, const KeyInfo& info) {
  const auto linear = boolean(value, info);
  if (linear) {
    settings.table_mode = *linear ? TableMode::linear : TableMode::step;
  }
  return linear ? Result<void>() : linear.error();
}

/// Former keys whose values meant something else.
constexpr KeyInfo kOneSource{"TEMP_BATTERY", "", "0..4", "", false, 0, 4, {}, &apply_one_source, nullptr};
constexpr KeyInfo kLinear{"LINEAR_LIMITATION_ENABLE", "", "True, False", "", true, 0, 0, {}, &apply_linear, nullptr};

} // namespace

std::optional<std::string_view> renamed(std::string_view name) {
  for (const auto& entry : kRenamed) {
    if (equal_nocase(entry.old_name, name)) {
      return entry.name;
    }
  }
  return std::nullopt;
}

const KeyInfo* find_key(std::string_view name) {
  name = renamed(name).value_or(name);
  for (const auto& info : keys()) {
    if (equal_nocase(info.name, name)) {
      return &info;
    }
  }
  return nullptr;
}

bool is_battery_key(std::string_view name) {
  return find_key(name) != nullptr;
}

bool is_preset(std::string_view name) {
  return equal_nocase(trimmed(name), "PRESET");
}

Result<void> apply_key(BatterySettings& settings, std::string_view name, std::string_view value) {
  name = trimmed(name);
  value = trimmed(value);
  for (const auto& former : {kOneSource, kLinear}) {
    if (equal_nocase(name, former.name)) {
      return former.apply(settings, value, former);
    }
  }
  const KeyInfo* info = find_key(name);
  if (info == nullptr) {
    return Error{Fault::rejected, std::string(name) + ": unknown key"};
  }
  return info->apply(settings, value, *info);
}

} // namespace bmsd::battery
