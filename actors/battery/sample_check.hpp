// Whether a sample can be true, and what its cells say.
#pragma once

#include "actors/battery/battery_settings.hpp"
#include "actors/battery/numbers.hpp"
#include "actors/battery/timing.hpp"
#include "messages/identity.hpp"
#include "messages/sample.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bmsd::battery {

inline constexpr int kMinCells = 3;

/// Where the cell voltages come from.
enum class CellSource : std::uint8_t {
  none,
  list,     ///< every cell
  extremes, ///< the BMS states lowest and highest only
  mean,     ///< pack voltage divided by the cell count: no spread, no single cell
};

constexpr std::string_view to_string(CellSource source) {
  switch (source) {
  case CellSource::none: return "none";
  case CellSource::list: return "list";
  case CellSource::extremes: return "extremes";
  case CellSource::mean: return "mean";
  }
  return "?";
}

struct CellView {
  CellSource source = CellSource::none;
  int count = 0;
  Microvolts sum = 0; ///< of the cells; of the pack where there is no list
  Microvolts lowest = 0, highest = 0;
  std::size_t lowest_index = 0, highest_index = 0; ///< with a list: first of equals, from 0
  std::array<Microvolts, kMaxCells> cells{};       ///< with a list
  /// In which the BMS tells its cells, 0 if it does not matter. Two cells one step apart may be the same.
  Microvolts step = 0;

  /// Lowest and highest are those of cells.
  bool has_cells() const { return source == CellSource::list || source == CellSource::extremes; }
  Microvolts spread() const { return std::max<Microvolts>(0, highest - lowest - step); }
  /// How far a cell is above `limit` for certain.
  Microvolts above(Microvolts cell, Microvolts limit) const { return std::max<Microvolts>(0, cell - step / 2 - limit); }

  /// Without the single cells: they are only looked at in the cycle that brought them.
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("source", self.source);
    visit("count", self.count);
    visit("sum", self.sum);
    visit("lowest", self.lowest);
    visit("highest", self.highest);
    visit("step", self.step);
  }
};

enum class SampleVerdict : std::uint8_t {
  good,
  cells_untold,  ///< this BMS does not tell how many cells it has; nothing is wrong with that
  cells_invalid, ///< a cell is missing or cannot be true: nothing may be decided from the cells
  implausible,   ///< a pack value is out of range: counts as no answer at all
};

class SampleCheck {
public:
  /// V, of a cell.
  static double highest_possible(const BatterySettings& settings) { return 2.0 * settings.max_cell_voltage; }
  struct State {
    int cell_count = 0; ///< in use, 0 = unknown
    int new_cell_count = 0;
    std::int64_t new_count_since = 0; ///< s
    bool had_list = false, had_extremes = false;
    std::uint64_t fingerprint = 0; ///< of the measured values
    std::int64_t same_since = 0;   ///< s
    int same_count = 0;
    CellView cells;                               ///< of the last good sample
    Microvolts lowest_seen = 0, highest_seen = 0; ///< in the last sample
    bool voltage_contradicts = false;

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
      visit("cell_count", self.cell_count);
      visit("new_cell_count", self.new_cell_count);
      visit("new_count_since", self.new_count_since);
      visit("had_list", self.had_list);
      visit("had_extremes", self.had_extremes);
      visit("fingerprint", self.fingerprint);
      visit("same_since", self.same_since);
      visit("same_count", self.same_count);
      visit("cells", self.cells);
      visit("lowest_seen", self.lowest_seen);
      visit("highest_seen", self.highest_seen);
      visit("voltage_contradicts", self.voltage_contradicts);
    }
  };

  SampleVerdict check(const Sample& sample, const Identity& identity, const BatterySettings& settings, const Tick& now);
  /// The cells of an answer that does not count, for lowest_seen() and highest_seen().
  void look_at_doubtful(const Sample& sample, const BatterySettings& settings);

  /// Of the last good sample; source none before the first one. With cells that are not told: none, or extremes of
  /// count 0.
  const CellView& cells() const { return state_.cells; }
  /// Those plus the cells of a bad sample as far as they can be true: enough to lower a limit, not to raise one.
  Microvolts lowest_seen() const { return std::min(state_.cells.lowest, state_.lowest_seen); }
  Microvolts highest_seen() const { return std::max(state_.cells.highest, state_.highest_seen); }
  /// Accepted cell count, 0 before one is known.
  int cell_count() const { return state_.cell_count; }
  /// Why the last sample was not good; a literal.
  std::string_view reason() const { return reason_; }
  /// The BMS has repeated every digit for minutes although current flows.
  bool frozen(const Tick& now) const;
  /// Pack voltage and sum of cells contradict each other; the sum is right.
  bool voltage_contradicts() const { return state_.voltage_contradicts; }

  const State& state() const { return state_; }
  void restore(const State& state) { state_ = state; }

private:
  bool plausible(const Sample& sample, double max_voltage);
  bool count_cells(const Sample& sample, const Identity& identity, const Tick& now);
  SampleVerdict judge(const Sample& sample, const Identity& identity, double limit, const Tick& now);
  bool untold(const Sample& sample, const Identity& identity) const;
  bool read_untold(const Sample& sample, double limit);
  void look_at_single_cells(const Sample& sample, double limit);
  bool read_list(const Sample& sample, double limit);
  bool read_extremes(const Sample& sample, double limit);
  bool read_mean(const Sample& sample, double limit);
  void watch_for_change(const Sample& sample, const Tick& now);

  State state_;
  CellView next_; ///< filled while reading, taken over when good
  bool contradicts_ = false;
  std::string_view reason_;
};

} // namespace bmsd::battery
