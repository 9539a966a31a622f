// Average current, time to go, time to SoC.
#pragma once

#include "actors/battery/battery_settings.hpp"
#include "actors/battery/timing.hpp"
#include "messages/status.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace bmsd::battery {

/// ESS settings of the system, from D-Bus (/Settings/CGwacs/...); absent: no such setting.
struct EssSettings {
  std::optional<int> hub4_mode;
  std::optional<int> battery_life_state;
  std::optional<double> minimum_soc_limit; ///< %
  std::optional<double> soc_limit;         ///< %
};

class Estimates {
public:
  struct State {
    std::vector<double> currents;                ///< A, of the last cycles, oldest first
    std::optional<std::int64_t> computed_at;     ///< s
    std::optional<int> time_to_go;               ///< s
    std::vector<std::optional<int>> time_to_soc; ///< s, per point

    template <class Self, class Visitor>
    static void fields(Self& self, Visitor&& visit) {
      visit("currents", self.currents);
      visit("computed_at", self.computed_at);
      visit("time_to_go", self.time_to_go);
      visit("time_to_soc", self.time_to_soc);
    }
  };

  struct Input {
    std::optional<double> current;  ///< A
    std::optional<double> soc;      ///< %
    std::optional<double> capacity; ///< Ah
  };

  explicit Estimates(const BatterySettings& settings);

  /// Once per cycle, good or failed. Fills current_avg, time_to_go and time_to_soc.
  void update(const Input& input, const EssSettings& ess, Status& status, const Tick& now);

  State state() const;
  void restore(const State& state);

private:
  static constexpr std::size_t kAverageCycles = 300;

  std::optional<double> average(std::optional<double> current);
  double discharge_target(const EssSettings& ess) const;
  void write(Status& status) const;

  bool time_to_go_enabled_;
  std::vector<int> points_;
  int type_;
  std::int64_t every_;
  double low_soc_;

  std::array<double, kAverageCycles> ring_{};
  std::size_t ring_size_ = 0, ring_next_ = 0;
  std::optional<std::int64_t> computed_at_;
  std::optional<int> time_to_go_;
  std::vector<std::optional<int>> time_to_soc_;
  bool written_ = false;
};

} // namespace bmsd::battery
