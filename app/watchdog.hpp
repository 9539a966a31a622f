// Ends a process whose I/O thread no longer turns: its limits would stay on the bus for ever.
#pragma once

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>

namespace bmsd::app {

/// The service manager starts bmsd again, which goes on from its saved state. Uses SIGALRM and the real-time
/// interval timer of the process, so there is one at most.
class Watchdog {
public:
  static constexpr std::chrono::milliseconds kLimit{60'000};
  static constexpr int kExitCode = 75; ///< EX_TEMPFAIL

  /// Watches from now on, `limit` after the last turn of `io` at the latest.
  explicit Watchdog(asio::io_context& io, std::chrono::milliseconds limit = kLimit);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

private:
  void turn();

  asio::steady_timer timer_;
  std::chrono::milliseconds limit_;
};

} // namespace bmsd::app
