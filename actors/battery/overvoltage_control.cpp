#include "actors/battery/overvoltage_control.hpp"

#include <algorithm>
#include <cmath>

namespace bmsd::battery {

namespace {

constexpr Microvolts kClippedSumMargin = 10'000;
constexpr double kLongestStep = 5.0; // s, that the integral controller makes up for at once

/// How far the cells together are above what a single one may have.
Microvolts overshoot(const CellView& cells, Microvolts cell_max) {
  if (cells.source != CellSource::list) {
    return cells.above(cells.highest, cell_max);
  }
  Microvolts total = 0;
  for (int i = 0; i < cells.count; ++i) {
    total += cells.above(cells.cells[static_cast<std::size_t>(i)], cell_max);
  }
  return total;
}

} // namespace

OvervoltageControl::OvervoltageControl(const BatterySettings& settings)
    : controller_(settings.controller), factor_(settings.integral_factor), margin_(to_uv(settings.float_cell_diff)),
      hold_(settings.voltage_recovery_hold), rate_(settings.voltage_recovery_rate * 1e6) {}

Microvolts OvervoltageControl::wanted(std::optional<Microvolts> cvl, const Input& input, const Tick& now) const {
  const CellView& cells = *input.cells;
  const bool over = cells.above(cells.highest, input.cell_max) > 0;
  switch (controller_) {
  case VoltageController::off: break;
  case VoltageController::proportional:
    if (over) {
      return std::clamp(cells.sum - overshoot(cells, input.cell_max), input.pack_min, input.pack_max);
    }
    break;
  case VoltageController::integral:
    if (cvl && *cvl != 0) {
      const double seconds = state_.last_ns ? static_cast<double>(now.precise.count() - *state_.last_ns) / 1e9 : 1.0;
      const Microvolts above = cells.highest - cells.step / 2 - input.cell_max - margin_;
      const auto error = static_cast<double>(above);
      const double change = error * factor_ * std::clamp(seconds, 0.0, kLongestStep);
      return std::clamp(*cvl - static_cast<Microvolts>(std::llround(change)), input.pack_min, input.pack_max);
    }
    break;
  case VoltageController::clipped_sum:
    if (over) {
      return std::clamp(cells.sum - overshoot(cells, input.cell_max) + kClippedSumMargin, input.pack_min,
                        input.pack_max);
    }
    break;
  }
  return input.pack_max;
}

Microvolts OvervoltageControl::update(std::optional<Microvolts> cvl, const Input& input, const Tick& now) {
  const Microvolts x = wanted(cvl, input, now);
  wanted_ = x;
  state_.last_ns = now.precise.count();
  state_.mark = Overvoltage::none;

  if (x >= input.pack_max && !state_.limited_at) {
    state_.base.reset();
    return input.pack_max;
  }
  if (!cvl || x <= *cvl) {
    state_.limited_at = now.s;
    state_.base.reset();
    state_.mark = Overvoltage::holding;
    return x;
  }
  if (!state_.limited_at) {
    state_.limited_at = now.s;
  }
  const std::int64_t since = now.s - *state_.limited_at;
  if (since < hold_) {
    state_.base = cvl;
    state_.mark = Overvoltage::holding;
    return *cvl;
  }
  if (!state_.base) {
    state_.base = cvl;
  }
  Microvolts allowed = std::min(x, input.pack_max);
  if (rate_ > 0.0) {
    const double risen = rate_ * static_cast<double>(since - hold_);
    allowed = static_cast<Microvolts>(
        std::min<double>(static_cast<double>(*state_.base) + risen, static_cast<double>(allowed)));
  }
  state_.mark = Overvoltage::rising;
  if (allowed == input.pack_max) {
    state_.limited_at.reset();
    state_.base.reset();
  }
  return allowed;
}

} // namespace bmsd::battery
