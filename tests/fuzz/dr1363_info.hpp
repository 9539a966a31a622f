// Both generations of DR-1363 against a BMS that answers with the fuzzer's bytes.
#pragma once

#include "yd1363_info.hpp"

namespace bmsd::fuzz {

inline Bytes dr1363_info(const protocols::yd1363::Frame& asked, std::uint8_t shape, Input& input) {
  const std::size_t cells = shape % 2 == 0 ? 16 : shape / 2 % 40;
  const std::size_t sensors = shape % 4 < 2 ? 4 : shape / 4 % 20;
  const std::size_t tail = shape % 8 < 4 ? 46 : shape / 2 % 50;
  Info info(input);
  switch (asked.command) {
  case 0x42: return info.put(5).counted(cells, 2).put(6).counted(sensors, 2).put(tail).bytes;
  case 0x47: return info.put(15).byte(0).byte(cells).put(48).bytes;
  case 0x51: {
    Bytes out = info.put(35).bytes;
    for (std::size_t i = 0; i < 30; ++i) {
      out[i] = static_cast<std::uint8_t>(0x20 + out[i] % 95);
    }
    return out;
  }
  case 0xB0: return info.byte(0xB0).put(2).byte(asked.info.at(2)).put(2).put(shape % 16 < 8 ? 113 : 18).bytes;
  default: return info.put(shape).bytes;
  }
}

inline void dr1363(std::string_view key, char start, const std::uint8_t* data, std::size_t size) {
  exchange(key, Input(data, size),
           [start](const Request& request, Input& input) { return answer(request, input, start, dr1363_info); });
}

} // namespace bmsd::fuzz
