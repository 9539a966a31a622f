#include "pty.hpp"
#include "test_frame.hpp"

#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <thread>

namespace bmsd::transports::test {
namespace {

using testing::HasSubstr;

class Serial : public testing::Test {
protected:
  Serial() { link = make(); }

  std::unique_ptr<ExchangeLink> make() {
    SerialOptions options;
    options.path = pty.path();
    options.line.baud = 115200;
    return make_serial_link(io, options);
  }

  void start(Request request) {
    reply.reset();
    link->exchange(std::move(request), [this](Reply r) { reply = std::move(r); });
    EXPECT_FALSE(reply) << "answered inside exchange()";
  }
  bool done(Clock::duration limit = 5s) {
    return run_until(
        io, [this] { return reply.has_value(); }, limit);
  }
  /// The whole exchange, with an answer that is there as soon as the request is.
  Reply answer(Request request, const Bytes& bytes) {
    auto tx = request.tx;
    start(std::move(request));
    EXPECT_EQ(pty.read_at_least(io, tx.size()), tx);
    pty.write(bytes);
    EXPECT_TRUE(done());
    return reply.value_or(Reply{});
  }

  asio::io_context io;
  Pty pty;
  std::unique_ptr<ExchangeLink> link;
  std::optional<Reply> reply;
};

Bytes content(const Reply& reply) {
  return {reply.view().begin(), reply.view().end()};
}

TEST_F(Serial, exchange) {
  ASSERT_TRUE(open(io, *link));
  auto expected = frame_reply(3, {1, 2, 3});
  auto got = answer(frame_request(3), expected);
  EXPECT_EQ(got.error.fault, Fault::none) << got.error.detail;
  EXPECT_EQ(content(got), expected);
  EXPECT_EQ(link->describe(), "Serial " + pty.path());
}

TEST_F(Serial, reply_split_at_every_byte) {
  ASSERT_TRUE(open(io, *link));
  auto expected = frame_reply(3, {0xA5, 0xA5, 1, 0xA5, 7});
  for (std::size_t split = 1; split < expected.size(); ++split) {
    start(frame_request(3));
    pty.read_at_least(io, 2);
    pty.write(ByteView(expected).first(split));
    run_for(io, 3ms);
    EXPECT_FALSE(reply);
    pty.write(ByteView(expected).subspan(split));
    ASSERT_TRUE(done());
    EXPECT_EQ(reply->error.fault, Fault::none) << split << " " << reply->error.detail;
    EXPECT_EQ(content(*reply), expected);
  }
}

TEST_F(Serial, garbage_before_and_after_the_reply) {
  ASSERT_TRUE(open(io, *link));
  auto expected = frame_reply(3, {1, 2, 3});
  Bytes line = {0x00, 0xFF, 0x13};
  line.insert(line.end(), expected.begin(), expected.end());
  line.insert(line.end(), {0x42, 0x43});
  auto got = answer(frame_request(3), line);
  EXPECT_EQ(got.error.fault, Fault::none);
  EXPECT_EQ(got.begin, 3U);
  EXPECT_EQ(content(got), expected);
  EXPECT_EQ(answer(frame_request(4), frame_reply(4, {})).error.fault, Fault::none);
}

TEST_F(Serial, no_answer_is_a_timeout_after_first_byte) {
  ASSERT_TRUE(open(io, *link));
  auto begin = Clock::now();
  start(frame_request(3));
  ASSERT_TRUE(done());
  EXPECT_EQ(reply->error, (Error{Fault::timeout, "no answer"}));
  EXPECT_GT(seconds_since(begin), 0.149);
  EXPECT_LT(seconds_since(begin), 0.6);
}

// VMIN holds back three bytes when four are asked for; they must come out all the same.
TEST_F(Serial, short_reply_followed_by_silence_is_read_at_the_timeout) {
  ASSERT_TRUE(open(io, *link));
  auto begin = Clock::now();
  auto got = answer(frame_request(3), {0xA5, 3, 0});
  EXPECT_EQ(got.error, (Error{Fault::timeout, "answer breaks off after 3 bytes"}));
  EXPECT_EQ(got.rx, (Bytes{0xA5, 3, 0}));
  EXPECT_LT(seconds_since(begin), 0.6);
}

TEST_F(Serial, truncated_in_the_payload) {
  ASSERT_TRUE(open(io, *link));
  auto whole = frame_reply(3, Bytes(40, 7));
  auto got = answer(frame_request(3), Bytes(whole.begin(), whole.end() - 1));
  EXPECT_EQ(got.error.fault, Fault::timeout);
  EXPECT_EQ(got.rx.size(), whole.size() - 1);
}

TEST_F(Serial, wrong_checksum_says_more_than_a_timeout) {
  ASSERT_TRUE(open(io, *link));
  auto damaged = frame_reply(3, {1, 2, 3});
  damaged.back() ^= 1;
  EXPECT_EQ(answer(frame_request(3), damaged).error, (Error{Fault::checksum, "sum"}));
}

TEST_F(Serial, stale_input_is_no_answer) {
  ASSERT_TRUE(open(io, *link));
  start(frame_request(3));
  ASSERT_TRUE(done());
  EXPECT_EQ(reply->error.fault, Fault::timeout);
  EXPECT_EQ(pty.read(), (Bytes{0x5A, 3}));
  pty.write(frame_reply(3, {1}));
  run_for(io, 20ms);
  auto fresh = frame_reply(3, {2});
  auto got = answer(frame_request(3), fresh);
  EXPECT_EQ(got.error.fault, Fault::none);
  EXPECT_EQ(got.rx, fresh) << "without the stale bytes";
}

// Bytes that came while nobody ran the loop are in the kernel, not in the link: also stale.
TEST_F(Serial, stale_input_in_the_kernel_is_no_answer) {
  ASSERT_TRUE(open(io, *link));
  pty.write(frame_reply(3, {1}));
  start(frame_request(3));
  pty.read_at_least(io, 2);
  auto fresh = frame_reply(3, {2});
  pty.write(fresh);
  ASSERT_TRUE(done());
  EXPECT_EQ(reply->rx, fresh);
}

TEST_F(Serial, late_reply_to_an_earlier_request_does_not_answer_the_next) {
  ASSERT_TRUE(open(io, *link));
  start(frame_request(3));
  ASSERT_TRUE(done());
  start(frame_request(4));
  EXPECT_EQ(pty.read_at_least(io, 4), (Bytes{0x5A, 3, 0x5A, 4}));
  pty.write(frame_reply(3, {1}));
  run_for(io, 5ms);
  EXPECT_FALSE(reply);
  auto expected = frame_reply(4, {2});
  pty.write(expected);
  ASSERT_TRUE(done());
  EXPECT_EQ(content(*reply), expected);
}

// After a broken reply the rest of it may still be under way.
TEST_F(Serial, after_a_failure_the_line_must_be_quiet_first) {
  ASSERT_TRUE(open(io, *link));
  auto damaged = frame_reply(3, {1, 2, 3});
  damaged.back() ^= 1;
  answer(frame_request(3), damaged);
  pty.write(Bytes{1});
  run_for(io, 5ms);
  auto begin = Clock::now();
  start(frame_request(4));
  run_for(io, 15ms);
  EXPECT_TRUE(pty.read().empty());
  EXPECT_EQ(pty.read_at_least(io, 2), (Bytes{0x5A, 4}));
  EXPECT_GT(seconds_since(begin), 0.030);
  pty.write(frame_reply(4, {}));
  ASSERT_TRUE(done());
  EXPECT_EQ(reply->error.fault, Fault::none);
}

TEST_F(Serial, gap_before_the_request) {
  ASSERT_TRUE(open(io, *link));
  answer(frame_request(3), frame_reply(3, {}));
  auto request = frame_request(4);
  request.gap = 100ms;
  auto begin = Clock::now();
  start(request);
  EXPECT_EQ(pty.read_at_least(io, 2), (Bytes{0x5A, 4}));
  EXPECT_GT(seconds_since(begin), 0.08);
  EXPECT_LT(seconds_since(begin), 0.5);
}

TEST_F(Serial, line_that_is_never_quiet) {
  ASSERT_TRUE(open(io, *link));
  auto request = frame_request(4);
  request.gap = 50ms;
  request.between = 50ms;
  start(request);
  EXPECT_TRUE(run_until(io, [&] {
    pty.write(Bytes{0x55});
    return reply.has_value();
  }));
  EXPECT_EQ(reply->error, (Error{Fault::timeout, "the line is never quiet"}));
  EXPECT_TRUE(pty.read().empty()) << "nothing was sent into the noise";
}

TEST_F(Serial, endless_garbage_is_bounded) {
  ASSERT_TRUE(open(io, *link));
  auto request = frame_request(3);
  request.max_reply = 600;
  start(request);
  pty.read_at_least(io, 2);
  EXPECT_TRUE(run_until(io, [&] {
    Bytes noise(97, 0x11);
    EXPECT_NE(::write(pty.master(), noise.data(), noise.size()), 0);
    return reply.has_value();
  }));
  EXPECT_EQ(reply->error.fault, Fault::framing);
  EXPECT_EQ(reply->rx.size(), 600U);
}

TEST_F(Serial, device_that_dribbles_for_ever_is_bounded_in_time) {
  ASSERT_TRUE(open(io, *link));
  auto request = frame_request(3);
  request.between = 20ms;
  auto begin = Clock::now();
  start(request);
  EXPECT_TRUE(run_until(io, [&] {
    pty.write(Bytes{0x11});
    std::this_thread::sleep_for(8ms);
    return reply.has_value();
  }));
  EXPECT_NE(reply->error.fault, Fault::none);
  EXPECT_LT(seconds_since(begin), 1.5);
}

FrameScan until_silence(ByteView, ByteView rx, bool silence) {
  FrameScan scan;
  if (silence) {
    scan.state = rx.size() >= 3 ? FrameScan::State::complete : FrameScan::State::failed;
    scan.size = rx.size();
    scan.fault = Fault::truncated;
    scan.detail = "too short";
  }
  return scan;
}

TEST_F(Serial, reply_that_ends_by_silence) {
  ASSERT_TRUE(open(io, *link));
  auto request = frame_request(3);
  request.scan = until_silence;
  auto begin = Clock::now();
  auto got = answer(request, {1, 2, 3, 4});
  EXPECT_EQ(got.error.fault, Fault::none);
  EXPECT_EQ(content(got), (Bytes{1, 2, 3, 4}));
  EXPECT_GT(seconds_since(begin), 0.039);
  EXPECT_EQ(answer(request, {1}).error, (Error{Fault::truncated, "too short"}));
}

/// Sends `bytes` at the pace of 9600 baud from a thread of its own.
std::thread paced(int fd, Bytes bytes) {
  return std::thread([fd, bytes = std::move(bytes)] {
    auto next = Clock::now();
    for (auto byte : bytes) {
      next += 1042us;
      std::this_thread::sleep_until(next);
      EXPECT_EQ(::write(fd, &byte, 1), 1);
    }
  });
}

// A reply at line speed costs a wake-up per step of the scanner, not one per byte; once the pace is
// known, the kernel does not wake the thread for the bytes in between either.
TEST_F(Serial, paced_reply_costs_few_wakeups) {
  ASSERT_TRUE(link->set_line({9600, Parity::none}));
  ASSERT_TRUE(open(io, *link));
  for (int round = 0; round < 4; ++round) {
    start(frame_request(3));
    pty.read_at_least(io, 2);
    auto expected = frame_reply(3, Bytes(60, 7));
    rusage before{};
    ::getrusage(RUSAGE_THREAD, &before);
    auto device = paced(pty.master(), expected);
    std::size_t handlers = 0;
    auto end = Clock::now() + 5s;
    while (!reply && Clock::now() < end) {
      io.restart();
      handlers += io.run_one_for(100ms);
    }
    rusage after{};
    ::getrusage(RUSAGE_THREAD, &after);
    device.join();
    ASSERT_TRUE(reply);
    EXPECT_EQ(content(*reply), expected) << reply->error.detail;
    EXPECT_LE(handlers, 20U);
    if (round > 0) {
      EXPECT_LE(after.ru_nvcsw - before.ru_nvcsw, 30) << "of 64 bytes";
    }
  }
}

// What comes faster than the line must not be waited for at line speed.
TEST_F(Serial, fast_reply_after_paced_ones_is_not_delayed_twice) {
  ASSERT_TRUE(link->set_line({1200, Parity::none}));
  ASSERT_TRUE(open(io, *link));
  auto request = frame_request(3);
  auto expected = frame_reply(3, Bytes(20, 7));
  for (int round = 0; round < 2; ++round) {
    start(request);
    pty.read_at_least(io, 2);
    for (auto byte : expected) {
      pty.write(Bytes{byte});
      run_for(io, 8ms);
    }
    ASSERT_TRUE(done());
    EXPECT_EQ(reply->error.fault, Fault::none) << reply->error.detail;
  }
  answer(request, expected); // sleeps once on the belief in the pace
  auto begin = Clock::now();
  EXPECT_EQ(answer(request, expected).error.fault, Fault::none);
  EXPECT_LT(seconds_since(begin), 0.05) << "24 bytes take 200 ms at 1200 baud";
}

TEST_F(Serial, request_time_limits_include_the_wire_time) {
  ASSERT_TRUE(link->set_line({1200, Parity::none}));
  ASSERT_TRUE(open(io, *link));
  auto request = frame_request(3);
  request.tx.resize(24); // 200 ms at 1200 baud
  auto begin = Clock::now();
  start(request);
  ASSERT_TRUE(done());
  EXPECT_EQ(reply->error.fault, Fault::timeout);
  EXPECT_GT(seconds_since(begin), 0.34);
  EXPECT_LT(seconds_since(begin), 0.8);
}

TEST_F(Serial, hang_up_while_idle_then_open_again) {
  std::string reason;
  link->on_lost = [&](std::string text) { reason = std::move(text); };
  ASSERT_TRUE(open(io, *link));
  pty.hang_up();
  ASSERT_TRUE(run_until(io, [&] { return !reason.empty(); }));
  EXPECT_EQ(reason, "the other end hung up");

  start(frame_request(3));
  ASSERT_TRUE(done());
  EXPECT_EQ(reply->error.fault, Fault::link);

  auto gone = open(io, *link);
  EXPECT_FALSE(gone);
  pty.renew();
  auto again = make();
  EXPECT_TRUE(open(io, *again));
}

TEST_F(Serial, hang_up_during_an_exchange) {
  bool lost = false;
  link->on_lost = [&](const std::string&) {
    EXPECT_TRUE(reply) << "the exchange ends first";
    lost = true;
  };
  ASSERT_TRUE(open(io, *link));
  start(frame_request(3));
  pty.read_at_least(io, 2);
  pty.hang_up();
  ASSERT_TRUE(run_until(io, [&] { return lost; }));
  EXPECT_EQ(reply->error.fault, Fault::link);
}

TEST_F(Serial, resolver_finds_the_adapter_elsewhere) {
  std::string where = pty.path();
  SerialOptions options;
  options.path = "/dev/ttyUSB0";
  options.resolve = [&] { return where; };
  link = make_serial_link(io, options);
  bool lost = false;
  link->on_lost = [&](const std::string&) { lost = true; };
  ASSERT_TRUE(open(io, *link));
  Pty other;
  pty.hang_up();
  ASSERT_TRUE(run_until(io, [&] { return lost; }));
  where.clear();
  auto absent = open(io, *link);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().detail, "Serial /dev/ttyUSB0: the adapter is not plugged in");
  where = other.path();
  ASSERT_TRUE(open(io, *link));
  start(frame_request(9));
  EXPECT_EQ(other.read_at_least(io, 2), (Bytes{0x5A, 9}));
}

TEST_F(Serial, close_ends_the_exchange_and_is_no_loss) {
  link->on_lost = [](const std::string&) { FAIL() << "closed on purpose"; };
  ASSERT_TRUE(open(io, *link));
  start(frame_request(3));
  link->close();
  EXPECT_FALSE(reply);
  ASSERT_TRUE(done());
  EXPECT_EQ(reply->error.fault, Fault::link);
  run_for(io, 200ms);
  EXPECT_TRUE(open(io, *link));
}

TEST_F(Serial, nothing_is_called_after_the_destructor) {
  ASSERT_TRUE(open(io, *link));
  start(frame_request(3));
  link.reset();
  run_for(io, 250ms);
  EXPECT_FALSE(reply);
}

TEST_F(Serial, second_exchange_is_refused_and_the_first_goes_on) {
  ASSERT_TRUE(open(io, *link));
  start(frame_request(3));
  std::optional<Reply> second;
  link->exchange(frame_request(4), [&](Reply r) { second = std::move(r); });
  ASSERT_TRUE(run_until(io, [&] { return second.has_value(); }));
  EXPECT_EQ(second->error.fault, Fault::internal);
  pty.read_at_least(io, 2);
  pty.write(frame_reply(3, {}));
  ASSERT_TRUE(done());
  EXPECT_EQ(reply->error.fault, Fault::none);
}

TEST_F(Serial, refused_while_another_process_holds_the_port) {
  int ready[2];
  int quit[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(quit), 0);
  auto child = ::fork();
  if (child == 0) {
    int fd = ::open(pty.path().c_str(), O_RDWR | O_NOCTTY);
    ::flock(fd, LOCK_EX);
    char byte = 1;
    (void)!::write(ready[1], &byte, 1);
    (void)!::read(quit[0], &byte, 1);
    ::_exit(0);
  }
  char byte;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  auto refused = open(io, *link);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("used by another program"));
  ASSERT_EQ(::write(quit[1], &byte, 1), 1);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(open(io, *link));
  for (int fd : {ready[0], ready[1], quit[0], quit[1]}) {
    ::close(fd);
  }
}

TEST_F(Serial, errors_of_open_are_clear) {
  SerialOptions options;
  options.path = "/dev/no-such-tty";
  auto missing = open(io, *make_serial_link(io, options));
  EXPECT_EQ(missing.error(), (Error{Fault::link, "/dev/no-such-tty: No such file or directory"}));
  options.path = "/dev/null";
  auto wrong = open(io, *make_serial_link(io, options));
  EXPECT_EQ(wrong.error(), (Error{Fault::link, "/dev/null: not a serial port"}));
}

TEST_F(Serial, line_settings) {
  ASSERT_TRUE(open(io, *link));
  int slave = ::open(pty.path().c_str(), O_RDWR | O_NOCTTY);
  if (slave < 0) { // TIOCEXCL stops everybody but root, as it should
    EXPECT_EQ(errno, EBUSY);
    slave = ::dup(pty.master()); // both ends of a pty share the settings
  }
  for (int baud : {1200, 9600, 19200, 115200, 921600, 250000, 12345}) {
    for (auto parity : {Parity::none, Parity::even, Parity::odd}) {
      ASSERT_TRUE(link->set_line({baud, parity}));
      termios now{};
      ASSERT_EQ(::tcgetattr(slave, &now), 0);
      // A pty drops the parity bits; what is left must be raw.
      EXPECT_EQ(now.c_cflag & static_cast<unsigned>(CSIZE), static_cast<unsigned>(CS8));
      EXPECT_TRUE(now.c_cflag & CLOCAL);
      EXPECT_FALSE(now.c_cflag & HUPCL);
      EXPECT_EQ(now.c_lflag & static_cast<unsigned>(ICANON | ECHO | ISIG), 0U);
      EXPECT_EQ(now.c_oflag & static_cast<unsigned>(OPOST), 0U);
      EXPECT_EQ(now.c_iflag & static_cast<unsigned>(IXON | IXOFF | ICRNL | INLCR | ISTRIP), 0U);
    }
  }
  ::close(slave);
  EXPECT_EQ(link->set_line({0, Parity::none}).error().fault, Fault::rejected);
  auto expected = frame_reply(3, {1});
  EXPECT_EQ(content(answer(frame_request(3), expected)), expected) << "still usable";
}

} // namespace
} // namespace bmsd::transports::test
