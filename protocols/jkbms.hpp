// JK (Jikong) BMS on the RS485/GPS port, a UART: boards B1A, B2A, BD and others, not the PB series.
//
// Sources: vendor documents "Communication protocol between monitoring platform and BMS" V2.5 and "RS485
// Communication example"; recordings of real boards in tests/data/captures/jkbms.jsonl; writes: reports of
// users of esphome-jk-bms (issues 341, 404). Page for users: docs/protocols/jkbms.md.
#pragma once

#include "protocols/core/protocol.hpp"

namespace bmsd::protocols {

namespace jk {
class Values;
}

class Jkbms final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit Jkbms(const ProtocolConfig& config) : config_(config) {}

  Script identify(Identity& out) override;
  Script poll(Sample& out) override;
  Script command(Command command) override;
  bool same_request(ByteView wanted, ByteView recorded) const override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

  /// The balancer's switch is not taken by newer firmware; the SoC cannot be written.
  static constexpr Capabilities kCapabilities = {.charge_switch = true,
                                                 .discharge_switch = true,
                                                 .balance_switch = false,
                                                 .heat_switch = false,
                                                 .soc_reset = false,
                                                 .soc_reset_only_full = false};

private:
  /// One request tells everything.
  Script read(Request request, Identity& identity, Sample& out);
  Script set_switch(std::uint8_t tag, bool on);

  Result<void> decode_all(const jk::Values& values, Sample& out) const;
  void decode_alarms(const jk::Values& values, Sample& out) const;

  ProtocolConfig config_;
};

} // namespace bmsd::protocols
