// Helpers to run an io_context until something holds.
#pragma once

#include "transports/link.hpp"

#include <asio/io_context.hpp>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <utility>

namespace bmsd::transports::test {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// Runs `io` until `condition` holds; false after `limit`.
inline bool run_until(asio::io_context& io, const std::function<bool()>& condition, Clock::duration limit = 5s) {
  auto end = Clock::now() + limit;
  while (!condition()) {
    if (Clock::now() >= end) {
      return false;
    }
    io.restart();
    io.run_one_for(5ms);
  }
  return true;
}

/// Lets `io` work for a while in which nothing should happen.
inline void run_for(asio::io_context& io, Clock::duration time) {
  io.restart();
  io.run_for(time);
}

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Opens `link` and gives the outcome.
inline Result<void> open(asio::io_context& io, Link& link, Clock::duration limit = 5s) {
  std::optional<Result<void>> outcome;
  link.open([&](Result<void> result) { outcome = std::move(result); });
  EXPECT_FALSE(outcome) << "answered inside open()";
  EXPECT_TRUE(run_until(
      io, [&] { return outcome.has_value(); }, limit));
  return outcome ? *outcome : Result<void>(Error{Fault::timeout, "open() never answered"});
}

} // namespace bmsd::transports::test
