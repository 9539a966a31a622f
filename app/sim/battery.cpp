#include "app/sim/battery.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

namespace bmsd::sim {

namespace {

constexpr double kLongestStep = 1.0;         // s
constexpr double kMostSteps = 5000;          // per advance(): an unwatched battery must not cost seconds of CPU
constexpr double kCapacitySpread = 0.01;     // between the largest and the smallest cell
constexpr double kBalanceStart = 3.40;       // V
constexpr double kBalanceWindow = 0.005;     // V above the lowest cell
constexpr double kBleedCurrent = 0.2;        // A
constexpr double kCellWarming = 1.0;         // K per W lost in the cell
constexpr double kCellTimeConstant = 7200.0; // s
constexpr double kFetResistance = 0.0008;    // ohm
constexpr double kFetWarming = 1.2;          // K/W
constexpr double kFetTimeConstant = 300.0;   // s
constexpr double kTailCurrent = 0.05;        // of the capacity: below it at full voltage the battery is full
constexpr double kDischargeEnd = 2.9;        // V per cell, told to the inverter

constexpr std::bitset<kAlarmCount> mask(std::initializer_list<Alarm> alarms) {
  unsigned long long bits = 0;
  for (auto alarm : alarms) {
    bits |= 1ULL << static_cast<unsigned>(alarm);
  }
  return bits;
}

constexpr auto kBlocksBoth =
    mask({Alarm::InternalFailure, Alarm::FuseBlown, Alarm::Contactor, Alarm::HighInternalTemperature});
constexpr auto kBlocksCharge = mask({Alarm::HighVoltage, Alarm::HighCellVoltage, Alarm::HighChargeCurrent,
                                     Alarm::HighChargeTemperature, Alarm::LowChargeTemperature});
constexpr auto kBlocksDischarge = mask({Alarm::LowVoltage, Alarm::LowCellVoltage, Alarm::HighDischargeCurrent,
                                        Alarm::HighTemperature, Alarm::LowTemperature});

/// 0..1 for each of n cells in an order that looks random and reaches both ends.
std::vector<double> spread(int n, std::mt19937_64& random) {
  std::vector<double> shares(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < shares.size(); ++i) {
    shares[i] = n > 1 ? static_cast<double>(i) / (n - 1) : 0.5;
  }
  std::shuffle(shares.begin(), shares.end(), random);
  return shares;
}

double approach(double now, double target, double seconds, double time_constant) {
  return target + (now - target) * std::exp(-seconds / time_constant);
}

} // namespace

Battery::Battery(BatteryConfig config)
    : config_(config), temperature_(config.temperature), mos_temperature_(config.temperature) {
  std::mt19937_64 random(config_.seed);
  const auto imbalance = spread(config_.cells, random);
  const auto capacity = spread(config_.cells, random);
  const double rest = open_circuit_voltage(config_.soc / 100.0);
  for (std::size_t i = 0; i < imbalance.size(); ++i) {
    Cell cell;
    cell.capacity = config_.capacity * (1.0 + kCapacitySpread * (capacity[i] - 0.5));
    cell.charge = cell.capacity * soc_at_voltage(rest + config_.imbalance * (imbalance[i] - 0.5));
    cell.resistance = config_.resistance;
    cells_.push_back(cell);
  }
  counted_ = config_.capacity * config_.soc / 100.0;
  tripped_ = config_.raised;
  protect(0.0, 0.0);
  current_ = flowing_current();
}

void Battery::advance(double seconds) {
  ++readings_;
  const double steps = std::clamp(std::ceil(seconds / kLongestStep), 1.0, kMostSteps);
  for (int i = 0; i < static_cast<int>(steps) && seconds > 0.0; ++i) {
    step(seconds / steps);
  }
}

void Battery::step(double seconds) {
  const double hours = seconds / 3600.0;
  time_ += seconds;
  current_ = flowing_current();
  const double energy = mean_voltage() * static_cast<double>(cells_.size()) * current_ * hours / 1000.0;
  (current_ > 0 ? charged_energy_ : discharged_energy_) += std::abs(energy);
  discharged_ += std::max(-current_, 0.0) * hours;
  for (auto& cell : cells_) {
    cell.push(current_ * hours);
  }
  counted_ = std::clamp(counted_ + current_ * hours, 0.0, config_.capacity);
  if (current_ > 0 && current_ < kTailCurrent * config_.capacity && mean_voltage() > config_.charge_voltage - 0.005) {
    counted_ = config_.capacity;
  }
  balance(hours);
  warm(seconds);
  protect(wanted_current(), seconds);
  current_ = flowing_current();
}

double Battery::wanted_current() const {
  if (config_.profile == LoadProfile::day) {
    return config_.current * std::sin(2.0 * std::numbers::pi * time_ / config_.period);
  }
  return config_.current;
}

double Battery::flowing_current() const {
  const double wanted = wanted_current();
  if (wanted > 0.0) {
    double rest = 0.0;
    double resistance = 0.0;
    for (const auto& cell : cells_) {
      rest += cell.rest_voltage();
      resistance += cell.resistance;
    }
    const double headroom = config_.charge_voltage * static_cast<double>(cells_.size()) - rest;
    const double limited = resistance > 0.0 ? std::min(wanted, headroom / resistance) : wanted;
    return charge_on() ? std::max(limited, 0.0) : 0.0;
  }
  return discharge_on() ? wanted : 0.0;
}

void Battery::balance(double hours) {
  balancing_ = 0;
  if (!balancer_enabled_) {
    return;
  }
  const auto lowest = std::min_element(cells_.begin(), cells_.end(), [this](const Cell& a, const Cell& b) {
    return a.voltage(current_) < b.voltage(current_);
  });
  const double threshold = std::max(kBalanceStart, lowest->voltage(current_) + kBalanceWindow);
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    if (cells_[i].voltage(current_) > threshold) {
      balancing_ |= 1U << i;
      cells_[i].push(-kBleedCurrent * hours);
    }
  }
}

void Battery::warm(double seconds) {
  const double square = current_ * current_;
  temperature_ = approach(temperature_, config_.temperature + square * config_.resistance * kCellWarming, seconds,
                          kCellTimeConstant);
  mos_temperature_ =
      approach(mos_temperature_, temperature_ + square * kFetResistance * kFetWarming, seconds, kFetTimeConstant);
}

void Battery::protect(double wanted, double seconds) {
  const auto& limits = config_.protections;
  const auto [low, high] = std::minmax_element(cells_.begin(), cells_.end(), [this](const Cell& a, const Cell& b) {
    return a.voltage(current_) < b.voltage(current_);
  });
  const double highest = high->voltage(current_);
  const double lowest = low->voltage(current_);
  const double mean = mean_voltage();
  latch(Alarm::HighCellVoltage, highest >= limits.cell_high.trip, highest < limits.cell_high.release);
  latch(Alarm::HighVoltage, mean >= limits.cell_high.trip, mean < limits.cell_high.release);
  latch(Alarm::LowCellVoltage, lowest <= limits.cell_low.trip, lowest > limits.cell_low.release);
  latch(Alarm::LowVoltage, mean <= limits.cell_low.trip, mean > limits.cell_low.release);

  const double t = temperature_;
  latch(Alarm::HighChargeTemperature, t >= limits.charge_hot.trip, t < limits.charge_hot.release);
  latch(Alarm::LowChargeTemperature, t <= limits.charge_cold.trip, t > limits.charge_cold.release);
  latch(Alarm::HighTemperature, t >= limits.discharge_hot.trip, t < limits.discharge_hot.release);
  latch(Alarm::LowTemperature, t <= limits.discharge_cold.trip, t > limits.discharge_cold.release);

  charge_retry_ = std::max(charge_retry_ - seconds, 0.0);
  discharge_retry_ = std::max(discharge_retry_ - seconds, 0.0);
  const bool charge_over = current_ > config_.max_charge_current();
  const bool discharge_over = -current_ > config_.max_discharge_current();
  charge_retry_ = charge_over ? limits.overcurrent_retry : charge_retry_;
  discharge_retry_ = discharge_over ? limits.overcurrent_retry : discharge_retry_;
  latch(Alarm::HighChargeCurrent, charge_over, charge_retry_ == 0.0 || wanted <= 0.0);
  latch(Alarm::HighDischargeCurrent, discharge_over, discharge_retry_ == 0.0 || wanted >= 0.0);
}

void Battery::latch(Alarm which, bool trip, bool release) {
  const auto index = static_cast<std::size_t>(which);
  if (trip && !tripped_[index]) {
    tripped_.set(index);
    ++trips_[index];
  } else if (!trip && release && !config_.raised[index]) {
    tripped_.reset(index);
  }
}

bool Battery::charge_on() const {
  return charge_allowed_ && (tripped_ & (kBlocksCharge | kBlocksBoth)).none();
}

bool Battery::discharge_on() const {
  return discharge_allowed_ && (tripped_ & (kBlocksDischarge | kBlocksBoth)).none();
}

double Battery::mean_voltage() const {
  double sum = 0.0;
  for (const auto& cell : cells_) {
    sum += cell.voltage(current_);
  }
  return sum / static_cast<double>(cells_.size());
}

void Battery::set_remaining(double ampere_hours) {
  counted_ = std::clamp(ampere_hours, 0.0, config_.capacity);
}

// A pattern rather than random numbers: neighbouring readings always differ, also when a poll takes two of them.
double Battery::wobble(unsigned channel, int amplitude) const {
  if (!config_.noise) {
    return 0.0;
  }
  const int period = 2 * amplitude + 1;
  return static_cast<int>((7U * readings_ + 5U * channel) % static_cast<unsigned>(period)) - amplitude;
}

Reading Battery::reading() const {
  Reading out;
  for (unsigned i = 0; i < cells_.size(); ++i) {
    out.cells.push_back(cells_[i].voltage(current_) + 0.001 * wobble(i, 5));
  }
  out.voltage = mean_voltage() * static_cast<double>(cells_.size()) + 0.01 * wobble(1, 5);
  out.current = current_ + 0.1 * wobble(2, 5);
  out.capacity = config_.capacity;
  out.remaining = std::clamp(counted_ + 0.01 * config_.capacity * wobble(3, 1), 0.0, config_.capacity);
  out.soc = 100.0 * out.remaining / config_.capacity;
  out.cycles = static_cast<int>(discharged_ / config_.capacity);
  out.charged_energy = charged_energy_;
  out.discharged_energy = discharged_energy_;
  out.cell_temperatures = {temperature_ + 0.1 * wobble(4, 5), temperature_ - 0.4 + 0.1 * wobble(5, 5)};
  out.mos_temperature = mos_temperature_ + 0.1 * wobble(6, 5);
  out.balancing = balancing_;
  out.charge_on = charge_on();
  out.discharge_on = discharge_on();
  out.switched_off = !charge_allowed_ || !discharge_allowed_;
  out.balancer_enabled = balancer_enabled_;
  out.alarms = tripped_;
  const auto count = static_cast<double>(cells_.size());
  out.max_charge_voltage = (config_.charge_voltage + 0.05) * count;
  out.low_voltage = kDischargeEnd * count;
  out.max_charge_current = out.charge_on ? config_.max_charge_current() : 0.0;
  out.max_discharge_current = out.discharge_on ? config_.max_discharge_current() : 0.0;
  return out;
}

} // namespace bmsd::sim
