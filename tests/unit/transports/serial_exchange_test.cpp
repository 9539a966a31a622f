// Questions and answers on a serial line: what is taken for the answer, and when.
#include "serial_fixture.hpp"

#include <sys/resource.h>

#include <thread>

namespace bmsd::transports::test {
namespace {

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

// It does not hear what comes too soon after its reply. Once is a repetition; from then on it gets its rest.
TEST_F(Serial, device_that_wants_a_rest_gets_it) {
  ASSERT_TRUE(open(io, *link));
  auto rest = Clock::duration::zero();
  for (int poll = 0; poll < 10 && rest < 20ms; ++poll) { // once, unless something else takes the processor meanwhile
    answer(frame_request(3), frame_reply(3, {1}));
    const auto replied = Clock::now();
    start(frame_request(4));
    pty.read_at_least(io, 2);
    rest = Clock::now() - replied;
    if (rest < 20ms) {
      ASSERT_TRUE(done());
      EXPECT_EQ(reply->error, (Error{Fault::timeout, "no answer"}));
      EXPECT_EQ(answer(frame_request(4), frame_reply(4, {2})).error.fault, Fault::none);
    }
  }
  EXPECT_GE(rest, 20ms);
  pty.write(frame_reply(4, {2}));
  ASSERT_TRUE(done());
  EXPECT_EQ(reply->error.fault, Fault::none) << reply->error.detail;
}

// Where the next request comes as soon as it may, its rest is part of the sleep for the reply before it.
TEST_F(Serial, short_rest_costs_no_wake_up) {
  ASSERT_TRUE(open(io, *link));
  auto second = frame_request(4);
  second.gap = 4ms;
  std::size_t fewest = 100;
  auto shortest = Clock::duration::max(), longest = Clock::duration::zero();
  for (int poll = 0; poll < 6; ++poll) {
    Bytes next;
    link->exchange(frame_request(3), [&](const Reply& first) {
      EXPECT_EQ(first.error.fault, Fault::none) << first.error.detail;
      start(second);
    });
    EXPECT_EQ(pty.read_at_least(io, 2), (Bytes{0x5A, 3}));
    const auto requested = Clock::now();
    run_for(io, 30ms);
    pty.write(frame_reply(3, {1}));
    const auto replied = Clock::now();
    const bool as_ever = replied - requested < 31ms; // or something else took the processor
    std::size_t handlers = 0;
    while (next.empty() && Clock::now() < replied + 5s) {
      io.restart();
      handlers += io.run_one_for(1ms);
      next = pty.read();
    }
    const auto rest = Clock::now() - replied;
    EXPECT_EQ(next, (Bytes{0x5A, 4}));
    if (poll >= 2 && as_ever) { // the first teaches how long the reply takes, the second what comes after it
      fewest = std::min(fewest, handlers);
      shortest = std::min(shortest, rest);
    }
    longest = std::max(longest, rest);
    pty.write(frame_reply(4, {2}));
    ASSERT_TRUE(done());
  }
  EXPECT_TRUE(fewest == 1 || fewest == 100) << fewest;
  EXPECT_GE(shortest, 3ms) << "the reply comes when it used to, so this is the rest, give or take a little";
  EXPECT_LT(longest, 100ms);
}

// What was slept for two at once is no rest that anybody has seen: when the device misses a request, the engine
// listens.
TEST_F(Serial, rest_that_was_too_short_is_measured_anew) {
  ASSERT_TRUE(open(io, *link));
  auto second = frame_request(4);
  second.gap = 4ms;
  second.first_byte = 60ms;
  auto rest = Clock::duration::zero();
  for (int poll = 0; poll < 5; ++poll) {
    link->exchange(frame_request(3), [&](const Reply& first) {
      EXPECT_EQ(first.error.fault, Fault::none) << first.error.detail;
      start(second);
    });
    EXPECT_EQ(pty.read_at_least(io, 2), (Bytes{0x5A, 3}));
    run_for(io, poll < 3 ? 30ms : 34ms); // later than it used to be, and heard by nobody
    pty.write(frame_reply(3, {1}));
    const auto replied = Clock::now();
    EXPECT_EQ(pty.read_at_least(io, 2), (Bytes{0x5A, 4}));
    rest = Clock::now() - replied;
    if (poll != 3) {
      pty.write(frame_reply(4, {2}));
    }
    ASSERT_TRUE(done());
    EXPECT_EQ(reply->error.fault, poll == 3 ? Fault::timeout : Fault::none) << reply->error.detail;
  }
  EXPECT_GE(rest, 4ms);
}

TEST_F(Serial, device_that_slept_wants_no_rest) {
  ASSERT_TRUE(open(io, *link));
  start(frame_request(3));
  pty.read_at_least(io, 2);
  ASSERT_TRUE(done());
  EXPECT_EQ(reply->error, (Error{Fault::timeout, "no answer"}));
  auto shortest = Clock::duration::max();
  for (int poll = 0; poll < 10; ++poll) {
    EXPECT_EQ(answer(frame_request(3), frame_reply(3, {1})).error.fault, Fault::none);
    const auto replied = Clock::now();
    start(frame_request(4));
    pty.read_at_least(io, 2);
    shortest = std::min(shortest, Clock::now() - replied);
    pty.write(frame_reply(4, {2}));
    ASSERT_TRUE(done());
  }
  EXPECT_LT(shortest, 20ms);
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
  long switches = 0;
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
    switches += round > 0 ? after.ru_nvcsw - before.ru_nvcsw : 0;
  }
  EXPECT_LT(switches, 3 * 64 / 2) << "for 3 replies of 64 bytes";

  auto refusal = frame_reply(3, {});
  EXPECT_EQ(content(answer(frame_request(3), refusal)), refusal) << "shorter than the usual reply";
}

// What comes faster than the line must not be waited for at line speed.
TEST_F(Serial, fast_reply_after_slow_ones_is_soon_not_delayed) {
  ASSERT_TRUE(link->set_line({1200, Parity::none}));
  ASSERT_TRUE(open(io, *link));
  auto request = frame_request(3);
  request.between = 1s; // this test plays the device: a busy machine may hold it up
  request.first_byte = 1s;
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
  Clock::time_point begin;
  for (int round = 0; round < 11; ++round) { // sleeps on the belief in the habit, looks, and then listens
    begin = Clock::now();
    EXPECT_EQ(answer(request, expected).error.fault, Fault::none);
  }
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

} // namespace
} // namespace bmsd::transports::test
