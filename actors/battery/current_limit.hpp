// CCL and DCL, the current limits: the strictest of several sources. Falls at once, rises slowly.
// One class for both directions.
#pragma once

#include "actors/battery/battery_settings.hpp"
#include "actors/battery/timing.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace bmsd::battery {

enum class Direction : std::uint8_t { charge, discharge };

/// What can limit, in the order of the reason text.
enum class LimitSource : std::uint8_t {
  config,
  bms_value,
  cell_voltage,
  temperature,
  mosfet,
  soc,
  classic,
  alarm,
  bms_switch,
  sensor_lost,
  cells_unknown,
  disconnected,
};
inline constexpr std::size_t kLimitSources = 12;

class CurrentLimit {
public:
  struct State {
    std::optional<double> limit;            ///< A, in force
    std::uint32_t sources = 0;              ///< bits of LimitSource that caused it
    bool waiting = false;                   ///< could be higher, hold not over
    std::optional<std::int64_t> set_at;     ///< s, last update
    std::optional<std::int64_t> hold_since; ///< s
    std::optional<std::int64_t> ramp_since; ///< s
    double ramp_from = 0.0;                 ///< A

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
      visit("limit", self.limit);
      visit("sources", self.sources);
      visit("waiting", self.waiting);
      visit("set_at", self.set_at);
      visit("hold_since", self.hold_since);
      visit("ramp_since", self.ramp_since);
      visit("ramp_from", self.ramp_from);
    }
  };

  /// Absent: this source does not limit.
  struct Input {
    std::optional<double> cell_voltage; ///< V, highest (charge) or lowest (discharge) cell
    std::optional<double> lowest_temperature, highest_temperature, mosfet; ///< °C
    std::optional<double> soc;                                             ///< %
    std::optional<double> bms_limit;                                       ///< A
    bool switched_off = false;                                             ///< FET off
    bool alarm = false;
    bool temperature_lost = false;
    bool may_rise = true; ///< false: the inputs are old, only reductions count
  };

  CurrentLimit(const BatterySettings& settings, Direction direction);

  void update(const Input& input, const Tick& now);
  /// Lowers to `amperes` if that is lower; the way back is hold and ramp as always.
  void force(double amperes, LimitSource source);

  std::optional<double> value() const { return state_.limit; } ///< A
  bool allows() const { return state_.limit.value_or(0.0) != 0.0; }
  /// "Cell Voltage, Temp *"; rebuilt only when it changes.
  const std::string& reason() const { return reason_; }
  /// The lowest cell voltage (V) from which on the table does not limit. Of use for discharge.
  double full_from() const { return full_from_; }

  const State& state() const { return state_; }
  void restore(const State& state);

private:
  struct Wish {
    double limit = 0.0;
    std::uint32_t sources = 0;
  };

  Wish wish(const Input& input) const;
  double read(const Table& table, double x, bool upper) const;
  double classic(double soc) const;
  void rise(const Wish& wish, const Tick& now);
  void set(double limit, std::uint32_t sources, bool waiting);

  Direction direction_;
  CurrentSettings settings_;
  TableMode mode_;
  bool use_classic_;
  int every_;
  double change_;
  Table cells_, temperatures_, mosfet_, soc_;
  double full_from_;
  State state_;
  std::string reason_;
};

} // namespace bmsd::battery
