// Injected time.
#pragma once

#include <chrono>
#include <cstdint>

namespace bmsd {

/// Intervals come from `steady` alone; `wall` is for time stamps and may jump by years.
struct Now {
  std::chrono::nanoseconds steady{0}; ///< monotonic, any origin
  std::chrono::seconds wall{0};       ///< since the epoch

  static Now read() {
    using namespace std::chrono;
    return {duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()),
            duration_cast<seconds>(system_clock::now().time_since_epoch())};
  }
};

} // namespace bmsd
