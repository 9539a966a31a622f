// JBD UP series (UP16S010, 015, 019, 020): rack batteries of Eco-Worthy, Gobel and others, chained on RS485.
//
// Sources: recordings of chained batteries and of single ones in tests/data/captures/lltjbd_up16s.jsonl;
// register maps that users have worked out. There is no document of the vendor.
// Page for users: docs/protocols/lltjbd_up16s.md.
#pragma once

#include "protocols/core/protocol.hpp"

#include <optional>
#include <string>

namespace bmsd::protocols {

/// Address 1 is the master of the chain. It answers everything; for the others it answers with what it knows of
/// them, the pack status. A battery with a cable of its own answers everything at its own address.
///
/// Options: quiet_full_charge = a full battery is no warning; require_direct_connection = only the battery at
/// this end of the cable, none that a master answers for.
class LltJbdUp16s final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit LltJbdUp16s(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script settings(Identity& out) override;
  Script poll(Sample& out) override;
  Script command(Command command) override;
  bool same_request(ByteView wanted, ByteView recorded) const override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

  /// The SoC only where the counters can be read, see settings(). How to switch the FETs is not proven.
  static constexpr Capabilities kCapabilities = {.charge_switch = false,
                                                 .discharge_switch = false,
                                                 .balance_switch = false,
                                                 .heat_switch = false,
                                                 .soc_reset = true,
                                                 .soc_reset_only_full = false};

private:
  /// Whether this battery answers a request that not all of them answer.
  class Access {
  public:
    void note(const Result<void>& outcome);
    bool answers() const { return answers_; }
    /// Has failed so often, without a single answer, that asking is of no use; always so in a capture without it.
    bool never() const { return !answers_ && failures_ >= kPatience; }

  private:
    static constexpr int kPatience = 5;
    bool answers_ = false;
    int failures_ = 0;
  };

  // -- exchanges ----------------------------------------------------------------
  Script read_status(Sample& out);
  Script read_counters(Sample& out, int retries);
  Script read_own_limits(Sample& out);
  Script read_parameters(Identity& out);
  Script read_product(Identity& out);
  Script refine_soc(Sample& out);
  Script refine_limits(Sample& out);
  Script set_soc(double percent);

  // -- what the bytes mean --------------------------------------------------------
  Result<void> decode_status(ByteView data, Sample& out);
  void decode_alarms(ByteView data, Sample& out) const;
  bool is_master() const { return address_ == 1; }
  std::string unique_id(const Identity& identity) const;

  ProtocolConfig config_;
  std::uint8_t address_;
  bool quiet_full_charge_;
  bool direct_only_;

  Access parameters_, product_, counters_, own_limits_;
  std::optional<double> fine_soc_; ///< %, as last told by the counters

  // -- from the pack status, for identify() ---------------------------------------
  std::string pack_serial_;
  std::string firmware_;
  std::optional<double> rated_capacity_; ///< Ah
};

} // namespace bmsd::protocols
