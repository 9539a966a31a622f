// What the battery has been through: Ah drawn, energy, cycles, extremes.
#pragma once

#include "actors/battery/battery_settings.hpp"
#include "actors/battery/timing.hpp"
#include "messages/status.hpp"

#include <cstdint>
#include <optional>

namespace bmsd::battery {

class HistoryKeeper {
public:
  /// Survives the process, next to the values themselves.
  struct Kept {
    History values; ///< not those that the BMS delivers
    WallStamp last_full;
    int discharges = 0; ///< discharge phases
    bool full_discharge_armed = true;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
      visit("values", self.values);
      visit("last_full", self.last_full);
      visit("discharges", self.discharges);
      visit("full_discharge_armed", self.full_discharge_armed);
    }
  };

  struct State {
    Kept kept;
    std::optional<std::int64_t> computed_at; ///< s
    bool started = false;
    std::optional<double> current, power; ///< of the last cycle, A and W
    std::optional<std::int64_t> counted_ns;
    double charged_ah = 0.0, discharged_ah = 0.0; ///< since the last computation
    double charged_wh = 0.0, discharged_wh = 0.0;
    double since_charge_ah = 0.0;               ///< drawn in this discharge phase
    std::optional<std::int64_t> charging_since; ///< s
    bool charged_long = true;                   ///< the next discharge is a new phase
    bool low_alarm = false, high_alarm = false;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
      visit("kept", self.kept);
      visit("computed_at", self.computed_at);
      visit("started", self.started);
      visit("current", self.current);
      visit("power", self.power);
      visit("counted_ns", self.counted_ns);
      visit("charged_ah", self.charged_ah);
      visit("discharged_ah", self.discharged_ah);
      visit("charged_wh", self.charged_wh);
      visit("discharged_wh", self.discharged_wh);
      visit("since_charge_ah", self.since_charge_ah);
      visit("charging_since", self.charging_since);
      visit("charged_long", self.charged_long);
      visit("low_alarm", self.low_alarm);
      visit("high_alarm", self.high_alarm);
    }
  };

  explicit HistoryKeeper(const BatterySettings& settings);

  /// Every good cycle, before `current` and `power` are replaced: counts what flowed until now.
  void count(std::optional<double> current, std::optional<double> power, std::int64_t max_gap, const Tick& now);
  /// The battery is offline: what flows from now on is not known.
  void interrupt();
  /// Every cycle: counts alarms that begin.
  void watch_alarms(const Alarms& alarms);
  void became_full(const Tick& now);

  /// The values of the last computation, live ones and those from the BMS.
  void show(const Sample& sample, History& target, const Tick& now) const;
  /// Once a minute, after publication. `valid`: the last sample was good, so its values may become extremes.
  /// `float_voltage`: V of the pack, to estimate the energy of
  /// the cycles before this driver.
  void compute_if_due(const Status& status, double float_voltage, const Tick& now, bool valid = true);
  /// 1 all; 2 capacity, 3 voltage, 4 time, 5 alarm, 6 temperature, 7 energy. False: no such group.
  bool clear(int group, const Status& status, double float_voltage, bool valid = true);

  const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }
  void resume(const Kept& kept) { state_.kept = kept; }

private:
  void compute(const Status& status, double float_voltage, bool valid);

  bool enabled_;
  State state_;
};

} // namespace bmsd::battery
