// EG4 LL and LifePower4 V2 batteries on RS485: Modbus RTU, function 3.
//
// Sources: vendor document "EG4-LL MODBUS Communication Protocol" V01.06 (registers 0 to 38 and 105 to 127);
// the settings in between as drivers for the same battery read them; recordings in
// tests/data/captures/eg4_ll.jsonl. Page for users: docs/protocols/eg4_ll.md.
#pragma once

#include "protocols/core/modbus_battery.hpp"

#include <bitset>
#include <cstdint>

namespace bmsd::protocols {

class Eg4Ll final : public modbus::Battery {
public:
  static const ProtocolInfo kInfo;

  explicit Eg4Ll(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script settings(Identity& out) override;
  Script poll(Sample& out) override;

private:
  // -- what all registers read so far mean ----------------------------------------
  void describe(Identity& out) override;
  Result<void> tell(Sample& out) override;
  Result<void> tell_cells(Sample& out) const;
  void drop_free_sensors(Temperatures& out);
  void tell_capacity(Sample& out) const;
  void tell_status(Sample& out) const;

  std::bitset<kMaxTemperatures> fitted_; ///< sensors that have told a temperature
};

} // namespace bmsd::protocols
