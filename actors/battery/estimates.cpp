#include "actors/battery/estimates.hpp"

#include "actors/battery/numbers.hpp"
#include "actors/battery/text.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bmsd::battery {

namespace {

constexpr double kIdle = 0.1; // A, below it there is no direction
constexpr int kEssOptimised = 1;
constexpr int kBatteryLifeKeepCharged = 9;

/// Seconds from `soc` to `target` at `rate` % per second. None if it is behind or reached.
std::optional<int> time_to(double target, double soc, double rate, bool charging) {
  const double distance = charging ? target - soc : soc - target;
  if (distance <= 0.0 || rate == 0.0) {
    return std::nullopt;
  }
  const double seconds = std::trunc(distance / rate);
  constexpr double kLongest = std::numeric_limits<int>::max();
  return static_cast<int>(std::min(seconds, kLongest));
}

} // namespace

Estimates::Estimates(const BatterySettings& settings)
    : time_to_go_enabled_(settings.time_to_go), points_(settings.time_to_soc_points), type_(settings.time_to_soc_type),
      every_(std::max(settings.time_to_soc_every, 5)), low_soc_(settings.soc_low_warning),
      time_to_soc_(points_.size()) {}

std::optional<double> Estimates::average(std::optional<double> current) {
  if (!current) {
    return std::nullopt;
  }
  ring_[ring_next_] = *current;
  ring_next_ = (ring_next_ + 1) % kAverageCycles;
  ring_size_ = std::min(ring_size_ + 1, kAverageCycles);
  // Added up anew each time: a running sum of binary fractions drifts.
  double sum = 0.0;
  for (std::size_t i = 0; i < ring_size_; ++i) {
    sum += ring_[i];
  }
  return round2(sum / static_cast<double>(ring_size_));
}

double Estimates::discharge_target(const EssSettings& ess) const {
  if (ess.hub4_mode != kEssOptimised || !ess.battery_life_state || *ess.battery_life_state == kBatteryLifeKeepCharged ||
      !ess.minimum_soc_limit || !ess.soc_limit) {
    return low_soc_;
  }
  const bool without_battery_life = *ess.battery_life_state >= 10 && *ess.battery_life_state <= 12;
  return std::trunc(without_battery_life ? *ess.minimum_soc_limit : *ess.soc_limit);
}

void Estimates::update(const Input& input, const EssSettings& ess, Status& status, const Tick& now) {
  const auto avg = average(input.current);
  status.current_avg = avg;
  const bool wanted = time_to_go_enabled_ || !points_.empty();
  const bool due = !computed_at_ || now.s - *computed_at_ >= every_;
  if (wanted && due && avg && input.capacity && *input.capacity > 0.0 && input.soc) {
    computed_at_ = now.s;
    const double rate = std::abs(*avg / (*input.capacity / 100.0)) / 3600.0;
    // The direction of the moment, as the reference driver has it: where the average disagrees there is no time.
    const bool charging = *input.current > 0.0;
    time_to_go_.reset();
    if (time_to_go_enabled_ && std::abs(*avg) > kIdle) {
      time_to_go_ = time_to(*avg > 0.0 ? 100.0 : discharge_target(ess), *input.soc, rate, charging);
    }
    for (std::size_t i = 0; i < points_.size(); ++i) {
      time_to_soc_[i] = time_to(points_[i], *input.soc, rate, charging);
    }
    written_ = false;
  }
  if (!written_) {
    write(status);
    written_ = true;
  }
}

void Estimates::write(Status& status) const {
  status.time_to_go = time_to_go_;
  status.time_to_soc.resize(points_.size());
  for (std::size_t i = 0; i < points_.size(); ++i) {
    TimeToSoc& entry = status.time_to_soc[i];
    entry.percent = points_[i];
    entry.seconds = time_to_soc_[i];
    entry.text.clear();
    if (!entry.seconds) {
      continue;
    }
    if (type_ != 2) {
      append_number(entry.text, *entry.seconds);
    }
    if (type_ == 3) {
      entry.text += " [";
    }
    if (type_ != 1) {
      append_duration(entry.text, *entry.seconds);
    }
    if (type_ == 3) {
      entry.text += ']';
    }
  }
}

Estimates::State Estimates::state() const {
  State state;
  const std::size_t first = (ring_next_ + kAverageCycles - ring_size_) % kAverageCycles;
  for (std::size_t i = 0; i < ring_size_; ++i) {
    state.currents.push_back(ring_[(first + i) % kAverageCycles]);
  }
  state.computed_at = computed_at_;
  state.time_to_go = time_to_go_;
  state.time_to_soc = time_to_soc_;
  return state;
}

void Estimates::restore(const State& state) {
  // In the same order as before, so that the sum comes out the same to the last bit.
  ring_size_ = std::min(state.currents.size(), kAverageCycles);
  ring_next_ = ring_size_ % kAverageCycles;
  std::copy_n(state.currents.begin(), ring_size_, ring_.begin());
  computed_at_ = state.computed_at;
  time_to_go_ = state.time_to_go;
  if (state.time_to_soc.size() == points_.size()) {
    time_to_soc_ = state.time_to_soc;
  }
  written_ = false;
}

} // namespace bmsd::battery
