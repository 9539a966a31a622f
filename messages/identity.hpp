// Who the battery is, told once per identification.
#pragma once

#include <optional>
#include <string>

namespace bmsd {

/// What may be commanded. Only what the protocol knows for certain.
struct Capabilities {
  bool charge_switch = false;    ///< charge FET can be forced off
  bool discharge_switch = false; ///< discharge FET can be forced off
  bool balance_switch = false;
  bool heat_switch = false;
  bool soc_reset = false;           ///< SoC can be written
  bool soc_reset_only_full = false; ///< ... but to 100 % alone

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("charge_switch", self.charge_switch);
    visit("discharge_switch", self.discharge_switch);
    visit("balance_switch", self.balance_switch);
    visit("heat_switch", self.heat_switch);
    visit("soc_reset", self.soc_reset);
    visit("soc_reset_only_full", self.soc_reset_only_full);
  }
  friend bool operator==(const Capabilities&, const Capabilities&) = default;
};

struct Identity {
  std::string protocol;  ///< registry key, "lltjbd"
  std::string label;     ///< battery type shown to people, "LLT/JBD"
  std::string unique_id; ///< stable for this physical battery as far as the BMS allows; may be empty
  std::string serial;
  std::string model;
  std::string manufacturer;
  std::string hardware_version;
  std::string firmware_version;
  std::string manufacture_date; ///< YYYY-MM-DD
  std::string device_name;      ///< user field of the BMS
  std::optional<int> cell_count;
  std::optional<double> capacity_full;     ///< Ah
  std::optional<double> cell_voltage_step; ///< V, if it tells its cells only in steps that matter (0.1)
  Capabilities capabilities;

  /// What tells this battery from all others; empty: it does not say.
  const std::string& own_name() const { return unique_id.empty() ? serial : unique_id; }

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("protocol", self.protocol);
    visit("label", self.label);
    visit("unique_id", self.unique_id);
    visit("serial", self.serial);
    visit("model", self.model);
    visit("manufacturer", self.manufacturer);
    visit("hardware_version", self.hardware_version);
    visit("firmware_version", self.firmware_version);
    visit("manufacture_date", self.manufacture_date);
    visit("device_name", self.device_name);
    visit("cell_count", self.cell_count);
    visit("capacity_full", self.capacity_full);
    visit("cell_voltage_step", self.cell_voltage_step);
    visit("capabilities", self.capabilities);
  }
  friend bool operator==(const Identity&, const Identity&) = default;
};

} // namespace bmsd
