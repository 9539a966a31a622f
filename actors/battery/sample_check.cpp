#include "actors/battery/sample_check.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace bmsd::battery {

namespace {

constexpr double kMinPossibleCell = 0.5;  // V; at or below it is a broken wire
constexpr double kMaxCurrent = 1000.0;    // A
constexpr double kMaxCapacity = 5000.0;   // Ah
constexpr double kMaxPackVoltage = 100.0; // V, for packs whose cells do not allow more
constexpr std::int64_t kCountChangeSeconds = 60;
constexpr std::int64_t kFrozenSeconds = 600;
constexpr int kFrozenSamples = 120;
constexpr double kFrozenMinCurrent = 1.0; // A
constexpr double kLargestStep = 0.1;      // V, of cell voltages that are of any use

bool within(const std::optional<double>& value, double low, double high) {
  return !value || std::isnan(*value) || (*value >= low && *value <= high);
}

bool possible_cell(const std::optional<double>& value, double limit) {
  return value && std::isfinite(*value) && *value > kMinPossibleCell && *value <= limit;
}

/// Whether a pack voltage is outside of what its cells add up to, by more than both may be wrong.
bool far_apart(std::optional<double> voltage, double least, double most) {
  const double tolerance = std::max(1.0, 0.03 * most);
  return voltage && (*voltage < least - tolerance || *voltage > most + tolerance);
}

/// FNV-1a over the bits of the values.
struct Fingerprint {
  std::uint64_t value = 0xcbf29ce484222325;
  void add(const std::optional<double>& field) {
    value = (value ^ (field ? std::bit_cast<std::uint64_t>(*field) : 1)) * 0x100000001b3;
  }
};

} // namespace

SampleVerdict SampleCheck::check(const Sample& sample, const Identity& identity, const BatterySettings& settings,
                                 const Tick& now) {
  const double limit = highest_possible(settings);
  const SampleVerdict verdict = judge(sample, identity, limit, now);
  if (verdict == SampleVerdict::cells_invalid || verdict == SampleVerdict::implausible) {
    look_at_single_cells(sample, limit);
  } else {
    state_.lowest_seen = state_.cells.lowest;
    state_.highest_seen = state_.cells.highest;
  }
  return verdict;
}

void SampleCheck::look_at_doubtful(const Sample& sample, const BatterySettings& settings) {
  look_at_single_cells(sample, highest_possible(settings));
}

void SampleCheck::look_at_single_cells(const Sample& sample, double limit) {
  state_.lowest_seen = state_.cells.lowest;
  state_.highest_seen = state_.cells.highest;
  for (const auto& cell : sample.cell_voltages) {
    if (possible_cell(cell, limit)) {
      state_.lowest_seen = std::min(state_.lowest_seen, to_uv(*cell));
      state_.highest_seen = std::max(state_.highest_seen, to_uv(*cell));
    }
  }
  if (possible_cell(sample.min_cell_voltage, limit)) {
    state_.lowest_seen = std::min(state_.lowest_seen, to_uv(*sample.min_cell_voltage));
  }
  if (possible_cell(sample.max_cell_voltage, limit)) {
    state_.highest_seen = std::max(state_.highest_seen, to_uv(*sample.max_cell_voltage));
  }
}

SampleVerdict SampleCheck::judge(const Sample& sample, const Identity& identity, double limit, const Tick& now) {
  const int former_count = state_.cell_count;
  const bool without_count = untold(sample, identity);
  const bool counted = without_count || count_cells(sample, identity, now);
  if (!plausible(sample, std::max(kMaxPackVoltage, limit * state_.cell_count))) {
    return SampleVerdict::implausible;
  }
  watch_for_change(sample, now);
  if (!counted) {
    return SampleVerdict::cells_invalid;
  }

  next_.count = state_.cell_count;
  next_.step = to_uv(std::clamp(finite(identity.cell_voltage_step).value_or(0.0), 0.0, kLargestStep));
  state_.had_list = state_.had_list || !sample.cell_voltages.empty();
  const bool has_extremes = sample.min_cell_voltage && sample.max_cell_voltage;
  state_.had_extremes = state_.had_extremes || has_extremes;
  if (without_count) {
    return read_untold(sample, limit) ? SampleVerdict::cells_untold : SampleVerdict::cells_invalid;
  }
  const bool read = state_.had_list       ? read_list(sample, limit)
                    : state_.had_extremes ? read_extremes(sample, limit)
                                          : read_mean(sample, limit);
  if (!read) {
    return SampleVerdict::cells_invalid;
  }
  if (contradicts_ && former_count != 0 && former_count != state_.cell_count) {
    // The pack voltage knows better.
    state_.new_cell_count = state_.cell_count;
    state_.cell_count = former_count;
    reason_ = "number of cells contradicts the pack voltage";
    return SampleVerdict::cells_invalid;
  }
  state_.cells = next_;
  state_.voltage_contradicts = contradicts_;
  reason_ = {};
  return SampleVerdict::good;
}

/// Pylontech's CAN frames have no number of cells, and many documents neither. One that is told and wrong is another
/// matter.
bool SampleCheck::untold(const Sample& sample, const Identity& identity) const {
  return state_.cell_count == 0 && !sample.cell_count && !identity.cell_count && sample.cell_voltages.empty();
}

bool SampleCheck::read_untold(const Sample& sample, double limit) {
  if (state_.had_extremes) {
    if (!read_extremes(sample, limit)) {
      return false;
    }
    state_.cells = next_;
  }
  state_.voltage_contradicts = false;
  reason_ = {};
  return true;
}

bool SampleCheck::plausible(const Sample& sample, double max_voltage) {
  const bool dead = state_.cell_count == 0 && sample.voltage == 0.0; // and nothing that would tell better
  reason_ = dead || !within(sample.voltage, 0.0, max_voltage)       ? "pack voltage out of range"
            : !within(sample.current, -kMaxCurrent, kMaxCurrent)    ? "current out of range"
            : !within(sample.soc, 0.0, 100.0)                       ? "SoC out of range"
            : !within(sample.capacity_full, 0.0, kMaxCapacity)      ? "capacity out of range"
            : !within(sample.capacity_remaining, 0.0, kMaxCapacity) ? "remaining capacity out of range"
                                                                    : std::string_view();
  return reason_.empty();
}

bool SampleCheck::count_cells(const Sample& sample, const Identity& identity, const Tick& now) {
  const int listed = static_cast<int>(sample.cell_voltages.size());
  const int stated = sample.cell_count ? *sample.cell_count : identity.cell_count.value_or(listed);
  const bool supported = stated >= kMinCells && stated <= static_cast<int>(kMaxCells);
  if (stated == state_.cell_count && supported) {
    state_.new_cell_count = 0;
    return true;
  }
  if (stated == 0 && state_.cell_count != 0) {
    return true;
  }
  if (!supported) {
    reason_ = "number of cells unknown or not 3 to 32";
    return false;
  }
  if (state_.cell_count == 0) {
    state_.cell_count = stated;
    return true;
  }
  // A count that differs once is a damaged answer; the limits of the wrong pack would follow.
  if (stated != state_.new_cell_count) {
    state_.new_cell_count = stated;
    state_.new_count_since = now.s;
  }
  if (now.s - state_.new_count_since < kCountChangeSeconds) {
    reason_ = "number of cells changed";
    return false;
  }
  state_.cell_count = stated;
  state_.new_cell_count = 0;
  return true;
}

bool SampleCheck::read_list(const Sample& sample, double limit) {
  const auto& cells = sample.cell_voltages;
  const auto count = static_cast<std::size_t>(state_.cell_count);
  reason_ = "a cell voltage is missing or impossible";
  if (cells.size() < count) {
    return false;
  }
  next_.source = CellSource::list;
  next_.sum = 0;
  next_.lowest_index = next_.highest_index = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!possible_cell(cells[i], limit)) {
      return false;
    }
    const Microvolts uv = to_uv(*cells[i]);
    next_.cells[i] = uv;
    next_.sum += uv;
    if (uv < next_.cells[next_.lowest_index]) {
      next_.lowest_index = i;
    }
    if (uv > next_.cells[next_.highest_index]) {
      next_.highest_index = i;
    }
  }
  for (std::size_t i = count; i < cells.size(); ++i) {
    if (cells[i] && *cells[i] > kMinPossibleCell) {
      reason_ = "more cells than the battery has";
      return false;
    }
  }
  next_.lowest = next_.cells[next_.lowest_index];
  next_.highest = next_.cells[next_.highest_index];
  const auto voltage = finite(sample.voltage);
  contradicts_ = far_apart(voltage, to_volts(next_.sum), to_volts(next_.sum));
  if (next_.step > 0 && voltage && !contradicts_) {
    next_.sum = to_uv(*voltage); // the errors of the cells would add up
  }
  return true;
}

bool SampleCheck::read_extremes(const Sample& sample, double limit) {
  reason_ = "lowest or highest cell voltage is missing or impossible";
  const auto voltage = finite(sample.voltage);
  if (!possible_cell(sample.min_cell_voltage, limit) || !possible_cell(sample.max_cell_voltage, limit) ||
      *sample.min_cell_voltage > *sample.max_cell_voltage || !voltage) {
    return false;
  }
  next_.source = CellSource::extremes;
  next_.lowest = to_uv(*sample.min_cell_voltage);
  next_.highest = to_uv(*sample.max_cell_voltage);
  if (next_.count == 0) {
    contradicts_ = false;
    next_.sum = to_uv(*voltage);
    return true;
  }
  const Microvolts least = next_.lowest * next_.count, most = next_.highest * next_.count;
  contradicts_ = far_apart(voltage, to_volts(least), to_volts(most));
  next_.sum = contradicts_ ? std::clamp(to_uv(*voltage), least, most) : to_uv(*voltage);
  return true;
}

bool SampleCheck::read_mean(const Sample& sample, double limit) {
  reason_ = "neither cell nor pack voltage";
  const auto voltage = finite(sample.voltage);
  if (!voltage || !possible_cell(*voltage / state_.cell_count, limit)) {
    return false;
  }
  next_.source = CellSource::mean;
  contradicts_ = false;
  next_.sum = to_uv(*voltage);
  next_.lowest = next_.highest = next_.sum / state_.cell_count;
  return true;
}

void SampleCheck::watch_for_change(const Sample& sample, const Tick& now) {
  Fingerprint print;
  print.add(sample.voltage);
  print.add(sample.current);
  print.add(sample.soc);
  print.add(sample.capacity_remaining);
  print.add(sample.min_cell_voltage);
  print.add(sample.max_cell_voltage);
  for (const auto& cell : sample.cell_voltages) {
    print.add(cell);
  }
  for (const auto& sensor : sample.temperatures.battery) {
    print.add(sensor);
  }
  print.add(sample.temperatures.mos);
  // The top bit stays free, so that the state is stored as a plain JSON integer everywhere.
  print.value >>= 1;
  const bool flows = sample.current && std::abs(*sample.current) >= kFrozenMinCurrent;
  if (print.value != state_.fingerprint || !flows) {
    state_.fingerprint = print.value;
    state_.same_since = now.s;
    state_.same_count = 0;
  } else if (state_.same_count < kFrozenSamples) {
    ++state_.same_count;
  }
}

bool SampleCheck::frozen(const Tick& now) const {
  return state_.same_count >= kFrozenSamples && now.s - state_.same_since >= kFrozenSeconds;
}

} // namespace bmsd::battery
