// ECS: a GreenMeter (shunt) and LiPro boards, one on each cell, as slaves on one RS485 line. Together they are
// one battery. Modbus RTU, function 3.
//
// Sources: ECS's register list as dbus-serialbattery has it; captures in tests/data/captures/ecs.jsonl.
// Page for users: docs/protocols/ecs.md.
#pragma once

#include "protocols/core/modbus_registers.hpp"
#include "protocols/core/protocol.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace bmsd::protocols {

/// Options: greenmeter_address; lipro_start_address and lipro_end_address, between which boards are looked for;
/// lipro_cell_count = cells of the battery, for one where boards are missing.
class Ecs final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit Ecs(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script poll(Sample& out) override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

  /// Registers in a row.
  struct Row {
    std::uint16_t first, count;
  };

private:
  /// Values of one kind of device, read at once where it allows that.
  struct Block {
    Row whole;
    std::span<const Row> parts;
    bool in_parts = false; ///< it does not
  };

  // -- reading into devices_ ------------------------------------------------------
  Script read(std::uint8_t address, Row row);
  Script read_settings();
  Script read_block(std::uint8_t address, Block& block);
  Script look_for_board(std::uint8_t address);

  // -- what all registers read so far mean ------------------------------------------
  void describe(Identity& out);
  Result<void> tell(Sample& out);
  Result<void> tell_meter(Sample& out);
  Result<void> tell_boards(Sample& out) const;
  Result<void> count_cells(Sample& out) const;

  ProtocolConfig config_;
  std::uint8_t meter_, first_board_, last_board_; ///< addresses
  int stated_cells_;                              ///< by the configuration; 0: not
  unsigned polls_ = 0;
  std::vector<std::uint8_t> boards_; ///< that identify() has found
  /// By address. A poll cycle reads all of its values or fails, so none of them is older.
  std::map<std::uint8_t, modbus::Registers> devices_;
  Block meter_values_, board_values_;
};

} // namespace bmsd::protocols
