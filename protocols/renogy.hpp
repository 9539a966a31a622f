// Renogy smart lithium batteries on RS485: Modbus RTU, function 3.
//
// Sources: vendor document "Lithium Iron Battery BMS Modbus Protocol" V1.7 as published register scans
// of real batteries show it; recordings in tests/data/captures/renogy.jsonl.
// Page for users: docs/protocols/renogy.md.
#pragma once

#include "protocols/core/modbus_registers.hpp"
#include "protocols/core/protocol.hpp"

#include <cstdint>

namespace bmsd::protocols {

/// Options: current_scale = A per count of the current, 0.01 or 0.1; default: by the model.
class Renogy final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit Renogy(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script poll(Sample& out) override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

private:
  /// A row of registers that most batteries tell at once.
  struct Block {
    std::uint16_t first, count;
    std::uint16_t essential;    ///< register that must be among what is told in parts
    bool refused_whole = false; ///< this battery tells it in parts alone
  };

  // -- reading into registers_ --------------------------------------------------
  Script read(std::uint16_t first, std::uint16_t count);
  /// What the battery refuses stays unknown.
  Script read_if_told(std::uint16_t first, std::uint16_t count);
  Script read_block(Block& block, Script parts);
  Script read_cells();
  Script read_cells_in_parts();
  Script read_values_in_parts();
  Script read_status_in_parts();

  // -- what all registers read so far mean ----------------------------------------
  void describe(Identity& out);
  Result<void> tell(Sample& out);
  Result<void> tell_cells(Sample& out) const;
  Result<void> tell_temperatures(Sample& out) const;
  bool current_in_tenths() const;
  void tell_current(Sample& out) const;
  Result<void> tell_limits(Sample& out) const;
  void tell_charge(Sample& out);
  void tell_status(Sample& out) const;

  ProtocolConfig config_;
  double current_scale_;   ///< A per count; 0: as the model has it
  bool pro_ = false;       ///< Pro and Core series
  int wrong_capacity_ = 0; ///< how often the full capacity was proved wrong
  modbus::Registers registers_;
  Block cells_, values_, status_;
};

} // namespace bmsd::protocols
