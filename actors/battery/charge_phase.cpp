#include "actors/battery/charge_phase.hpp"

#include <algorithm>

namespace bmsd::battery {

namespace {

constexpr std::int64_t kDay = 86400;
constexpr Microvolts kSag = 500'000; // of the whole pack, whatever its cell count
/// Without polls in between, a longer gap is an outage.
constexpr std::int64_t kLongestPause = 300;
/// A short loss of the BMS still counts as absorption.
constexpr std::int64_t kShortOutage = 10;

} // namespace

SocResetPlan::SocResetPlan(const BatterySettings& settings)
    : days_(settings.voltage_control ? settings.soc_reset_after_days : 0) {}

void SocResetPlan::update(const Tick& now) {
  state_.reached.resolve(now);
  if (!enabled() || state_.requested) {
    return;
  }
  const auto age = state_.reached.age(now);
  if (!state_.reached.known() || (age && *age > days_ * kDay)) {
    state_.requested = true;
    state_.requested_at = now.s;
  }
}

void SocResetPlan::done(const Tick& now) {
  if (state_.requested) {
    state_.requested = false;
    state_.requested_at.reset();
    state_.reached.mark(now);
  }
}

bool SocResetPlan::overdue(const Tick& now) const {
  return state_.requested_at && now.s - *state_.requested_at > days_ * kDay;
}

ChargePhase::ChargePhase(const BatterySettings& settings)
    : float_diff_(to_uv(settings.float_cell_diff)),
      restart_diff_(to_uv(settings.float_cell_diff + settings.float_deviation)),
      bulk_diff_(to_uv(settings.bulk_cell_diff)), bulk_soc_(settings.bulk_soc_threshold), wait_(settings.float_wait) {}

Phase ChargePhase::phase() const {
  return !state_.allow_max ? Phase::floating : state_.absorbing_since ? Phase::absorption : Phase::bulk;
}

void ChargePhase::resume(bool allow_max, std::optional<std::int64_t> absorbed, const Tick& now) {
  state_.allow_max = allow_max;
  if (absorbed) {
    state_.absorbing_since = now.s - *absorbed;
  }
}

bool ChargePhase::back_to_bulk(const Input& input, const Tick& now) const {
  const bool held = state_.float_held_until && now.s < *state_.float_held_until;
  const bool soc_low = input.soc && bulk_soc_ > *input.soc && !held;
  return soc_low || input.cells->spread() >= bulk_diff_ || input.reset_requested;
}

bool ChargePhase::update(const Input& input, const Tick& now) {
  const CellView& cells = *input.cells;
  const std::int64_t gap = state_.last_good ? now.s - *state_.last_good : 0;
  if (state_.absorbing_since && gap > (input.outage ? kShortOutage : kLongestPause)) {
    *state_.absorbing_since += gap;
  }
  state_.last_good = now.s;
  if (input.soc && *input.soc > bulk_soc_) {
    state_.float_held_until.reset();
  }

  if (!state_.absorbing_since) {
    if (state_.allow_max && input.pack_max <= cells.sum && cells.spread() <= float_diff_) {
      state_.absorbing_since = now.s;
    } else if (!state_.allow_max && back_to_bulk(input, now)) {
      state_.allow_max = true;
    }
  }
  if (!state_.absorbing_since) {
    return false;
  }
  if (cells.spread() > restart_diff_) {
    state_.absorbing_since = now.s;
  }
  if (now.s - *state_.absorbing_since > wait_) {
    state_.allow_max = false;
    state_.absorbing_since.reset();
    if (input.soc && *input.soc <= bulk_soc_) {
      state_.float_held_until = now.s + std::max<std::int64_t>(wait_, 60);
    }
    return true;
  }
  if (cells.sum < input.pack_max - kSag) {
    state_.absorbing_since.reset();
  }
  return false;
}

} // namespace bmsd::battery
