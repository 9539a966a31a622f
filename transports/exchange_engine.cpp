#include "transports/exchange_engine.hpp"

#include <asio/post.hpp>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace bmsd::transports {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadChunk = 4096; // all that a tty buffers
constexpr std::size_t kMaxWake = 255;
/// A line that never falls silent is not waited for longer than this.
constexpr auto kQuietLimit = 1s;
/// A device that dribbles bytes may take this many times the wire time and pauses of its reply.
constexpr int kPatienceWire = 2;
constexpr int kPatiencePauses = 20;
/// Listening is not free: epoll wakes the thread at every byte even if VMIN lets it sleep on at once;
/// 34 bytes cost 100 us.
constexpr int kMaxSleeps = 3;
constexpr auto kSleepMargin = 200us;
/// Who doubts whether a reply still takes so long looks when this part of the time is left.
constexpr int kDoubtPart = 8;
/// Sleeps of all ports end on a common grid, so that one wake-up serves several. The grid is as coarse as it can be
/// without lengthening a sleep by more than this part, but never finer than what the ports take one after another.
constexpr int kGridPart = 16;
constexpr Clock::duration kCoarsestGrid = 4ms, kFinestGrid = 500us;
/// A request that follows a reply within this time was waiting for it.
constexpr auto kAtOnce = 1ms;
/// A rest up to this is part of the sleep for the reply before it: one wake-up for both.
constexpr Clock::duration kShortRest = 4ms;
/// Replies do not come at the same moment every time; so much later, and the rest is still whole.
constexpr Clock::duration kRestMargin = 2ms;

Clock::time_point on_grid(Clock::time_point end, Clock::duration sleep) {
  auto grid = kCoarsestGrid;
  while (grid > kFinestGrid && grid * kGridPart > sleep) {
    grid /= 2;
  }
  const auto past = end.time_since_epoch() % grid;
  return past.count() == 0 ? end : end + (grid - past);
}

} // namespace

ExchangeEngine::ExchangeEngine(asio::io_context& io, std::unique_ptr<ByteChannel> channel)
    : io_(io), channel_(std::move(channel)), descriptor_(io), timer_(io) {}

ExchangeEngine::~ExchangeEngine() {
  shut();
}

// -- opening and closing -------------------------------------------------------

void ExchangeEngine::open(OpenHandler handler) {
  if (state_ != State::closed) {
    asio::post(io_, life_.guard([handler = std::move(handler)] {
      handler(Error{Fault::internal, "open() of a link that is open"});
    }));
    return;
  }
  session_.renew();
  state_ = State::opening;
  on_open_ = std::move(handler);
  channel_->open(session_.guard([this](Result<int> fd) { opened(std::move(fd)); }));
}

void ExchangeEngine::opened(Result<int> fd) {
  fd_ = fd ? *fd : -1;
  auto result = fd ? listen() : Result<void>(fd.error());
  if (result) {
    state_ = State::idle;
    unsettled_ = false;
    reply_habit_ = {};
    rest_habit_ = {};
    replied_at_ = {};
    last_activity_ = Clock::now();
  } else {
    shut();
  }
  asio::post(io_, life_.guard([handler = std::exchange(on_open_, nullptr), result] { handler(result); }));
}

void ExchangeEngine::close() {
  bool opening = state_ == State::opening;
  bool busy = state_ > State::idle;
  shut();
  if (busy) {
    finish({Fault::link, "closed"});
  } else if (opening) {
    asio::post(io_, life_.guard([handler = std::exchange(on_open_, nullptr)] {
      handler(Error{Fault::link, "closed"});
    }));
  }
}

void ExchangeEngine::shut() {
  session_.renew();
  timer_.cancel();
  if (descriptor_.is_open()) {
    descriptor_.release(); // the channel closes it
  }
  channel_->close();
  state_ = State::closed;
}

void ExchangeEngine::lost(const std::string& reason) {
  bool busy = state_ > State::idle;
  shut();
  if (busy) {
    finish({Fault::link, reason});
  }
  asio::post(io_, session_.guard([this, reason] {
    if (on_lost) {
      on_lost(reason);
    }
  }));
}

// -- one exchange ----------------------------------------------------------------

void ExchangeEngine::exchange(Request request, ReplyHandler handler) {
  if (state_ != State::idle || request.scan == nullptr) {
    Error error =
        state_ == State::closed || state_ == State::opening
            ? Error{Fault::link, "not open"}
            : Error{Fault::internal, state_ == State::idle ? "request without a scanner" : "exchange running"};
    asio::post(io_, life_.guard([handler = std::move(handler), error] {
      Reply reply;
      reply.error = error;
      handler(std::move(reply));
    }));
    return;
  }
  const auto now = Clock::now();
  const auto rest = std::max<Clock::duration>(request.gap, rest_habit_.needed());
  const bool followed = !unsettled_ && now - looked_at_ < kAtOnce && rest <= kShortRest;
  reply_habit_.followed(request_.tx, followed ? rest : Clock::duration{0});
  const bool hurried = std::exchange(rested_, false) && followed;
  before_.assign(request_.tx.begin(), hurried ? request_.tx.end() : request_.tx.begin());
  request_ = std::move(request);
  on_reply_ = std::move(handler);
  rx_.clear();
  sent_ = 0;
  state_ = State::quieting;
  limit_ = now + request_.gap + request_.between + kQuietLimit;
  become_quiet();
}

/// Reading until nothing is left also empties what the driver has not handed on yet, which tcflush
/// would leave there.
void ExchangeEngine::become_quiet() {
  Clock::duration quiet = std::max<Clock::duration>(request_.gap, rest_habit_.needed());
  if (unsettled_) {
    quiet = std::max<Clock::duration>(quiet, request_.between);
  }
  const auto now = Clock::now();
  auto from = last_activity_ + quiet;
  if (from <= now) {
    if (!read_input(false)) {
      return;
    }
    from = last_activity_ + quiet; // later, if there was something
  }
  if (from <= now) {
    state_ = State::sending;
    send();
  } else if (from > limit_) {
    finish({Fault::timeout, "the line is never quiet"});
  } else {
    arm(on_grid(from, quiet), [this] { become_quiet(); });
  }
}

void ExchangeEngine::send() {
  while (sent_ < request_.tx.size()) {
    auto written = ::write(fd_, request_.tx.data() + sent_, request_.tx.size() - sent_);
    if (written >= 0) {
      sent_ += static_cast<std::size_t>(written);
      continue;
    }
    if (errno == EINTR) {
      continue;
    }
    if (errno != EAGAIN) {
      lost(std::strerror(errno));
      return;
    }
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                           session_.guard([this](const std::error_code& error) {
                             if (!error && state_ == State::sending) {
                               send();
                             }
                           }));
    arm(Clock::now() + channel_->wire_time(request_.tx.size()) + kQuietLimit, [this] {
      finish({Fault::timeout, "the request could not be sent"});
    });
    return;
  }
  sent_at_ = Clock::now() + channel_->wire_time(request_.tx.size());
  last_activity_ = sent_at_;
  receive();
}

void ExchangeEngine::receive() {
  state_ = State::receiving;
  limit_ = sent_at_ + request_.first_byte + kPatienceWire * channel_->wire_time(request_.max_reply) +
           kPatiencePauses * request_.between;
  scan_ = request_.scan(request_.tx, rx_, false);
  sleeps_ = 0;
  expected_ = reply_habit_.expected(request_.tx);
  if (!expected_) {
    wait_for(scan_.need);
  } else if (expected_->doubt) {
    sleep_until(on_grid(sent_at_ + expected_->after / kDoubtPart * (kDoubtPart - 1), expected_->after));
  } else {
    sleep_until(usual_end());
  }
}

Clock::time_point ExchangeEngine::usual_end() const {
  const auto rest = expected_->rest;
  const auto after = expected_->after + (rest.count() > 0 ? rest + kRestMargin : kSleepMargin);
  return on_grid(sent_at_ + after, after);
}

void ExchangeEngine::wait_for(std::size_t bytes) {
  if (expected_ && expected_->doubt && sleeps_ == 1 && Clock::now() < usual_end()) { // not there yet, as ever
    reply_habit_.came_as_ever(request_.tx);
    expected_->doubt = false;
    sleeps_ = 0;
    sleep_until(usual_end());
    return;
  }
  if (sleep_again(bytes)) {
    return;
  }
  if (!listening()) {
    if (auto result = listen(); !result) {
      lost(result.error().detail);
      return;
    }
  }
  bytes = std::clamp<std::size_t>(bytes, 1, kMaxWake);
  channel_->wake_at(bytes);
  // Only the last of these bytes wakes us, so their wire time comes on top of the limit.
  auto wire = channel_->wire_time(bytes);
  auto deadline = rx_.empty() ? sent_at_ + request_.first_byte + wire : last_activity_ + request_.between + wire;
  arm(std::min(deadline, limit_), [this] { on_deadline(); });
}

void ExchangeEngine::sleep_until(Clock::time_point end) {
  ++sleeps_;
  if (listening()) {
    descriptor_.release();
  }
  arm(std::min(end, limit_), [this] {
    if (read_input(true)) {
      look(false);
    }
  });
}

/// What was expected is on its way but not complete: it takes its wire time.
bool ExchangeEngine::sleep_again(std::size_t bytes) {
  const std::size_t usual = expected_ ? expected_->bytes : 0;
  bytes = std::max(bytes, usual - std::min(usual, rx_.size()));
  const auto wire = channel_->wire_time(bytes);
  if (sleeps_ == 0 || sleeps_ >= kMaxSleeps || rx_.empty() || wire.count() == 0 || wire > request_.between) {
    return false;
  }
  sleep_until(Clock::now() + wire + kSleepMargin);
  return true;
}

void ExchangeEngine::on_readable() {
  if (state_ == State::receiving) {
    if (read_input(true)) {
      watch();
      look(false);
    }
    return;
  }
  if (state_ == State::idle) {
    channel_->wake_at(kMaxWake); // nobody has asked: a chattering line shall not wake us per byte
  }
  if (read_input(false)) {
    watch();
  }
}

void ExchangeEngine::on_deadline() {
  auto before = rx_.size();
  if (read_input(true)) {
    look(rx_.size() == before);
  }
}

void ExchangeEngine::look(bool silence) {
  if (!rx_.empty()) {
    scan_ = request_.scan(request_.tx, rx_, silence);
  }
  switch (scan_.state) {
  case FrameScan::State::complete:
    if (scan_.begin <= rx_.size() && scan_.size <= rx_.size() - scan_.begin) {
      rest_habit_.answered(request_.tx);
      looked_at_ = last_activity_;
      if (!silence) {
        learn();
      }
      replied_at_ = last_activity_;
      conclude({});
    } else {
      conclude({Fault::internal, "the scanner names bytes that are not there"});
    }
    return;
  case FrameScan::State::failed:
    conclude({scan_.fault == Fault::none ? Fault::framing : scan_.fault, std::string(scan_.detail)});
    return;
  case FrameScan::State::incomplete: break;
  }
  bool too_long = rx_.size() >= request_.max_reply;
  if (!silence && !too_long && Clock::now() < limit_) {
    wait_for(scan_.need);
  } else if (scan_.fault != Fault::none) {
    conclude({scan_.fault, std::string(scan_.detail)}); // says more than "too late"
  } else if (rx_.empty()) {
    rest_habit_.unanswered(request_.tx, sent_at_ - channel_->wire_time(request_.tx.size()) - replied_at_);
    conclude({Fault::timeout, "no answer"});
  } else if (too_long) {
    conclude({Fault::framing, "no reply in " + std::to_string(rx_.size()) + " bytes"});
  } else {
    conclude({Fault::timeout, "answer breaks off after " + std::to_string(rx_.size()) + " bytes"});
  }
}

void ExchangeEngine::learn() {
  const ReplyHabit::Expected reply = {scan_.begin + scan_.size, last_activity_ - sent_at_, {}};
  if (sleeps_ == 0) {
    reply_habit_.heard(request_.tx, reply);
  } else if (sleeps_ > 1 || listening()) {
    reply_habit_.came_late(request_.tx, reply);
  } else {
    if (expected_->doubt) {
      const bool early = reply.after < expected_->after;
      early ? reply_habit_.came_early(request_.tx) : reply_habit_.came_as_ever(request_.tx);
    }
    rested_ = expected_->rest.count() > 0;
    if (rested_) {
      last_activity_ = std::min(last_activity_, sent_at_ + expected_->after); // it was there already
    }
  }
}

void ExchangeEngine::finish(Error error) {
  asio::post(io_, life_.guard([handler = std::exchange(on_reply_, nullptr),
                               reply = settle(std::move(error))]() mutable { handler(std::move(reply)); }));
}

void ExchangeEngine::conclude(Error error) {
  const auto handler = std::exchange(on_reply_, nullptr);
  handler(settle(std::move(error)));
}

Reply ExchangeEngine::settle(Error error) {
  timer_.cancel();
  ++timer_round_;
  if (state_ != State::closed) {
    state_ = State::idle;
  }
  unsettled_ = error.fault != Fault::none;
  if (unsettled_ && !before_.empty()) {
    reply_habit_.led_to_a_failure(before_);
  }
  if (unsettled_ && state_ == State::idle && !listening()) {
    (void)listen(); // the device may have gone: the next exchange would tell, this tells at once
  }
  Reply reply;
  reply.begin = unsettled_ ? 0 : scan_.begin;
  reply.size = unsettled_ ? 0 : scan_.size;
  reply.error = std::move(error);
  reply.rx = std::move(rx_);
  rx_ = {};
  return reply;
}

// -- the descriptor ----------------------------------------------------------------

Result<void> ExchangeEngine::listen() {
  std::error_code error;
  descriptor_.assign(fd_, error);
  if (error) {
    return Error{Fault::link, describe() + ": " + error.message()};
  }
  watch();
  return {};
}

/// Also while idle: that is how an unplugged adapter is noticed at once.
void ExchangeEngine::watch() {
  descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                         session_.guard([this](const std::error_code& error) {
                           if (!error) {
                             on_readable();
                           }
                         }));
}

bool ExchangeEngine::read_input(bool keep) {
  // Bounded: an endless source must not hold the I/O thread.
  constexpr int kMaxReads = 16;
  std::array<std::uint8_t, kReadChunk> buffer; // NOLINT(cppcoreguidelines-pro-type-member-init): filled by read
  for (int reads = 0; reads < kMaxReads; ++reads) {
    auto size =
        keep ? std::min(buffer.size(), request_.max_reply - std::min(rx_.size(), request_.max_reply)) : buffer.size();
    if (size == 0) {
      return true;
    }
    auto count = ::read(fd_, buffer.data(), size);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0 && errno == EAGAIN) {
      return true;
    }
    if (count <= 0) {
      lost(count == 0 ? "the other end hung up" : std::strerror(errno));
      return false;
    }
    last_activity_ = Clock::now();
    if (keep) {
      rx_.insert(rx_.end(), buffer.begin(), buffer.begin() + count);
      return true;
    }
    if (static_cast<std::size_t>(count) < size) {
      return true;
    }
  }
  return true;
}

template <class Handler>
void ExchangeEngine::arm(Clock::time_point deadline, Handler handler) {
  timer_.expires_at(deadline);
  timer_.async_wait(session_.guard(
      [this, round = ++timer_round_, handler = std::move(handler)](const std::error_code& error) mutable {
        if (!error && round == timer_round_) {
          handler();
        }
      }));
}

} // namespace bmsd::transports
