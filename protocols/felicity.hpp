// Felicity Solar batteries on RS485: Modbus RTU, function 3.
//
// Sources: two open drivers that were written with such batteries at hand and agree in every register they
// share; no vendor document and no recording is public. Frames after them in
// tests/data/captures/felicity.jsonl. Page for users: docs/protocols/felicity.md.
#pragma once

#include "protocols/core/modbus_battery.hpp"

#include <bitset>
#include <cstdint>

namespace bmsd::protocols {

class Felicity final : public modbus::Battery {
public:
  static const ProtocolInfo kInfo;

  explicit Felicity(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script poll(Sample& out) override;

private:
  static constexpr std::size_t kSlots = 16;

  // -- reading into registers_ --------------------------------------------------
  Script read_values();
  Script read_values_in_parts();
  Script read_cells();
  Script read_cells_in_parts();

  // -- what all registers read so far mean ----------------------------------------
  void describe(Identity& out) override;
  Result<void> tell(Sample& out) override;
  Result<void> tell_cells(Sample& out);
  Result<void> tell_limits(Sample& out) const;

  Block values_, cells_;
  std::bitset<kSlots> used_; ///< slots that have told a cell's voltage
};

} // namespace bmsd::protocols
