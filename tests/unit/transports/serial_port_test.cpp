// Opening, losing, locking and setting a serial port.
#include "serial_fixture.hpp"

#include <gmock/gmock.h>
#include <sys/file.h>
#include <sys/wait.h>

namespace bmsd::transports::test {
namespace {

using testing::HasSubstr;

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
