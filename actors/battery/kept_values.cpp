#include "actors/battery/kept_values.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <type_traits>

namespace bmsd::actors {

namespace {

constexpr std::string_view kLastFull = "LastFullCharge"; // s since the epoch

std::optional<double> number_in(std::string_view text) {
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && std::isfinite(value)
             ? std::optional(value)
             : std::nullopt;
}

std::optional<double> number(const dbus::Value& value) {
  if (const auto* whole = std::get_if<std::int32_t>(&value)) {
    return *whole;
  }
  if (const auto* real = std::get_if<double>(&value)) {
    return std::isfinite(*real) ? std::optional(*real) : std::nullopt;
  }
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? number_in(*text) : std::nullopt;
}

std::optional<std::int64_t> moment(const dbus::Value& value) {
  const auto seconds = number(value);
  return seconds && *seconds > 0 && *seconds < 1e11 ? std::optional(static_cast<std::int64_t>(*seconds)) : std::nullopt;
}

std::int32_t seconds(const std::optional<std::int64_t>& moment) {
  return moment && *moment > 0 && *moment <= std::numeric_limits<std::int32_t>::max()
             ? static_cast<std::int32_t>(*moment)
             : 0;
}

/// "deepest_discharge" and "DeepestDischarge" are the same.
std::string folded(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c != '_') {
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return out;
}

std::string history_text(const battery::HistoryKeeper::Kept& kept) {
  Json json = Json::object();
  History::fields(kept.values, [&](std::string_view name, const auto& value) {
    if (value) {
      json[std::string(name)] = *value;
    }
  });
  json.erase("TimeSinceLastFullCharge");
  if (kept.last_full.stored) {
    json[std::string(kLastFull)] = *kept.last_full.stored;
  }
  return json.empty() ? std::string() : json.dump();
}

battery::HistoryKeeper::Kept history_of(const std::string& text) {
  battery::HistoryKeeper::Kept kept;
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) {
    return kept;
  }
  const auto look_up = [&](std::string_view name) -> std::optional<double> {
    for (const auto& [key, value] : json.items()) {
      if (folded(key) == folded(name) && value.is_number() && std::abs(value.get<double>()) < 1e12) {
        return value.get<double>();
      }
    }
    return std::nullopt;
  };
  History::fields(kept.values, [&](std::string_view name, auto& target) {
    using Number = typename std::remove_reference_t<decltype(target)>::value_type;
    const auto value = look_up(name);
    if (value && (std::is_floating_point_v<Number> || std::abs(*value) < std::numeric_limits<std::int32_t>::max())) {
      target = static_cast<Number>(*value);
    }
  });
  kept.values.time_since_last_full_charge.reset();
  if (const auto last = look_up(kLastFull); last && *last > 0) {
    kept.last_full.stored = static_cast<std::int64_t>(*last);
  }
  return kept;
}

} // namespace

KeptValues kept_values(const battery::SavedState& state) {
  char soc[32] = "";
  if (state.soc_calc) {
    std::snprintf(soc, sizeof soc, "%.3f", *state.soc_calc);
  }
  return {{
      {"AllowMaxVoltage", std::int32_t{state.allow_max_voltage ? 1 : 0}},
      {"MaxVoltageStartTime", seconds(state.max_voltage_start_time)},
      {"SocCalc", std::string(soc)},
      {"SocResetLastReached", seconds(state.soc_reset_last_reached)},
      {"HistoryValues", history_text(state.history)},
  }};
}

/// How old they are is not said: a running absorption starts anew, and a SoC must agree with the BMS.
std::optional<battery::SavedState> state_of(const KeptValues& kept) {
  battery::SavedState state;
  for (const auto& [name, value] : kept.values) {
    if (name == "AllowMaxVoltage") {
      state.allow_max_voltage = number(value) != 0.0;
    } else if (name == "MaxVoltageStartTime") {
      state.max_voltage_start_time = moment(value);
    } else if (name == "SocCalc") {
      const auto soc = number(value);
      state.soc_calc = soc && *soc >= 0 && *soc <= 100 ? soc : std::nullopt;
    } else if (name == "SocResetLastReached") {
      state.soc_reset_last_reached = moment(value);
    } else if (const auto* text = std::get_if<std::string>(&value); text != nullptr && name == "HistoryValues") {
      state.history = history_of(*text);
    }
  }
  return kept_values(state).values == kept_values({}).values ? std::nullopt : std::optional(state);
}

bool same_charge_state(const battery::SavedState& a, const battery::SavedState& b) {
  return a.allow_max_voltage == b.allow_max_voltage &&
         a.max_voltage_start_time.has_value() == b.max_voltage_start_time.has_value() &&
         a.soc_reset_last_reached == b.soc_reset_last_reached;
}

dbus::Value in_type_of(const dbus::Value& setting, const dbus::Value& value) {
  if (setting.index() == value.index()) {
    return value;
  }
  const auto amount = number(value);
  if (std::holds_alternative<std::string>(setting)) {
    char text[32] = "";
    if (amount && *amount != 0) {
      std::snprintf(text, sizeof text, "%.15g", *amount);
    }
    return std::string(text);
  }
  if (std::holds_alternative<double>(setting)) {
    return amount.value_or(0);
  }
  return std::holds_alternative<std::int32_t>(setting) ? dbus::Value(static_cast<std::int32_t>(amount.value_or(0)))
                                                       : value;
}

} // namespace bmsd::actors
