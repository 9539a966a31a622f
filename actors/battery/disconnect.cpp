#include "actors/battery/disconnect.hpp"

#include "actors/battery/text.hpp"

#include <algorithm>
#include <utility>

namespace bmsd::battery {

namespace {
constexpr std::int64_t kOfflineSeconds = 10;
constexpr std::int64_t kAlarmSeconds = 60;
constexpr std::int64_t kForgetSeconds = 60;
} // namespace

DisconnectPolicy::DisconnectPolicy(const BatterySettings& settings)
    : block_(settings.block_on_disconnect), alarm_(settings.cable_alarm), window_min_(settings.block_voltage_min),
      window_max_(settings.block_voltage_max),
      threshold_(settings.block_on_disconnect ? 60 : std::int64_t{60} * settings.block_timeout) {
  text_.reserve(96);
}

void DisconnectPolicy::poll_ok(const Tick& now) {
  state_.row_start.reset();
  state_.cells_good.reset();
  state_.online = true;
  // A service that comes back does so without the alarm with which it left.
  const bool anew = std::exchange(state_.given_up, false);
  if (anew || (state_.errors > 0 && state_.last_error < now.s - kForgetSeconds)) {
    state_.errors = 0;
    state_.cable = 0;
  }
  if (state_.errors > 0) {
    text_ = "Connected (";
    append_number(text_, state_.errors);
    text_ += " errors in the last ";
    append_full_duration(text_, now.s - state_.first_error);
    text_ += ')';
  } else {
    text_ = "Connected";
  }
}

void DisconnectPolicy::poll_failed(std::optional<double> lowest_cell, std::optional<double> highest_cell,
                                   const Tick& now) {
  if (state_.errors == 0) {
    state_.first_error = now.s;
  }
  ++state_.errors;
  state_.last_error = now.s;
  if (!state_.row_start) {
    state_.row_start = now.s;
    return;
  }
  const std::int64_t lost = now.s - *state_.row_start;
  if (state_.cells_good != false) {
    state_.cells_good = lowest_cell && highest_cell && *lowest_cell > window_min_ && *highest_cell < window_max_;
  }
  if (lost >= kOfflineSeconds) {
    state_.online = false;
  }
  if (lost > kAlarmSeconds) {
    state_.cable = std::max<AlarmLevel>(state_.cable, 1);
  }
  if ((lost >= kAlarmSeconds && (block_ || !*state_.cells_good)) || lost >= threshold_) {
    state_.cable = 2;
    state_.given_up = true;
  }
  text_ = "Lost for: ";
  append_full_duration(text_, lost);
  text_ += " | Disconnect in: ";
  append_full_duration(text_, std::max<std::int64_t>(0, threshold_ - lost));
  text_ += " | Threshold: ";
  append_full_duration(text_, threshold_);
}

void DisconnectPolicy::restore(const State& state, const std::string& text) {
  state_ = state;
  if (!text.empty()) {
    text_ = text;
  }
}

} // namespace bmsd::battery
