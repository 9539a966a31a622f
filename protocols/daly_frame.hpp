// Frames of the Daly "A5" protocol, 13 bytes in both directions:
//
//   request  A5 host  id 08 data[8] sum     host 40..4F: boards 1 to 16 on a wire, 80: Bluetooth
//   reply    A5 board id 08 data[8] sum     sum: low byte of the sum of all before it
//
// Long answers are several frames in a row, data[0] their number from 1 on. Some boards send more of
// them than there is data for: the rest is dropped before the next request. Pure; any thread.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace bmsd::protocols::daly {

inline constexpr std::size_t kMostFrames = 16;
using Data = std::array<std::uint8_t, 8>;

/// What the vendor calls a data id.
enum Id : std::uint8_t {
  kSetSoc = 0x21,
  kRated = 0x50,
  kProduction = 0x53,
  kBatteryCode = 0x57,
  kPack = 0x90,
  kCellRange = 0x91,
  kTemperatureRange = 0x92,
  kFets = 0x93,
  kDescription = 0x94,
  kCellVoltages = 0x95,
  kSensors = 0x96,
  kBalancing = 0x97,
  kFailures = 0x98,
  kDischargeFet = 0xD9,
  kChargeFet = 0xDA,
};

/// The data of a request that needs none. The vendor sends zeros; with 0xAA, which the boards take as
/// well, far fewer requests get lost.
constexpr Data filling() {
  Data data{};
  data.fill(0xAA);
  return data;
}

/// The number under which a board answers to this host address. 0x80 (Bluetooth) and 0x20 (GPRS) are
/// hosts and not boards: number 1 answers.
constexpr std::uint8_t board_of(std::uint8_t host) {
  return static_cast<std::uint8_t>(host >= 0x40 && host <= 0x4F ? host - 0x3F : 1);
}

/// Answered by `frames` frames, 1 to kMostFrames.
Request make_request(std::uint8_t host, std::uint8_t id, const Data& data = filling(), std::size_t frames = 1);
/// A request as another program has sent it; see is_request().
Request raw(Bytes tx, std::size_t frames = 1);

/// Whether these bytes are a request of this protocol (its checksum apart).
bool is_request(ByteView tx);
/// Whether the answer consists of numbered frames.
bool is_numbered(std::uint8_t id);

/// The data of a single frame.
ByteView data_of(const Bytes& reply);
/// The data of numbered frames without the numbers, `width` bytes of each.
Bytes joined(const Bytes& reply, std::size_t width);

} // namespace bmsd::protocols::daly
