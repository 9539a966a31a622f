// Seplos BMS 2.x (EMU10xx, EMU11xx) on RS485 and RS232: frames of YD/T 1363.3.
//
// Sources: vendor PDF "SEPLOS BMS Communication Protocol V2.0" (2019-10-15) for telemetry and alarms; vendor
// paper of the Bluetooth protocol for the order of the parameters; recordings of real boards in
// tests/data/captures/seplos.jsonl. Page for users: docs/protocols/seplos.md.
#pragma once

#include "protocols/core/protocol.hpp"

namespace bmsd::protocols {

class Seplos final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit Seplos(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script settings(Identity& out) override;
  Script poll(Sample& out) override;
  bool same_request(ByteView wanted, ByteView recorded) const override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

private:
  Script find_group(Identity& out);
  Script read_vendor(Identity& out);
  Script read_parameters(const Identity& identity);
  Script read_telemetry(Sample& out);
  Script read_alarms(Sample& out);

  Result<void> describe(ByteView info, Identity& out) const;
  Result<void> decode_alarms(ByteView info, Sample& out) const;

  ProtocolConfig config_;
  std::uint8_t address_;
  std::uint8_t group_; ///< COMMAND GROUP that the BMS answers to
  Sample constant_;    ///< what does not change, told with every sample
};

} // namespace bmsd::protocols
