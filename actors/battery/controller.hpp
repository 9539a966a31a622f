// One battery: samples in, what is published out. Limits, SoC, alarms, history, states.
//
// Pure logic: no I/O, no clock, no thread of its own; one caller at a time. After the first samples
// no call except saved_state() allocates memory.
#pragma once

#include "actors/battery/battery_settings.hpp"
#include "actors/battery/battery_state.hpp"
#include "actors/battery/charge_text.hpp"
#include "actors/battery/current_limit.hpp"
#include "actors/battery/current_source.hpp"
#include "actors/battery/disconnect.hpp"
#include "actors/battery/estimates.hpp"
#include "actors/battery/history_keeper.hpp"
#include "actors/battery/sample_check.hpp"
#include "actors/battery/saved_state.hpp"
#include "actors/battery/soc_counter.hpp"
#include "actors/battery/temperatures.hpp"
#include "actors/battery/timing.hpp"
#include "actors/battery/voltage_limit.hpp"
#include "messages/command.hpp"
#include "messages/identity.hpp"
#include "messages/now.hpp"
#include "messages/sample.hpp"
#include "messages/status.hpp"

#include <optional>

namespace bmsd::battery {

/// What became of a command. With `to_bms` the BMS decides and its answer is the outcome;
/// `outcome` then only says that the command may be sent.
struct CommandReply {
  CommandOutcome outcome;
  std::optional<Command> to_bms;
};

class Controller {
public:
  /// `settings` should have passed check(). `now`: the start of this battery.
  Controller(BatterySettings settings, std::optional<SavedState> saved, Now now);

  /// One good poll.
  const Status& on_sample(const Sample& sample, const Identity& identity, Now now);
  /// One poll without an answer; also once per poll interval while there is nothing to poll. `doubtful`: what was said
  /// beside something that cannot be true.
  const Status& on_poll_failed(Now now, const Sample* doubtful = nullptr);

  void set_external(const External& external) { external_ = external; }
  void set_ess(const EssSettings& ess) { ess_ = ess; }

  CommandReply on_command(const Command& command, Now now);
  /// What the logic itself wants of the BMS (SoC to 100 % when full). Each is handed out once.
  std::optional<Command> take_bms_command();

  /// All of it, with every timer: for a battery that is restarted.
  SavedState saved_state(Now now) const;
  /// What survives the process: SavedState without `live`.
  SavedState settled_state(Now now) const;
  /// What another memory of this battery holds; for one that has just begun without any.
  void take_over(const SavedState& saved, Now now);
  const Status& status() const { return status_; }
  /// False: values or cells that cannot be true, or no answer at all.
  bool last_sample_good() const { return !outage_; }
  const BatterySettings& settings() const { return settings_; }

private:
  Tick tick(Now now);
  Tick look_at(Now now) const;
  void restore(const SavedState& saved, Now now);
  void restore_live(const LiveState& live, Now now);

  void take_sample(const Sample& sample, const Tick& now);
  void show_cells();
  void hide_cells();
  void show_temperatures(const Tick& now);
  void update_current(const Tick& now);
  void update_soc(bool cells_good, const Tick& now);
  void update_capacity();
  void hold_bms_limits(const Tick& now);
  void hold_charge_voltage(const Tick& now);
  void update_limits(bool cells_good, const Tick& now);
  void update_currents(bool may_rise, const Tick& now);
  void tighten(const Sample& doubtful, const Tick& now);
  bool bms_states_limits() const;
  bool cells_unknown(const Tick& now) const;
  void became_full(const Tick& now);
  void restrict(const Tick& now);
  void poll_failed(const Tick& now);
  void publish_limits(const Tick& now);
  void publish(const Tick& now);
  void publish_warning(const Tick& now);
  std::int64_t longest_gap() const;
  double float_pack_voltage() const;

  BatterySettings settings_;
  std::int64_t offset_ns_ = 0; ///< own monotonic clock minus that of the system
  std::int64_t clock_ns_ = 0;
  Capabilities capabilities_;
  std::optional<double> identity_capacity_; ///< Ah
  External external_;
  EssSettings ess_;

  SampleCheck check_;
  TemperatureReader temperatures_;
  CurrentSource current_source_;
  SocCounter counter_;
  VoltageLimit voltage_;
  CurrentLimit charge_, discharge_;
  Estimates estimates_;
  HistoryKeeper history_;
  DisconnectPolicy connection_;
  AlarmBoard alarms_;
  ErrorLog errors_;
  ChargeText charge_text_;

  std::optional<double> current_, voltage_in_use_, soc_; ///< A, V, %, not rounded; this cycle
  std::optional<double> held_soc_;                       ///< %, last known
  BmsLimits bms_;                                        ///< last known
  std::optional<double> capacity_;                       ///< Ah, last known
  bool against_fet_ = false;
  bool outage_ = false;                       ///< failed or invalid polls since the last good sample
  std::optional<std::int64_t> invalid_since_; ///< s
  std::optional<double> discharge_cap_;       ///< A, while the cells are unknown
  bool implausible_ = false;
  std::optional<std::int64_t> higher_since_; ///< s, the BMS states a higher charge voltage than is in use
  double higher_ = 0.0;                      ///< V, the lowest of these
  bool untold_ = false;                      ///< the cells, by the last sample
  std::uint32_t warnings_ = 0;
  std::optional<Command> to_bms_;
  Status status_;
};

} // namespace bmsd::battery
