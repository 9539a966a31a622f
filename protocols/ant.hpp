// ANT BMS on UART: the boards of 2019 ("old") and those of 2021, which speak different protocols.
//
// Sources: the vendor's "ANT communication protocol"; serial traffic of the vendor's apps; recordings of
// real boards in tests/data/captures/ant.jsonl, which settle where readers of both disagree.
// Page for users: docs/protocols/ant.md.
#pragma once

#include "protocols/ant_status.hpp"
#include "protocols/core/protocol.hpp"

#include <cstdint>
#include <optional>

namespace bmsd::protocols {

/// Options: variant = 2019 or 2021, else what the board answers; sensors = how many of the six temperatures
/// of a board of 2019 are real, default 6; password = what the board's switches want.
class Ant final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit Ant(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script settings(Identity& out) override;
  Script poll(Sample& out) override;
  Script command(Command command) override;
  bool same_request(ByteView wanted, ByteView recorded) const override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

  /// What boards of 2021 can be told; how to tell those of 2019 to balance, sources disagree.
  static constexpr Capabilities kCapabilities = {.charge_switch = true,
                                                 .discharge_switch = true,
                                                 .balance_switch = true,
                                                 .heat_switch = false,
                                                 .soc_reset = false,
                                                 .soc_reset_only_full = false};

private:
  enum class Variant : std::uint8_t { unknown, v2019, v2021 };
  struct Switch;

  // -- reading -------------------------------------------------------------------
  Script read_status(Sample& out);
  Script find_out(Sample& out);
  Script read_status_2019(Sample& out);
  Script read_status_2021(Sample& out);
  Script read_info(Identity& out);
  Script read_limits();
  Script read_setting(std::uint16_t address);
  void state_limits(Sample& out) const;

  // -- commands --------------------------------------------------------------------
  Script switch_2019(const Switch& what, bool on);
  Script write_2019(std::uint8_t address, std::uint16_t value);
  Script unlock_2019();
  Script see_2019(std::size_t fet, bool on);
  Script switch_2021(std::uint8_t number);
  Script send_2021(std::uint8_t number);
  Script authenticate_2021();

  Script replay_2019(Bytes tx, Sample& out);
  Script replay_2021(Bytes tx, Identity& identity, Sample& out);

  static const Switch kSwitches[];

  ProtocolConfig config_;
  Variant variant_ = Variant::unknown;
  std::size_t sensors_ = ant2019::kSensors;
  std::optional<std::uint8_t> read_; ///< 2019: which of the two reads the board answers
  ant2021::Limits limits_;
  unsigned polls_ = 0;
};

} // namespace bmsd::protocols
