// Renogy smart lithium batteries on RS485: Modbus RTU, function 3.
//
// Sources: vendor document "Lithium Iron Battery BMS Modbus Protocol" V1.7 as published register scans
// of real batteries show it; recordings in tests/data/captures/renogy.jsonl.
// Page for users: docs/protocols/renogy.md.
#pragma once

#include "protocols/core/modbus_battery.hpp"

#include <cstdint>

namespace bmsd::protocols {

/// Options: current_scale = A per count of the current, 0.01 or 0.1; default: by the model.
class Renogy final : public modbus::Battery {
public:
  static const ProtocolInfo kInfo;

  explicit Renogy(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script poll(Sample& out) override;

private:
  // -- reading into registers_ --------------------------------------------------
  Script read_cells();
  Script read_cells_in_parts();
  Script read_values_in_parts();
  Script read_status_in_parts();

  // -- what all registers read so far mean ----------------------------------------
  void describe(Identity& out) override;
  Result<void> tell(Sample& out) override;
  Result<void> tell_cells(Sample& out) const;
  Result<void> tell_temperatures(Sample& out) const;
  bool current_in_tenths() const;
  void tell_current(Sample& out) const;
  Result<void> tell_limits(Sample& out) const;
  void tell_charge(Sample& out);
  void tell_status(Sample& out) const;

  double current_scale_;   ///< A per count; 0: as the model has it
  bool pro_ = false;       ///< Pro and Core series
  int wrong_capacity_ = 0; ///< how often the full capacity was proved wrong
  Block cells_, values_, status_;
};

} // namespace bmsd::protocols
