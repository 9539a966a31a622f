// Battery temperatures: correction, mean, extremes, and what the limits may rely on.
#pragma once

#include "actors/battery/battery_settings.hpp"
#include "actors/battery/timing.hpp"
#include "messages/sample.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace bmsd::battery {

/// Degrees Celsius, corrected. Of the sensors that count; where the BMS gives none of them, its own
/// lowest and highest.
struct TemperatureView {
  std::optional<double> mean, lowest, highest, mosfet;
  std::optional<std::size_t> lowest_sensor, highest_sensor; ///< from 0
  bool incomplete = false;                                  ///< some sensors that were there are gone
};

class TemperatureReader {
public:
  struct State {
    std::array<std::optional<double>, kSensorsThatCount> sensors; ///< last known
    std::optional<double> lowest, highest, mosfet;                ///< of these; of a BMS without sensors its own
    std::int64_t last_seen = 0;                                   ///< s
    bool had = false;                                             ///< a battery temperature was once there

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
      visit("sensor_1", self.sensors[0]);
      visit("sensor_2", self.sensors[1]);
      visit("sensor_3", self.sensors[2]);
      visit("sensor_4", self.sensors[3]);
      visit("lowest", self.lowest);
      visit("highest", self.highest);
      visit("mosfet", self.mosfet);
      visit("last_seen", self.last_seen);
      visit("had", self.had);
    }
  };

  /// Corrects the sensors of `sample` in place; a raw value outside -40..120 °C is no value.
  const TemperatureView& read(Sample& sample, const BatterySettings& settings, const Tick& now);

  const TemperatureView& view() const { return view_; }
  /// For the limits: battery sensors that fall silent keep their last values, a MOSFET sensor only
  /// while it says what cannot be true.
  const State& held() const { return state_; }
  /// The battery had a temperature and has been without for 60 s (or since the start).
  bool lost(const Tick& now) const;

  void restore(const State& state) { state_ = state; }
  /// From an earlier process: it is known that there is a sensor, not what it said.
  void expect_sensor() { state_.had = true; }

private:
  TemperatureView view_;
  State state_;
};

} // namespace bmsd::battery
