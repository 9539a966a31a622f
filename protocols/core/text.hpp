// Texts out of replies. Pure; any thread.
#pragma once

#include "messages/frame.hpp"

#include <string>

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

} // namespace bmsd::protocols
