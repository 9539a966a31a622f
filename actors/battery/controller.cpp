#include "actors/battery/controller.hpp"

#include "actors/battery/midpoint.hpp"
#include "actors/battery/text.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bmsd::battery {

namespace {

constexpr std::int64_t kInvalidAlarm = 60; // s, until it is an alarm
constexpr double kLongestGap = 300.0;      // s, that is integrated over
constexpr double kPollsPerGap = 5.0;       // ... or so many poll intervals
/// Times the voltage of a pack of which the number of cells is unknown: 3.65 V over 2.28 V.
constexpr double kHighestCharge = 1.6;
constexpr std::int64_t kRiseSeconds = 5;
constexpr double kMaxBmsCurrent = 10000.0; // A, that a BMS can mean as its limit

} // namespace

Controller::Controller(BatterySettings settings, std::optional<SavedState> saved, Now now)
    : settings_(std::move(settings)), current_source_(settings_), voltage_(settings_),
      charge_(settings_, Direction::charge), discharge_(settings_, Direction::discharge), estimates_(settings_),
      history_(settings_), connection_(settings_) {
  status_.charge_mode.reserve(96);
  status_.charge_limitation.reserve(128);
  status_.discharge_limitation.reserve(128);
  status_.connection_info.reserve(96);
  status_.warning.reserve(512);
  if (saved) {
    restore(*saved, now);
  }
}

// -- time -------------------------------------------------------------------------

Tick Controller::tick(Now now) {
  // The system's monotonic clock never steps back; a caller's test clock might.
  clock_ns_ = std::max(clock_ns_, now.steady.count() + offset_ns_);
  Tick tick;
  tick.precise = std::chrono::nanoseconds(clock_ns_);
  tick.s = std::chrono::floor<std::chrono::seconds>(tick.precise).count();
  if (now.wall.count() >= kEarliestWall) {
    tick.wall = now.wall.count();
  }
  return tick;
}

std::int64_t Controller::longest_gap() const {
  return static_cast<std::int64_t>(std::max(kLongestGap, kPollsPerGap * settings_.poll_interval.value_or(0.0)));
}

// -- one cycle --------------------------------------------------------------------

const Status& Controller::on_sample(const Sample& sample, const Identity& identity, Now now) {
  const Tick t = tick(now);
  capabilities_ = identity.capabilities;
  identity_capacity_ = identity.capacity_full;
  const SampleVerdict verdict = check_.check(sample, identity, settings_, t);
  implausible_ = verdict == SampleVerdict::implausible;
  untold_ = verdict == SampleVerdict::cells_untold;
  if (implausible_) {
    tighten(sample, t);
    poll_failed(t);
    return status_;
  }
  const bool cells_good = verdict != SampleVerdict::cells_invalid;
  if (cells_good) {
    invalid_since_.reset();
    discharge_cap_.reset();
  } else if (!invalid_since_) {
    invalid_since_ = t.s;
  }
  connection_.poll_ok(t);
  take_sample(sample, t);
  show_temperatures(t);
  if (cells_good) {
    show_cells();
  } else if (cells_unknown(t)) {
    hide_cells();
  }
  update_current(t);
  update_soc(cells_good, t);
  update_capacity();
  update_limits(cells_good, t);
  outage_ = !cells_good;
  publish(t);
  return status_;
}

const Status& Controller::on_poll_failed(Now now, const Sample* doubtful) {
  const Tick t = tick(now);
  implausible_ = doubtful != nullptr;
  if (doubtful != nullptr) {
    check_.look_at_doubtful(*doubtful, settings_);
    tighten(*doubtful, t);
  }
  poll_failed(t);
  return status_;
}

void Controller::poll_failed(const Tick& now) {
  outage_ = true;
  higher_since_.reset();
  const CellView& cells = check_.cells();
  const bool known = cells.source != CellSource::none;
  connection_.poll_failed(known ? std::optional(to_volts(check_.lowest_seen())) : std::nullopt,
                          known ? std::optional(to_volts(check_.highest_seen())) : std::nullopt, now);
  if (!connection_.online()) {
    voltage_in_use_.reset();
    current_.reset();
    status_.voltage.reset();
    status_.current.reset();
    status_.power.reset();
    history_.interrupt();
  }
  publish(now);
}

// -- what was measured ------------------------------------------------------------

void Controller::take_sample(const Sample& sample, const Tick& now) {
  status_.sample = sample;
  Sample& s = status_.sample;
  for (auto* value :
       {&s.voltage, &s.current, &s.power, &s.soc, &s.soh, &s.capacity_remaining, &s.capacity_full, &s.total_ah_drawn,
        &s.charged_energy, &s.discharged_energy, &s.min_cell_voltage, &s.max_cell_voltage, &s.max_charge_voltage,
        &s.battery_low_voltage, &s.max_charge_current, &s.max_discharge_current}) {
    *value = finite(*value);
  }
  const double highest = SampleCheck::highest_possible(settings_);
  for (auto& cell : s.cell_voltages) {
    cell = finite(cell) && *cell <= highest ? cell : std::nullopt;
  }
  if (s.soh && (*s.soh < 0.0 || *s.soh > 100.0)) {
    s.soh.reset();
  }
  alarms_.take(s.alarms);
  hold_bms_limits(now);
}

void Controller::hold_bms_limits(const Tick& now) {
  const Sample& s = status_.sample;
  auto hold = [](auto& held, const auto& value, bool possible) { held = value && possible ? value : held; };
  auto current = [](const std::optional<double>& amperes) { return amperes && *amperes <= kMaxBmsCurrent; };
  hold(bms_.charge_current, s.max_charge_current, current(s.max_charge_current));
  hold(bms_.discharge_current, s.max_discharge_current, current(s.max_discharge_current));
  hold_charge_voltage(now);
  hold(bms_.low_voltage, s.battery_low_voltage, true);
  hold(bms_.charge_on, s.charge_enabled, true);
  hold(bms_.discharge_on, s.discharge_enabled, true);
}

/// A lower one counts at once. A higher one has to be said for some seconds: a single damaged frame can say anything.
void Controller::hold_charge_voltage(const Tick& now) {
  const auto& stated = status_.sample.max_charge_voltage;
  const auto& voltage = status_.sample.voltage;
  const int cells = check_.cell_count();
  if (!stated || !(cells == 0 ? *stated > 0.0 && (!voltage || *stated <= kHighestCharge * *voltage)
                              : voltage_.can_be_maximum(*stated, cells))) {
    return;
  }
  if (!bms_.charge_voltage || *stated <= *bms_.charge_voltage) {
    higher_since_.reset();
    bms_.charge_voltage = stated;
    return;
  }
  if (!higher_since_) {
    higher_since_ = now.s;
    higher_ = *stated;
  }
  higher_ = std::min(higher_, *stated);
  if (now.s - *higher_since_ >= kRiseSeconds) {
    higher_since_.reset();
    bms_.charge_voltage = higher_;
  }
}

void Controller::show_cells() {
  const CellView& cells = check_.cells();
  const bool listed = cells.source == CellSource::list;
  status_.cell_sum = listed ? std::optional(round2(to_volts(cells.sum))) : std::nullopt;
  status_.mid_voltage.reset();
  status_.mid_deviation.reset();
  if (!cells.has_cells()) {
    return;
  }
  status_.cell_diff = round3(to_volts(cells.highest - cells.lowest));
  status_.min_cell_voltage = to_volts(cells.lowest);
  status_.max_cell_voltage = to_volts(cells.highest);
  auto name = [listed](std::string& id, std::size_t index, const std::optional<std::string>& stated) {
    if (listed) {
      id = "C";
      append_number(id, static_cast<std::int64_t>(index) + 1);
    } else if (stated) {
      id = *stated;
    }
  };
  name(status_.min_cell_id, cells.lowest_index, status_.sample.min_voltage_cell_id);
  name(status_.max_cell_id, cells.highest_index, status_.sample.max_voltage_cell_id);
  if (settings_.midpoint) {
    if (const auto middle = midpoint(cells)) {
      status_.mid_voltage = middle->voltage;
      status_.mid_deviation = middle->deviation;
    }
  }
}

/// What they were is held for some bad samples, but not shown for ever.
void Controller::hide_cells() {
  for (auto* value : {&status_.cell_sum, &status_.cell_diff, &status_.min_cell_voltage, &status_.max_cell_voltage,
                      &status_.mid_voltage, &status_.mid_deviation}) {
    value->reset();
  }
  status_.min_cell_id.clear();
  status_.max_cell_id.clear();
}

void Controller::show_temperatures(const Tick& now) {
  const TemperatureView& view = temperatures_.read(status_.sample, settings_, now);
  status_.temperature = view.mean;
  status_.min_temperature = view.lowest;
  status_.max_temperature = view.highest;
  status_.mos_temperature = view.mosfet;
  auto name = [this](std::string& id, bool known, std::optional<std::size_t> sensor,
                     const std::optional<std::string>& stated) {
    if (sensor) {
      id = settings_.temperature_names[*sensor];
    } else if (known && stated) {
      id = *stated;
    } else {
      id.clear();
    }
  };
  name(status_.min_temperature_id, view.lowest.has_value(), view.lowest_sensor, status_.sample.min_temperature_cell_id);
  name(status_.max_temperature_id, view.highest.has_value(), view.highest_sensor,
       status_.sample.max_temperature_cell_id);
}

void Controller::update_current(const Tick& now) {
  const Sample& s = status_.sample;
  const CellView& cells = check_.cells();
  voltage_in_use_ = s.voltage;
  const bool sum_is_right = !invalid_since_ && cells.has_cells();
  if (sum_is_right && (!s.voltage || check_.voltage_contradicts())) {
    voltage_in_use_ = to_volts(cells.sum);
  }
  const CurrentReading reading = current_source_.read(s.current, external_, bms_.charge_on, bms_.discharge_on);
  current_ = reading.current;
  against_fet_ = reading.flows_against_fet;
  std::optional<double> power;
  if (voltage_in_use_ && current_) {
    power = *voltage_in_use_ * *current_;
  }
  history_.count(current_, power, longest_gap(), now);
  status_.voltage = voltage_in_use_;
  status_.current = round2(current_);
  status_.power = round2(power);
}

void Controller::update_soc(bool cells_good, const Tick& now) {
  const Sample& s = status_.sample;
  if (s.capacity_full && (*s.capacity_full > 0.0 || !capacity_)) {
    capacity_ = s.capacity_full;
  } else if (identity_capacity_ && !s.capacity_full) {
    capacity_ = finite(identity_capacity_);
  } else if (!capacity_) {
    capacity_ = settings_.battery_capacity;
  }
  soc_ = s.soc;
  if (settings_.soc_calculation && capacity_.value_or(0.0) > 0.0) {
    SocCounter::Input input;
    input.current = current_;
    input.capacity = *capacity_;
    input.bms_soc = s.soc;
    input.max_gap = longest_gap();
    if (cells_good && check_.cells().has_cells()) {
      input.cell_empty = check_.cells().lowest <= to_uv(settings_.min_cell_voltage);
    }
    soc_ = counter_.update(input, now);
  }
  const auto external = finite(external_.soc);
  if (settings_.external_soc() && external_.present && external && *external >= 0.0 && *external <= 100.0) {
    soc_ = round3(*external);
  }
  held_soc_ = soc_ ? soc_ : held_soc_;
  status_.soc = round2(soc_);
}

void Controller::update_capacity() {
  const Sample& s = status_.sample;
  const double capacity = capacity_.value_or(0.0);
  auto consumed = [capacity](std::optional<double> remaining) {
    return remaining ? std::optional(-std::abs(capacity - *remaining)) : std::nullopt;
  };
  const auto from_soc = soc_ ? std::optional(capacity * *soc_ / 100.0) : std::nullopt;
  status_.installed_capacity = capacity_;
  status_.capacity = !settings_.soc_calculation && s.capacity_remaining ? s.capacity_remaining : from_soc;
  status_.consumed_ah = consumed(status_.capacity);
  if (settings_.soc_calculation || settings_.external_soc()) {
    status_.soc_bms = s.soc;
    status_.capacity_bms = s.capacity_remaining;
    status_.consumed_ah_bms = consumed(s.capacity_remaining);
  }
}

// -- publication ------------------------------------------------------------------

double Controller::float_pack_voltage() const {
  return settings_.float_cell_voltage * check_.cell_count();
}

void Controller::publish(const Tick& now) {
  publish_limits(now);

  status_.connected = connection_.online();
  status_.given_up = connection_.given_up();
  status_.connection_info = connection_.text();
  status_.modules_online = status_.connected ? status_.sample.modules_online.value_or(1) : 0;
  status_.modules_offline = status_.sample.modules_offline.value_or(0);
  if (!status_.connected) {
    status_.modules_offline += status_.sample.modules_online.value_or(1);
  }

  const bool frozen = status_.connected && check_.frozen(now);
  AlarmBoard::Own own;
  own.cable = connection_.cable_alarm();
  own.hide_high_voltage_warnings = voltage_.above_normal(now);
  own.internal_failure = against_fet_ || frozen ? 1 : 0;
  if (cells_unknown(now)) {
    own.internal_failure = now.s - *invalid_since_ > kInvalidAlarm ? 2 : 1;
  }
  if (settings_.soc_calculation && held_soc_) {
    own.low_soc = *held_soc_ < settings_.soc_low_alarm ? 2 : *held_soc_ < settings_.soc_low_warning ? 1 : 0;
  }
  alarms_.publish(own, status_.alarms);
  history_.watch_alarms(status_.alarms);
  if (status_.allow_charge || status_.allow_discharge) {
    update_states(status_, settings_.faulty, errors_.too_many(now));
  }
  publish_warning(now);

  Estimates::Input estimate;
  estimate.current = current_;
  estimate.soc = soc_;
  estimate.capacity = capacity_;
  estimates_.update(estimate, ess_, status_, now);

  history_.show(status_.sample, status_.history, now);
  if (check_.cells().count > 0 || untold_) {
    history_.compute_if_due(status_, float_pack_voltage(), now, !invalid_since_);
  }
}

void Controller::publish_warning(const Tick& now) {
  const bool active[] = {
      implausible_,
      invalid_since_.has_value(),
      !invalid_since_ && check_.voltage_contradicts(),
      check_.frozen(now),
      temperatures_.lost(now),
      temperatures_.view().incomplete && !temperatures_.lost(now),
      against_fet_,
      settings_.soc_calculation && counter_.estimated(),
      counter_.discarded_stale(),
      voltage_.reset_plan().overdue(now),
      voltage_.phase().soc_contradicts(),
      settings_.limits && untold_ && !bms_states_limits(),
      settings_.faulty,
  };
  constexpr const char* kTexts[] = {
      "The BMS sends values that cannot be true",
      "Cell voltages are missing or cannot be true",
      "Pack voltage and sum of cells contradict each other, the sum is used",
      "The BMS has repeated the same values for minutes although current flows",
      "Battery temperature lost",
      "A temperature sensor is gone, its last value counts",
      "Current flows although the BMS has switched it off",
      "SoC is an estimate: the BMS was silent for some time",
      "The saved SoC was old and far from that of the BMS, which is used",
      "The SoC reset is pending for longer than its interval",
      "Full by voltage although the SoC is low: is the SoC right?",
      "The BMS tells neither how many cells it has nor limits of its own, so there are none",
      "Errors in the configuration, see the log",
  };
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < std::size(active); ++i) {
    bits |= active[i] ? 1U << i : 0U;
  }
  if (bits == warnings_) {
    return;
  }
  warnings_ = bits;
  status_.warning.clear();
  for (std::size_t i = 0; i < std::size(active); ++i) {
    if (active[i]) {
      status_.warning += status_.warning.empty() ? "" : "; ";
      status_.warning += kTexts[i];
    }
  }
}

} // namespace bmsd::battery
