#include "actors/battery/voltage_limit.hpp"

#include <algorithm>

namespace bmsd::battery {

namespace {
constexpr Microvolts kTransitionRate = 1'000; // µV/s, of the pack
constexpr std::int64_t kAfterReset = 1800;    // s
/// How far above MAX_CELL_VOLTAGE a pack limit of the BMS can be meant: 3.45 V to 3.65 V and some more.
constexpr double kBmsMaxFactor = 1.25;
} // namespace

VoltageLimit::VoltageLimit(const BatterySettings& settings)
    : min_cell_(settings.min_cell_voltage), max_cell_(settings.max_cell_voltage),
      float_cell_(settings.float_cell_voltage), reset_cell_(settings.soc_reset_cell_voltage),
      control_(settings.voltage_control), use_bms_limits_(settings.use_bms_voltage_limits),
      integral_(settings.controller == VoltageController::integral), plan_(settings), phase_(settings),
      overvoltage_(settings) {}

void VoltageLimit::set_pack_limits(const Input& input) {
  const int cells = input.cells->count;
  const auto bms_max = finite(input.bms_max);
  const auto bms_min = finite(input.bms_min);
  state_.pack_min = pack_uv(min_cell_, cells);
  state_.pack_max = pack_uv(max_cell_, cells);
  state_.at_reset_voltage = false;
  if (use_bms_limits_ && bms_max && can_be_maximum(*bms_max, cells)) {
    state_.pack_max = std::max(to_uv(*bms_max), state_.pack_min);
  }
  if (use_bms_limits_ && bms_min && *bms_min > 0.0) {
    state_.pack_min = std::min(to_uv(*bms_min), state_.pack_max);
  }
  state_.ceiling = state_.pack_max;
  if (plan_.enabled()) {
    Microvolts reset = pack_uv(reset_cell_, cells);
    if (bms_max && *bms_max > 0.0) {
      reset = std::max(std::min(reset, to_uv(*bms_max)), state_.pack_max);
    }
    if (plan_.requested()) {
      state_.pack_max = reset;
    }
    state_.at_reset_voltage = state_.pack_max == reset;
    state_.ceiling = std::max(reset, state_.pack_max);
  }
}

bool VoltageLimit::can_be_maximum(double volts, int cells) const {
  return volts > 0.0 && volts <= kBmsMaxFactor * max_cell_ * cells;
}

bool VoltageLimit::update(const Input& input, const Tick& now) {
  plan_.update(now);
  set_pack_limits(input);
  const int cells = input.cells->count;
  if (!control_) {
    state_.mode = ChargeMode::fixed;
    state_.cvl = state_.pack_max;
    return false;
  }
  if (input.cells->source == CellSource::mean) {
    state_.mode = ChargeMode::unknown;
    state_.cvl = std::min(float_voltage(cells), state_.pack_max);
    return false;
  }
  ChargePhase::Input phase_input;
  phase_input.cells = input.cells;
  phase_input.pack_max = state_.pack_max;
  phase_input.soc = input.soc;
  phase_input.reset_requested = plan_.requested();
  phase_input.outage = input.outage;
  const bool was_floating = phase_.phase() == Phase::floating;
  const bool became_full = phase_.update(phase_input, now);
  if (phase_.phase() == Phase::floating) {
    plan_.done(now);
    follow_float(became_full, cells, now);
  } else {
    if (was_floating && integral_) {
      state_.cvl = state_.pack_max;
    }
    charge(input, now);
  }
  if (plan_.enabled() && *state_.cvl > pack_uv(max_cell_, cells)) {
    state_.above_normal_at = now.s;
  }
  return became_full;
}

void VoltageLimit::charge(const Input& input, const Tick& now) {
  OvervoltageControl::Input control;
  control.cells = input.cells;
  control.pack_min = state_.pack_min;
  control.pack_max = state_.pack_max;
  control.cell_max = to_uv(plan_.requested() ? reset_cell_ : max_cell_);
  state_.cvl = overvoltage_.update(state_.cvl, control, now);
  state_.mode = phase_.phase() == Phase::absorption ? ChargeMode::absorption : ChargeMode::bulk;
}

void VoltageLimit::follow_float(bool became_full, int cells, const Tick& now) {
  const Microvolts target = std::min(float_voltage(cells), state_.pack_max);
  if (!state_.cvl) {
    state_.cvl = target;
    state_.mode = ChargeMode::floating;
  } else if (became_full) {
    state_.transition_at = now.s;
    state_.transition_from = *state_.cvl;
    state_.transition_for = 0;
    state_.mode = ChargeMode::float_transition;
  } else if (state_.mode == ChargeMode::float_transition) {
    state_.transition_for = now.s - state_.transition_at;
    if (state_.transition_from - kTransitionRate * state_.transition_for > state_.ceiling) {
      // The BMS wants less meanwhile, or turned out to have fewer cells.
      state_.transition_at = now.s;
      state_.transition_from = state_.ceiling;
      state_.transition_for = 0;
    }
    state_.cvl = std::max(target, state_.transition_from - kTransitionRate * state_.transition_for);
    if (*state_.cvl <= target) {
      state_.mode = ChargeMode::floating;
    }
  } else {
    state_.mode = ChargeMode::floating;
    state_.cvl = target;
  }
}

double VoltageLimit::cvl_volts() const {
  const bool falling = state_.mode == ChargeMode::float_transition &&
                       cvl() == state_.transition_from - kTransitionRate * state_.transition_for;
  return falling
             ? to_volts(state_.transition_from) - to_volts(kTransitionRate) * static_cast<double>(state_.transition_for)
             : to_volts(cvl());
}

Microvolts VoltageLimit::safe_voltage(int cells) const {
  const Microvolts target = float_voltage(cells);
  return state_.cvl ? std::min(*state_.cvl, target) : target;
}

Overvoltage VoltageLimit::overvoltage() const {
  const bool charging = state_.mode == ChargeMode::bulk || state_.mode == ChargeMode::absorption;
  return charging ? overvoltage_.mark() : Overvoltage::none;
}

bool VoltageLimit::above_normal(const Tick& now) const {
  return state_.above_normal_at && now.s - *state_.above_normal_at <= kAfterReset;
}

VoltageLimit::State VoltageLimit::state() const {
  State state = state_;
  state.phase = phase_.state();
  state.overvoltage = overvoltage_.state();
  state.reset = plan_.state();
  return state;
}

void VoltageLimit::restore(const State& state) {
  state_ = state;
  phase_.restore(state.phase);
  overvoltage_.restore(state.overvoltage);
  plan_.restore(state.reset);
}

} // namespace bmsd::battery
