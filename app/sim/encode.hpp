// Writes the numbers and texts of a simulated reply. No I/O.
//
//   Encoder out;
//   out.u16be(reading.voltage, 0.01).s16be(reading.current, 0.01).text("SP16S", 16);
//   return out.bytes;
#pragma once

#include "messages/frame.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bmsd::sim {

/// Each number is value / unit, rounded; what doesn't fit is cut to the end of the range.
class Encoder {
public:
  Bytes bytes;

  Encoder& u8(double value, double unit = 1) { return put(value, unit, 0, 0xFF, 1, true); }
  Encoder& s8(double value, double unit = 1) { return put(value, unit, -0x80, 0x7F, 1, true); }
  Encoder& u16be(double value, double unit = 1) { return put(value, unit, 0, 0xFFFF, 2, true); }
  Encoder& s16be(double value, double unit = 1) { return put(value, unit, -0x8000, 0x7FFF, 2, true); }
  Encoder& u32be(double value, double unit = 1) { return put(value, unit, 0, 0xFFFFFFFFLL, 4, true); }
  Encoder& s32be(double value, double unit = 1) { return put(value, unit, -0x80000000LL, 0x7FFFFFFF, 4, true); }
  Encoder& u16le(double value, double unit = 1) { return put(value, unit, 0, 0xFFFF, 2, false); }
  Encoder& s16le(double value, double unit = 1) { return put(value, unit, -0x8000, 0x7FFF, 2, false); }
  Encoder& u32le(double value, double unit = 1) { return put(value, unit, 0, 0xFFFFFFFFLL, 4, false); }
  Encoder& s32le(double value, double unit = 1) { return put(value, unit, -0x80000000LL, 0x7FFFFFFF, 4, false); }

  /// `width` bytes: cut, or filled up at the end.
  Encoder& text(std::string_view characters, std::size_t width, std::uint8_t fill = 0) {
    const auto size = std::min(characters.size(), width);
    bytes.insert(bytes.end(), characters.begin(), characters.begin() + static_cast<std::ptrdiff_t>(size));
    return zeros(width - size, fill);
  }
  Encoder& raw(ByteView data) {
    bytes.insert(bytes.end(), data.begin(), data.end());
    return *this;
  }
  Encoder& zeros(std::size_t count, std::uint8_t fill = 0) {
    bytes.insert(bytes.end(), count, fill);
    return *this;
  }
  /// Fills up, so that the next value stands at `offset`.
  Encoder& at(std::size_t offset) { return zeros(offset > bytes.size() ? offset - bytes.size() : 0); }

private:
  Encoder& put(double value, double unit, std::int64_t low, std::int64_t high, unsigned width, bool big) {
    const double scaled = std::clamp(std::round(value / unit), static_cast<double>(low), static_cast<double>(high));
    const auto raw = static_cast<std::uint64_t>(static_cast<std::int64_t>(scaled));
    for (unsigned i = 0; i < width; ++i) {
      bytes.push_back(static_cast<std::uint8_t>(raw >> 8 * (big ? width - 1 - i : i)));
    }
    return *this;
  }
};

} // namespace bmsd::sim
