// What the bank may be charged and discharged with: CVL, CCL, DCL and what they say of themselves.
#include "actors/battery/controller.hpp"

#include <algorithm>
#include <limits>

namespace bmsd::battery {

namespace {

constexpr std::int64_t kInvalidGrace = 10; // s, the last outputs stay

} // namespace

void Controller::update_limits(bool cells_good, const Tick& now) {
  const CellView& cells = check_.cells();
  const bool uncounted = cells.count == 0;
  if (uncounted && !bms_states_limits()) {
    return;
  }
  if (cells_good && !uncounted) {
    VoltageLimit::Input input;
    input.cells = &cells;
    input.soc = soc_;
    input.bms_max = bms_.charge_voltage;
    input.bms_min = bms_.low_voltage;
    input.outage = outage_;
    if (voltage_.update(input, now)) {
      became_full(now);
    }
  }
  update_currents(cells_good, now);
}

void Controller::update_currents(bool may_rise, const Tick& now) {
  const bool without_cells = check_.cells().source == CellSource::none;
  CurrentLimit::Input input;
  input.lowest_temperature = temperatures_.held().lowest;
  input.highest_temperature = temperatures_.held().highest;
  input.mosfet = temperatures_.held().mosfet;
  input.temperature_lost = temperatures_.lost(now);
  input.soc = held_soc_;
  input.may_rise = may_rise;

  const auto cell = [&](auto voltage) { return without_cells ? std::nullopt : std::optional(to_volts(voltage)); };
  input.cell_voltage = cell(check_.highest_seen());
  input.bms_limit = bms_.charge_current;
  input.switched_off = bms_.charge_on == false;
  input.alarm = settings_.limit_on_alarm && alarms_.against_charging();
  charge_.update(input, now);

  input.cell_voltage = cell(check_.lowest_seen());
  input.bms_limit = bms_.discharge_current;
  input.switched_off = bms_.discharge_on == false;
  input.alarm = settings_.limit_on_alarm && alarms_.against_discharging();
  discharge_.update(input, now);
}

/// A sample with a value that cannot be true is no answer, but what else it says can be a reason to be careful.
void Controller::tighten(const Sample& doubtful, const Tick& now) {
  // Only what good samples say too: they will take it back.
  const auto lower = [](std::optional<double>& held, const std::optional<double>& stated, double least) {
    held = held && stated && *stated >= least && *stated < *held ? stated : held;
  };
  constexpr double kAny = std::numeric_limits<double>::lowest();
  lower(bms_.charge_current, doubtful.max_charge_current, kAny);
  lower(bms_.discharge_current, doubtful.max_discharge_current, kAny);
  lower(bms_.charge_voltage, doubtful.max_charge_voltage, bms_.charge_voltage.value_or(0.0) / 2.0);
  const auto switch_off = [](std::optional<bool>& held, const std::optional<bool>& stated) {
    held = held && stated == false ? false : held;
  };
  switch_off(bms_.charge_on, doubtful.charge_enabled);
  switch_off(bms_.discharge_on, doubtful.discharge_enabled);
  alarms_.raise(doubtful.alarms);
  if (charge_.value() && discharge_.value()) {
    Sample sample = doubtful;
    const auto before = temperatures_;
    if (sample.temperatures != Temperatures() || sample.min_cell_temperature || sample.max_cell_temperature) {
      temperatures_.read(sample, settings_, now);
    }
    update_currents(false, now);
    temperatures_ = before;
  }
}

/// A BMS that does not even tell how many cells it has (Pylontech's CAN frames): what it states
/// itself, under the configured maxima, is all there is.
bool Controller::bms_states_limits() const {
  return bms_.charge_voltage && bms_.charge_current && bms_.discharge_current;
}

void Controller::became_full(const Tick& now) {
  history_.became_full(now);
  if (settings_.soc_calculation && capacity_) {
    counter_.set_full(*capacity_);
  }
  if (settings_.auto_reset_soc && capabilities_.soc_reset) {
    Command command;
    command.kind = CommandKind::set_soc;
    command.value = 100.0;
    to_bms_ = command;
  }
  if (voltage_.phase().soc_contradicts()) {
    errors_.record(now);
  }
}

bool Controller::cells_unknown(const Tick& now) const {
  return invalid_since_ && now.s - *invalid_since_ >= kInvalidGrace;
}

void Controller::restrict(const Tick& now) {
  if (connection_.blocks()) {
    charge_.force(0.0, LimitSource::disconnected);
    discharge_.force(0.0, LimitSource::disconnected);
  } else if (cells_unknown(now)) {
    if (!discharge_cap_) {
      const CellView& cells = check_.cells();
      const bool low = cells.source == CellSource::none || to_volts(cells.lowest) < discharge_.full_from();
      discharge_cap_ = low ? 0.0 : round3(discharge_.value().value_or(0.0) / 2.0);
    }
    charge_.force(0.0, LimitSource::cells_unknown);
    discharge_.force(*discharge_cap_, LimitSource::cells_unknown);
  }
}

void Controller::publish_limits(const Tick& now) {
  const Sample& s = status_.sample;
  const bool unknown = cells_unknown(now);
  const bool blocked = connection_.blocks();
  const bool charge_on = bms_.charge_on.value_or(true);
  const bool discharge_on = bms_.discharge_on.value_or(true);
  status_.absorption_timer_running = voltage_.phase().state().absorbing_since.has_value();
  status_.soc_reset_requested = voltage_.reset_plan().requested();
  if (!settings_.limits) {
    status_.allow_charge = charge_on && !blocked;
    status_.allow_discharge = discharge_on && !blocked;
    return;
  }
  restrict(now);
  status_.ccl = charge_.value();
  status_.dcl = discharge_.value();
  status_.charge_limitation = charge_.reason();
  status_.discharge_limitation = discharge_.reason();
  if (status_.ccl && status_.dcl) {
    status_.allow_charge = charge_on && charge_.allows();
    status_.allow_discharge = discharge_on && discharge_.allows();
  }
  const int cells = check_.cell_count();
  if (cells == 0 && bms_states_limits()) {
    status_.cvl = round2(*bms_.charge_voltage + settings_.voltage_drop);
    status_.battery_low_voltage = bms_.low_voltage;
    status_.charge_mode = "BMS";
    return;
  }
  if (!voltage_.known() && !(unknown && cells > 0)) {
    return;
  }
  const bool safe = unknown || blocked;
  const double cvl = safe ? to_volts(voltage_.safe_voltage(cells)) : voltage_.cvl_volts();
  status_.cvl = round2(cvl + settings_.voltage_drop);
  if (voltage_.known()) {
    status_.battery_low_voltage = to_volts(voltage_.pack_min());
    status_.max_charge_cell_voltage = round3(to_volts(voltage_.pack_max()) / cells);
  }

  ChargeTextInput text;
  text.mode = voltage_.mode();
  text.overvoltage = voltage_.overvoltage();
  text.at_reset_voltage = voltage_.at_reset_voltage();
  text.balancing = s.balancing.value_or(false) ||
                   std::any_of(s.balancing_cells.begin(), s.balancing_cells.end(), [](bool on) { return on; });
  text.heating = s.heating.value_or(false);
  text.step_mode = settings_.table_mode == TableMode::step;
  text.override = blocked ? Override::disconnected : unknown ? Override::cells_unknown : Override::none;
  charge_text_.write(text, status_.charge_mode);
  if (settings_.debug_texts) {
    DebugInput debug;
    debug.voltage = &voltage_;
    debug.cells = &check_.cells();
    debug.settings = &settings_;
    debug.current = current_;
    debug.soc = soc_;
    write_debug_texts(debug, status_, now);
  }
}

} // namespace bmsd::battery
