// When a failed child comes back. Pure; time is given.
#pragma once

#include <chrono>
#include <deque>

namespace bmsd::actors {

/// At once after a rare failure; a growing delay, up to 5 minutes, while failures go on; never
/// given up. More than 5 failures in 60 s ask for the child's parent to be restarted.
class RestartPolicy {
public:
  using Duration = std::chrono::nanoseconds;

  struct Decision {
    Duration delay{0};
    bool escalate = false;
  };

  Decision on_failure(Duration now);

private:
  static constexpr std::size_t kMaxFailures = 5;
  static constexpr Duration kWindow = std::chrono::seconds(60);
  static constexpr Duration kFirstDelay = std::chrono::milliseconds(50);
  static constexpr Duration kMaxDelay = std::chrono::minutes(5);
  static constexpr Duration kCalm = std::chrono::minutes(10); ///< after which a failure is a first one again

  std::deque<Duration> recent_;
  Duration last_{0};
  Duration delay_{0};
};

} // namespace bmsd::actors
