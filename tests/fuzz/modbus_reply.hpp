// Replies of a Modbus device from the fuzzer's bytes, with a right CRC.
#pragma once

#include "protocols/core/modbus.hpp"
#include "script_fuzz.hpp"

namespace bmsd::fuzz {

inline Bytes exception(const Request& request, std::uint8_t code) {
  return protocols::modbus::with_crc({request.tx[0], static_cast<std::uint8_t>(request.tx[1] | 0x80), code});
}

/// As many bytes of data as were asked for, at most 255: `content`, then for byte i `rest(i)`.
template <class Rest>
Bytes data(const Request& request, ByteView content, Rest&& rest) {
  const std::size_t size = request.tx[1] == 1 ? request.tx[5] / 8U : 2U * request.tx[5];
  Bytes out;
  for (std::size_t i = 0; i < size; ++i) {
    out.push_back(i < content.size() ? content[i] : static_cast<std::uint8_t>(rest(i)));
  }
  return out;
}

inline Bytes reply(const Request& request, const Bytes& data) {
  Bytes frame = {request.tx[0], request.tx[1], static_cast<std::uint8_t>(data.size())};
  frame.insert(frame.end(), data.begin(), data.end());
  return protocols::modbus::with_crc(std::move(frame));
}

} // namespace bmsd::fuzz
