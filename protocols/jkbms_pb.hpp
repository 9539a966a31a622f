// JK inverter BMS ("PB" series: JK-PB1A16S10P ... JK-PB2A16S30P) on RS485.
//
// Sources: vendor PDFs "BMS RS485 Modbus" V1.0 and V1.1; field reports of several readers; recordings of
// real boards in tests/data/captures/jkbms_pb.jsonl. Page for users: docs/protocols/jkbms_pb.md.
#pragma once

#include "protocols/core/protocol.hpp"

#include <string>
#include <vector>

namespace bmsd::protocols {

/// Reads only: no source has ever seen a write over RS485 take effect.
class JkbmsPb final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit JkbmsPb(const ProtocolConfig& config) : config_(config) {}

  Script identify(Identity& out) override;
  Script poll(Sample& out) override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

private:
  // -- one script for each payload -----------------------------------------------
  Script read_settings(Identity& out, int retries);
  Script read_about(Identity& out);
  Script read_status(Sample& out, int retries);

  // -- what the bytes mean -----------------------------------------------------------
  Result<void> take(ByteView payload, Identity& identity, Sample& out);
  Result<void> take_settings(ByteView payload, Identity& out);
  void take_about(ByteView payload, Identity& out);
  Result<void> decode_status(ByteView payload, Sample& out) const;
  /// What settings and about have told, into every sample.
  Result<void> state_static(Sample& out) const;
  void state_heater_limits(Sample& out) const;

  ProtocolConfig config_;
  unsigned polls_ = 0;
  Bytes settings_;                                  ///< the last valid payload; empty: not read yet
  std::string hardware_version_, firmware_version_; ///< "15A", "15.41"; empty: not told
  std::vector<Extra> about_;
};

} // namespace bmsd::protocols
