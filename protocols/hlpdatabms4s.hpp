// HLP Data BMS4S: a board for four cells with a text console on UART or USB.
//
// Sources: "BMS4S user manual" for software 1.4.55 and 4.x.89; the fields of the measurement line as
// dbus-serialbattery reads them; captures in tests/data/captures/hlpdatabms4s.jsonl.
// Page for users: docs/protocols/hlpdatabms4s.md.
#pragma once

#include "protocols/core/protocol.hpp"

#include <optional>
#include <string_view>

namespace bmsd::protocols {

/// The console can change every setting of the board: nothing but the three commands below is ever sent.
class HlpdataBms4s final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit HlpdataBms4s(const ProtocolConfig& config) : config_(config) {}

  Script identify(Identity& out) override;
  Script poll(Sample& out) override;
  bool same_request(ByteView wanted, ByteView recorded) const override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

private:
  // -- commands of the console, one script each ---------------------------------
  Script read_version(Identity& out);
  Script read_settings(Identity& out);
  Script read_measurement(Sample& out);
  Script read_who(Identity& out);

  // -- settings -------------------------------------------------------------------
  void take_settings(std::string_view dump);
  void state_settings(Sample& out) const;

  ProtocolConfig config_;
  std::optional<double> capacity_;             ///< Ah
  std::optional<double> volt_high_, volt_low_; ///< V, of a cell
};

} // namespace bmsd::protocols
