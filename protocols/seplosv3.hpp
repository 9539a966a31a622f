// Seplos BMS 3.0 (XZH-ElecTech) on RS485: Modbus RTU, functions 1 and 4.
//
// Sources: vendor paper "XZH BMS Modbus-RTU Protocol" V0.1, corrected by V0.3 (2024-10-15); recordings of real
// boards in tests/data/captures/seplosv3.jsonl, which settle what the papers leave open.
// Page for users: docs/protocols/seplosv3.md.
#pragma once

#include "protocols/core/modbus_registers.hpp"
#include "protocols/core/protocol.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace bmsd::protocols {

/// Options: current_scale = A per count of the current, 0.01 or 0.1; default: by the board's name.
class SeplosV3 final : public ExchangeProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit SeplosV3(const ProtocolConfig& config);

  Script identify(Identity& out) override;
  Script settings(Identity& out) override;
  Script poll(Sample& out) override;
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

private:
  /// What the BMS has told so far, whatever pieces it came in.
  struct Told {
    modbus::Registers registers;
    std::map<std::uint16_t, bool> coils;

    std::optional<bool> coil(std::uint16_t number) const;
    void store_coils(std::uint16_t first, std::uint16_t count, ByteView data);
  };

  // -- reading into told_ ---------------------------------------------------------
  Script read(std::uint16_t first, std::uint16_t count);
  Script read_coils(std::uint16_t first, std::uint16_t count);
  /// A block that this unit refuses stays unknown.
  Script unless_refused(Script block);
  Script read_names();
  Script read_names_in_parts();
  Script read_settings();
  Script replay_coils(Bytes tx);

  // -- what was told means ----------------------------------------------------------
  void describe(Identity& out);
  Result<void> tell(Sample& out) const;
  Result<void> tell_cells(Sample& out) const;
  Result<void> tell_temperatures(Sample& out) const;
  void tell_current(Sample& out) const;
  std::optional<double> current_limit(std::uint16_t now, std::uint16_t requested) const;
  void tell_states(Sample& out) const;
  void tell_balancing(Sample& out) const;

  ProtocolConfig config_;
  double current_scale_; ///< A per count; 0: as the name of the board has it
  bool large_ = false;   ///< a board of 300 A or more
  unsigned polls_ = 0;
  Told settings_; ///< what changes rarely
  Told told_;     ///< settings_ and what this cycle has read
};

} // namespace bmsd::protocols
