// BMS with a Sinowealth chip (SH367303, SH367305, SH367306, SH39F003, SH39F004, BMS_10) on UART: small Daly
// boards and others, 3 to 10 cells.
//
// Sources: the register list of the vendor's program BMSTool, as users have published it; recordings of real
// boards in tests/data/captures/sinowealth.jsonl, which prove the CRC. Page for users: docs/protocols/sinowealth.md.
#pragma once

#include "protocols/core/protocol.hpp"

#include <set>

namespace bmsd::protocols {

class Sinowealth final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit Sinowealth(const ProtocolConfig& config) : config_(config) {}

  Script identify(Identity& out) override;
  Script poll(Sample& out) override;
  bool same_request(ByteView wanted, ByteView recorded) const override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

private:
  Script read(std::uint8_t reg, Sample& out);
  Script read_cells(Sample& out);
  /// What not every board has. One that does not answer is asked again now and then only.
  Script read_optional(std::uint8_t reg, Sample& out);

  Result<void> decode_register(std::uint8_t reg, ByteView data, Sample& out);
  Result<void> decode_cell(std::size_t cell, ByteView data, Sample& out) const;
  void decode_configuration(ByteView data, Sample& out);

  ProtocolConfig config_;
  std::optional<int> cell_count_;
  std::optional<double> capacity_full_; ///< Ah
  bool second_sensor_ = false;          ///< so says the configuration
  std::set<std::uint8_t> unanswered_;   ///< optional registers
  unsigned polls_ = 0;
};

} // namespace bmsd::protocols
