// What a line has shown about when the reply to a request ends. Pure; only ever a guess that saves
// wake-ups.
#pragma once

#include "messages/frame.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>

namespace bmsd::transports {

class ReplyHabit {
public:
  using Duration = std::chrono::nanoseconds;

  struct Expected {
    std::size_t bytes = 0;
    Duration after{0};  ///< from the last bit of the request to the last one of the reply
    Duration rest{0};   ///< what the next request wants first, which comes as soon as it may; 0: it comes later
    bool doubt = false; ///< look whether it comes earlier by now
  };
  /// nullopt: listen this time. The request is new, its replies come at once, or at another time than they used to.
  std::optional<Expected> expected(ByteView request);

  /// Somebody listened to the end.
  void heard(ByteView request, Expected reply);
  /// The expectation came true, but only later.
  void came_late(ByteView request, Expected reply);
  /// Who doubted has looked, and it was not there yet; or it was.
  void came_as_ever(ByteView request);
  void came_early(ByteView request);
  /// The next request, sent when the reply should long have ended, was not understood: listen the next time.
  void led_to_a_failure(ByteView request);
  /// What came after this reply.
  void followed(ByteView request, Duration rest);

private:
  struct Known {
    std::size_t request = 0; // hash
    Expected reply;
    unsigned guesses = 0; // since somebody listened or looked
    unsigned trust = 0;   // so many may there be
    bool exact = false;   // nothing came late since somebody listened
  };
  Known& entry(std::size_t key) { return known_[key % known_.size()]; }

  std::array<Known, 16> known_{}; // an equal hash of another request costs a wrong guess
};

} // namespace bmsd::transports
