// The battery behind a simulated BMS: cells, charger and load, temperature, protections, switches.
//
// Pure: no clock and no I/O; whoever owns it says how much time has passed. Simple on purpose:
// every formula fits on a line. Currents in A, positive = charging. Not thread-safe.
#pragma once

#include "app/sim/cell_model.hpp"
#include "messages/alarms.hpp"

#include <array>
#include <bitset>
#include <cstdint>
#include <vector>

namespace bmsd::sim {

enum class LoadProfile : std::uint8_t {
  constant, ///< the same current all the time
  day,      ///< a sine: charges for half a period, discharges for the other half
};

/// Where the BMS opens a FET, and where it closes it again.
struct Threshold {
  double trip;
  double release;
};

struct Protections {
  Threshold cell_high{3.65, 3.55}; ///< V; the pack trips at as many volts times the cells
  Threshold cell_low{2.50, 2.70};
  Threshold charge_hot{65.0, 55.0}; ///< °C
  Threshold charge_cold{0.0, 5.0};
  Threshold discharge_hot{70.0, 60.0};
  Threshold discharge_cold{-20.0, -10.0};
  double overcurrent_retry = 30.0; ///< s until an overcurrent trip is tried again
};

struct BatteryConfig {
  int cells = 16;
  double capacity = 280.0;      ///< Ah
  double soc = 50.0;            ///< %
  double temperature = 25.0;    ///< °C, ambient, and of the cells at the start
  double resistance = 0.0005;   ///< ohm per cell
  double imbalance = 0.004;     ///< V between the highest and the lowest cell at the start
  double current = 0.0;         ///< A that charger (positive) or load (negative) want
  double charge_voltage = 3.45; ///< V per cell at which the charger limits the current
  LoadProfile profile = LoadProfile::constant;
  double period = 86400.0; ///< s, of LoadProfile::day
  bool noise = false;      ///< measured values move with every reading
  std::uint64_t seed = 1;
  std::bitset<kAlarmCount> raised; ///< protections that are tripped for good, for demonstrations
  Protections protections;

  double max_charge_current() const { return capacity * 0.5; } ///< A, the BMS trips above
  double max_discharge_current() const { return capacity; }
};

/// What the BMS measures and knows, in exact numbers; an encoder rounds to what its wire can carry.
struct Reading {
  double voltage = 0.0;   ///< V
  double current = 0.0;   ///< A
  double soc = 0.0;       ///< %, by the BMS's own count
  double capacity = 0.0;  ///< Ah, full
  double remaining = 0.0; ///< Ah
  int cycles = 0;
  double charged_energy = 0.0;           ///< kWh since the start
  double discharged_energy = 0.0;        ///< kWh
  std::vector<double> cells;             ///< V
  std::vector<double> cell_temperatures; ///< °C
  double mos_temperature = 0.0;
  std::uint32_t balancing = 0; ///< bit 0 = cell 1
  bool charge_on = true;       ///< the charge FET conducts
  bool discharge_on = true;
  bool switched_off = false; ///< by command, not by a protection
  bool balancer_enabled = true;
  std::bitset<kAlarmCount> alarms; ///< tripped protections, by Alarm
  double max_charge_voltage = 0.0; ///< V, pack
  double low_voltage = 0.0;        ///< V, pack, where discharging should end
  double max_charge_current = 0.0; ///< A, 0 while charging is not possible
  double max_discharge_current = 0.0;

  bool alarm(Alarm which) const { return alarms[static_cast<std::size_t>(which)]; }
};

class Battery {
public:
  explicit Battery(BatteryConfig config);

  /// Lets the battery live through `seconds`.
  void advance(double seconds);
  Reading reading() const;
  const BatteryConfig& config() const { return config_; }
  const std::vector<Cell>& cells() const { return cells_; }
  double current() const { return current_; }

  // -- what a command can do ------------------------------------------------
  void allow_charge(bool on) { charge_allowed_ = on; }
  void allow_discharge(bool on) { discharge_allowed_ = on; }
  void enable_balancer(bool on) { balancer_enabled_ = on; }
  /// Sets the BMS's count, in Ah; the cells keep what they hold.
  void set_remaining(double ampere_hours);
  /// How often this protection has tripped since the start or the last clear_trips().
  int trips(Alarm which) const { return trips_[static_cast<std::size_t>(which)]; }
  void clear_trips() { trips_.fill(0); }

private:
  void step(double seconds);
  double wanted_current() const;
  double flowing_current() const;
  void balance(double hours);
  void warm(double seconds);
  void protect(double wanted, double seconds);
  void latch(Alarm which, bool trip, bool release);
  bool charge_on() const;
  bool discharge_on() const;
  double mean_voltage() const;
  double wobble(unsigned channel, int amplitude) const;

  BatteryConfig config_;
  std::vector<Cell> cells_;
  double time_ = 0.0;    ///< s since the start
  double current_ = 0.0; ///< A
  double counted_ = 0.0; ///< Ah, the BMS's count of what is left
  double temperature_;
  double mos_temperature_;
  double charged_energy_ = 0.0; ///< kWh
  double discharged_energy_ = 0.0;
  double discharged_ = 0.0; ///< Ah
  std::uint32_t balancing_ = 0;
  bool charge_allowed_ = true;
  bool discharge_allowed_ = true;
  bool balancer_enabled_ = true;
  std::bitset<kAlarmCount> tripped_;
  std::array<int, kAlarmCount> trips_{};
  double charge_retry_ = 0.0; ///< s until an overcurrent trip is released
  double discharge_retry_ = 0.0;
  unsigned readings_ = 0;
};

} // namespace bmsd::sim
