#include "app/watchdog.hpp"

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <gtest/gtest.h>
#include <sys/time.h>

#include <cstdlib>
#include <thread>

namespace bmsd::app {
namespace {

using namespace std::chrono_literals;

TEST(WatchdogDeathTest, EndsAProcessWhoseLoopHangs) {
  EXPECT_EXIT(
      {
        asio::io_context io;
        const Watchdog watchdog(io, 200ms);
        asio::post(io, [] {
          for (;;) {
            std::this_thread::sleep_for(1s);
          }
        });
        io.run();
      },
      testing::ExitedWithCode(Watchdog::kExitCode), "the I/O thread hangs");
}

TEST(WatchdogDeathTest, LeavesALoopThatTurnsInPeace) {
  EXPECT_EXIT(
      {
        asio::io_context io;
        {
          const Watchdog watchdog(io, 200ms);
          io.run_for(600ms);
        }
        itimerval left{};
        getitimer(ITIMER_REAL, &left);
        std::exit(left.it_value.tv_sec == 0 && left.it_value.tv_usec == 0 ? 0 : 1); // nobody watches any more
      },
      testing::ExitedWithCode(0), "");
}

} // namespace
} // namespace bmsd::app
