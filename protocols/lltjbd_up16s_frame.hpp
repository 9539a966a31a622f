// Frames of the JBD UP series. They look like Modbus RTU, but count bytes, not registers:
//
//   address function first[2] end[2] n[2] data[n] crc[2]     78 read, 79 write, 45 read what is this battery's alone
//
// A request to read and the acknowledgement of a write have no data; everything else has. The CRC is that
// of Modbus, low byte first, all the rest big-endian. Address, function, first and end of a reply are those
// asked for, its length is not. Pure; any thread.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"

#include <cstdint>

namespace bmsd::protocols::up16s {

inline constexpr std::uint8_t kRead = 0x78, kWrite = 0x79, kReadOwn = 0x45;

/// Where something stands in the memory of the BMS.
struct Block {
  std::uint8_t function = kRead;
  std::uint16_t first = 0;
  std::uint16_t end = 0; ///< behind the last byte
  friend bool operator==(const Block&, const Block&) = default;
};

Request read(std::uint8_t address, const Block& block);
Request write(std::uint8_t address, const Block& block, std::uint16_t value);
/// A request as another program has sent it; see is_request().
Request raw(Bytes tx);
/// Whether these bytes are a request of this protocol (its CRC apart).
bool is_request(ByteView tx);

/// Of a request or a reply.
Block block_of(ByteView frame);
ByteView data_of(const Bytes& reply);

} // namespace bmsd::protocols::up16s
