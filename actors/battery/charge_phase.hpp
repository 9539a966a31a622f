// Where in its charge a battery is: bulk, absorption, float; and the SoC reset every N days.
// Decides, writes no texts and computes no voltages.
#pragma once

#include "actors/battery/battery_settings.hpp"
#include "actors/battery/numbers.hpp"
#include "actors/battery/sample_check.hpp"
#include "actors/battery/timing.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace bmsd::battery {

enum class Phase : std::uint8_t { bulk, absorption, floating };

/// SOC_RESET_AFTER_DAYS: charge to a higher voltage once in a while. Pending until the battery is
/// full at that voltage, however many cloudy days that takes.
class SocResetPlan {
public:
  struct State {
    bool requested = false;
    std::optional<std::int64_t> requested_at; ///< s
    WallStamp reached;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
      visit("requested", self.requested);
      visit("requested_at", self.requested_at);
      visit("reached", self.reached);
    }
  };

  explicit SocResetPlan(const BatterySettings& settings);

  bool enabled() const { return days_ > 0; }
  bool requested() const { return state_.requested; }
  /// Pending for longer than the interval itself.
  bool overdue(const Tick& now) const;
  void update(const Tick& now);
  void done(const Tick& now);

  const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }
  void restore_reached(std::int64_t wall) { state_.reached.stored = wall; }

private:
  int days_;
  State state_;
};

class ChargePhase {
public:
  struct State {
    bool allow_max = true;                        ///< bulk or absorption
    std::optional<std::int64_t> absorbing_since;  ///< s, moved on by outages
    std::optional<std::int64_t> float_held_until; ///< s, float in spite of a low SoC
    std::optional<std::int64_t> last_good;        ///< s

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
      visit("allow_max", self.allow_max);
      visit("absorbing_since", self.absorbing_since);
      visit("float_held_until", self.float_held_until);
      visit("last_good", self.last_good);
    }
  };

  struct Input {
    const CellView* cells = nullptr;
    Microvolts pack_max = 0;
    std::optional<double> soc; ///< %
    bool reset_requested = false;
    bool outage = false; ///< failed or invalid polls since the last call
  };

  explicit ChargePhase(const BatterySettings& settings);

  /// One good sample. True in the cycle in which a completed absorption ends: the battery is full.
  bool update(const Input& input, const Tick& now);
  Phase phase() const;
  /// Full by voltage, but the SoC says that it is far from it.
  bool soc_contradicts() const { return state_.float_held_until.has_value(); }

  const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }
  /// From storage. `absorbed`: s of absorption so far.
  void resume(bool allow_max, std::optional<std::int64_t> absorbed, const Tick& now);

private:
  bool back_to_bulk(const Input& input, const Tick& now) const;

  Microvolts float_diff_, restart_diff_, bulk_diff_;
  double bulk_soc_;
  std::int64_t wait_;
  State state_;
};

} // namespace bmsd::battery
