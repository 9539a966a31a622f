// Calls a function at a fixed interval without drift.
#pragma once

#include "transports/lifetime.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace bmsd::sim {

/// First call after one interval. I/O thread only.
class Ticker {
public:
  Ticker(asio::io_context& io, std::chrono::milliseconds interval, std::function<void()> call)
      : timer_(io, interval), interval_(interval), call_(std::move(call)) {
    wait();
  }

private:
  void wait() {
    timer_.async_wait(life_.guard([this](const asio::error_code&) {
      timer_.expires_at(timer_.expiry() + interval_);
      wait();
      call_();
    }));
  }

  asio::steady_timer timer_;
  std::chrono::milliseconds interval_;
  std::function<void()> call_;
  transports::Lifetime life_;
};

/// Calls once, `after` from now, unless `life` is over by then.
template <class Call>
void call_later(asio::io_context& io, std::chrono::milliseconds after, const transports::Lifetime& life, Call call) {
  auto timer = std::make_shared<asio::steady_timer>(io, after);
  timer->async_wait([timer, call = life.guard(std::move(call))](const asio::error_code&) mutable { call(); });
}

} // namespace bmsd::sim
