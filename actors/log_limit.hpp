// A log line that may be due again and again is written now and then. Pure; time is given.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
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

/// One limit for each kind of line, so that no kind hides another. Of kinds there must be few.
template <class Kind>
class LogLimits {
public:
  explicit LogLimits(LogLimit::Duration every) : every_(every) {}
  LogLimit& operator[](const Kind& kind) { return limits_.try_emplace(kind, every_).first->second; }

private:
  LogLimit::Duration every_;
  std::map<Kind, LogLimit> limits_;
};

} // namespace bmsd::actors
