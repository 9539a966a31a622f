// Alarms as published, /State, /DeviceState, /Mode, /ErrorCode.
#pragma once

#include "actors/battery/timing.hpp"
#include "messages/alarms.hpp"
#include "messages/status.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace bmsd::battery {

/// Alarms of the BMS: one that it has named once stays known, so that none passes through "absent".
class AlarmBoard {
public:
  /// What the battery logic itself has to say.
  struct Own {
    AlarmLevel internal_failure = 0;
    AlarmLevel cable = 0;
    std::optional<AlarmLevel> low_soc;       ///< by the counted SoC, instead of what the BMS thinks
    bool hide_high_voltage_warnings = false; ///< charging above the normal maximum on purpose
  };

  void take(const Alarms& from_bms);
  /// Only those that are known and worse now.
  void raise(const Alarms& from_bms);
  void publish(const Own& own, Alarms& target) const;
  /// Level 2 of an alarm that speaks against charging or discharging.
  bool against_charging() const;
  bool against_discharging() const;

  const Alarms& bms() const { return bms_; }
  void restore(const Alarms& bms) { bms_ = bms; }

private:
  Alarms bms_;
};

/// Calculation errors: 180 within 3 hours are shown as error 8.
class ErrorLog {
public:
  ErrorLog() { times_.reserve(kMany); }
  void record(const Tick& now);
  bool too_many(const Tick& now) const;

  const std::vector<std::int64_t>& times() const { return times_; }
  void restore(const std::vector<std::int64_t>& times) { times_ = times; }

private:
  static constexpr std::size_t kMany = 180;
  std::vector<std::int64_t> times_; ///< s, oldest first
};

/// Sets state, mode, device_state, error_code and the blocking flags from the alarms and allow
/// flags of `status`. `faulty`: the configuration was.
void update_states(Status& status, bool faulty, bool many_errors);

} // namespace bmsd::battery
