// Helpers of the simulator's tests.
#pragma once

#include "app/sim/battery.hpp"
#include "messages/frame.hpp"

#include <string>
#include <string_view>

namespace bmsd::sim::test {

inline Bytes bytes(std::string_view hex) {
  Bytes out;
  std::string digits;
  for (char c : hex) {
    if (c != ' ') {
      digits += c;
    }
  }
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return out;
}

template <class Range>
std::string hex(const Range& data) {
  std::string out;
  for (auto byte : data) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

inline void raise(Reading& reading, Alarm alarm) {
  reading.alarms.set(static_cast<std::size_t>(alarm));
}

} // namespace bmsd::sim::test
