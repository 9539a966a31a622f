// What a battery remembers.
#pragma once

#include "actors/battery/battery_state.hpp"
#include "actors/battery/current_limit.hpp"
#include "actors/battery/disconnect.hpp"
#include "actors/battery/estimates.hpp"
#include "actors/battery/history_keeper.hpp"
#include "actors/battery/sample_check.hpp"
#include "actors/battery/soc_counter.hpp"
#include "actors/battery/temperatures.hpp"
#include "actors/battery/voltage_limit.hpp"
#include "messages/json.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace bmsd::battery {

/// What the BMS said last of its own limits: silence is no permission.
struct BmsLimits {
  std::optional<double> charge_current, discharge_current; ///< A
  std::optional<double> charge_voltage, low_voltage;       ///< V, pack
  std::optional<bool> charge_on, discharge_on;             ///< FETs

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("charge_current", self.charge_current);
    visit("discharge_current", self.discharge_current);
    visit("charge_voltage", self.charge_voltage);
    visit("low_voltage", self.low_voltage);
    visit("charge_on", self.charge_on);
    visit("discharge_on", self.discharge_on);
  }
};

/// Every timer and filter. With it a battery that is restarted after a failure goes on as if
/// nothing had happened; a new process starts without it (SavedState::settled()).
struct LiveState {
  std::int64_t clock_ns = 0;  ///< the battery's own monotonic clock when saved
  std::int64_t steady_ns = 0; ///< that of the system
  SampleCheck::State check;
  TemperatureReader::State temperatures;
  SocCounter::State counter;
  VoltageLimit::State voltage;
  CurrentLimit::State charge, discharge;
  Estimates::State estimates;
  HistoryKeeper::State history;
  DisconnectPolicy::State connection;
  Alarms alarms;
  std::vector<std::int64_t> errors;          ///< s
  std::optional<std::int64_t> invalid_since; ///< s
  std::optional<double> discharge_cap;       ///< A
  std::optional<double> soc;                 ///< %, last known
  BmsLimits bms;
  std::optional<double> current;  ///< A
  std::optional<double> capacity; ///< Ah, last known
  bool outage = false;
  bool implausible = false, against_fet = false;
  double reset_soc_to = 100.0;  ///< %
  std::optional<Status> status; ///< in memory only

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("clock_ns", self.clock_ns);
    visit("steady_ns", self.steady_ns);
    visit("check", self.check);
    visit("temperatures", self.temperatures);
    visit("counter", self.counter);
    visit("voltage", self.voltage);
    visit("charge", self.charge);
    visit("discharge", self.discharge);
    visit("estimates", self.estimates);
    visit("history", self.history);
    visit("connection", self.connection);
    visit("alarms", self.alarms);
    visit("errors", self.errors);
    visit("invalid_since", self.invalid_since);
    visit("discharge_cap", self.discharge_cap);
    visit("soc", self.soc);
    visit("bms", self.bms);
    visit("current", self.current);
    visit("capacity", self.capacity);
    visit("outage", self.outage);
    visit("implausible", self.implausible);
    visit("against_fet", self.against_fet);
    visit("reset_soc_to", self.reset_soc_to);
  }
};

/// Times are wall seconds since the epoch, absent while the clock was not credible.
struct SavedState {
  std::optional<std::int64_t> saved_at;
  bool allow_max_voltage = true;
  std::optional<std::int64_t> max_voltage_start_time; ///< absorption since
  std::optional<double> soc_calc;                     ///< %, only with SOC_CALCULATION
  std::optional<std::int64_t> soc_reset_last_reached;
  bool had_temperature = false;
  HistoryKeeper::Kept history;
  std::optional<LiveState> live;

  /// What a new process should start with.
  SavedState settled() const {
    SavedState copy = *this;
    copy.live.reset();
    return copy;
  }

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("saved_at", self.saved_at);
    visit("allow_max_voltage", self.allow_max_voltage);
    visit("max_voltage_start_time", self.max_voltage_start_time);
    visit("soc_calc", self.soc_calc);
    visit("soc_reset_last_reached", self.soc_reset_last_reached);
    visit("had_temperature", self.had_temperature);
    visit("history", self.history);
    visit("live", self.live);
  }
};

/// Reads what to_json() wrote. A field that is missing or has the wrong type keeps its default; `ignored` gets the
/// names of the latter, if there are any.
SavedState saved_state_from_json(const Json& json, std::string* ignored = nullptr);

} // namespace bmsd::battery
