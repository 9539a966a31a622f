// Saving and restoring of the Controller.
#include "actors/battery/controller.hpp"

#include <algorithm>

namespace bmsd::battery {

namespace {

/// An absorption that was interrupted for longer starts anew.
constexpr std::int64_t kLongestRestart = 120; // s
/// A counted SoC that is older has to agree with the BMS.
constexpr std::int64_t kFreshSoc = 600; // s

} // namespace

Tick Controller::look_at(Now now) const {
  Tick t;
  t.precise = std::chrono::nanoseconds(std::max(clock_ns_, now.steady.count() + offset_ns_));
  t.s = std::chrono::floor<std::chrono::seconds>(t.precise).count();
  if (now.wall.count() >= kEarliestWall) {
    t.wall = now.wall.count();
  }
  return t;
}

SavedState Controller::settled_state(Now now) const {
  const Tick t = look_at(now);
  const ChargePhase::State& phase = voltage_.phase().state();
  SavedState saved;
  saved.saved_at = t.wall;
  saved.allow_max_voltage = phase.allow_max;
  if (phase.absorbing_since && t.wall) {
    saved.max_voltage_start_time = *t.wall - (t.s - *phase.absorbing_since);
  }
  if (settings_.soc_calculation) {
    saved.soc_calc = counter_.state().soc;
  }
  saved.soc_reset_last_reached = voltage_.reset_plan().state().reached.wall(t);
  saved.had_temperature = temperatures_.held().had;
  saved.history = history_.state().kept;
  saved.history.last_full = {};
  saved.history.last_full.stored = history_.state().kept.last_full.wall(t);
  return saved;
}

SavedState Controller::saved_state(Now now) const {
  const Tick t = look_at(now);
  SavedState saved = settled_state(now);
  LiveState live;
  live.clock_ns = t.precise.count();
  live.steady_ns = now.steady.count();
  live.check = check_.state();
  live.temperatures = temperatures_.held();
  live.counter = counter_.state();
  live.voltage = voltage_.state();
  live.charge = charge_.state();
  live.discharge = discharge_.state();
  live.estimates = estimates_.state();
  live.history = history_.state();
  live.connection = connection_.state();
  live.alarms = alarms_.bms();
  live.errors = errors_.times();
  live.invalid_since = invalid_since_;
  live.discharge_cap = discharge_cap_;
  live.soc = held_soc_;
  live.bms = bms_;
  live.current = current_;
  live.capacity = capacity_;
  live.outage = outage_;
  live.implausible = implausible_;
  live.against_fet = against_fet_;
  live.reset_soc_to = status_.reset_soc_to;
  live.status = status_;
  saved.live = std::move(live);
  return saved;
}

void Controller::restore(const SavedState& saved, Now now) {
  if (saved.live) {
    restore_live(*saved.live, now);
  } else {
    take_over(saved, now);
  }
}

void Controller::take_over(const SavedState& saved, Now now) {
  const Tick t = tick(now);
  std::optional<std::int64_t> away;
  if (saved.saved_at && t.wall) {
    away = *t.wall - *saved.saved_at;
  }
  std::optional<std::int64_t> absorbed;
  if (saved.max_voltage_start_time && away && *away >= 0 && *away <= kLongestRestart) {
    absorbed = std::max<std::int64_t>(0, *t.wall - *saved.max_voltage_start_time);
  }
  voltage_.phase().resume(saved.allow_max_voltage, saved.allow_max_voltage ? absorbed : std::nullopt, t);
  if (saved.soc_reset_last_reached) {
    voltage_.reset_plan().restore_reached(*saved.soc_reset_last_reached);
  }
  if (saved.soc_calc && settings_.soc_calculation) {
    counter_.resume(*saved.soc_calc, !away || *away < 0 || *away > kFreshSoc);
  }
  if (saved.had_temperature) {
    temperatures_.expect_sensor();
  }
  history_.resume(saved.history);
}

void Controller::restore_live(const LiveState& live, Now now) {
  // The system's monotonic clock goes on across a restart of the battery, not across a reboot.
  const std::int64_t away = std::max<std::int64_t>(0, now.steady.count() - live.steady_ns);
  clock_ns_ = live.clock_ns + away;
  offset_ns_ = clock_ns_ - now.steady.count();
  check_.restore(live.check);
  temperatures_.restore(live.temperatures);
  counter_.restore(live.counter);
  voltage_.restore(live.voltage);
  charge_.restore(live.charge);
  discharge_.restore(live.discharge);
  estimates_.restore(live.estimates);
  history_.restore(live.history);
  connection_.restore(live.connection, live.status ? live.status->connection_info : std::string());
  alarms_.restore(live.alarms);
  errors_.restore(live.errors);
  invalid_since_ = live.invalid_since;
  discharge_cap_ = live.discharge_cap;
  held_soc_ = live.soc;
  bms_ = live.bms;
  current_ = live.current;
  warnings_ = ~0U; // to be written anew
  capacity_ = live.capacity;
  outage_ = live.outage;
  implausible_ = live.implausible;
  against_fet_ = live.against_fet;
  if (live.status) {
    status_ = *live.status;
    soc_ = status_.soc ? live.soc : std::nullopt;
  }
  status_.reset_soc_to = live.reset_soc_to;
}

} // namespace bmsd::battery
