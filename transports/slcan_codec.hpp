// slcan: CAN frames as ASCII lines over a tty (Lawicel CANUSB/CAN232 manual). Pure, no I/O.
#pragma once

#include "messages/frame.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bmsd::transports {

/// "t3518..." or "T18FF50E5..." with its CR.
std::string slcan_line(const CanFrame& frame);

/// A whole line without its terminator. Strict: anything that is not exactly one data frame, with
/// or without a time stamp, gives nothing; that covers answers (z, V, F...), remote frames and
/// lines that begin in the middle, since no frame letter is a hex digit.
std::optional<CanFrame> parse_slcan_line(std::string_view line);

/// Cuts a byte stream into lines. Memory is bounded whatever comes.
class SlcanReader {
public:
  /// Takes one byte; a frame when it ends a line that holds one.
  std::optional<CanFrame> feed(std::uint8_t byte);
  void reset() { size_ = 0; }
  std::uint64_t refusals() const { return refusals_; } ///< BEL answers
  std::uint64_t damaged() const { return damaged_; }   ///< lines that began like a frame and were none
  std::uint64_t remote() const { return remote_; }     ///< remote frames

private:
  // The longest valid line: T, 8 digits of id, length, 16 of data, 4 of time stamp.
  static constexpr std::size_t kMaxLine = 30;
  std::array<char, kMaxLine> line_{};
  std::size_t size_ = 0; // kMaxLine + 1: too long, skipped
  std::uint64_t refusals_ = 0;
  std::uint64_t damaged_ = 0;
  std::uint64_t remote_ = 0;
};

} // namespace bmsd::transports
