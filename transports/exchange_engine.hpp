// Ask and answer over any ByteChannel: gap, transmission, scanning for the reply, time limits.
#pragma once

#include "transports/byte_channel.hpp"
#include "transports/lifetime.hpp"
#include "transports/link.hpp"
#include "transports/reply_habit.hpp"
#include "transports/rest_habit.hpp"

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace bmsd::transports {

/// Threads and errors as in link.hpp. Wakes up once per reply where it is known when that ends: until
/// then the engine does not listen at all. Else once for each step of the reply that the scanner can
/// name, not once per byte: the channel holds back what is too little. While it does not listen, a
/// vanished device is noticed by the next exchange.
class ExchangeEngine final : public ExchangeLink {
public:
  ExchangeEngine(asio::io_context& io, std::unique_ptr<ByteChannel> channel);
  ~ExchangeEngine() override;

  void open(OpenHandler handler) override;
  void close() override;
  std::string describe() const override { return channel_->describe(); }
  Result<void> set_line(LineSettings line) override { return channel_->set_line(line); }
  void exchange(Request request, ReplyHandler handler) override;

private:
  using Clock = std::chrono::steady_clock;
  enum class State { closed, opening, idle, quieting, sending, receiving };

  void opened(Result<int> fd);
  void shut();
  void lost(const std::string& reason);
  /// Ends the exchange; the answer comes later, as from exchange(), close() and lost() it has to.
  void finish(Error error);
  /// The same at once, as the last step of a handler: the user may start the next exchange or end this object.
  void conclude(Error error);
  Reply settle(Error error);

  void become_quiet();
  void send();
  void receive();
  void look(bool silence);
  void wait_for(std::size_t bytes);
  void learn();
  void sleep_until(Clock::time_point end);
  Clock::time_point usual_end() const;
  bool sleep_again(std::size_t bytes);

  Result<void> listen();
  bool listening() const { return descriptor_.is_open(); }
  void watch();
  void on_readable();
  void on_deadline();
  /// Appends what has arrived to rx_, or drops it. False: the line is gone and lost() was called.
  bool read_input(bool keep);
  template <class Handler>
  void arm(Clock::time_point deadline, Handler handler);

  asio::io_context& io_;
  std::unique_ptr<ByteChannel> channel_;
  int fd_ = -1;                               // the channel's
  asio::posix::stream_descriptor descriptor_; // of the same fd while the engine listens
  asio::steady_timer timer_;
  unsigned timer_round_ = 0; // a handler of an earlier round may be queued already
  Lifetime life_;            // until the destructor
  Lifetime session_;         // until close() or a break
  State state_ = State::closed;
  OpenHandler on_open_;

  Request request_;
  ReplyHandler on_reply_;
  Bytes rx_;
  FrameScan scan_;
  std::size_t sent_ = 0;
  bool unsettled_ = false; // the last exchange failed: its reply may still come
  ReplyHabit reply_habit_;
  RestHabit rest_habit_;
  std::optional<ReplyHabit::Expected> expected_; // while its reply is slept for
  bool rested_ = false;                          // the sleep for the last reply had the rest after it in it
  Bytes before_;                                 // the request of that reply, if the present one came at once
  Clock::time_point replied_at_;                 // the last byte of the last reply, as far as the habit tells
  Clock::time_point looked_at_;                  // when that reply was read
  int sleeps_ = 0;                               // in the present exchange
  Clock::time_point last_activity_;
  Clock::time_point sent_at_; // last bit of the request on the wire
  Clock::time_point limit_;   // of the present phase
};

} // namespace bmsd::transports
