// What a line has shown about when replies end: whether bytes come at the speed of the wire, and how
// long the reply to each request is. Pure; only ever a guess that saves wake-ups.
#pragma once

#include "messages/frame.hpp"

#include <array>
#include <chrono>
#include <cstddef>

namespace bmsd::transports {

class ReplyPace {
public:
  using Duration = std::chrono::nanoseconds;

  /// True: the end of a reply can be foreseen from its first byte.
  bool steady() const { return steady_; }
  /// Bytes of the last reply to this request; 0: unknown.
  std::size_t usual_reply(ByteView request) const;

  void replied(ByteView request, std::size_t bytes);
  /// `bytes` came within `elapsed`, which would take `wire` at line speed.
  void arrived(std::size_t bytes, Duration elapsed, Duration wire);
  /// After a sleep that should have ended before the last byte.
  void slept(bool too_long);

private:
  struct Known {
    std::size_t request = 0; // hash
    std::size_t reply = 0;   // bytes
  };
  std::array<Known, 16> known_{}; // an equal hash of another request costs a wrong guess
  bool steady_ = false;
  int overslept_ = 0; // times in a row
};

} // namespace bmsd::transports
