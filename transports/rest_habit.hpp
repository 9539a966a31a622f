// How long a device wants to be left alone between its reply and the next request, as far as the line has shown it.
// Manuals rarely say it; a device that is asked too soon does not answer at all. Pure.
#pragma once

#include "messages/frame.hpp"

#include <chrono>

namespace bmsd::transports {

class RestHabit {
public:
  using Duration = std::chrono::nanoseconds;

  /// At least this between the last byte on the line and the next request. None until the line shows otherwise.
  Duration needed() const { return needed_; }

  /// Nothing came back. `rest`: what the device had between its last reply and this request.
  void unanswered(ByteView request, Duration rest);
  /// The same request again, after a longer rest: so that was what it missed.
  void answered(ByteView request);

private:
  Duration needed_{0};
  Bytes hurried_; ///< the request that may have come too soon; empty: none
};

} // namespace bmsd::transports
