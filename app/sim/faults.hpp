// Faults on purpose: what cables, noise and tired BMS do, at a rate and reproducible by a seed.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"

#include <array>
#include <chrono>
#include <random>
#include <string_view>

namespace bmsd::sim {

enum class FaultKind : std::uint8_t {
  drop,     ///< this reply is lost
  corrupt,  ///< one bit of it is wrong
  delay,    ///< it comes 0.2 to 1.5 s late
  truncate, ///< its end is missing
  garbage,  ///< up to 16 random bytes before it (CAN: a foreign frame, MQTT: in the text)
  silent,   ///< from here on nothing for 10 s; with rate 1 nothing ever
};
inline constexpr std::array<std::string_view, 6> kFaultNames = {"drop",     "corrupt", "delay",
                                                                "truncate", "garbage", "silent"};

/// Probability 0..1 of each kind, per reply, frame or document.
class FaultRates {
public:
  /// From "KIND=RATE". Fault::rejected says what is wrong.
  Result<void> set(std::string_view text);
  double operator[](FaultKind kind) const { return rates_[static_cast<std::size_t>(kind)]; }

private:
  std::array<double, kFaultNames.size()> rates_{};
};

/// Draws the fate of one reply after another. Same seed, same fates.
class FaultInjector {
public:
  using Clock = std::chrono::steady_clock;
  struct Fate {
    bool lost = false;
    bool corrupt = false;
    bool truncate = false;
    bool garbage = false;
    std::chrono::milliseconds delay{0};
  };

  FaultInjector(FaultRates rates, std::uint64_t seed) : rates_(rates), random_(seed) {}
  Fate next(Clock::time_point now);
  /// Applies the fate to the bytes; not for a lost one.
  void damage(Bytes& bytes, const Fate& fate);
  /// Evenly distributed in 0..limit-1.
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }

private:
  bool happens(FaultKind kind);

  FaultRates rates_;
  std::mt19937_64 random_;
  Clock::time_point silent_until_{};
};

} // namespace bmsd::sim
