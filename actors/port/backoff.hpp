// The wait before the next attempt to open a link. Pure.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace bmsd::actors {

/// 1 s doubling to 30 s, each with up to a quarter less, so that many ports do not retry in step.
class Backoff {
public:
  using Duration = std::chrono::milliseconds;

  explicit Backoff(std::uint32_t seed) : random_(seed) {}

  Duration next() {
    const auto base = delay_;
    delay_ = std::min(2 * delay_, kMax);
    std::uniform_int_distribution<std::int64_t> jitter(0, base.count() / 4);
    return base - Duration(jitter(random_));
  }
  void reset() { delay_ = kFirst; }

private:
  static constexpr Duration kFirst{1000};
  static constexpr Duration kMax{30000};
  std::minstd_rand random_;
  Duration delay_ = kFirst;
};

} // namespace bmsd::actors
