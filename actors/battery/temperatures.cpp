#include "actors/battery/temperatures.hpp"

#include "actors/battery/numbers.hpp"

#include <algorithm>

namespace bmsd::battery {

namespace {

constexpr double kColdest = -40.0, kHottest = 120.0; // °C; beyond: cable broken or shorted
constexpr std::int64_t kLostSeconds = 60;

std::optional<double> possible(std::optional<double> raw) {
  return raw && *raw >= kColdest && *raw <= kHottest ? raw : std::nullopt;
}

std::optional<double> corrected(std::optional<double> raw, const TemperatureAdjust& adjust) {
  raw = possible(raw);
  return raw ? std::optional(*raw * adjust.slope + adjust.offset) : raw;
}

} // namespace

const TemperatureView& TemperatureReader::read(Sample& sample, const BatterySettings& settings, const Tick& now) {
  view_ = {};
  auto& sensors = sample.temperatures.battery;
  double sum = 0.0;
  int count = 0;
  for (std::size_t i = 0; i < sensors.size(); ++i) {
    sensors[i] = i < kSensorsThatCount ? corrected(sensors[i], settings.temperature_adjust[i]) : possible(sensors[i]);
    if (i >= kSensorsThatCount || !settings.temperature_source[i]) {
      continue;
    }
    if (!sensors[i]) {
      view_.incomplete = view_.incomplete || state_.sensors[i];
      continue;
    }
    state_.sensors[i] = sensors[i];
    sum += *sensors[i];
    ++count;
    if (!view_.lowest || *sensors[i] < *view_.lowest) {
      view_.lowest = sensors[i];
      view_.lowest_sensor = i;
    }
    if (!view_.highest || *sensors[i] >= *view_.highest) {
      view_.highest = sensors[i];
      view_.highest_sensor = i;
    }
  }
  if (count > 0) {
    view_.mean = round1(sum / count);
  } else {
    view_.lowest = possible(sample.min_cell_temperature);
    view_.highest = possible(sample.max_cell_temperature);
    if (view_.lowest && view_.highest) {
      view_.mean = round1((*view_.lowest + *view_.highest) / 2.0);
    }
  }
  const bool has_mosfet = sample.temperatures.mos.has_value();
  sample.temperatures.mos = view_.mosfet = corrected(sample.temperatures.mos, settings.mos_adjust);

  if (view_.lowest && view_.highest) {
    state_.lowest = view_.lowest;
    state_.highest = view_.highest;
    for (std::size_t i = 0; count > 0 && i < kSensorsThatCount; ++i) {
      if (settings.temperature_source[i] && state_.sensors[i]) {
        state_.lowest = std::min(*state_.lowest, *state_.sensors[i]);
        state_.highest = std::max(*state_.highest, *state_.sensors[i]);
      }
    }
    state_.last_seen = now.s;
    state_.had = true;
  }
  if (view_.mosfet || !has_mosfet) {
    state_.mosfet = view_.mosfet;
  }
  return view_;
}

bool TemperatureReader::lost(const Tick& now) const {
  return state_.had && (!state_.lowest || now.s - state_.last_seen >= kLostSeconds);
}

} // namespace bmsd::battery
