// Exchanges of BMS with a Sinowealth chip, as on the chip's SMBus but over a UART, big-endian:
//
//   request  0A register n
//   reply    data[n] crc
//
// The reply says nothing about itself, but the CRC is that of the request and the data: an answer to another
// request does not pass. Pure; any thread.
#pragma once

#include "messages/frame.hpp"

#include <cstdint>

namespace bmsd::protocols::sinowealth {

/// A register of two bytes, or of `bytes`.
Request read(std::uint8_t reg, std::uint8_t bytes = 2);
/// A request as another program has sent it; see is_request().
Request raw(Bytes tx);
bool is_request(ByteView tx);
/// The data of a reply.
ByteView data_of(const Bytes& reply);

/// CRC-8 with polynomial 0x07, start 0, of the request and the data.
std::uint8_t crc8(ByteView request, ByteView data);

} // namespace bmsd::protocols::sinowealth
