// Heltec Smart BMS (YanYang, YYBMS) on RS485: Modbus RTU, function 3, numbers low byte first.
//
// Source: what is known of the registers comes from one implementation that ran with these boards; there is
// neither a vendor's document nor a public recording. tests/data/captures/heltec_modbus.jsonl is made from it.
// Page for users: docs/protocols/heltec_modbus.md.
#pragma once

#include "protocols/core/modbus_battery.hpp"

#include <cstdint>

namespace bmsd::protocols {

class HeltecModbus final : public modbus::Battery {
public:
  static const ProtocolInfo kInfo;

  explicit HeltecModbus(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script settings(Identity& out) override;
  Script poll(Sample& out) override;

private:
  // -- reading into registers_ ----------------------------------------------------
  Script read(std::uint16_t first, std::uint16_t count) override;
  Script read_cells();

  // -- what all registers read so far mean ------------------------------------------
  Result<void> check_name() const;
  Result<void> check_values(const Sample& first) const;
  std::string serial() const;
  std::string hardware() const;
  void describe(Identity& out) override;
  Result<void> tell(Sample& out) override;
  void tell_who(Sample& out) const;
  Result<void> tell_cells(Sample& out) const;
  void tell_temperatures(Sample& out) const;
  void tell_states(Sample& out) const;

  unsigned polls_ = 0;
  modbus::Registers settings_; ///< what changes rarely; registers_ are these and what this cycle has read
};

} // namespace bmsd::protocols
