// Frames of the JBD protocol, on every transport of these boards:
//
//   request  DD A5|5A register n data[n] checksum[2] 77     A5 read, 5A write
//   reply    DD register status  n data[n] checksum[2] 77
//
// The checksum is the negated sum of everything from byte 2 up to itself, high byte first; in a
// reply that leaves out the register, so the echo has to be compared. Pure; any thread.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"

#include <cstdint>

namespace bmsd::protocols::jbd {

Request read(std::uint8_t reg);
/// Acknowledged by a reply without data.
Request write(std::uint8_t reg, std::uint16_t value);
/// A request as another program has sent it; see is_request().
Request raw(Bytes tx);

/// Whether these bytes are a request of this protocol (its checksum apart).
bool is_request(ByteView tx);
bool is_write(ByteView tx);

/// The data of a reply. Fault::refused with the status for a register that is not there, or that
/// answers only in factory mode.
Result<ByteView> data_of(const Bytes& reply);

} // namespace bmsd::protocols::jbd
