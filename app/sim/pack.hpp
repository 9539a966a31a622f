// A battery that lives in real time, or faster, with the faults of its link.
#pragma once

#include "app/sim/battery.hpp"
#include "app/sim/faults.hpp"

#include <chrono>

namespace bmsd::sim {

struct Pack {
  using Clock = std::chrono::steady_clock;

  Pack(const BatteryConfig& config, const FaultRates& rates, double speed)
      : battery(config), faults(rates, config.seed), speed(speed) {}

  /// Brings the battery up to now. Called when somebody looks, so that an idle one costs nothing.
  void live(Clock::time_point now) {
    battery.advance(std::chrono::duration<double>(now - lived_until).count() * speed);
    lived_until = now;
  }

  Battery battery;
  FaultInjector faults;
  double speed; ///< seconds of the battery in a real second
  Clock::time_point lived_until = Clock::now();
};

} // namespace bmsd::sim
