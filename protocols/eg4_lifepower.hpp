// EG4 LifePower4 (first generation) and its relatives: boards of Tian Power and Narada on RS485.
//
// Frames, in both directions:
//
//   start address command n data[n] checksum 0D      start: 7E, of some boards 7C; a request has no data
//
// The checksum is the sum of all bytes from the start on, modulo 256, exclusive-or the exclusive-or of the same
// bytes. 0D may stand in the data, too.
//
// Sources: recordings of real boards in tests/data/captures/eg4_lifepower.jsonl and revov.jsonl, and what their
// owners found out. There is no document of the vendor.
// Page for users: docs/protocols/eg4_lifepower.md.
#pragma once

#include "protocols/core/protocol.hpp"

namespace bmsd::protocols {

class Eg4Lifepower : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit Eg4Lifepower(const ProtocolConfig& config) : Eg4Lifepower(config, kInfo, 0x7E) {}

  Script identify(Identity& out) override;
  Script poll(Sample& out) override;
  bool same_request(ByteView wanted, ByteView recorded) const override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

protected:
  /// `start`: first byte of every frame.
  Eg4Lifepower(const ProtocolConfig& config, const ProtocolInfo& info, std::uint8_t start)
      : config_(config), info_(info), start_(start) {}

private:
  Script read_status(Sample& out);
  Script read_text(std::uint8_t command, std::string& out);

  ProtocolConfig config_;
  const ProtocolInfo& info_;
  std::uint8_t start_;
};

} // namespace bmsd::protocols
