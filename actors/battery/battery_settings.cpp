#include "actors/battery/battery_settings.hpp"

#include <algorithm>
#include <cstdio>
#include <functional>

namespace bmsd::battery {

namespace {

NumberList list(std::initializer_list<double> values) {
  NumberList result;
  for (double value : values) {
    result.push_back(value);
  }
  return result;
}

CurrentSettings charge_defaults() {
  CurrentSettings c;
  c.maximum = 50.0;
  c.cell_voltage = {list({3.500, 3.450, 3.425, 3.400, 3.375}), list({0.0, 0.005, 0.05, 0.25, 1.0})};
  c.temperature = {list({0, 2, 5, 10, 40, 45, 50, 55}), list({0, 0.25, 0.5, 1, 1, 0.5, 0.25, 0})};
  c.mosfet_temperature = {list({70, 80, 90}), list({1.0, 0.25, 0.0})};
  c.soc = {list({98, 95, 90, 85}), list({0.1, 0.2, 0.5, 1.0})};
  c.classic_soc = list({98, 95, 91});
  c.classic_limit.push_back({1.0, false});
  c.classic_limit.push_back({4.0, false});
  c.classic_limit.push_back({0.5, true});
  return c;
}

CurrentSettings discharge_defaults() {
  CurrentSettings c;
  c.maximum = 60.0;
  c.cell_voltage = {list({2.8, 2.9, 3.0, 3.1, 3.19}), list({0.0, 0.005, 0.05, 0.25, 1.0})};
  c.temperature = {list({-10, 0, 5, 10, 40, 45, 50, 55}), list({0, 0.25, 0.5, 1, 1, 0.5, 0.25, 0})};
  c.mosfet_temperature = {list({70, 80, 90}), list({1.0, 0.25, 0.0})};
  c.soc = {list({5, 10, 15, 20}), list({0.1, 0.2, 0.5, 1.0})};
  c.classic_soc = list({20, 30, 35});
  c.classic_limit.push_back({5.0, false});
  c.classic_limit.push_back({0.25, true});
  c.classic_limit.push_back({0.5, true});
  return c;
}

std::string volts(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f V", value);
  return text;
}

class Checker {
public:
  explicit Checker(BatterySettings& settings) : s_(settings) {}

  std::vector<ConfigProblem> run() {
    voltages();
    tables(s_.charge, "CHARGING", "CHARGE", BatterySettings().charge);
    tables(s_.discharge, "DISCHARGING", "DISCHARGE", BatterySettings().discharge);
    end_points();
    current_map();
    disconnect_window();
    others();
    for (const auto& problem : problems_) {
      s_.faulty = s_.faulty || problem.safety;
    }
    return std::move(problems_);
  }

private:
  void report(std::string key, std::string text, bool safety = true) {
    problems_.push_back({std::move(key), std::move(text), safety});
  }

  void correct(double& value, double to, const char* key, const char* why) {
    report(key, volts(value) + " is " + why + ", " + volts(to) + " is used");
    value = to;
  }

  void voltages() {
    if (s_.min_cell_voltage >= s_.max_cell_voltage) {
      const BatterySettings defaults;
      report("MIN_CELL_VOLTAGE",
             volts(s_.min_cell_voltage) + " is not below MAX_CELL_VOLTAGE, the defaults of both are used");
      s_.min_cell_voltage = defaults.min_cell_voltage;
      s_.max_cell_voltage = defaults.max_cell_voltage;
    }
    if (s_.float_cell_voltage > s_.max_cell_voltage) {
      correct(s_.float_cell_voltage, s_.max_cell_voltage, "FLOAT_CELL_VOLTAGE", "above MAX_CELL_VOLTAGE");
    }
    if (s_.float_cell_voltage < s_.min_cell_voltage) {
      correct(s_.float_cell_voltage, s_.min_cell_voltage, "FLOAT_CELL_VOLTAGE", "below MIN_CELL_VOLTAGE");
    }
    if (s_.soc_reset_after_days > 0 && s_.soc_reset_cell_voltage < s_.max_cell_voltage) {
      correct(s_.soc_reset_cell_voltage, s_.max_cell_voltage, "SOC_RESET_CELL_VOLTAGE", "below MAX_CELL_VOLTAGE");
    }
  }

  void table(LimitTable& table, const LimitTable& fallback, const std::string& key, const std::string& fractions) {
    if (!Table::is_valid(table.in, table.fraction)) {
      report(key, "is not rising or falling throughout, or differs in length from " + fractions +
                      ", the defaults of both are used");
      table = fallback;
    } else if (std::find(table.fraction.begin(), table.fraction.end(), 1.0) == table.fraction.end()) {
      report(fractions, "has no 1.0: the full current is never allowed");
    }
  }

  void tables(CurrentSettings& c, const std::string& direction, const std::string& name,
              const CurrentSettings& defaults) {
    const std::string prefix = "MAX_" + name + "_CURRENT_";
    if (c.by_cell_voltage) {
      table(c.cell_voltage, defaults.cell_voltage, "CELL_VOLTAGES_WHILE_" + direction, prefix + "CV_FRACTION");
    }
    if (c.by_temperature) {
      table(c.temperature, defaults.temperature, "TEMPERATURES_WHILE_" + direction, prefix + "T_FRACTION");
    }
    if (c.by_mosfet_temperature) {
      table(c.mosfet_temperature, defaults.mosfet_temperature, "MOSFET_TEMPERATURES_WHILE_" + direction,
            prefix + "T_MOSFET_FRACTION");
    }
    if (c.by_soc) {
      table(c.soc, defaults.soc, "SOC_WHILE_" + direction, prefix + "SOC_FRACTION");
    }
    const auto& points = c.classic_soc;
    const bool sorted =
        std::is_sorted(points.begin(), points.end()) || std::is_sorted(points.begin(), points.end(), std::greater<>());
    if (s_.classic && (!sorted || points.size() != c.classic_limit.size())) {
      report("CLASSIC_SOC_WHILE_" + direction,
             "is not sorted or differs in length from CLASSIC_" + name + "_LIMIT, the defaults of both are used");
      c.classic_soc = defaults.classic_soc;
      c.classic_limit = defaults.classic_limit;
    }
  }

  /// A table that stops the current before the battery is full or empty.
  void end_points() {
    if (s_.charge.by_cell_voltage) {
      const Table table(s_.charge.cell_voltage.in, s_.charge.cell_voltage.fraction);
      const std::size_t last = table.size() - 1;
      const bool reset = s_.soc_reset_after_days > 0;
      const double full = reset ? s_.soc_reset_cell_voltage : s_.max_cell_voltage;
      if (table.input(last) < full && table.output(last) == 0.0) {
        report("CELL_VOLTAGES_WHILE_CHARGING",
               "charging ends at " + volts(table.input(last)) + ", below " +
                   (reset ? "SOC_RESET_CELL_VOLTAGE, " : "MAX_CELL_VOLTAGE, ") + volts(full) +
                   ": the battery is never full",
               false);
      }
    }
    if (s_.discharge.by_cell_voltage) {
      const Table table(s_.discharge.cell_voltage.in, s_.discharge.cell_voltage.fraction);
      if (table.input(0) > s_.min_cell_voltage && table.output(0) == 0.0) {
        report("CELL_VOLTAGES_WHILE_DISCHARGING",
               "discharging ends at " + volts(table.input(0)) + ", above MIN_CELL_VOLTAGE: the battery is never empty",
               false);
      }
    }
  }

  void current_map() {
    if (!Table::is_valid(s_.current_reported, s_.current_measured, true)) {
      report("CURRENT_REPORTED_BY_BMS", "is not ascending or differs in length from CURRENT_MEASURED_BY_USER, "
                                        "the current is not corrected");
      const BatterySettings defaults;
      s_.current_reported = defaults.current_reported;
      s_.current_measured = defaults.current_measured;
    }
  }

  void disconnect_window() {
    if (s_.block_on_disconnect) {
      return;
    }
    if (s_.block_voltage_min < s_.min_cell_voltage) {
      correct(s_.block_voltage_min, s_.min_cell_voltage, "BLOCK_ON_DISCONNECT_VOLTAGE_MIN", "below MIN_CELL_VOLTAGE");
    }
    if (s_.block_voltage_max > s_.max_cell_voltage) {
      correct(s_.block_voltage_max, s_.max_cell_voltage, "BLOCK_ON_DISCONNECT_VOLTAGE_MAX", "above MAX_CELL_VOLTAGE");
    }
    if (s_.block_voltage_min >= s_.block_voltage_max) {
      report("BLOCK_ON_DISCONNECT_VOLTAGE_MIN",
             "is not below BLOCK_ON_DISCONNECT_VOLTAGE_MAX, a lost BMS blocks at once");
      s_.block_on_disconnect = true;
    }
  }

  void others() {
    if (s_.soc_calculation && s_.external_soc()) {
      report("SOC_CALCULATION", "cannot be used together with an external SoC, the external one is used");
      s_.soc_calculation = false;
    }
    if (s_.bulk_soc_threshold <= 0.0 && s_.bulk_cell_diff >= 0.101) {
      report("SWITCH_TO_BULK_SOC_THRESHOLD", "and SWITCH_TO_BULK_CELL_VOLTAGE_DIFF leave hardly a way back to bulk",
             false);
    }
    if (s_.soc_low_alarm > s_.soc_low_warning) {
      report("SOC_LOW_ALARM", "is above SOC_LOW_WARNING, it is used for both", false);
      s_.soc_low_warning = s_.soc_low_alarm;
    }
    constexpr double kWideMargin = 0.1;
    if (s_.controller == VoltageController::integral && s_.float_cell_diff > kWideMargin) {
      report("SWITCH_TO_FLOAT_CELL_VOLTAGE_DIFF",
             "is also the margin of CVL_CONTROLLER_MODE = 2: a single high cell hardly lowers CVL", false);
    }
    if (s_.time_to_soc_every < 5) {
      s_.time_to_soc_every = 5;
    }
  }

  BatterySettings& s_;
  std::vector<ConfigProblem> problems_;
};

} // namespace

BatterySettings::BatterySettings()
    : charge(charge_defaults()), discharge(discharge_defaults()), current_reported(list({-300, 300})),
      current_measured(list({-300, 300})), temperature_names{"Temp 1", "Temp 2", "Temp 3", "Temp 4"} {}

std::vector<ConfigProblem> check(BatterySettings& settings) {
  return Checker(settings).run();
}

} // namespace bmsd::battery
