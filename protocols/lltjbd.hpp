// LLT Power / Jiabaida (JBD) / Overkill Solar / Xiaoxiang, on UART, RS485 and RS232.
//
// Sources: vendor PDF "JBD General Protocol V4"; register map of the bms-tools project; recordings
// of real boards in tests/data/captures/lltjbd.jsonl, which settle what the documents leave open.
// Page for users: docs/protocols/lltjbd.md.
#pragma once

#include "protocols/core/protocol.hpp"

#include <optional>

namespace bmsd::protocols {

/// Options: mos_sensor = number of the sensor that is the MOSFET's, 0: none, default 1. A single
/// sensor is always temperature 1.
class LltJbd final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit LltJbd(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script settings(Identity& out) override;
  Script poll(Sample& out) override;
  Script command(Command command) override;
  bool same_request(ByteView wanted, ByteView recorded) const override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

  /// What these boards can be told.
  static constexpr Capabilities kCapabilities = {.charge_switch = true,
                                                 .discharge_switch = true,
                                                 .balance_switch = true,
                                                 .heat_switch = false,
                                                 .soc_reset = true,
                                                 .soc_reset_only_full = false};

private:
  // -- registers, one script each ---------------------------------------------
  Script read_name(Identity& out);
  Script read_description(Identity& out);
  Script read_basic_info(Sample& out, std::chrono::milliseconds gap);
  Script read_cell_voltages(Sample& out);
  Script read_setting(std::uint8_t reg);
  Script read_all_settings();
  Script write(std::uint8_t reg, std::uint16_t value);
  /// Enters factory mode, runs `work` and leaves again, whatever went wrong on the way.
  Script in_factory_mode(Script work);

  // -- commands -----------------------------------------------------------------
  Script switch_fet(std::uint16_t bit, bool off);
  Script set_balancer_bit(bool on);
  Script set_soc(double percent);

  // -- what the bytes mean --------------------------------------------------------
  Result<void> decode_basic_info(ByteView data, Sample& out);
  Result<void> decode_cell_voltages(ByteView data, Sample& out) const;
  void decode_temperatures(ByteView data, Temperatures& out) const;
  Result<void> decode_setting(std::uint8_t reg, ByteView data);
  void state_settings(Sample& out) const;
  void adopt_lock(ByteView data);

  ProtocolConfig config_;
  std::size_t mos_sensor_ = 1;
  std::size_t cell_count_ = 0;           ///< as last told by the BMS; 0: not yet
  std::optional<std::uint8_t> version_;  // of the board that was identified
  double capacity_ = 0;                  // Ah, of that
  std::optional<std::uint16_t> fet_off_; ///< value last written to MOSFET control

  // -- settings, told with every sample ---------------------------------------------
  std::optional<double> max_charge_current_, max_discharge_current_; ///< A
  std::optional<double> cycle_capacity_;                             ///< Ah
  std::optional<std::uint16_t> functions_;                           ///< function bits
};

} // namespace bmsd::protocols
