// Checksums that more than one protocol uses. Pure; any thread.
#pragma once

#include "messages/frame.hpp"

#include <cstdint>

namespace bmsd::protocols {

/// Sum of all bytes modulo 2^16.
constexpr std::uint16_t sum16(ByteView bytes) {
  std::uint16_t sum = 0;
  for (auto byte : bytes) {
    sum = static_cast<std::uint16_t>(sum + byte);
  }
  return sum;
}

/// Two's complement of sum16(): a frame plus this adds up to zero.
constexpr std::uint16_t negated_sum16(ByteView bytes) {
  return static_cast<std::uint16_t>(0U - sum16(bytes));
}

/// CRC-16/Modbus: polynomial 0x8005 reflected, start 0xFFFF. On the wire low byte first.
constexpr std::uint16_t crc16_modbus(ByteView bytes) {
  std::uint16_t crc = 0xFFFF;
  for (auto byte : bytes) {
    crc = static_cast<std::uint16_t>(crc ^ byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = static_cast<std::uint16_t>((crc & 1U) != 0 ? (crc >> 1) ^ 0xA001U : crc >> 1);
    }
  }
  return crc;
}

} // namespace bmsd::protocols
