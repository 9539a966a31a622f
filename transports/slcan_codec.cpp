#include "transports/slcan_codec.hpp"

#include <charconv>

namespace bmsd::transports {

namespace {

constexpr char kEnd = '\r';
constexpr char kBell = '\a';
constexpr std::size_t kStampDigits = 4;
constexpr std::uint32_t kStampEnd = 60000; // milliseconds
constexpr std::uint32_t kMaxStandardId = 0x7FF;
constexpr std::uint32_t kMaxExtendedId = 0x1FFFFFFF;

/// All of `text` as a hex number; std::from_chars takes upper and lower case, no sign, no prefix.
std::optional<std::uint32_t> hex(std::string_view text) {
  std::uint32_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

void append_hex(std::string& text, std::uint32_t value, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    text += "0123456789ABCDEF"[(value >> shift) & 0xF];
  }
}

} // namespace

std::string slcan_line(const CanFrame& frame) {
  std::string line(1, frame.extended ? 'T' : 't');
  append_hex(line, frame.id, frame.extended ? 8 : 3);
  append_hex(line, static_cast<std::uint32_t>(frame.data.size()), 1);
  for (auto byte : frame.data) {
    append_hex(line, byte, 2);
  }
  line += kEnd;
  return line;
}

std::optional<CanFrame> parse_slcan_line(std::string_view line) {
  if (line.empty() || (line.front() != 't' && line.front() != 'T')) {
    return std::nullopt;
  }
  CanFrame frame;
  frame.extended = line.front() == 'T';
  const std::size_t id_digits = frame.extended ? 8 : 3;
  const std::size_t header = 1 + id_digits + 1;
  if (line.size() < header || line[header - 1] < '0' || line[header - 1] > '8') {
    return std::nullopt;
  }
  auto length = static_cast<std::size_t>(line[header - 1] - '0');
  auto end = header + 2 * length;
  if (line.size() != end && line.size() != end + kStampDigits) {
    return std::nullopt;
  }
  auto id = hex(line.substr(1, id_digits));
  auto stamp = line.size() == end ? std::optional<std::uint32_t>(0) : hex(line.substr(end));
  if (!id || *id > (frame.extended ? kMaxExtendedId : kMaxStandardId) || !stamp || *stamp >= kStampEnd) {
    return std::nullopt;
  }
  frame.id = *id;
  for (std::size_t i = 0; i < length; ++i) {
    auto byte = hex(line.substr(header + 2 * i, 2));
    if (!byte) {
      return std::nullopt;
    }
    frame.data.push_back(static_cast<std::uint8_t>(*byte));
  }
  return frame;
}

std::optional<CanFrame> SlcanReader::feed(std::uint8_t byte) {
  auto c = static_cast<char>(byte);
  if (c == '\n') {
    return std::nullopt;
  }
  if (c != kEnd && c != kBell) {
    if (size_ < kMaxLine) {
      line_[size_++] = c;
    } else {
      size_ = kMaxLine + 1;
    }
    return std::nullopt;
  }
  bool whole = c == kEnd && size_ <= kMaxLine;
  bool like_frame = size_ > 0 && (line_[0] == 't' || line_[0] == 'T');
  auto frame = whole ? parse_slcan_line({line_.data(), size_}) : std::nullopt;
  refusals_ += c == kBell ? 1 : 0;
  damaged_ += like_frame && !frame ? 1 : 0;
  remote_ += whole && size_ > 0 && (line_[0] == 'r' || line_[0] == 'R') ? 1 : 0;
  size_ = 0;
  return frame;
}

} // namespace bmsd::transports
