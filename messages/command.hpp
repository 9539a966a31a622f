// A user's request to a battery, from D-Bus, bmsctl or the battery logic itself.
#pragma once

#include "messages/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace bmsd {

enum class CommandKind : std::uint8_t {
  force_charging_off,    ///< value 0 or 1; to the BMS
  force_discharging_off, ///< value 0 or 1; to the BMS
  turn_balancing_off,    ///< value 0 or 1; to the BMS
  turn_heating_off,      ///< value 0 or 1; to the BMS
  set_soc,               ///< value in %; to the BMS
  reset_soc_to,          ///< value in %; stored by the battery logic
  reset_soc_apply,       ///< applies the stored value
  history_clear,         ///< value 1-7
};

constexpr std::string_view to_string(CommandKind kind) {
  switch (kind) {
  case CommandKind::force_charging_off: return "force_charging_off";
  case CommandKind::force_discharging_off: return "force_discharging_off";
  case CommandKind::turn_balancing_off: return "turn_balancing_off";
  case CommandKind::turn_heating_off: return "turn_heating_off";
  case CommandKind::set_soc: return "set_soc";
  case CommandKind::reset_soc_to: return "reset_soc_to";
  case CommandKind::reset_soc_apply: return "reset_soc_apply";
  case CommandKind::history_clear: return "history_clear";
  }
  return "unknown";
}

struct Command {
  CommandKind kind{};
  double value = 0.0;
  std::uint64_t id = 0; ///< echoed in the outcome

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("kind", self.kind);
    visit("value", self.value);
    visit("id", self.id);
  }
};

/// Fault::none: the BMS (or the logic) acknowledged it.
struct CommandOutcome {
  std::uint64_t id = 0;
  CommandKind kind{};
  double value = 0.0;
  Error error;

  bool ok() const { return error.fault == Fault::none; }
  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("id", self.id);
    visit("kind", self.kind);
    visit("value", self.value);
    visit("error", self.error);
  }
};

} // namespace bmsd
