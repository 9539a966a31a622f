// Opens one of the daemon's own links and opens it again after each loss.
#pragma once

#include "transports/lifetime.hpp"
#include "transports/link.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <string>

namespace bmsd::sim {

/// I/O thread only; must not outlive the link. A failure goes to stderr when it is news.
class KeepOpen {
public:
  KeepOpen(asio::io_context& io, transports::Link& link, std::function<void()> first_open)
      : link_(link), timer_(io), first_open_(std::move(first_open)) {
    link_.on_lost = [this](const std::string& reason) { retry(reason); };
    open();
  }

  bool is_open() const { return open_; }

private:
  void open() {
    link_.open([this](const Result<void>& opened) {
      if (!opened) {
        retry(to_string(opened.error()));
        return;
      }
      open_ = true;
      complained_ = false;
      if (first_open_) {
        std::exchange(first_open_, nullptr)();
      }
    });
  }

  void retry(const std::string& reason) {
    open_ = false;
    if (!std::exchange(complained_, true)) {
      std::cerr << link_.describe() << ": " << reason << ", trying again\n";
    }
    timer_.expires_after(std::chrono::seconds(1));
    timer_.async_wait(life_.guard([this](const asio::error_code&) { open(); }));
  }

  transports::Link& link_;
  asio::steady_timer timer_;
  std::function<void()> first_open_;
  bool open_ = false;
  bool complained_ = false;
  transports::Lifetime life_;
};

} // namespace bmsd::sim
