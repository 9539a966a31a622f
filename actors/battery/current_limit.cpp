#include "actors/battery/current_limit.hpp"

#include "actors/battery/numbers.hpp"

#include <algorithm>
#include <cmath>

namespace bmsd::battery {

namespace {

constexpr std::array<std::string_view, kLimitSources> kNames = {
    "",          "BMS Settings", "Cell Voltage",     "Temp",          "MOSFET",  "SoC", "Preset",
    "BMS Alarm", "BMS",          "Temp Sensor Lost", "Cells Unknown", "BMS Lost"};
constexpr std::string_view kChargeMaximum = "Max Battery Charge Current";
constexpr std::string_view kDischargeMaximum = "Max Battery Discharge Current";

constexpr std::uint32_t bit(LimitSource source) {
  return 1U << static_cast<unsigned>(source);
}

/// The lowest input from which on the table allows everything.
double unrestricted_from(const Table& table) {
  std::size_t i = table.size();
  while (i > 0 && table.output(i - 1) >= 1.0) {
    --i;
  }
  return i == 0 ? 0.0 : table.input(std::min(i, table.size() - 1));
}

/// Two limits are the same when they differ by less than a microampere.
bool same(double a, double b) {
  return std::abs(a - b) < 0.5e-6;
}

} // namespace

CurrentLimit::CurrentLimit(const BatterySettings& settings, Direction direction)
    : direction_(direction), settings_(direction == Direction::charge ? settings.charge : settings.discharge),
      mode_(settings.table_mode), use_classic_(settings.classic), every_(settings.recalculation_every),
      change_(settings.recalculation_on_change / 100.0),
      cells_(settings_.cell_voltage.in, settings_.cell_voltage.fraction),
      temperatures_(settings_.temperature.in, settings_.temperature.fraction),
      mosfet_(settings_.mosfet_temperature.in, settings_.mosfet_temperature.fraction),
      soc_(settings_.soc.in, settings_.soc.fraction), full_from_(unrestricted_from(cells_)) {
  reason_.reserve(128);
}

double CurrentLimit::read(const Table& table, double x, bool upper) const {
  return settings_.maximum * (mode_ == TableMode::step ? table.step(x, upper) : table.linear(x));
}

double CurrentLimit::classic(double soc) const {
  double limit = settings_.maximum;
  for (std::size_t i = 0; i < settings_.classic_soc.size(); ++i) {
    const bool applies =
        direction_ == Direction::charge ? soc >= settings_.classic_soc[i] : soc <= settings_.classic_soc[i];
    if (applies) {
      const ClassicLimit& line = settings_.classic_limit[i];
      limit = std::min(limit, line.relative ? line.value * settings_.maximum : line.value);
    }
  }
  return limit;
}

CurrentLimit::Wish CurrentLimit::wish(const Input& input) const {
  const bool discharging = direction_ == Direction::discharge;
  const double bms = input.bms_limit ? std::max(0.0, *input.bms_limit) : settings_.maximum;
  std::array<double, kLimitSources> candidates{};
  candidates.fill(-1.0);
  auto offer = [&](LimitSource source, double limit) { candidates[static_cast<std::size_t>(source)] = limit; };

  offer(LimitSource::config, settings_.maximum);
  if (bms < settings_.maximum) {
    offer(LimitSource::bms_value, bms);
  }
  if (settings_.by_cell_voltage && input.cell_voltage) {
    offer(LimitSource::cell_voltage, read(cells_, *input.cell_voltage, discharging));
  }
  if (settings_.by_temperature && input.lowest_temperature && input.highest_temperature) {
    offer(LimitSource::temperature, std::min(read(temperatures_, *input.highest_temperature, discharging),
                                             read(temperatures_, *input.lowest_temperature, discharging)));
  }
  if (settings_.by_mosfet_temperature && input.mosfet) {
    offer(LimitSource::mosfet, read(mosfet_, *input.mosfet, false));
  }
  if (settings_.by_soc && input.soc) {
    offer(LimitSource::soc, read(soc_, *input.soc, true));
  }
  if (use_classic_ && input.soc) {
    offer(LimitSource::classic, classic(*input.soc));
  }
  if (input.alarm) {
    offer(LimitSource::alarm, 0.0);
  }
  if (input.switched_off) {
    offer(LimitSource::bms_switch, 0.0);
  }
  if (settings_.by_temperature && input.temperature_lost && !discharging) {
    offer(LimitSource::sensor_lost, 0.0);
  }

  Wish wish;
  wish.limit = settings_.maximum;
  for (double candidate : candidates) {
    if (candidate >= 0.0) {
      wish.limit = std::min(wish.limit, candidate);
    }
  }
  for (std::size_t i = 0; i < kLimitSources; ++i) {
    if (candidates[i] >= 0.0 && same(candidates[i], wish.limit)) {
      wish.sources |= 1U << i;
    }
  }
  // A limit that only repeats what the configuration or the BMS says already is no reason of its own.
  const std::uint32_t own = bit(LimitSource::bms_switch) | bit(LimitSource::alarm) | bit(LimitSource::sensor_lost);
  if (wish.sources & bit(LimitSource::config)) {
    wish.sources = bit(LimitSource::config) | (wish.sources & own);
  } else if (wish.sources & bit(LimitSource::bms_value)) {
    wish.sources = bit(LimitSource::bms_value) | (wish.sources & own);
  }
  wish.limit = round3(wish.limit);
  return wish;
}

void CurrentLimit::update(const Input& input, const Tick& now) {
  const Wish next = wish(input);
  const bool recovering = state_.limit && next.limit > *state_.limit;
  if (recovering && !input.may_rise) {
    return;
  }
  if (recovering) {
    state_.set_at = now.s;
    rise(next, now);
    return;
  }
  if (state_.limit && next.limit == *state_.limit) {
    // What limits is back, so a rise has to wait anew.
    state_.hold_since.reset();
    state_.ramp_since.reset();
    // An unchanged value keeps its reason for a while, so that texts do not flicker between sources.
    const bool due = !state_.set_at || now.s - *state_.set_at >= every_ || *state_.limit * change_ <= 0.0;
    if (!due) {
      return;
    }
  }
  state_.set_at = now.s;
  state_.hold_since.reset();
  state_.ramp_since.reset();
  set(next.limit, next.sources, false);
}

void CurrentLimit::rise(const Wish& wish, const Tick& now) {
  const double current = *state_.limit;
  if (current == 0.0 && wish.limit < settings_.maximum * settings_.recovery_threshold) {
    state_.hold_since.reset();
    state_.ramp_since.reset();
    set(current, wish.sources, true);
    return;
  }
  if (!state_.hold_since) {
    state_.hold_since = now.s;
  }
  if (now.s - *state_.hold_since < settings_.recovery_hold) {
    state_.ramp_since.reset();
    set(current, wish.sources, true);
    return;
  }
  double next = wish.limit;
  if (settings_.recovery_rate > 0.0) {
    if (!state_.ramp_since) {
      state_.ramp_since = now.s;
      state_.ramp_from = current;
    }
    const double risen = settings_.recovery_rate * static_cast<double>(now.s - *state_.ramp_since);
    next = round3(std::min(wish.limit, state_.ramp_from + risen));
  }
  if (next >= wish.limit) {
    state_.hold_since.reset();
    state_.ramp_since.reset();
  }
  set(next, wish.sources, false);
}

void CurrentLimit::force(double amperes, LimitSource source) {
  if (!state_.limit || *state_.limit >= amperes) {
    set(amperes, bit(source), false);
  }
  state_.hold_since.reset();
  state_.ramp_since.reset();
}

void CurrentLimit::set(double limit, std::uint32_t sources, bool waiting) {
  state_.limit = limit;
  if (sources == state_.sources && waiting == state_.waiting) {
    return;
  }
  state_.sources = sources;
  state_.waiting = waiting;
  reason_.clear();
  for (std::size_t i = 0; i < kLimitSources; ++i) {
    if (!(sources & 1U << i)) {
      continue;
    }
    if (!reason_.empty()) {
      reason_ += ", ";
    }
    const bool config = i == static_cast<std::size_t>(LimitSource::config);
    reason_ += !config ? kNames[i] : direction_ == Direction::charge ? kChargeMaximum : kDischargeMaximum;
  }
  if (waiting) {
    reason_ += " *";
  }
}

void CurrentLimit::restore(const State& state) {
  state_ = {};
  if (state.limit) {
    set(*state.limit, state.sources, state.waiting);
  }
  state_ = state;
}

} // namespace bmsd::battery
