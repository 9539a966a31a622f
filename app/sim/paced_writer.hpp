// Sends bytes as slowly as a serial line would.
//
// In chunks of a few milliseconds, each written when its last byte would have arrived: right to the
// reader within a chunk, and few wake-ups. I/O thread only.
#pragma once

#include "messages/frame.hpp"
#include "transports/lifetime.hpp"

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <functional>

namespace bmsd::sim {

class PacedWriter {
public:
  using Clock = std::chrono::steady_clock;
  using Write = std::function<void(ByteView)>;

  /// `baud` 0: as fast as the link takes them.
  PacedWriter(asio::io_context& io, int baud, Write write);
  /// Time that `bytes` take on the wire, at 10 bits a byte.
  Clock::duration wire_time(std::size_t bytes) const;
  /// Starts at `start` at the earliest, and after everything queued before.
  void send(Bytes bytes, Clock::time_point start);

private:
  struct Burst {
    Bytes bytes;
    Clock::time_point start;
    std::size_t sent = 0;
  };
  void wait();
  void write_due();
  std::size_t chunk_end() const;

  int baud_;
  Write write_;
  asio::steady_timer timer_;
  std::deque<Burst> queue_;
  Clock::time_point free_at_{};
  transports::Lifetime life_;
};

} // namespace bmsd::sim
