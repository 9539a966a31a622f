// Which current is right: external sensor, corrected BMS current, FETs that are off.
#pragma once

#include "actors/battery/battery_settings.hpp"

#include <optional>

namespace bmsd::battery {

/// What an external sensor (a shunt) says; its owner reads it from D-Bus.
struct External {
  bool present = false;
  std::optional<double> current; ///< A, positive = charging
  std::optional<double> soc;     ///< %
};

struct CurrentReading {
  std::optional<double> current;  ///< A
  bool flows_against_fet = false; ///< a FET is off, yet more than a residue flows through it
};

class CurrentSource {
public:
  explicit CurrentSource(const BatterySettings& settings);

  /// FET states: absent counts as on.
  CurrentReading read(std::optional<double> bms_current, const External& external, std::optional<bool> charge_fet,
                      std::optional<bool> discharge_fet) const;

private:
  bool mapped_;
  bool external_;
  Table map_;
  double charge_residue_, discharge_residue_; ///< A, what a FET that is off may seem to let through
};

} // namespace bmsd::battery
