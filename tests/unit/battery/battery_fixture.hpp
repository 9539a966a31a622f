// A battery for tests: 16 LFP cells at 3.3 V, 25 °C, 50 %, idle.
#pragma once

#include "actors/battery/controller.hpp"

#include <chrono>
#include <cmath>

namespace bmsd::battery::testing {

inline Now at(double t, std::int64_t wall_offset = 1'700'000'000) {
  Now now;
  now.steady = std::chrono::nanoseconds(std::llround((1000.0 + t) * 1e9));
  now.wall = std::chrono::seconds(wall_offset + static_cast<std::int64_t>(std::floor(t)));
  return now;
}

inline Tick tick_at(std::int64_t s) {
  Tick tick;
  tick.precise = std::chrono::seconds(s);
  tick.s = s;
  tick.wall = 1'700'000'000 + s;
  return tick;
}

inline void set_cells(Sample& sample, double volts, int count = 16) {
  sample.cell_voltages.resize(static_cast<std::size_t>(count));
  for (auto& cell : sample.cell_voltages) {
    cell = volts;
  }
  sample.cell_count = count;
  sample.voltage = volts * count;
}

inline void set_cell(Sample& sample, std::size_t index, double volts) {
  *sample.voltage += volts - sample.cell_voltages[index].value_or(0.0);
  sample.cell_voltages[index] = volts;
}

inline Sample sample(double cell_volts = 3.3, double soc = 50.0, double current = 0.0) {
  Sample s;
  set_cells(s, cell_volts);
  s.soc = soc;
  s.current = current;
  s.capacity_full = 280.0;
  s.temperatures.battery[0] = 25.0;
  s.temperatures.battery[1] = 25.0;
  s.charge_enabled = true;
  s.discharge_enabled = true;
  return s;
}

/// A controller and its clock: one poll per call, a second apart.
struct Battery {
  explicit Battery(BatterySettings s = {}) : settings(std::move(s)), controller(settings, std::nullopt, at(0)) {}

  const Status& poll(const Sample& sample, double seconds = 1.0) {
    t += seconds;
    return controller.on_sample(sample, identity, at(t));
  }
  const Status& polls(const Sample& sample, int count, double seconds = 1.0) {
    for (int i = 0; i < count; ++i) {
      poll(sample, seconds);
    }
    return controller.status();
  }
  const Status& fail(int count = 1, double seconds = 1.0) {
    for (int i = 0; i < count; ++i) {
      t += seconds;
      controller.on_poll_failed(at(t));
    }
    return controller.status();
  }

  BatterySettings settings;
  Controller controller;
  Identity identity;
  double t = 0.0;
};

inline BatterySettings settings_with(std::initializer_list<std::pair<const char*, const char*>> keys) {
  BatterySettings settings;
  for (const auto& [key, value] : keys) {
    if (auto result = apply_key(settings, key, value); !result) {
      throw std::invalid_argument(result.error().detail);
    }
  }
  check(settings);
  return settings;
}

} // namespace bmsd::battery::testing
