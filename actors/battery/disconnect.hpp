// What to do while the BMS does not answer.
#pragma once

#include "actors/battery/battery_settings.hpp"
#include "actors/battery/timing.hpp"
#include "messages/alarms.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace bmsd::battery {

class DisconnectPolicy {
public:
  struct State {
    int errors = 0;                               ///< failed polls that are remembered
    std::int64_t first_error = 0, last_error = 0; ///< s
    std::optional<std::int64_t> row_start;        ///< s, first failed poll since the last good one
    std::optional<bool> cells_good;               ///< verdict of this outage
    bool online = true;
    bool given_up = false;
    AlarmLevel cable = 0;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
      visit("errors", self.errors);
      visit("first_error", self.first_error);
      visit("last_error", self.last_error);
      visit("row_start", self.row_start);
      visit("cells_good", self.cells_good);
      visit("online", self.online);
      visit("given_up", self.given_up);
      visit("cable", self.cable);
    }
  };

  explicit DisconnectPolicy(const BatterySettings& settings);

  void poll_ok(const Tick& now);
  /// Last known cell voltages in V; absent counts as outside the window.
  void poll_failed(std::optional<double> lowest_cell, std::optional<double> highest_cell, const Tick& now);

  bool online() const { return state_.online; }
  /// Offline, and going on blind is not allowed: no current in either direction.
  bool blocks() const { return !state_.online && (block_ || !state_.cells_good.value_or(false)); }
  /// Withdraw the service; the next good poll brings it back.
  bool given_up() const { return state_.given_up; }
  AlarmLevel cable_alarm() const { return alarm_ ? state_.cable : AlarmLevel{0}; }
  /// "Connected", "Lost for: 5s | Disconnect in: 29m 55s | Threshold: 30m".
  const std::string& text() const { return text_; }

  const State& state() const { return state_; }
  void restore(const State& state, const std::string& text);

private:
  bool block_, alarm_;
  double window_min_, window_max_;
  std::int64_t threshold_;
  State state_;
  std::string text_ = "Connected";
};

} // namespace bmsd::battery
