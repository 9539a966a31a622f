// Time as the battery logic sees it.
#pragma once

#include "messages/fields.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

namespace bmsd::battery {

/// One evaluation. `s` drives every timer (whole seconds, as users know them from the reference
/// driver), `precise` integrates charge. `wall` is absent while the system clock cannot be true.
struct Tick {
  std::chrono::nanoseconds precise{0}; ///< monotonic
  std::int64_t s = 0;                  ///< `precise` in whole seconds
  std::optional<std::int64_t> wall;    ///< s since the epoch
};

/// A GX device without a clock battery starts years in the past. A wall clock before
/// 2023-01-01 00:00 UTC is no clock.
inline constexpr std::int64_t kEarliestWall = 1'672'531'200;

/// A moment that outlives the process: kept as wall time in storage, measured by the monotonic
/// clock while running, so that a jump of the system clock changes no age.
struct WallStamp {
  std::optional<std::int64_t> stored; ///< wall time, as read from storage and not yet resolved
  std::optional<std::int64_t> at;     ///< monotonic s; before the start of this process: smaller, also negative

  void mark(const Tick& now) {
    stored.reset();
    at = now.s;
  }
  void clear() { *this = {}; }
  bool known() const { return stored || at; }

  /// Turns a stored time into an age as soon as the wall clock can be true. A time in the future
  /// counts as now.
  void resolve(const Tick& now) {
    if (stored && now.wall) {
      at = now.s - std::max<std::int64_t>(0, *now.wall - *stored);
      stored.reset();
    }
  }
  std::optional<std::int64_t> age(const Tick& now) const { return at ? std::optional(now.s - *at) : std::nullopt; }
  /// For storage. Absent while there is no credible clock.
  std::optional<std::int64_t> wall(const Tick& now) const {
    if (at && now.wall) {
      return *now.wall - (now.s - *at);
    }
    return stored;
  }

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("stored", self.stored);
    visit("at", self.at);
  }
};

} // namespace bmsd::battery
