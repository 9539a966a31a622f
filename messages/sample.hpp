// What the BMS said in one poll cycle. Every field is optional: absent means "not said".
#pragma once

#include "messages/alarms.hpp"
#include "messages/inline_vector.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bmsd {

inline constexpr std::size_t kMaxCells = 32;
inline constexpr std::size_t kMaxTemperatures = 16;

/// Volts in cell order; absent: the BMS gave no value for this cell. 0 V is handed on as 0.
using CellVoltages = InlineVector<std::optional<double>, kMaxCells>;
using CellFlags = InlineVector<bool, kMaxCells>;

/// Degrees Celsius. `battery[0]` is "Temperature 1".
struct Temperatures {
  std::array<std::optional<double>, kMaxTemperatures> battery{};
  std::optional<double> mos; ///< MOSFET (power stage)
  std::optional<double> env; ///< ambient
  std::optional<double> balancer;
  std::optional<double> pack;
  std::optional<double> board;
  friend bool operator==(const Temperatures&, const Temperatures&) = default;
};

/// A further value that only this protocol has, named in its document; shown, never used for control.
struct Extra {
  using Value = std::variant<bool, double, std::string, std::vector<double>, std::vector<bool>>;
  std::string_view name; ///< a string literal
  Value value;
  friend bool operator==(const Extra&, const Extra&) = default;
};

struct Sample {
  // -- pack -----------------------------------------------------------------
  std::optional<double> voltage;            ///< V
  std::optional<double> current;            ///< A, positive = charging
  std::optional<double> power;              ///< W, positive = charging
  std::optional<double> soc;                ///< %, 0-100
  std::optional<double> soh;                ///< %, 0-100
  std::optional<double> capacity_remaining; ///< Ah
  std::optional<double> capacity_full;      ///< Ah
  std::optional<double> consumed_ah;        ///< Ah, never positive (document protocols only)
  std::optional<double> total_ah_drawn;     ///< Ah, positive
  std::optional<double> charged_energy;     ///< kWh
  std::optional<double> discharged_energy;  ///< kWh
  std::optional<int> cycles;
  std::optional<int> time_to_go; ///< s

  // -- cells ----------------------------------------------------------------
  std::optional<int> cell_count;
  CellVoltages cell_voltages;
  std::optional<double> min_cell_voltage; ///< V, as stated by the BMS
  std::optional<double> max_cell_voltage; ///< V
  std::optional<std::string> min_voltage_cell_id, max_voltage_cell_id;

  // -- temperatures ---------------------------------------------------------
  Temperatures temperatures;
  std::optional<double> min_cell_temperature; ///< °C, as stated by the BMS
  std::optional<double> max_cell_temperature;
  std::optional<std::string> min_temperature_cell_id, max_temperature_cell_id;

  // -- switches -------------------------------------------------------------
  std::optional<bool> charge_enabled;    ///< charge FET on
  std::optional<bool> discharge_enabled; ///< discharge FET on
  std::optional<bool> balancing;
  std::optional<bool> heating;
  CellFlags balancing_cells;
  std::optional<bool> balancer_enabled; ///< balancing is allowed
  std::optional<bool> heater_enabled;
  std::optional<bool> charge_requested; ///< the BMS asks to be charged

  Alarms alarms;

  // -- limits stated by the BMS ---------------------------------------------
  std::optional<double> max_charge_voltage;    ///< V, pack
  std::optional<double> battery_low_voltage;   ///< V, pack
  std::optional<double> max_charge_current;    ///< A, >= 0
  std::optional<double> max_discharge_current; ///< A, >= 0

  // -- modules behind one BMS -----------------------------------------------
  std::optional<int> modules_online, modules_offline;
  std::optional<int> modules_blocking_charge, modules_blocking_discharge;

  std::vector<Extra> extra;

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("voltage", self.voltage);
    visit("current", self.current);
    visit("power", self.power);
    visit("soc", self.soc);
    visit("soh", self.soh);
    visit("capacity_remaining", self.capacity_remaining);
    visit("capacity_full", self.capacity_full);
    visit("consumed_ah", self.consumed_ah);
    visit("total_ah_drawn", self.total_ah_drawn);
    visit("charged_energy", self.charged_energy);
    visit("discharged_energy", self.discharged_energy);
    visit("cycles", self.cycles);
    visit("time_to_go", self.time_to_go);
    visit("cell_count", self.cell_count);
    visit("cell_voltages", self.cell_voltages);
    visit("min_cell_voltage", self.min_cell_voltage);
    visit("max_cell_voltage", self.max_cell_voltage);
    visit("min_voltage_cell_id", self.min_voltage_cell_id);
    visit("max_voltage_cell_id", self.max_voltage_cell_id);
    visit("temperatures", self.temperatures);
    visit("min_cell_temperature", self.min_cell_temperature);
    visit("max_cell_temperature", self.max_cell_temperature);
    visit("min_temperature_cell_id", self.min_temperature_cell_id);
    visit("max_temperature_cell_id", self.max_temperature_cell_id);
    visit("charge_enabled", self.charge_enabled);
    visit("discharge_enabled", self.discharge_enabled);
    visit("balancing", self.balancing);
    visit("heating", self.heating);
    visit("balancing_cells", self.balancing_cells);
    visit("balancer_enabled", self.balancer_enabled);
    visit("heater_enabled", self.heater_enabled);
    visit("charge_requested", self.charge_requested);
    visit("alarms", self.alarms);
    visit("max_charge_voltage", self.max_charge_voltage);
    visit("battery_low_voltage", self.battery_low_voltage);
    visit("max_charge_current", self.max_charge_current);
    visit("max_discharge_current", self.max_discharge_current);
    visit("modules_online", self.modules_online);
    visit("modules_offline", self.modules_offline);
    visit("modules_blocking_charge", self.modules_blocking_charge);
    visit("modules_blocking_discharge", self.modules_blocking_discharge);
    visit("extra", self.extra);
  }
  friend bool operator==(const Sample&, const Sample&) = default;
};

} // namespace bmsd
