// Daly Smart BMS, the "A5" protocol on UART, RS485 and USB adapters. The Modbus-like protocols of the
// H, K, M and S series (0xD2, 0x81) have nothing in common with it.
//
// Sources: vendor documents "Daly RS485+UART Protocol" V1.2 and "Daly CAN Communications Protocol" V1.0;
// recordings of real boards in tests/data/captures/daly.jsonl, which settle the sign of the current,
// the numbering of frames and the order of the balancing bits.
// Page for users: docs/protocols/daly.md.
#pragma once

#include "protocols/core/protocol.hpp"

namespace bmsd::protocols {

/// Options: invert_current = the current sensor is wired the other way round.
class Daly final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit Daly(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script poll(Sample& out) override;
  Script command(Command command) override;
  bool same_request(ByteView wanted, ByteView recorded) const override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

  /// What these boards can be told.
  static constexpr Capabilities kCapabilities = {.charge_switch = true,
                                                 .discharge_switch = true,
                                                 .balance_switch = false,
                                                 .heat_switch = false,
                                                 .soc_reset = true,
                                                 .soc_reset_only_full = false};

private:
  // -- exchanges ----------------------------------------------------------------
  Script read(std::uint8_t id, Sample& out);
  Script read_sensors(Sample& out);
  Script read_cell_voltages(Sample& out);
  Script switch_fet(std::uint8_t id, bool on);
  Script set_soc(double percent);

  // -- what the bytes mean --------------------------------------------------------
  /// Frames that answer a read; 0: the BMS has not told how many cells or sensors there are.
  std::size_t frames_of(std::uint8_t id) const;
  Result<void> decode_reply(std::uint8_t id, const Bytes& reply, Sample& out);
  Result<void> decode_pack(ByteView data, Sample& out) const;
  Result<void> decode_description(ByteView data, Sample& out);
  Result<void> decode_cell_voltages(ByteView data, Sample& out) const;
  Result<void> decode_sensors(ByteView raw, Sample& out);
  Result<void> decode_balancing(ByteView data, Sample& out) const;
  Result<void> decode_failures(ByteView data, Sample& out) const;
  Result<void> decode_production(ByteView data, Sample& out);
  Result<void> decode_battery_code(ByteView text, Sample& out);
  std::string unique_id() const;

  ProtocolConfig config_;
  std::uint8_t host_;
  bool inverted_;

  Sample slow_;                  ///< what is read once or seldom; every sample begins with it
  std::size_t cell_count_ = 0;   ///< as last told by the BMS; 0: not yet
  std::size_t sensor_count_ = 0; ///< 0 also while the BMS does not answer for single sensors
  bool tells_sensors_ = false;   ///< has told single sensors once: then they belong to a cycle
  unsigned polls_ = 0;
  std::string production_; ///< YYYYMMDD
  std::string battery_code_;
};

} // namespace bmsd::protocols
