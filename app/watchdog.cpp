#include "app/watchdog.hpp"

#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>

namespace bmsd::app {

namespace {

/// Only what a signal handler may do. Not even the last words may wait: a log that nobody reads can be what the
/// thread hangs at.
void give_up(int) {
  constexpr char kText[] = "bmsd: the I/O thread hangs; ended, to be started again\n";
  pollfd error{STDERR_FILENO, POLLOUT, 0};
  if (poll(&error, 1, 0) == 1 && (error.revents & POLLOUT) != 0) {
    static_cast<void>(!write(STDERR_FILENO, kText, sizeof kText - 1));
  }
  _exit(Watchdog::kExitCode);
}

void set_alarm(std::chrono::milliseconds after) {
  itimerval when{};
  when.it_value.tv_sec = after.count() / 1000;
  when.it_value.tv_usec = after.count() % 1000 * 1000;
  setitimer(ITIMER_REAL, &when, nullptr);
}

} // namespace

Watchdog::Watchdog(asio::io_context& io, std::chrono::milliseconds limit) : timer_(io), limit_(limit) {
  std::signal(SIGALRM, give_up);
  turn();
}

Watchdog::~Watchdog() {
  set_alarm(std::chrono::milliseconds(0));
  std::signal(SIGALRM, SIG_DFL);
}

void Watchdog::turn() {
  set_alarm(limit_);
  timer_.expires_after(limit_ / 4);
  timer_.async_wait([this](const std::error_code& error) {
    if (!error) {
      turn();
    }
  });
}

} // namespace bmsd::app
