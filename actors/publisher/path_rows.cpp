#include "actors/publisher/path_rows.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace bmsd::actors {

namespace {

using dbus::Type;
using dbus::ValueView;
using Text = PathFormat::Text;

constexpr PathFormat kVolt{Type::real, 2, Text::number, 2, "V"};
constexpr PathFormat kCellVolt{Type::real, 3, Text::number, 3, "V"};
constexpr PathFormat kAmpere{Type::real, 2, Text::number, 2, "A"};
constexpr PathFormat kWatt{Type::real, 0, Text::number, 0, "W"};
constexpr PathFormat kAmpHour{Type::real, 2, Text::number, 2, "Ah"};
constexpr PathFormat kAmpHourWhole{Type::real, 2, Text::number, 0, "Ah"}; // whole in the text alone
constexpr PathFormat kDeviation{Type::real, 1, Text::number, 1, "%"};
constexpr PathFormat kPercent{Type::real, 2};
constexpr PathFormat kCelsius{Type::real, 1};
constexpr PathFormat kEnergy{Type::real, 2};
constexpr PathFormat kInteger{Type::integer};
constexpr PathFormat kHexadecimal{Type::integer, 0, Text::hexadecimal};
constexpr PathFormat kText{Type::text};

// -- from fields to values ------------------------------------------------------

ValueView real(const std::optional<double>& value) {
  return value ? ValueView(*value) : ValueView();
}
ValueView never_positive(const std::optional<double>& value) {
  return value ? ValueView(std::min(*value, 0.0)) : ValueView();
}
ValueView integer(const std::optional<int>& value) {
  return value ? ValueView(*value) : ValueView();
}
ValueView flag(const std::optional<bool>& value) {
  return value ? ValueView(*value ? 1 : 0) : ValueView();
}
ValueView text(std::string_view value) {
  return value.empty() ? ValueView() : ValueView(value);
}
ValueView text_or_empty(std::string_view value) {
  return value;
}
std::string_view first_of(std::string_view a, std::string_view b) {
  return a.empty() ? b : a;
}

/// A charge voltage of nothing would be a command to stop everything; such a value can only be a mistake.
ValueView charge_voltage(const std::optional<double>& volts) {
  return volts && *volts > 0 ? ValueView(*volts) : ValueView();
}

/// A current limit. systemcalc reads an invalid one as "no limit", so a number that cannot be true stops instead.
ValueView current_limit(const std::optional<double>& amperes) {
  constexpr double kTooLarge = 1e5;
  if (!amperes) {
    return {};
  }
  return *amperes > 0 && *amperes < kTooLarge ? *amperes : 0.0;
}

ValueView count(const std::optional<double>& value) {
  bool fits = value && std::abs(*value) < 1e9;
  return fits ? ValueView(static_cast<std::int32_t>(std::lround(*value))) : ValueView();
}

ValueView extra(const Sample& sample, std::string_view name) {
  for (const auto& field : sample.extra) {
    if (auto* number = std::get_if<double>(&field.value); number && field.name == name) {
      return *number;
    }
  }
  return {};
}

ValueView cell_voltage(const PathSource& s, std::size_t n) {
  const auto& cells = s.status.sample.cell_voltages;
  return n < cells.size() ? real(cells[n]) : ValueView();
}

ValueView cell_balancing(const PathSource& s, std::size_t n) {
  const auto& cells = s.status.sample.balancing_cells;
  return n < cells.size() ? flag(cells[n]) : ValueView();
}

ValueView any_balancing(const PathSource& s, std::size_t) {
  const auto& sample = s.status.sample;
  if (sample.balancing || sample.balancing_cells.empty()) {
    return flag(sample.balancing);
  }
  return std::find(sample.balancing_cells.begin(), sample.balancing_cells.end(), true) != sample.balancing_cells.end()
             ? 1
             : 0;
}

ValueView alarm(const PathSource& s, std::size_t n) {
  auto level = s.status.alarms.at(n);
  return level ? ValueView(static_cast<std::int32_t>(*level)) : ValueView();
}

ValueView time_to_soc(const PathSource& s, std::size_t n) {
  int percent = s.options.time_to_soc_points[n];
  for (const auto& point : s.status.time_to_soc) {
    if (point.percent == percent) {
      return s.options.time_to_soc_type == 1 ? integer(point.seconds) : text(point.text);
    }
  }
  return {};
}

template <Switch kSwitch>
ValueView switched_off(const PathSource& s, std::size_t) {
  return s.switches[static_cast<std::size_t>(kSwitch)];
}

// GET(expression of s) and, where identity and options are enough, CONSTANT(expression of s).
#define GET(expression)                                                                                                \
  []([[maybe_unused]] const PathSource& s, [[maybe_unused]] std::size_t n) -> ValueView { return expression; }
#define CONSTANT(expression)                                                                                           \
  []([[maybe_unused]] const PathConstants& s, [[maybe_unused]] std::size_t n) -> ValueView { return expression; }

constexpr auto kOnce = PathRepeat::once;

const PathRow kRows[] = {
    // -- mandatory and common ------------------------------------------------------
    {"/Mgmt/ProcessName", kText, CONSTANT(text(s.options.process_name))},
    {"/Mgmt/ProcessVersion", kText, CONSTANT(text(s.options.process_version))},
    {"/Mgmt/Connection", kText, CONSTANT(text(s.options.connection))},
    {"/Mgmt/InsecureConnection", kInteger, CONSTANT(1), PathWhen::insecure},
    {"/DeviceInstance", kInteger, CONSTANT(s.options.device_instance)},
    {"/ProductId", kHexadecimal, CONSTANT(s.options.product_id)},
    {"/ProductName", kText, CONSTANT(text(s.options.product_name))},
    {"/FirmwareVersion", kText, CONSTANT(text(s.options.process_version))},
    {"/HardwareVersion", kText, CONSTANT(text(first_of(s.identity.hardware_version, s.identity.model)))},
    {"/Connected", kInteger, GET(s.status.connected ? 1 : 0)},
    {"/CustomName", kText, CONSTANT(text_or_empty(s.options.custom_name)), PathWhen::always, kOnce, true},
    {"/Serial", kText, CONSTANT(text(first_of(s.identity.unique_id, s.identity.serial)))},
    {"/DeviceName", kText, CONSTANT(text(s.identity.device_name))},
    {"/Manufacturer", kText, CONSTANT(text(first_of(s.identity.manufacturer, s.identity.label)))},
    {"/Family", kText, CONSTANT(text(first_of(s.identity.model, s.identity.hardware_version)))},
    {"/ErrorCode", kInteger, GET(integer(s.status.error_code))},
    {"/State", kInteger, GET(s.status.state)},
    {"/Mode", kInteger, GET(integer(s.status.mode))},
    {"/DeviceState", kInteger, GET(s.status.device_state)},
    {"/ConnectionInformation", kText, GET(text_or_empty(s.status.connection_info))},

    // -- measured values -----------------------------------------------------------
    {"/Dc/0/Voltage", kVolt, GET(real(s.status.voltage))},
    {"/Dc/0/Current", kAmpere, GET(real(s.status.current))},
    {"/Dc/0/Power", kWatt, GET(real(s.status.power))},
    {"/Dc/0/Temperature", kCelsius, GET(real(s.status.temperature))},
    {"/Dc/0/MidVoltage", kVolt, GET(real(s.status.mid_voltage)), PathWhen::midpoint},
    {"/Dc/0/MidVoltageDeviation", kDeviation, GET(real(s.status.mid_deviation)), PathWhen::midpoint},
    {"/Soc", kPercent, GET(real(s.status.soc))},
    {"/SocBms", kPercent, GET(real(s.status.soc_bms)), PathWhen::calculated_soc},
    {"/Soh", kPercent, GET(real(s.status.sample.soh))},
    {"/Capacity", kAmpHour, GET(real(s.status.capacity))},
    {"/InstalledCapacity", kAmpHourWhole, GET(real(s.status.installed_capacity))},
    {"/ConsumedAmphours", kAmpHourWhole, GET(never_positive(s.status.consumed_ah))},
    {"/CapacityBms", kAmpHour, GET(real(s.status.capacity_bms)), PathWhen::calculated_soc},
    {"/ConsumedAmphoursBms", kAmpHourWhole, GET(never_positive(s.status.consumed_ah_bms)), PathWhen::calculated_soc},
    {"/TimeToGo", kInteger, GET(s.status.time_to_go ? ValueView(std::max(*s.status.time_to_go, 0)) : ValueView())},
    {"/TimeToSoC/#", kInteger, time_to_soc, PathWhen::always, PathRepeat::time_to_soc},
    {"/CurrentAvg", kAmpere, GET(real(s.status.current_avg))},

    // -- limits and control --------------------------------------------------------
    // systemcalc takes a battery for a BMS as soon as MaxChargeVoltage exists: a monitor must not have it.
    {"/Info/MaxChargeVoltage", kVolt, GET(charge_voltage(s.status.cvl)), PathWhen::limits},
    {"/Info/MaxChargeCurrent", kAmpere, GET(current_limit(s.status.ccl)), PathWhen::limits},
    {"/Info/MaxDischargeCurrent", kAmpere, GET(current_limit(s.status.dcl)), PathWhen::limits},
    {"/Info/BatteryLowVoltage", kVolt, GET(real(s.status.battery_low_voltage)), PathWhen::limits},
    {"/Info/ChargeRequest", kInteger, GET(flag(s.status.sample.charge_requested)), PathWhen::limits},
    {"/Info/MaxChargeCellVoltage", kCellVolt, GET(real(s.status.max_charge_cell_voltage)), PathWhen::limits},
    {"/Info/ChargeMode", kText, GET(text(s.status.charge_mode)), PathWhen::limits},
    {"/Info/ChargeModeDebug", kText, GET(text_or_empty(s.status.charge_mode_debug)), PathWhen::limits},
    {"/Info/ChargeModeDebugFloat", kText, GET(text_or_empty(s.status.charge_mode_debug_float)), PathWhen::limits},
    {"/Info/ChargeModeDebugBulk", kText, GET(text_or_empty(s.status.charge_mode_debug_bulk)), PathWhen::limits},
    {"/Info/ChargeLimitation", kText, GET(text(s.status.charge_limitation)), PathWhen::limits},
    {"/Info/DischargeLimitation", kText, GET(text(s.status.discharge_limitation)), PathWhen::limits},
    {"/Info/HeatingCurrent", kAmpere, GET(extra(s.status.sample, "heating_current"))},
    {"/Info/HeatingPower", kWatt, GET(extra(s.status.sample, "heating_power"))},
    {"/Info/HeatingTemperatureStart", kCelsius, GET(extra(s.status.sample, "heating_temperature_start"))},
    {"/Info/HeatingTemperatureStop", kCelsius, GET(extra(s.status.sample, "heating_temperature_stop"))},
    {"/Info/Config/#", kText, CONSTANT(dbus::view(s.options.config[n].second)), PathWhen::always, PathRepeat::config},

    // -- system, cells, switches ---------------------------------------------------
    {"/System/NrOfCellsPerBattery", kInteger, GET(s.cell_count > 0 ? ValueView(s.cell_count) : ValueView())},
    {"/System/NrOfModulesOnline", kInteger, GET(s.status.modules_online)},
    {"/System/NrOfModulesOffline", kInteger, GET(s.status.modules_offline)},
    {"/System/NrOfModulesBlockingCharge", kInteger, GET(s.status.blocking_charge)},
    {"/System/NrOfModulesBlockingDischarge", kInteger, GET(s.status.blocking_discharge)},
    {"/System/MinCellVoltage", kCellVolt, GET(real(s.status.min_cell_voltage))},
    {"/System/MaxCellVoltage", kCellVolt, GET(real(s.status.max_cell_voltage))},
    {"/System/MinVoltageCellId", kText, GET(text(s.status.min_cell_id))},
    {"/System/MaxVoltageCellId", kText, GET(text(s.status.max_cell_id))},
    {"/System/MinCellTemperature", kCelsius, GET(real(s.status.min_temperature))},
    {"/System/MaxCellTemperature", kCelsius, GET(real(s.status.max_temperature))},
    {"/System/MinTemperatureCellId", kText, GET(text(s.status.min_temperature_id))},
    {"/System/MaxTemperatureCellId", kText, GET(text(s.status.max_temperature_id))},
    {"/System/MOSTemperature", kCelsius, GET(real(s.status.mos_temperature))},
    {"/System/Temperature#", kCelsius, GET(real(s.status.sample.temperatures.battery[n])), PathWhen::always,
     PathRepeat::temperatures},
    {"/System/Temperature#Name", kText, CONSTANT(text(s.options.temperature_names[n])), PathWhen::always,
     PathRepeat::temperatures},
    {"/Voltages/Cell#", kCellVolt, cell_voltage, PathWhen::cell_format_plain, PathRepeat::cells},
    {"/Voltages/Sum", kVolt, GET(real(s.status.cell_sum)), PathWhen::cell_format_plain},
    {"/Voltages/Diff", kCellVolt, GET(real(s.status.cell_diff)), PathWhen::cell_format_plain},
    {"/Balances/Cell#", kInteger, cell_balancing, PathWhen::cell_format_plain, PathRepeat::cells},
    {"/Cell/#/Volts", kCellVolt, cell_voltage, PathWhen::cell_format_nested, PathRepeat::cells},
    {"/Cell/Sum", kVolt, GET(real(s.status.cell_sum)), PathWhen::cell_format_nested},
    {"/Cell/Diff", kCellVolt, GET(real(s.status.cell_diff)), PathWhen::cell_format_nested},
    {"/Balancing", kInteger, any_balancing},
    {"/Heating", kInteger, GET(flag(s.status.sample.heating))},
    {"/Io/AllowToCharge", kInteger, GET(flag(s.status.allow_charge))},
    {"/Io/AllowToDischarge", kInteger, GET(flag(s.status.allow_discharge))},
    {"/Io/AllowToBalance", kInteger, GET(flag(s.status.sample.balancer_enabled))},
    {"/Io/AllowToHeat", kInteger, GET(flag(s.status.sample.heater_enabled))},
    {"/Alarms/#", kInteger, alarm, PathWhen::always, PathRepeat::alarms},

    // -- history -------------------------------------------------------------------
    {"/History/DeepestDischarge", kAmpHour, GET(never_positive(s.status.history.deepest_discharge))},
    {"/History/LastDischarge", kAmpHour, GET(never_positive(s.status.history.last_discharge))},
    {"/History/AverageDischarge", kAmpHour, GET(never_positive(s.status.history.average_discharge))},
    {"/History/TotalAhDrawn", kAmpHour, GET(never_positive(s.status.history.total_ah_drawn))},
    {"/History/ChargeCycles", kInteger, GET(count(s.status.history.charge_cycles))},
    {"/History/FullDischarges", kInteger, GET(integer(s.status.history.full_discharges))},
    {"/History/AutomaticSyncs", kInteger, GET(integer(s.status.history.automatic_syncs))},
    {"/History/TimeSinceLastFullCharge", kInteger, GET(integer(s.status.history.time_since_last_full_charge))},
    {"/History/MinimumVoltage", kVolt, GET(real(s.status.history.minimum_voltage))},
    {"/History/MaximumVoltage", kVolt, GET(real(s.status.history.maximum_voltage))},
    {"/History/MinimumCellVoltage", kCellVolt, GET(real(s.status.history.minimum_cell_voltage))},
    {"/History/MaximumCellVoltage", kCellVolt, GET(real(s.status.history.maximum_cell_voltage))},
    {"/History/LowVoltageAlarms", kInteger, GET(integer(s.status.history.low_voltage_alarms))},
    {"/History/HighVoltageAlarms", kInteger, GET(integer(s.status.history.high_voltage_alarms))},
    {"/History/MinimumTemperature", kCelsius, GET(real(s.status.history.minimum_temperature))},
    {"/History/MaximumTemperature", kCelsius, GET(real(s.status.history.maximum_temperature))},
    {"/History/DischargedEnergy", kEnergy, GET(real(s.status.history.discharged_energy))},
    {"/History/ChargedEnergy", kEnergy, GET(real(s.status.history.charged_energy))},
    {"/History/CanBeCleared", kInteger, CONSTANT(1)},
    {"/History/Clear", kInteger, CONSTANT(0), PathWhen::always, kOnce, true},

    // -- settings ------------------------------------------------------------------
    {"/Settings/HasSettings", kInteger, GET(s.any_setting ? 1 : 0)},
    {"/Settings/HasTemperature", kInteger, CONSTANT(1)},
    {"/Settings/ForceChargingOff", kInteger, switched_off<Switch::charging>, PathWhen::charge_switch, kOnce, true},
    {"/Settings/ForceDischargingOff", kInteger, switched_off<Switch::discharging>, PathWhen::discharge_switch, kOnce,
     true},
    {"/Settings/TurnBalancingOff", kInteger, switched_off<Switch::balancing>, PathWhen::balance_switch, kOnce, true},
    {"/Settings/TurnHeatingOff", kInteger, switched_off<Switch::heating>, PathWhen::heat_switch, kOnce, true},
    {"/Settings/ResetSocTo", kInteger, GET(count(s.status.reset_soc_to)), PathWhen::soc_reset, kOnce, true},
    {"/Settings/ResetSocToApply", kInteger, CONSTANT(0), PathWhen::soc_reset, kOnce, true},
};

#undef GET
#undef CONSTANT

} // namespace

std::span<const PathRow> path_rows() {
  return kRows;
}

bool path_exists(PathWhen when, const PublisherOptions& options, const Capabilities& capabilities) {
  switch (when) {
  case PathWhen::always: return true;
  case PathWhen::limits: return options.limits;
  case PathWhen::insecure: return options.insecure_connection;
  case PathWhen::calculated_soc: return options.calculated_soc;
  case PathWhen::midpoint: return options.midpoint;
  case PathWhen::charge_switch: return options.allow_writes && capabilities.charge_switch;
  case PathWhen::discharge_switch: return options.allow_writes && capabilities.discharge_switch;
  case PathWhen::balance_switch: return options.allow_writes && capabilities.balance_switch;
  case PathWhen::heat_switch: return options.allow_writes && capabilities.heat_switch;
  case PathWhen::soc_reset: return options.calculated_soc || (options.allow_writes && capabilities.soc_reset);
  case PathWhen::cell_format_plain: return (options.cell_data_format & 1U) != 0;
  case PathWhen::cell_format_nested: return (options.cell_data_format & 2U) != 0;
  }
  return false;
}

} // namespace bmsd::actors
