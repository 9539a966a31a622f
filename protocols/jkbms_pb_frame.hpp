// Frames of the JK PB boards on RS485. A Modbus write of 0 to one of three registers triggers a payload of
// 300 bytes, little-endian, behind which comes the acknowledgement of the write. The payload does not say
// whose it is; the acknowledgement does:
//
//   payload  55 AA EB 90, type, counter, data up to byte 298, low byte of the sum of all before it
//   padding  none or 00, as adapter and firmware like
//   ack      address 10 register[2] 00 01 crc[2]
//
// Pure; any thread.
#pragma once

#include "messages/frame.hpp"

#include <cstdint>

namespace bmsd::protocols::jkpb {

enum class Trigger : std::uint16_t { about = 0x161C, settings = 0x161E, status = 0x1620 };
enum class Type : std::uint8_t { settings = 1, status = 2, about = 3 }; ///< of a payload

inline constexpr std::size_t kPayload = 300;

/// The reply is the payload and what follows it, up to the end of the acknowledgement.
Request ask_for(Trigger what, std::uint32_t address, int retries);
/// A trigger as another program has sent it; see is_trigger().
Request raw(Bytes tx);
bool is_trigger(ByteView tx);
/// Takes any payload, with or without an acknowledgement. For captures.
Request listen();

Type type_of(ByteView reply);
/// The payload, if an acknowledgement came with it, was sent by another address than this one.
bool is_from_other(ByteView reply, std::uint32_t address);

} // namespace bmsd::protocols::jkpb
