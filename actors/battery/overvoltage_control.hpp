// Lowers CVL while a cell is above its maximum and lets it rise again slowly.
#pragma once

#include "actors/battery/battery_settings.hpp"
#include "actors/battery/numbers.hpp"
#include "actors/battery/sample_check.hpp"
#include "actors/battery/timing.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace bmsd::battery {

enum class Overvoltage : std::uint8_t {
  none,
  holding, ///< CVL is lowered
  rising,  ///< on its way back
};

constexpr std::string_view to_string(Overvoltage mark) {
  switch (mark) {
  case Overvoltage::none: return "none";
  case Overvoltage::holding: return "holding";
  case Overvoltage::rising: return "rising";
  }
  return "?";
}

class OvervoltageControl {
public:
  struct State {
    std::optional<std::int64_t> limited_at; ///< s, last restricting cycle
    std::optional<Microvolts> base;         ///< where the rise began
    std::optional<std::int64_t> last_ns;    ///< monotonic, of the last cycle
    Overvoltage mark = Overvoltage::none;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
      visit("limited_at", self.limited_at);
      visit("base", self.base);
      visit("last_ns", self.last_ns);
      visit("mark", self.mark);
    }
  };

  struct Input {
    const CellView* cells = nullptr;
    Microvolts pack_min = 0, pack_max = 0;
    Microvolts cell_max = 0; ///< allowed for a single cell
  };

  explicit OvervoltageControl(const BatterySettings& settings);

  /// The next CVL of bulk or absorption, given the last one.
  Microvolts update(std::optional<Microvolts> cvl, const Input& input, const Tick& now);
  Overvoltage mark() const { return state_.mark; }
  /// The voltage that the controller wanted last.
  Microvolts wanted() const { return wanted_; }

  const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }

private:
  Microvolts wanted(std::optional<Microvolts> cvl, const Input& input, const Tick& now) const;

  VoltageController controller_;
  double factor_;
  Microvolts margin_;
  std::int64_t hold_;
  double rate_; ///< µV/s
  State state_;
  Microvolts wanted_ = 0;
};

} // namespace bmsd::battery
