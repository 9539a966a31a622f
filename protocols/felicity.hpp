// Felicity Solar batteries on RS485: Modbus RTU, function 3.
//
// Sources: two open drivers that were written with such batteries at hand and agree in every register they
// share; no vendor document and no recording is public. Frames after them in
// tests/data/captures/felicity.jsonl. Page for users: docs/protocols/felicity.md.
#pragma once

#include "protocols/core/modbus_registers.hpp"
#include "protocols/core/protocol.hpp"

#include <bitset>
#include <cstdint>

namespace bmsd::protocols {

class Felicity final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit Felicity(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script poll(Sample& out) override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

private:
  static constexpr std::size_t kSlots = 16;
  /// A row of registers that a battery tells at once, or else in parts.
  struct Block {
    std::uint16_t first, count;
    bool refused_whole = false;
  };

  // -- reading into registers_ --------------------------------------------------
  Script read(std::uint16_t first, std::uint16_t count);
  Script read_block(Block& block, Script parts);
  Script read_values();
  Script read_values_in_parts();
  Script read_cells();
  Script read_cells_in_parts();
  /// Not every battery has them.
  Script read_limits();

  // -- what all registers read so far mean ----------------------------------------
  void describe(Identity& out) const;
  Result<void> tell(Sample& out);
  Result<void> tell_cells(Sample& out);
  Result<void> tell_limits(Sample& out) const;

  ProtocolConfig config_;
  modbus::Registers registers_;
  Block values_, cells_;
  std::bitset<kSlots> used_; ///< slots that have told a cell's voltage
};

} // namespace bmsd::protocols
