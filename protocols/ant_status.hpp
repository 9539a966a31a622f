// What the frames of ANT boards mean. Pure; any thread.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"
#include "messages/identity.hpp"
#include "messages/sample.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace bmsd::protocols {

/// Codes of a FET that no protection causes.
enum FetCode : std::uint8_t { kFetOff = 0, kFetOn = 1, kFetSwitchedOff = 15 };

} // namespace bmsd::protocols

namespace bmsd::protocols::ant2019 {

inline constexpr std::size_t kSensors = 6;
/// Places of the FETs' codes in the frame.
inline constexpr std::size_t kChargeFetAt = 103, kDischargeFetAt = 104;

/// `frame`: the whole reply, as its scanner has accepted it. The first `sensors` temperatures are real.
Result<void> decode_status(ByteView frame, std::size_t sensors, Sample& out);

} // namespace bmsd::protocols::ant2019

namespace bmsd::protocols::ant2021 {

/// Trip points of the overcurrent protections, A; absent: not told.
struct Limits {
  std::optional<double> charge, discharge;
};

inline constexpr std::uint16_t kInfoAt = 0x026C, kChargeLimitAt = 0x0068, kDischargeLimitAt = 0x006C;
inline constexpr std::uint8_t kInfoSize = 32, kSettingSize = 2;

/// `data`: the reply without its first six bytes, CRC and end.
Result<void> decode_status(ByteView data, Sample& out);
/// `data`: kInfoSize bytes of kInfoAt.
void decode_info(ByteView data, Identity& out);
/// `data`: what stands at `address` and behind it; the settings in there are taken.
void decode_settings(std::uint16_t address, ByteView data, Limits& out);

} // namespace bmsd::protocols::ant2021
