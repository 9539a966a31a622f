// Alarms of a battery, by Victron's names (path /Alarms/<name>).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace bmsd {

/// Source of the names: gui-v2 PageBatteryAlarms, see docs/dbus.md.
enum class Alarm : std::uint8_t {
  LowVoltage,
  HighVoltage,
  LowCellVoltage,
  HighCellVoltage,
  LowSoc,
  HighChargeCurrent,
  HighDischargeCurrent,
  CellImbalance,
  InternalFailure,
  HighChargeTemperature,
  LowChargeTemperature,
  HighTemperature,
  LowTemperature,
  HighInternalTemperature,
  FuseBlown,
  BmsCable,
  StateOfHealth,
  Contactor,
};

inline constexpr std::array<std::string_view, 18> kAlarmNames = {
    "LowVoltage",
    "HighVoltage",
    "LowCellVoltage",
    "HighCellVoltage",
    "LowSoc",
    "HighChargeCurrent",
    "HighDischargeCurrent",
    "CellImbalance",
    "InternalFailure",
    "HighChargeTemperature",
    "LowChargeTemperature",
    "HighTemperature",
    "LowTemperature",
    "HighInternalTemperature",
    "FuseBlown",
    "BmsCable",
    "StateOfHealth",
    "Contactor",
};
inline constexpr std::size_t kAlarmCount = kAlarmNames.size();

/// 0 ok, 1 warning, 2 alarm; absent: this battery has no such alarm.
using AlarmLevel = std::uint8_t;

class Alarms {
public:
  std::optional<AlarmLevel> operator[](Alarm alarm) const { return at(static_cast<std::size_t>(alarm)); }
  std::optional<AlarmLevel> at(std::size_t index) const {
    return levels_[index] == kAbsent ? std::nullopt : std::optional<AlarmLevel>(levels_[index]);
  }
  void set(Alarm alarm, AlarmLevel level) { levels_[static_cast<std::size_t>(alarm)] = level; }
  void reset(Alarm alarm) { levels_[static_cast<std::size_t>(alarm)] = kAbsent; }
  /// Raises to `level`; a higher level stays. With level 0 the alarm becomes known (and quiet).
  void raise(Alarm alarm, AlarmLevel level) {
    auto& now = levels_[static_cast<std::size_t>(alarm)];
    if (now == kAbsent || now < level) {
      now = level;
    }
  }
  bool any_known() const {
    for (auto level : levels_) {
      if (level != kAbsent) {
        return true;
      }
    }
    return false;
  }
  friend bool operator==(const Alarms&, const Alarms&) = default;

private:
  static constexpr AlarmLevel kAbsent = 0xFF;
  static constexpr std::array<AlarmLevel, kAlarmCount> all_absent() {
    std::array<AlarmLevel, kAlarmCount> levels{};
    levels.fill(kAbsent);
    return levels;
  }
  std::array<AlarmLevel, kAlarmCount> levels_ = all_absent();
};

} // namespace bmsd
