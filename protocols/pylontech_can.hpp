// Pylontech low voltage CAN protocol and its Victron, SMA and BYD relatives, as input.
//
// Sources: vendor PDF "Low Voltage Battery System CANBUS Protocol V1.3"; recordings and injection
// tests in tests/data/captures/pylontech_can.jsonl. Page for users: docs/protocols/pylontech_can.md.
#pragma once

#include "protocols/core/protocol.hpp"

#include <array>
#include <optional>

namespace bmsd::protocols {

/// The battery broadcasts its set once a second; nothing is asked. Options: group = number of a
/// battery behind a hub (29-bit ids), keep_alive = true sends 0x305, min_voltage and max_voltage =
/// what counts as a battery (V, default 8 and 70), temperature_zero = true believes 0.0 °C.
class PylontechCan final : public BroadcastProtocol {
public:
  static const ProtocolInfo kInfo;

  explicit PylontechCan(const ProtocolConfig& config);

  FrameProblem on_frame(const CanFrame& frame, std::chrono::milliseconds now) override;
  bool identified(std::chrono::milliseconds now) const override;
  Identity identity() const override;
  /// Fault::timeout as soon as measurements, limits or SoC are older than 3 s, or alarms or
  /// switches, once they were there, older than 5 s.
  Result<Sample> snapshot(std::chrono::milliseconds now) const override;
  Result<Sample> partial(std::chrono::milliseconds now) const override;
  Sample said(std::chrono::milliseconds now) const override;
  bool take_complete() override;
  std::span<const CanFrame> keep_alive() const override;

private:
  using Data = InlineVector<std::uint8_t, 8>;
  struct Slot {
    Data data;
    std::optional<std::chrono::milliseconds> time; ///< of the last frame
  };

  const Slot& slot(std::uint32_t id) const;
  /// Data of a frame younger than `age`; empty when there is none.
  ByteView fresh(std::uint32_t id, std::chrono::milliseconds now, std::chrono::milliseconds age) const;
  std::string text(std::uint32_t first, std::uint32_t second) const;
  void note_arrival(std::uint32_t id);

  void decode_soc(ByteView data, Sample& out) const;
  void decode_measurements(ByteView data, Sample& out) const;
  void decode_capacity(ByteView data, Sample& out) const;

  static constexpr std::uint32_t kFirstId = 0x351, kLastId = 0x382;
  std::array<Slot, kLastId - kFirstId + 1> slots_;
  std::optional<std::chrono::milliseconds> ubms_state_, ubms_command_; ///< 0x0C0, 0x180 of Valence U-BMS

  /// Bits of the frames that make a set, see note_arrival().
  unsigned arrived_ = 0, seen_ = 0;
  bool wrapped_ = false, complete_ = false;

  std::uint32_t group_ = 0;
  double min_voltage_ = 8, max_voltage_ = 70;
  bool temperature_zero_ = false, send_keep_alive_ = false;
};

} // namespace bmsd::protocols
