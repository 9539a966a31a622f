#include "actors/battery/soc_counter.hpp"

#include "actors/battery/numbers.hpp"

#include <algorithm>
#include <cmath>

namespace bmsd::battery {

namespace {
constexpr std::int64_t kEmptySeconds = 60;
constexpr double kStaleDifference = 10.0; // %
} // namespace

std::optional<double> SocCounter::update(const Input& input, const Tick& now) {
  if (!input.current || input.capacity <= 0.0) {
    return std::nullopt;
  }
  if (state_.stale && input.bms_soc) {
    if (state_.soc && std::abs(*state_.soc - *input.bms_soc) > kStaleDifference) {
      state_.soc.reset();
      state_.discarded_stale = true;
    }
    state_.stale = false;
  }
  const std::int64_t ns = now.precise.count();
  if (!state_.charge) {
    const double start = state_.soc ? std::max(*state_.soc, 0.0) : input.bms_soc.value_or(100.0);
    state_.charge = input.capacity * start / 100.0;
  } else {
    const double seconds = static_cast<double>(ns - state_.counted_ns.value_or(ns)) / 1e9;
    if (seconds <= static_cast<double>(input.max_gap)) {
      state_.charge = std::clamp(*state_.charge + *input.current * seconds / 3600.0, 0.0, input.capacity);
    } else {
      state_.estimated = true;
    }
    watch_empty(input, now);
  }
  state_.counted_ns = ns;
  state_.soc = round3(std::clamp(*state_.charge / input.capacity * 100.0, 0.0, 100.0));
  return state_.soc;
}

void SocCounter::watch_empty(const Input& input, const Tick& now) {
  if (input.cell_empty == false) {
    state_.empty_since.reset();
  } else if (input.cell_empty == true) {
    if (*input.current >= 0.0 || !state_.empty_since) {
      state_.empty_since = now.s;
    } else if (now.s - *state_.empty_since > kEmptySeconds && std::nearbyint(state_.soc.value_or(0.0)) != 0.0) {
      state_.charge = 0.0;
      state_.empty_since.reset();
      state_.estimated = false;
    }
  }
}

void SocCounter::set_full(double capacity) {
  if (state_.charge) {
    state_.charge = capacity;
  }
  state_.empty_since.reset();
  state_.estimated = false;
}

void SocCounter::set(double soc) {
  state_.soc = soc;
  state_.charge.reset();
  state_.estimated = false;
  state_.stale = false;
}

void SocCounter::resume(double soc, bool stale) {
  state_.soc = std::clamp(soc, 0.0, 100.0);
  state_.stale = stale;
}

} // namespace bmsd::battery
