// What the battery actor publishes: the sample in use plus limits, SoC in use, alarms, history, modes.
#pragma once

#include "messages/alarms.hpp"
#include "messages/identity.hpp"
#include "messages/inline_vector.hpp"
#include "messages/sample.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bmsd {

/// D-Bus names under /History; charge, discharge and drawn Ah are negative where Victron's are.
struct History {
  std::optional<double> deepest_discharge; ///< Ah, <= 0
  std::optional<double> last_discharge;    ///< Ah, <= 0
  std::optional<double> average_discharge; ///< Ah, <= 0
  std::optional<double> total_ah_drawn;    ///< Ah, <= 0
  std::optional<double> charge_cycles;
  std::optional<int> full_discharges;
  std::optional<int> automatic_syncs;
  std::optional<int> time_since_last_full_charge;                   ///< s
  std::optional<double> minimum_voltage, maximum_voltage;           ///< V
  std::optional<double> minimum_cell_voltage, maximum_cell_voltage; ///< V
  std::optional<int> low_voltage_alarms, high_voltage_alarms;
  std::optional<double> minimum_temperature, maximum_temperature; ///< °C
  std::optional<double> discharged_energy, charged_energy;        ///< kWh

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("DeepestDischarge", self.deepest_discharge);
    visit("LastDischarge", self.last_discharge);
    visit("AverageDischarge", self.average_discharge);
    visit("TotalAhDrawn", self.total_ah_drawn);
    visit("ChargeCycles", self.charge_cycles);
    visit("FullDischarges", self.full_discharges);
    visit("AutomaticSyncs", self.automatic_syncs);
    visit("TimeSinceLastFullCharge", self.time_since_last_full_charge);
    visit("MinimumVoltage", self.minimum_voltage);
    visit("MaximumVoltage", self.maximum_voltage);
    visit("MinimumCellVoltage", self.minimum_cell_voltage);
    visit("MaximumCellVoltage", self.maximum_cell_voltage);
    visit("LowVoltageAlarms", self.low_voltage_alarms);
    visit("HighVoltageAlarms", self.high_voltage_alarms);
    visit("MinimumTemperature", self.minimum_temperature);
    visit("MaximumTemperature", self.maximum_temperature);
    visit("DischargedEnergy", self.discharged_energy);
    visit("ChargedEnergy", self.charged_energy);
  }
  friend bool operator==(const History&, const History&) = default;
};

/// One entry of /TimeToSoC/<percent>.
struct TimeToSoc {
  int percent = 0;
  std::optional<int> seconds;
  std::string text; ///< as published; empty: only the number is
  friend bool operator==(const TimeToSoc&, const TimeToSoc&) = default;
};

struct Status {
  /// Cells, FETs, flags as the BMS gave them (last good sample), temperatures adjusted.
  Sample sample;

  // -- limits (V, A); absent: not published (monitor only, or not yet known) --
  std::optional<double> cvl, ccl, dcl;
  std::optional<double> battery_low_voltage;     ///< V, pack
  std::optional<double> max_charge_cell_voltage; ///< V
  std::string charge_mode, charge_limitation, discharge_limitation;
  std::string charge_mode_debug, charge_mode_debug_float, charge_mode_debug_bulk;
  std::optional<bool> allow_charge, allow_discharge;

  // -- in use -----------------------------------------------------------------
  std::optional<double> voltage, current, power; ///< V, A (positive = charging), W
  std::optional<double> temperature;             ///< °C, mean of the sensors that count
  std::optional<double> soc;                     ///< %
  std::optional<double> soc_bms;                 ///< %, only when `soc` is from elsewhere
  std::optional<double> capacity;                ///< Ah remaining
  std::optional<double> installed_capacity;      ///< Ah
  std::optional<double> consumed_ah;             ///< Ah, never positive
  std::optional<double> capacity_bms, consumed_ah_bms;
  std::optional<double> current_avg; ///< A
  std::optional<int> time_to_go;     ///< s
  std::vector<TimeToSoc> time_to_soc;
  std::optional<double> mid_voltage, mid_deviation; ///< V, %

  // -- cells and temperatures -------------------------------------------------
  std::optional<double> cell_sum, cell_diff; ///< V
  std::optional<double> min_cell_voltage, max_cell_voltage;
  std::string min_cell_id, max_cell_id; ///< "C3"
  std::optional<double> min_temperature, max_temperature, mos_temperature;
  std::string min_temperature_id, max_temperature_id;

  // -- states (numbers of Victron's enumerations, docs/dbus.md) ----------------
  int state = 0;
  std::optional<int> mode;
  int device_state = 0x100;
  std::optional<int> error_code;
  int modules_online = 0, modules_offline = 1;
  int blocking_charge = 0, blocking_discharge = 0;
  bool connected = true;
  std::string connection_info;
  bool given_up = false; ///< out of reach for too long: withdraw the service until the BMS answers
  Alarms alarms;         ///< as published, cable alarm included

  std::string warning; ///< for people: what is doubtful about this battery or its settings; empty: nothing
  bool absorption_timer_running = false, soc_reset_requested = false;

  History history;
  double reset_soc_to = 100.0; ///< %, remembered value of /Settings/ResetSocTo

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("sample", self.sample);
    visit("cvl", self.cvl);
    visit("ccl", self.ccl);
    visit("dcl", self.dcl);
    visit("battery_low_voltage", self.battery_low_voltage);
    visit("max_charge_cell_voltage", self.max_charge_cell_voltage);
    visit("charge_mode", self.charge_mode);
    visit("charge_limitation", self.charge_limitation);
    visit("discharge_limitation", self.discharge_limitation);
    visit("charge_mode_debug", self.charge_mode_debug);
    visit("charge_mode_debug_float", self.charge_mode_debug_float);
    visit("charge_mode_debug_bulk", self.charge_mode_debug_bulk);
    visit("allow_charge", self.allow_charge);
    visit("allow_discharge", self.allow_discharge);
    visit("voltage", self.voltage);
    visit("current", self.current);
    visit("power", self.power);
    visit("temperature", self.temperature);
    visit("soc", self.soc);
    visit("soc_bms", self.soc_bms);
    visit("capacity", self.capacity);
    visit("installed_capacity", self.installed_capacity);
    visit("consumed_ah", self.consumed_ah);
    visit("capacity_bms", self.capacity_bms);
    visit("consumed_ah_bms", self.consumed_ah_bms);
    visit("current_avg", self.current_avg);
    visit("time_to_go", self.time_to_go);
    visit("time_to_soc", self.time_to_soc);
    visit("mid_voltage", self.mid_voltage);
    visit("mid_deviation", self.mid_deviation);
    visit("cell_sum", self.cell_sum);
    visit("cell_diff", self.cell_diff);
    visit("min_cell_voltage", self.min_cell_voltage);
    visit("max_cell_voltage", self.max_cell_voltage);
    visit("min_cell_id", self.min_cell_id);
    visit("max_cell_id", self.max_cell_id);
    visit("min_temperature", self.min_temperature);
    visit("max_temperature", self.max_temperature);
    visit("mos_temperature", self.mos_temperature);
    visit("min_temperature_id", self.min_temperature_id);
    visit("max_temperature_id", self.max_temperature_id);
    visit("state", self.state);
    visit("mode", self.mode);
    visit("device_state", self.device_state);
    visit("error_code", self.error_code);
    visit("modules_online", self.modules_online);
    visit("modules_offline", self.modules_offline);
    visit("blocking_charge", self.blocking_charge);
    visit("blocking_discharge", self.blocking_discharge);
    visit("connected", self.connected);
    visit("connection_info", self.connection_info);
    visit("given_up", self.given_up);
    visit("alarms", self.alarms);
    visit("warning", self.warning);
    visit("absorption_timer_running", self.absorption_timer_running);
    visit("soc_reset_requested", self.soc_reset_requested);
    visit("history", self.history);
    visit("reset_soc_to", self.reset_soc_to);
  }
  friend bool operator==(const Status&, const Status&) = default;
};

} // namespace bmsd
