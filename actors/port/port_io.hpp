// The adapter between a port actor and its transport. Lives on the I/O thread; the one place where
// callbacks of a transport become messages.
#pragma once

#include "actors/core.hpp"
#include "actors/log_limit.hpp"
#include "actors/port/link_factory.hpp"
#include "actors/port/port_plan.hpp"

#include <asio/steady_timer.hpp>

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace bmsd::actors {

/// Every member runs on the I/O thread. Made by the port actor, which posts to it; a new port
/// actor brings a new one.
class PortIo final : public ExchangeLine, public std::enable_shared_from_this<PortIo> {
public:
  PortIo(CorePtr core, PortPlanPtr plan);

  /// Answered by LinkOpened with this generation.
  void open(std::uint64_t generation);
  /// Exchanges wait in line, so that several batteries share a bus, and for the port to open; a full line refuses.
  void exchange(ExchangeJob job) override;
  void send(const CanFrame& frame);
  void close();

private:
  struct Running;

  void make();
  void on_opened(std::string closed);
  void refuse(ExchangeJob job, std::string reason);
  /// Why no exchange is possible; empty: one is.
  std::string refusal() const;
  bool late_is_overdue() const;
  void run_next();
  void run(ExchangeJob next);
  void run_late();
  void ask(const std::shared_ptr<Running>& running);
  void on_reply(const std::shared_ptr<Running>& running, Reply reply);
  void finish(ExchangeJob job, Reply reply, std::vector<Reply> further = {});
  void look_at_stray(const Bytes& tx, const Reply& reply);
  void watch(Direction direction, Bytes bytes);
  void on_frame(const CanFrame& frame);
  void flush_frames();
  void on_document(const Document& document);
  void on_notice(const std::string& text);
  void on_loss(transports::FrameLoss loss, std::uint64_t frames);

  static constexpr std::size_t kMaxWaiting = 64;
  /// A poll is made of several requests; nobody else comes in between.
  static constexpr std::chrono::milliseconds kPauseInPoll{30};
  /// But a line that is never free has to make room now and then, for one of them at a time.
  static constexpr std::chrono::seconds kLongestWait{1};

  CorePtr core_;
  PortPlanPtr plan_;
  MadeLink link_;
  std::string closed_ = "the port is not open yet"; ///< why; empty: it is open
  bool opening_ = false;
  std::deque<ExchangeJob> waiting_;
  struct LateJob {
    ExchangeJob job;
    std::chrono::nanoseconds since{0}; ///< steady time
  };
  std::deque<LateJob> late_; ///< those that can wait
  asio::steady_timer late_timer_;
  std::chrono::nanoseconds spoke_at_{0}; ///< end of the last exchange with somebody who is there
  bool late_had_it_ = false;             ///< the line, the last time
  bool busy_ = false;
  std::uint64_t generation_ = 0;
  FrameBatch batch_;
  LogLimit notices_{std::chrono::seconds(10)}, strays_{std::chrono::hours(1)};
  LogLimits<transports::FrameLoss> losses_{std::chrono::minutes(10)};
};

} // namespace bmsd::actors
