// Texts out of replies. Pure; any thread.
#pragma once

#include "messages/frame.hpp"

#include <cstdio>
#include <string>
#include <utility>

namespace bmsd::protocols {

/// The printable ASCII up to the first NUL, without the padding at its end.
inline std::string ascii_text(ByteView bytes) {
  std::string out;
  for (auto c : bytes) {
    if (c == 0) {
      break;
    }
    if (c >= 0x20 && c < 0x7F) {
      out += static_cast<char>(c);
    }
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

/// An empty text changes nothing.
inline void keep_text(std::string& to, std::string text) {
  if (!text.empty()) {
    to = std::move(text);
  }
}

/// "100.0", "100.05": the spelling of dbus-serialbattery, on which saved settings hang.
inline std::string ampere_hours(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  std::string out = text;
  if (out.back() == '0') {
    out.pop_back();
  }
  return out;
}

/// "2024-09-14"; empty: no date.
inline std::string date_text(unsigned year, unsigned month, unsigned day) {
  if (year < 1990 || year > 2099 || month < 1 || month > 12 || day < 1 || day > 31) {
    return {};
  }
  char text[16];
  std::snprintf(text, sizeof text, "%04u-%02u-%02u", year, month, day);
  return text;
}

} // namespace bmsd::protocols
