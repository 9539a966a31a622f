#include "actors/battery/battery_state.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace bmsd::battery {

namespace {

constexpr int kInitialising = 0, kRunning = 9, kError = 10, kStandby = 14;
constexpr int kModeOn = 3, kModeOff = 4, kModeStandby = 0xFC;
constexpr int kErrorCalculation = 8, kErrorSettings = 119;
constexpr std::int64_t kErrorWindow = 10'800; // s

bool any_at_2(const Alarms& alarms, std::initializer_list<Alarm> list) {
  return std::any_of(list.begin(), list.end(), [&](Alarm alarm) { return alarms[alarm].value_or(0) >= 2; });
}

int device_state(const Status& status) {
  auto level = [&](Alarm alarm) { return status.alarms[alarm].value_or(0); };
  const AlarmLevel hot = std::max(level(Alarm::HighTemperature), level(Alarm::HighChargeTemperature));
  const bool allowed = status.allow_charge.value_or(false) || status.allow_discharge.value_or(false);
  return level(Alarm::InternalFailure) >= 2 ? 0x103
         : hot >= 2                         ? 0x101
         : hot == 1                         ? 0x102
         : level(Alarm::LowVoltage) >= 2    ? 0x105
         : !allowed                         ? 0x104
                                            : 0x100;
}

} // namespace

void AlarmBoard::take(const Alarms& from_bms) {
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    if (const auto level = from_bms.at(i)) {
      bms_.set(static_cast<Alarm>(i), *level);
    }
  }
}

void AlarmBoard::raise(const Alarms& from_bms) {
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    if (const auto level = from_bms.at(i); level && bms_.at(i)) {
      bms_.raise(static_cast<Alarm>(i), *level);
    }
  }
}

void AlarmBoard::publish(const Own& own, Alarms& target) const {
  target = bms_;
  if (own.hide_high_voltage_warnings) {
    for (Alarm alarm : {Alarm::HighVoltage, Alarm::HighCellVoltage}) {
      if (target[alarm] == AlarmLevel{1}) {
        target.set(alarm, 0);
      }
    }
  }
  if (own.low_soc) {
    target.set(Alarm::LowSoc, *own.low_soc);
  }
  target.raise(Alarm::InternalFailure, own.internal_failure);
  target.raise(Alarm::BmsCable, own.cable);
}

bool AlarmBoard::against_charging() const {
  return any_at_2(bms_,
                  {Alarm::HighVoltage, Alarm::HighCellVoltage, Alarm::HighTemperature, Alarm::HighChargeTemperature,
                   Alarm::LowChargeTemperature, Alarm::HighChargeCurrent, Alarm::InternalFailure});
}

bool AlarmBoard::against_discharging() const {
  return any_at_2(bms_, {Alarm::LowVoltage, Alarm::LowCellVoltage, Alarm::HighTemperature, Alarm::LowTemperature,
                         Alarm::HighDischargeCurrent, Alarm::InternalFailure});
}

void ErrorLog::record(const Tick& now) {
  if (times_.size() == kMany) {
    times_.erase(times_.begin());
  }
  times_.push_back(now.s);
}

bool ErrorLog::too_many(const Tick& now) const {
  return times_.size() == kMany && now.s - times_.front() <= kErrorWindow;
}

void update_states(Status& status, bool faulty, bool many_errors) {
  const bool allowed = status.allow_charge.value_or(false) || status.allow_discharge.value_or(false);
  if (faulty) {
    status.state = kError;
  } else if (status.state == kInitialising || status.state == kRunning || status.state == kStandby ||
             status.state == kError) { // the settings are right again
    status.state = allowed ? kRunning : kStandby;
  }
  if (status.state == kStandby) {
    status.mode = kModeOff;
  } else if (!allowed) {
    status.mode = kModeStandby;
  } else if (!status.mode || status.mode == kModeOff || status.mode == kModeStandby) {
    status.mode = kModeOn;
  }
  status.device_state = device_state(status);
  status.error_code = faulty        ? std::optional(kErrorSettings)
                      : many_errors ? std::optional(kErrorCalculation)
                                    : std::optional(0);
  status.blocking_charge = status.sample.modules_blocking_charge.value_or(status.allow_charge == false ? 1 : 0);
  status.blocking_discharge =
      status.sample.modules_blocking_discharge.value_or(status.allow_discharge == false ? 1 : 0);
}

} // namespace bmsd::battery
