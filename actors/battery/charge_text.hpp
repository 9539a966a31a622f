// Texts about the charge: mode, and how CVL comes about.
#pragma once

#include "actors/battery/voltage_limit.hpp"
#include "messages/status.hpp"

#include <cstdint>
#include <string>

namespace bmsd::battery {

/// What overrides the mode.
enum class Override : std::uint8_t { none, cells_unknown, disconnected };

struct ChargeTextInput {
  ChargeMode mode = ChargeMode::bulk;
  Overvoltage overvoltage = Overvoltage::none;
  bool at_reset_voltage = false, balancing = false, heating = false, step_mode = false;
  Override override = Override::none;
  friend bool operator==(const ChargeTextInput&, const ChargeTextInput&) = default;
};

/// "Absorption (Cell OVP) + Balancing │ Linear Mode"; built only when something changed.
class ChargeText {
public:
  void write(const ChargeTextInput& input, std::string& text);
  /// The text no longer is what was written last.
  void forget() { known_ = false; }

private:
  ChargeTextInput last_;
  bool known_ = false;
};

struct DebugInput {
  const VoltageLimit* voltage = nullptr;
  const CellView* cells = nullptr;
  const BatterySettings* settings = nullptr;
  std::optional<double> current, soc; ///< A, %
};

/// Free text for people at /Info/ChargeModeDebug and its companions. Allocates.
void write_debug_texts(const DebugInput& input, Status& status, const Tick& now);

} // namespace bmsd::battery
