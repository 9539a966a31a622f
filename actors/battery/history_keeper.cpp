#include "actors/battery/history_keeper.hpp"

#include <algorithm>
#include <cmath>

namespace bmsd::battery {

namespace {

constexpr std::int64_t kEvery = 60;          // s
constexpr std::int64_t kChargingPhase = 60;  // s of charging that end a discharge phase
constexpr double kFullDischargeArmed = 15.0; // %

void keep_lowest(std::optional<double>& kept, std::optional<double> value) {
  if (value) {
    kept = std::min(kept.value_or(*value), *value);
  }
}
void keep_highest(std::optional<double>& kept, std::optional<double> value) {
  if (value) {
    kept = std::max(kept.value_or(*value), *value);
  }
}

} // namespace

HistoryKeeper::HistoryKeeper(const BatterySettings& settings) : enabled_(settings.history) {}

void HistoryKeeper::count(std::optional<double> current, std::optional<double> power, std::int64_t max_gap,
                          const Tick& now) {
  const std::int64_t ns = now.precise.count();
  const double seconds = static_cast<double>(ns - state_.counted_ns.value_or(ns)) / 1e9;
  if (seconds <= static_cast<double>(max_gap)) {
    if (state_.current) {
      const double ah = *state_.current * seconds / 3600.0;
      (ah > 0.0 ? state_.charged_ah : state_.discharged_ah) += std::abs(ah);
      state_.since_charge_ah += std::max(0.0, -ah);
    }
    if (state_.power) {
      const double wh = *state_.power * seconds / 3600.0;
      (wh > 0.0 ? state_.charged_wh : state_.discharged_wh) += std::abs(wh);
    }
  }
  state_.counted_ns = ns;
  state_.current = current;
  state_.power = power;

  if (current && *current > 0.0) {
    if (!state_.charging_since) {
      state_.charging_since = now.s;
    }
    state_.charged_long = state_.charged_long || now.s - *state_.charging_since >= kChargingPhase;
  } else if (current) {
    state_.charging_since.reset();
    if (*current < 0.0 && state_.charged_long) {
      state_.charged_long = false;
      state_.since_charge_ah = 0.0;
      ++state_.kept.discharges;
    }
  }
}

void HistoryKeeper::interrupt() {
  state_.current.reset();
  state_.power.reset();
}

void HistoryKeeper::watch_alarms(const Alarms& alarms) {
  auto raised = [&](Alarm a, Alarm b) { return alarms[a].value_or(0) > 0 || alarms[b].value_or(0) > 0; };
  auto edge = [](bool now, bool& before, std::optional<int>& counter) {
    if (now && !before) {
      counter = counter.value_or(0) + 1;
    }
    before = now;
  };
  if (enabled_) {
    History& values = state_.kept.values;
    edge(raised(Alarm::LowVoltage, Alarm::LowCellVoltage), state_.low_alarm, values.low_voltage_alarms);
    edge(raised(Alarm::HighVoltage, Alarm::HighCellVoltage), state_.high_alarm, values.high_voltage_alarms);
  }
}

void HistoryKeeper::became_full(const Tick& now) {
  if (enabled_) {
    state_.kept.last_full.mark(now);
    state_.kept.values.automatic_syncs = state_.kept.values.automatic_syncs.value_or(0) + 1;
  }
}

void HistoryKeeper::show(const Sample& sample, History& target, const Tick& now) const {
  if (!enabled_) {
    return;
  }
  target = state_.kept.values;
  if (sample.cycles) {
    target.charge_cycles = *sample.cycles;
  }
  if (sample.total_ah_drawn) {
    target.total_ah_drawn = -std::abs(*sample.total_ah_drawn);
  }
  if (sample.charged_energy) {
    target.charged_energy = sample.charged_energy;
  }
  if (sample.discharged_energy) {
    target.discharged_energy = sample.discharged_energy;
  }
  if (const auto age = state_.kept.last_full.age(now)) {
    target.time_since_last_full_charge = static_cast<int>(std::clamp<std::int64_t>(*age, 0, 2'000'000'000));
  }
}

void HistoryKeeper::compute_if_due(const Status& status, double float_voltage, const Tick& now, bool valid) {
  state_.kept.last_full.resolve(now);
  if (!enabled_ || (state_.computed_at && now.s - *state_.computed_at < kEvery)) {
    return;
  }
  state_.computed_at = now.s;
  compute(status, float_voltage, valid);
}

void HistoryKeeper::compute(const Status& status, double float_voltage, bool valid) {
  History& values = state_.kept.values;
  const Sample& sample = status.sample;
  const double capacity = status.installed_capacity.value_or(0.0);
  const double former_cycles = sample.cycles ? std::max(0, *sample.cycles) : 0;

  if (status.consumed_ah) {
    keep_lowest(values.deepest_discharge, -std::abs(*status.consumed_ah));
  }
  if (!values.total_ah_drawn) {
    values.total_ah_drawn = former_cycles * capacity > 0.0 ? -former_cycles * capacity : 0.0;
  } else if (state_.started) {
    *values.total_ah_drawn -= state_.discharged_ah;
  }
  const double total = sample.total_ah_drawn ? std::abs(*sample.total_ah_drawn) : -*values.total_ah_drawn;
  if (total > 0.0 && capacity > 0.0) {
    values.charge_cycles = total / capacity;
  }
  if (state_.kept.discharges > 0) {
    values.last_discharge = -state_.since_charge_ah;
    values.average_discharge = -total / state_.kept.discharges;
  }

  const double former_energy = float_voltage * capacity * former_cycles / 1000.0;
  for (auto* energy : {&values.charged_energy, &values.discharged_energy}) {
    if (!*energy) {
      *energy = former_energy;
    } else if (state_.started) {
      **energy += (energy == &values.charged_energy ? state_.charged_wh : state_.discharged_wh) / 1000.0;
    }
  }
  state_.started = true;
  state_.charged_ah = state_.discharged_ah = state_.charged_wh = state_.discharged_wh = 0.0;

  values.full_discharges = values.full_discharges.value_or(0);
  if (status.soc && *status.soc == 0.0 && state_.kept.full_discharge_armed) {
    ++*values.full_discharges;
    state_.kept.full_discharge_armed = false;
  } else if (status.soc && *status.soc > kFullDischargeArmed) {
    state_.kept.full_discharge_armed = true;
  }
  if (valid) {
    keep_lowest(values.minimum_voltage, status.voltage);
    keep_highest(values.maximum_voltage, status.voltage);
    keep_lowest(values.minimum_cell_voltage, status.min_cell_voltage);
    keep_highest(values.maximum_cell_voltage, status.max_cell_voltage);
    keep_lowest(values.minimum_temperature, status.min_temperature);
    keep_highest(values.maximum_temperature, status.max_temperature);
  }
  values.low_voltage_alarms = values.low_voltage_alarms.value_or(0);
  values.high_voltage_alarms = values.high_voltage_alarms.value_or(0);
}

bool HistoryKeeper::clear(int group, const Status& status, double float_voltage, bool valid) {
  if (group < 1 || group > 7) {
    return false;
  }
  History& values = state_.kept.values;
  auto includes = [group](int wanted) { return group == 1 || group == wanted; };
  if (includes(2)) {
    values.deepest_discharge.reset();
    values.last_discharge.reset();
    values.average_discharge.reset();
    values.total_ah_drawn.reset();
    values.charge_cycles.reset();
    values.full_discharges.reset();
    state_.kept.discharges = 0;
    state_.since_charge_ah = 0.0;
    state_.charged_long = true;
  }
  if (includes(3)) {
    values.minimum_voltage.reset();
    values.maximum_voltage.reset();
    values.minimum_cell_voltage.reset();
    values.maximum_cell_voltage.reset();
  }
  if (includes(4)) {
    values.automatic_syncs.reset();
    state_.kept.last_full.clear();
  }
  if (includes(5)) {
    values.low_voltage_alarms.reset();
    values.high_voltage_alarms.reset();
  }
  if (includes(6)) {
    values.minimum_temperature.reset();
    values.maximum_temperature.reset();
  }
  if (includes(7)) {
    values.charged_energy.reset();
    values.discharged_energy.reset();
  }
  if (enabled_) {
    compute(status, float_voltage, valid);
  }
  return true;
}

} // namespace bmsd::battery
