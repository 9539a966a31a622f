// PACE BMS (P8S to P16S boards, PBmsTools) on RS232 and RS485: frames of YD/T 1363.3, protocol version 2.5.
//
// Sources: vendor PDFs "PACE RS232 Communication Protocol" (2018-07-05) and "PACE BMS RS485 Communication Protocol"
// (2018-06-15); recordings of real boards in tests/data/captures/pace.jsonl. Page for users: docs/protocols/pace.md.
#pragma once

#include "protocols/core/protocol.hpp"

namespace bmsd::protocols {

class Pace final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit Pace(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script settings(Identity& out) override;
  Script poll(Sample& out) override;
  Script command(Command command) override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

private:
  Script find_pack(Identity& out);
  Script read_version(Identity& out);
  Script read_product(Identity& out);
  Script read_setting(std::uint8_t command);
  Script read_analog(Sample& out);
  Script read_warnings(Sample& out);
  Script switch_fet(std::uint8_t command, std::uint8_t fet, bool off);

  Request read(std::uint8_t command) const;
  Request read_pack(std::uint8_t command) const;
  Result<void> describe(ByteView info, Identity& out) const;
  Result<void> decode_analog(ByteView info, Sample& out) const;
  Result<void> decode_warnings(ByteView info, Sample& out) const;

  ProtocolConfig config_;
  std::uint8_t address_;
  std::uint8_t device_;         ///< CID1
  std::uint8_t number_;         ///< COMMAND that stands for this pack
  bool relayed_ = false;        ///< the master answers for it
  std::uint8_t locked_off_ = 0; ///< FETs that were commanded off
  Sample constant_;             ///< what does not change, told with every sample
};

} // namespace bmsd::protocols
