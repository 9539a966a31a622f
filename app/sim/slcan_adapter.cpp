#include "app/sim/slcan_adapter.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace bmsd::sim {

namespace {

constexpr char kCarriageReturn = '\r';
constexpr const char* kOk = "\r";
constexpr const char* kBell = "\a";
constexpr std::size_t kLongestLine = 32;
constexpr unsigned kStampWrap = 60'000;
constexpr std::array<int, 9> kBitrates = {10'000,  20'000,  50'000,  100'000,  125'000,
                                          250'000, 500'000, 800'000, 1'000'000};

void put_hex(std::string& out, std::uint32_t value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out += "0123456789ABCDEF"[value >> shift & 0xF];
  }
}

bool all_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
}

/// t/r with 3 or T/R with 8 digits of id, length digit, data unless it's a remote frame.
bool valid_frame(std::string_view text) {
  const bool extended = text[0] == 'T' || text[0] == 'R';
  const bool remote = text[0] == 'r' || text[0] == 'R';
  const std::size_t digits = extended ? 8 : 3;
  if (text.size() < digits + 2 || !all_hex(text.substr(1)) || text[digits + 1] > '8') {
    return false;
  }
  const bool id_in_range = extended ? text[1] <= '1' : text[1] <= '7';
  const std::size_t data = remote ? 0 : 2 * static_cast<std::size_t>(text[digits + 1] - '0');
  return id_in_range && text.size() == digits + 2 + data;
}

} // namespace

std::string SlcanAdapter::take(ByteView bytes) {
  std::string answers;
  for (auto byte : bytes) {
    const char c = static_cast<char>(byte);
    if (c != kCarriageReturn) {
      if (pending_.size() < kLongestLine) {
        pending_ += c;
      }
      continue;
    }
    answers += command(pending_);
    pending_.clear();
  }
  return answers;
}

std::string SlcanAdapter::setting(bool allowed) {
  return allowed ? kOk : kBell;
}

std::string SlcanAdapter::command(const std::string& text) {
  if (text.empty()) {
    return kOk;
  }
  switch (text[0]) {
  case 'S': {
    const std::size_t index = text.size() == 2 ? static_cast<std::size_t>(text[1] - '0') : kBitrates.size();
    if (open_ || index >= kBitrates.size()) {
      return kBell;
    }
    bitrate_ = kBitrates[index];
    return kOk;
  }
  case 'O':
  case 'L':
    if (open_ || bitrate_ == 0) {
      return kBell;
    }
    open_ = true;
    listen_only_ = text[0] == 'L';
    return kOk;
  case 'C': return setting(std::exchange(open_, false));
  case 't':
  case 'r': return open_ && !listen_only_ && valid_frame(text) ? "z\r" : kBell;
  case 'T':
  case 'R': return open_ && !listen_only_ && valid_frame(text) ? "Z\r" : kBell;
  case 'F': return open_ ? "F00\r" : kBell;
  case 'V': return "V1013\r";
  case 'v': return "v0100\r";
  case 'N': return "NSIM0\r";
  case 'Z':
    if (open_ || text.size() != 2) {
      return kBell;
    }
    stamps_ = text[1] == '1';
    return kOk;
  case 'M':
  case 'm':
  case 'X': return setting(!open_);
  default: return kBell;
  }
}

std::string SlcanAdapter::line(const CanFrame& frame, unsigned milliseconds) const {
  std::string out(1, frame.extended ? 'T' : 't');
  put_hex(out, frame.id, frame.extended ? 8 : 3);
  put_hex(out, static_cast<std::uint32_t>(frame.data.size()), 1);
  for (std::size_t i = 0; i < frame.data.size(); ++i) {
    put_hex(out, frame.data[i], 2);
  }
  if (stamps_) {
    put_hex(out, milliseconds % kStampWrap, 4);
  }
  return out + kCarriageReturn;
}

} // namespace bmsd::sim
