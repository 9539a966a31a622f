// The table of keys.
#include "actors/battery/battery_settings.hpp"
#include "actors/battery/settings_values.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bmsd::battery {

using namespace values;

namespace {

using S = BatterySettings;

/// `Get` is a captureless lambda that returns a reference to the setting.
template <class Get>
using Target = std::remove_cvref_t<decltype(std::declval<Get>()(std::declval<S&>()))>;

struct Range {
  double low, high;
  std::string_view allowed;
};
constexpr Range kAny{0, 0, ""};
constexpr Range kFraction{0, 1, "0..1"};
constexpr Range kPercent{0, 100, "0..100"};
constexpr Range kSeconds{0, 1e6, ">= 0"};
constexpr Range kAmperes{0.001, 1000, "> 0, up to 1000"};
constexpr Range kCellVoltages{0.5, 5, "0.5..5"};
constexpr Range kTemperatures{-60, 150, "-60..150"};

template <class Get>
S& mutable_copy(const S& settings, Get) {
  return const_cast<S&>(settings);
}

template <class Get>
constexpr KeyInfo key(std::string_view name, std::string_view unit, Range range, Get, std::string_view text,
                      bool safety = false, std::optional<double> empty = {}) {
  using T = Target<Get>;
  return {name,
          unit,
          range.allowed,
          text,
          safety,
          range.low,
          range.high,
          empty,
          [](S& settings, std::string_view value, const KeyInfo& info) -> Result<void> {
            T& target = Get{}(settings);
            if constexpr (std::is_same_v<T, bool>) {
              const auto flag = boolean(value, info);
              if (!flag) {
                return flag.error();
              }
              target = *flag;
            } else if constexpr (std::is_same_v<T, std::string>) {
              target = value;
            } else if constexpr (std::is_same_v<T, NumberList>) {
              return read_list(target, value, info);
            } else if constexpr (std::is_same_v<T, double>) {
              auto number_read = number(value, info);
              if (!number_read) {
                return number_read.error();
              }
              target = *number_read;
            } else {
              auto number_read = whole_number(value, info);
              if (!number_read) {
                return number_read.error();
              }
              target = static_cast<T>(static_cast<int>(*number_read));
            }
            return {};
          },
          [](const S& settings) {
            const T& value = Get{}(settings);
            if constexpr (std::is_same_v<T, NumberList>) {
              return joined(value);
            } else {
              return text_of(value);
            }
          }};
}

/// A key whose value has a form of its own.
constexpr KeyInfo special(std::string_view name, std::string_view unit, Range range, std::string_view text,
                          decltype(KeyInfo::apply) apply, decltype(KeyInfo::print) print, bool safety = false) {
  return {name, unit, range.allowed, text, safety, range.low, range.high, {}, apply, print};
}

Result<void> apply_limits(S& settings, std::string_view value, const KeyInfo& info) {
  if (equal_nocase(value, "off")) {
    settings.limits = false;
  } else if (equal_nocase(value, "on")) {
    settings.limits = true;
  } else {
    return refused(info, value, "is neither on nor off");
  }
  return {};
}

Result<void> apply_preset(S& settings, std::string_view value, const KeyInfo& info) {
  if (value.empty() || equal_nocase(value, "default")) {
    settings.classic = false;
    return {};
  }
  if (!equal_nocase(value, "classic")) {
    return refused(info, value, "is no preset, allowed classic, default");
  }
  settings.classic = true;
  settings.voltage_control = false;
  settings.max_cell_voltage = 3.45;
  settings.min_cell_voltage = 3.1;
  return {};
}

template <class Get>
Result<void> apply_adjust(S& settings, std::string_view value, const KeyInfo& info) {
  NumberList items;
  if (auto result = read_list(items, value, info); !result) {
    return result;
  }
  if (items.size() != 2 || std::abs(items[0]) > 50.0 || items[1] < 0.1 || items[1] > 10.0) {
    return out_of_range(info, value);
  }
  Get{}(settings) = {items[0], items[1]};
  return {};
}

template <class Get>
constexpr KeyInfo adjust(std::string_view name, Get) {
  return special(
      name, "", {0, 0, "offset -50..50, slope 0.1..10"}, "Correction of this sensor: offset in °C, slope",
      &apply_adjust<Get>, [](const S& settings) { return text_of(Get{}(settings)); }, true);
}

template <class Get>
Result<void> apply_classic(S& settings, std::string_view value, const KeyInfo& info) {
  InlineVector<ClassicLimit, kMaxTablePoints> items;
  auto result = for_each_item(value, [&](std::string_view part) -> Result<void> {
    ClassicLimit limit;
    limit.relative = part.ends_with('%');
    if (limit.relative || part.ends_with('A')) {
      part.remove_suffix(1);
    }
    auto amount = to_number(trimmed(part));
    if (!amount || *amount < 0.0 || *amount > (limit.relative ? 100.0 : 1000.0) || items.size() == items.capacity()) {
      return out_of_range(info, value);
    }
    limit.value = limit.relative ? *amount / 100.0 : *amount;
    items.push_back(limit);
    return {};
  });
  if (result) {
    Get{}(settings) = items;
  }
  return result;
}

template <class Get>
constexpr KeyInfo classic(std::string_view name, Get) {
  return special(name, "", {0, 0, "A up to 1000, or 0..100 with %"},
                 "PRESET = classic: limits at these points, A or % of the maximum", &apply_classic<Get>,
                 [](const S& settings) { return joined(Get{}(settings)); });
}

Result<void> apply_source(S& settings, std::string_view value, const KeyInfo& info) {
  std::array<bool, kSensorsThatCount> source{};
  auto result = for_each_item(value, [&](std::string_view part) -> Result<void> {
    auto sensor = whole_number(part, info);
    if (!sensor) {
      return sensor.error();
    }
    source[static_cast<std::size_t>(*sensor) - 1] = true;
    return {};
  });
  if (result && source == std::array<bool, kSensorsThatCount>{}) {
    return not_allowed(info, value, "names no sensor");
  }
  if (result) {
    settings.temperature_source = source;
  }
  return result;
}

std::string print_source(const S& settings) {
  std::vector<int> sensors;
  for (std::size_t i = 0; i < kSensorsThatCount; ++i) {
    if (settings.temperature_source[i]) {
      sensors.push_back(static_cast<int>(i) + 1);
    }
  }
  return joined(sensors);
}

Result<void> apply_points(S& settings, std::string_view value, const KeyInfo& info) {
  std::vector<int> points;
  auto result = for_each_item(value, [&](std::string_view part) -> Result<void> {
    auto point = whole_number(part, info);
    if (!point) {
      return point.error();
    }
    if (points.size() == kMaxTablePoints) {
      return refused(info, value, "has too many items, allowed " + std::to_string(kMaxTablePoints));
    }
    points.push_back(static_cast<int>(*point));
    return {};
  });
  if (result) {
    settings.time_to_soc_points = std::move(points);
  }
  return result;
}

Result<void> apply_poll_interval(S& settings, std::string_view value, const KeyInfo& info) {
  if (value.empty()) {
    settings.poll_interval.reset();
    return {};
  }
  auto seconds = number(value, info);
  if (!seconds) {
    return seconds.error();
  }
  settings.poll_interval = *seconds;
  return {};
}

#define FIELD(member)                                                                                                  \
  [](auto& s) -> auto& {                                                                                               \
    return s.member;                                                                                                   \
  }

const KeyInfo kKeys[] = {
    special(
        "PRESET", "", kAny,
        "classic: the SoC rules of the first driver versions and a fixed CVL. Other keys change its values",
        &apply_preset, [](const S& s) { return std::string(s.classic ? "classic" : "default"); }, true),
    special(
        "LIMITS", "", kAny, "off: publish the battery without CVL, CCL and DCL (on, off)", &apply_limits,
        [](const S& s) { return std::string(s.limits ? "on" : "off"); }, true),
    special(
        "MONITOR_ONLY", "", kAny, "True: the same as LIMITS = off",
        [](S& s, std::string_view value, const KeyInfo& info) -> Result<void> {
          const auto monitor = boolean(value, info);
          s.limits = monitor ? !*monitor : s.limits;
          return monitor ? Result<void>() : monitor.error();
        },
        [](const S& s) { return text_of(!s.limits); }, true),
    key("MAX_BATTERY_CHARGE_CURRENT", "A", kAmperes, FIELD(charge.maximum), "Highest charge current of this battery",
        true),
    key("MAX_BATTERY_DISCHARGE_CURRENT", "A", kAmperes, FIELD(discharge.maximum),
        "Highest discharge current of this battery", true),
    key("MIN_CELL_VOLTAGE", "V", Range{1.5, 4, "1.5..4"}, FIELD(min_cell_voltage),
        "Lowest cell voltage: floor of CVL, 0 % SoC", true),
    key("MAX_CELL_VOLTAGE", "V", Range{2, 4.3, "2..4.3"}, FIELD(max_cell_voltage),
        "Cell voltage in bulk and absorption", true),
    key("FLOAT_CELL_VOLTAGE", "V", Range{1.5, 4.3, "1.5..4.3"}, FIELD(float_cell_voltage), "Cell voltage in float",
        true),
    key("SOC_RESET_CELL_VOLTAGE", "V", Range{2, 4.3, "2..4.3"}, FIELD(soc_reset_cell_voltage),
        "Cell voltage of the SoC reset (top balancing)", true),
    key("SOC_RESET_AFTER_DAYS", "d", Range{0, 3650, "0..3650, 0 or empty = off"}, FIELD(soc_reset_after_days),
        "Charge to SOC_RESET_CELL_VOLTAGE every so many days", true, 0.0),
    key("VOLTAGE_DROP", "V", Range{0, 2, "0..2"}, FIELD(voltage_drop),
        "Voltage lost in the cables, added to the published CVL", true),
    key("USE_BMS_DVCC_VALUES", "", kAny, FIELD(use_bms_voltage_limits),
        "Pack voltage limits from the BMS where it has them", true),
    key("LIMIT_ON_ALARM", "", kAny, FIELD(limit_on_alarm),
        "A BMS alarm of level 2 stops charging or discharging even if the FET stays on", true),
    key("CHARGE_MODE", "", Range{1, 2, "1 linear, 2 step"}, FIELD(table_mode),
        "How the current tables are read between two points", true),
    key("CVL_RECALCULATION_EVERY", "s", kSeconds, FIELD(recalculation_every),
        "How often an unchanged limit gets its reason text anew", false, 0.0),
    key("CVL_RECALCULATION_ON_MAX_PERCENTAGE_CHANGE", "%", kPercent, FIELD(recalculation_on_change),
        "Accepted for compatibility: every reduction applies at once", false, 0.0),
    key("CVL_RECOVERY_HOLD_SEC", "s", kSeconds, FIELD(voltage_recovery_hold),
        "Wait after a cell was too high before CVL rises again", true, 0.0),
    key("CVL_RECOVERY_RATE_V_PER_SEC", "V/s", Range{0, 100, "0..100, 0 = at once"}, FIELD(voltage_recovery_rate),
        "How fast CVL rises again", true, 0.0),
    key("CVCM_ENABLE", "", kAny, FIELD(voltage_control),
        "Absorption, float and protection of single cells. False: always the maximum", true),
    key("SWITCH_TO_FLOAT_WAIT_FOR_SEC", "s", kSeconds, FIELD(float_wait), "Absorption time", true, 0.0),
    key("SWITCH_TO_FLOAT_CELL_VOLTAGE_DIFF", "V", Range{0.0001, 10, "> 0, empty = any"}, FIELD(float_cell_diff),
        "Largest spread of the cells at which absorption starts", false, 10.0),
    key("SWITCH_TO_FLOAT_CELL_VOLTAGE_DEVIATION", "V", Range{0, 10, "0..10"}, FIELD(float_deviation),
        "Further spread that starts the absorption time anew", false, 0.0),
    key("SWITCH_TO_BULK_SOC_THRESHOLD", "%", Range{0, 100, "0..100, 0 = off"}, FIELD(bulk_soc_threshold),
        "Back to bulk below this SoC", false, 0.0),
    key("SWITCH_TO_BULK_CELL_VOLTAGE_DIFF", "V", Range{0.0001, 10, "> 0, empty = off"}, FIELD(bulk_cell_diff),
        "Back to bulk at this spread of the cells", false, 10.0),
    key("CVL_CONTROLLER_MODE", "", Range{0, 3, "0 off, 1 proportional, 2 integral, 3 clipped sum"}, FIELD(controller),
        "How CVL falls when a cell is above its maximum", true),
    key("CVL_ICONTROLLER_FACTOR", "V/Vs", Range{0.0001, 100, "> 0"}, FIELD(integral_factor),
        "Gain of the integral controller"),
    key("CCCM_CV_ENABLE", "", kAny, FIELD(charge.by_cell_voltage), "Limit CCL by cell voltage", true),
    key("CELL_VOLTAGES_WHILE_CHARGING", "V", kCellVoltages, FIELD(charge.cell_voltage.in), "Cell voltages of the table",
        true),
    key("MAX_CHARGE_CURRENT_CV_FRACTION", "", kFraction, FIELD(charge.cell_voltage.fraction),
        "Fractions of the maximum for these", true),
    key("CCCM_T_ENABLE", "", kAny, FIELD(charge.by_temperature), "Limit CCL by battery temperature", true),
    key("TEMPERATURES_WHILE_CHARGING", "°C", kTemperatures, FIELD(charge.temperature.in), "Temperatures of the table",
        true),
    key("MAX_CHARGE_CURRENT_T_FRACTION", "", kFraction, FIELD(charge.temperature.fraction),
        "Fractions of the maximum for these", true),
    key("CCCM_T_MOSFET_ENABLE", "", kAny, FIELD(charge.by_mosfet_temperature), "Limit CCL by MOSFET temperature", true),
    key("MOSFET_TEMPERATURES_WHILE_CHARGING", "°C", kTemperatures, FIELD(charge.mosfet_temperature.in),
        "MOSFET temperatures of the table", true),
    key("MAX_CHARGE_CURRENT_T_MOSFET_FRACTION", "", kFraction, FIELD(charge.mosfet_temperature.fraction),
        "Fractions of the maximum for these", true),
    key("CCCM_SOC_ENABLE", "", kAny, FIELD(charge.by_soc), "Limit CCL by SoC"),
    key("SOC_WHILE_CHARGING", "%", kPercent, FIELD(charge.soc.in), "SoC points of the table"),
    key("MAX_CHARGE_CURRENT_SOC_FRACTION", "", kFraction, FIELD(charge.soc.fraction),
        "Fractions of the maximum for these"),
    key("CLASSIC_SOC_WHILE_CHARGING", "%", kPercent, FIELD(charge.classic_soc),
        "PRESET = classic: SoC points, the strictest first"),
    classic("CLASSIC_CHARGE_LIMIT", FIELD(charge.classic_limit)),
    key("CHARGE_CURRENT_RECOVERY_THRESHOLD_PERCENT", "", kFraction, FIELD(charge.recovery_threshold),
        "CCL leaves 0 only from this share of the maximum", false, 0.0),
    key("CCL_RECOVERY_HOLD_SEC", "s", kSeconds, FIELD(charge.recovery_hold), "Wait before CCL rises", false, 0.0),
    key("CCL_RECOVERY_RATE_A_PER_SEC", "A/s", Range{0, 10000, ">= 0, 0 = at once"}, FIELD(charge.recovery_rate),
        "How fast CCL rises", false, 0.0),
    key("DCCM_CV_ENABLE", "", kAny, FIELD(discharge.by_cell_voltage), "Limit DCL by cell voltage", true),
    key("CELL_VOLTAGES_WHILE_DISCHARGING", "V", kCellVoltages, FIELD(discharge.cell_voltage.in),
        "Cell voltages of the table", true),
    key("MAX_DISCHARGE_CURRENT_CV_FRACTION", "", kFraction, FIELD(discharge.cell_voltage.fraction),
        "Fractions of the maximum for these", true),
    key("DCCM_T_ENABLE", "", kAny, FIELD(discharge.by_temperature), "Limit DCL by battery temperature", true),
    key("TEMPERATURES_WHILE_DISCHARGING", "°C", kTemperatures, FIELD(discharge.temperature.in),
        "Temperatures of the table", true),
    key("MAX_DISCHARGE_CURRENT_T_FRACTION", "", kFraction, FIELD(discharge.temperature.fraction),
        "Fractions of the maximum for these", true),
    key("DCCM_T_MOSFET_ENABLE", "", kAny, FIELD(discharge.by_mosfet_temperature), "Limit DCL by MOSFET temperature",
        true),
    key("MOSFET_TEMPERATURES_WHILE_DISCHARGING", "°C", kTemperatures, FIELD(discharge.mosfet_temperature.in),
        "MOSFET temperatures of the table", true),
    key("MAX_DISCHARGE_CURRENT_T_MOSFET_FRACTION", "", kFraction, FIELD(discharge.mosfet_temperature.fraction),
        "Fractions of the maximum for these", true),
    key("DCCM_SOC_ENABLE", "", kAny, FIELD(discharge.by_soc), "Limit DCL by SoC"),
    key("SOC_WHILE_DISCHARGING", "%", kPercent, FIELD(discharge.soc.in), "SoC points of the table"),
    key("MAX_DISCHARGE_CURRENT_SOC_FRACTION", "", kFraction, FIELD(discharge.soc.fraction),
        "Fractions of the maximum for these"),
    key("CLASSIC_SOC_WHILE_DISCHARGING", "%", kPercent, FIELD(discharge.classic_soc),
        "PRESET = classic: SoC points, the strictest first"),
    classic("CLASSIC_DISCHARGE_LIMIT", FIELD(discharge.classic_limit)),
    key("DISCHARGE_CURRENT_RECOVERY_THRESHOLD_PERCENT", "", kFraction, FIELD(discharge.recovery_threshold),
        "DCL leaves 0 only from this share of the maximum", false, 0.0),
    key("DCL_RECOVERY_HOLD_SEC", "s", kSeconds, FIELD(discharge.recovery_hold), "Wait before DCL rises", false, 0.0),
    key("DCL_RECOVERY_RATE_A_PER_SEC", "A/s", Range{0, 10000, ">= 0, 0 = at once"}, FIELD(discharge.recovery_rate),
        "How fast DCL rises", false, 0.0),
    key("SOC_CALCULATION", "", kAny, FIELD(soc_calculation), "Count the charge instead of using the SoC of the BMS"),
    key("AUTO_RESET_SOC", "", kAny, FIELD(auto_reset_soc), "Set the SoC of the BMS to 100 % when the battery is full"),
    key("BATTERY_CAPACITY", "Ah", Range{0.1, 5000, "> 0, up to 5000"}, FIELD(battery_capacity),
        "Capacity, if the BMS does not know it"),
    key("CURRENT_REPORTED_BY_BMS", "A", Range{-2000, 2000, "-2000..2000"}, FIELD(current_reported),
        "Correction of the current: what the BMS says", true),
    key("CURRENT_MEASURED_BY_USER", "A", Range{-2000, 2000, "-2000..2000"}, FIELD(current_measured),
        "Correction of the current: what is true", true),
    key("EXTERNAL_SENSOR_DBUS_DEVICE", "", kAny, FIELD(external_device), "D-Bus service of an external sensor"),
    key("EXTERNAL_SENSOR_DBUS_PATH_CURRENT", "", kAny, FIELD(external_current_path), "Path of its current"),
    key("EXTERNAL_SENSOR_DBUS_PATH_SOC", "", kAny, FIELD(external_soc_path), "Path of its SoC"),
    key("SOC_LOW_WARNING", "%", kPercent, FIELD(soc_low_warning), "SoC of the warning, and target of time to go", false,
        0.0),
    key("SOC_LOW_ALARM", "%", kPercent, FIELD(soc_low_alarm), "SoC of the alarm", false, 0.0),
    special("TEMPERATURE_SOURCE_BATTERY", "", {1, 4, "sensors 1..4"}, "Sensors that count as battery temperature",
            &apply_source, &print_source, true),
    key("TEMPERATURE_1_NAME", "", kAny, FIELD(temperature_names[0]), "Name of this sensor"),
    key("TEMPERATURE_2_NAME", "", kAny, FIELD(temperature_names[1]), "Name of this sensor"),
    key("TEMPERATURE_3_NAME", "", kAny, FIELD(temperature_names[2]), "Name of this sensor"),
    key("TEMPERATURE_4_NAME", "", kAny, FIELD(temperature_names[3]), "Name of this sensor"),
    adjust("TEMPERATURE_1_ADJUST", FIELD(temperature_adjust[0])),
    adjust("TEMPERATURE_2_ADJUST", FIELD(temperature_adjust[1])),
    adjust("TEMPERATURE_3_ADJUST", FIELD(temperature_adjust[2])),
    adjust("TEMPERATURE_4_ADJUST", FIELD(temperature_adjust[3])),
    adjust("TEMPERATURE_MOS_ADJUST", FIELD(mos_adjust)),
    key("BLOCK_ON_DISCONNECT", "", kAny, FIELD(block_on_disconnect), "Stop at once when the BMS is lost", true),
    key("BLOCK_ON_DISCONNECT_TIMEOUT_MINUTES", "min", Range{1, 1440, "1..1440"}, FIELD(block_timeout),
        "How long to go on without the BMS", true),
    key("BLOCK_ON_DISCONNECT_VOLTAGE_MIN", "V", Range{1.5, 4.3, "1.5..4.3"}, FIELD(block_voltage_min),
        "... if all cells are above this", true),
    key("BLOCK_ON_DISCONNECT_VOLTAGE_MAX", "V", Range{1.5, 4.3, "1.5..4.3"}, FIELD(block_voltage_max),
        "... and below this", true),
    key("BMS_CABLE_ALARM", "", kAny, FIELD(cable_alarm), "Raise the cable alarm when the BMS is lost"),
    special("POLL_INTERVAL", "s", {0.05, 3600, "0.05..3600, empty = by protocol"}, "Time between two polls",
            &apply_poll_interval, [](const S& s) { return text_of(s.poll_interval); }),
    key("TIME_TO_GO_ENABLE", "", kAny, FIELD(time_to_go), "Compute the time to go"),
    special("TIME_TO_SOC_POINTS", "%", {0, 100, "0..100"}, "SoC points to compute the time to", &apply_points,
            [](const S& s) { return joined(s.time_to_soc_points); }),
    key("TIME_TO_SOC_VALUE_TYPE", "", Range{1, 3, "1 seconds, 2 text, 3 both"}, FIELD(time_to_soc_type),
        "Form of these times"),
    key("TIME_TO_SOC_RECALCULATE_EVERY", "s", kSeconds, FIELD(time_to_soc_every),
        "Time between two computations, at least 5 s", false, 5.0),
    special(
        "TIME_TO_SOC_INC_FROM", "", kAny, "Accepted, without effect",
        [](S&, std::string_view, const KeyInfo&) -> Result<void> { return {}; },
        [](const S&) { return text_of(false); }),
    key("HISTORY_ENABLE", "", kAny, FIELD(history), "Keep the history"),
    key("MIDPOINT_ENABLE", "", kAny, FIELD(midpoint), "Compute the midpoint voltage"),
    key("GUI_PARAMETERS_SHOW_ADDITIONAL_INFO", "", kAny, FIELD(debug_texts), "Publish how CVL comes about"),
    key("BATTERY_CELL_DATA_FORMAT", "", Range{0, 3, "0..3"}, FIELD(cell_data_format),
        "Cell paths: 1 /Voltages/Cell<n>, 2 /Cell/<n>/Volts, 3 both, 0 none"),
    key("PUBLISH_CONFIG_VALUES", "", kAny, FIELD(publish_config), "Publish these keys at /Info/Config/"),
    key("PUBLISH_BATTERY_DATA_AS_JSON", "", kAny, FIELD(publish_json),
        "Publish all values as one JSON text at /JsonData"),
};

#undef FIELD

} // namespace

std::span<const KeyInfo> keys() {
  return kKeys;
}

} // namespace bmsd::battery
