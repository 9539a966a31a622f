// A log line that may be due again and again is written now and then. Pure; time is given.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace bmsd::actors {

class LogLimit {
public:
  using Duration = std::chrono::nanoseconds;

  explicit LogLimit(Duration every) : every_(every) {}

  /// True: write it.
  bool due(Duration now) {
    if (last_ && now - *last_ < every_) {
      ++passed_over_;
      return false;
    }
    last_ = now;
    return true;
  }
  /// What to append to a line that is written: how many were not.
  std::string passed_over() {
    const auto count = std::exchange(passed_over_, 0);
    return count == 0 ? std::string() : " (and " + std::to_string(count) + " times before)";
  }

private:
  Duration every_;
  std::optional<Duration> last_;
  std::uint64_t passed_over_ = 0;
};

} // namespace bmsd::actors
