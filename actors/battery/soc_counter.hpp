// Counts charge (SOC_CALCULATION).
#pragma once

#include "actors/battery/timing.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace bmsd::battery {

class SocCounter {
public:
  struct State {
    std::optional<double> charge;            ///< Ah in the battery
    std::optional<double> soc;               ///< %
    std::optional<std::int64_t> counted_ns;  ///< monotonic, of the last count
    std::optional<std::int64_t> empty_since; ///< s, lowest cell at its minimum and discharging
    bool estimated = false;                  ///< a gap could not be counted
    bool stale = false, discarded_stale = false;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
      visit("charge", self.charge);
      visit("soc", self.soc);
      visit("counted_ns", self.counted_ns);
      visit("empty_since", self.empty_since);
      visit("estimated", self.estimated);
      visit("stale", self.stale);
      visit("discarded_stale", self.discarded_stale);
    }
  };

  struct Input {
    std::optional<double> current;  ///< A
    double capacity = 0.0;          ///< Ah
    std::optional<double> bms_soc;  ///< %
    std::optional<bool> cell_empty; ///< lowest cell at or below its minimum; absent: not known
    std::int64_t max_gap = 300;     ///< s, a longer one is not counted
  };

  /// The SoC in %, 3 decimals. None without current or capacity.
  std::optional<double> update(const Input& input, const Tick& now);

  /// The battery is full; shows in the next update.
  void set_full(double capacity);
  /// By the user, in %; shows in the next update.
  void set(double soc);
  /// From storage. `stale`: so old that a BMS that differs much is believed instead.
  void resume(double soc, bool stale);
  /// resume() was overruled by the BMS.
  bool discarded_stale() const { return state_.discarded_stale; }

  bool estimated() const { return state_.estimated; }
  const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }

private:
  void watch_empty(const Input& input, const Tick& now);

  State state_;
};

} // namespace bmsd::battery
