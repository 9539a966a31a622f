// What happens on the I/O thread of a port: who may ask on the line, in which order, and what those hear who may not.
#include "actor_fixture.hpp"
#include "actors/port/port_io.hpp"
#include "unit/transports/pty.hpp"

#include <gmock/gmock.h>

namespace bmsd::actors {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using transports::test::Pty;

/// A reply is one byte.
FrameScan one_byte(ByteView, ByteView rx, bool) {
  return rx.empty() ? FrameScan{} : FrameScan{FrameScan::State::complete, 0, 1, 0};
}

class PortIoTest : public test::ActorTest {
protected:
  PortIoTest() {
    plan->config.name = "tty0";
    plan->config.address = transports::SerialAddress{pty.path()};
    plan->port = std::make_shared<Slot<PortActor>>("port/tty0");
    plan->port->set(test::spawn_stand_in<PortActor>(system, [this](PortActor::pointer) -> PortActor::behavior_type {
      return {[](const SendFrame&) {},
              [this](const LinkOpened& opened) { this->opened.push_back(opened.error.detail); },
              [this](const LinkLost& link) { lost.push_back(link.reason); },
              [](const AdapterEvent&) {},
              [](const Tick&) {},
              [](const Describe&) { return Json::object(); },
              [](const Configured&) {},
              [](const CloseDown&) {}};
    }));
    session->set(test::spawn_session_stand_in(
        system, [](const BatteryAssigned&) {},
        [this](const ExchangeDone& done) {
          answered.push_back(done.token);
          last = done.reply;
          further = done.further;
        }));
  }

  ~PortIoTest() override {
    port->close();
    end(plan->port->get());
    end(session->get());
    plan->port->set({});
    session->set({});
  }

  void make() { port = std::make_shared<PortIo>(core, plan); }
  void open() {
    port->open(1);
    ASSERT_TRUE(until([&] { return !opened.empty(); }));
  }
  /// As on a wire: in real time.
  bool until(const std::function<bool()>& condition) {
    return transports::test::run_until(io, [&] {
      scheduler.run();
      return condition();
    });
  }
  void ask(std::uint64_t token, bool can_wait = false) {
    ExchangeJob job;
    job.token = token;
    job.line.baud = 115200;
    job.request.tx = {static_cast<std::uint8_t>(token)};
    job.request.scan = one_byte;
    job.reply_to = session;
    job.can_wait = can_wait;
    port->exchange(std::move(job));
  }
  /// The device answers whatever it is asked.
  void echo() {
    if (const auto bytes = pty.read(); !bytes.empty()) {
      pty.write(bytes);
    }
  }
  std::string refusal(std::uint64_t token) {
    ask(token);
    run();
    EXPECT_FALSE(answered.empty()) << "not answered at all";
    EXPECT_EQ(answered.empty() ? 0 : answered.back(), token);
    EXPECT_EQ(last.error.fault, Fault::link);
    return last.error.detail;
  }

  Pty pty;
  std::shared_ptr<PortPlan> plan = std::make_shared<PortPlan>();
  SessionRef session = std::make_shared<Slot<SessionActor>>("session/tty0");
  std::shared_ptr<PortIo> port = std::make_shared<PortIo>(core, plan);
  std::vector<std::string> opened, lost;
  std::vector<std::uint64_t> answered;
  Reply last;
  std::vector<Reply> further;
};

TEST_F(PortIoTest, RefusesBeforeItIsOpenAndAfterItIsClosed) {
  EXPECT_EQ(refusal(1), "the port is not open yet");
  open();
  EXPECT_THAT(opened, ElementsAre(""));
  ask(2);
  EXPECT_EQ(answered.size(), 1U) << "answered from within";
  ASSERT_TRUE(until([&] {
    echo();
    return answered.size() == 2;
  }));
  EXPECT_EQ(last.error.fault, Fault::none) << last.error.detail;
  EXPECT_THAT(last.view(), ElementsAre(2));
  port->close();
  EXPECT_EQ(refusal(3), "the port is closed");
}

TEST_F(PortIoTest, WhoAsksWhileItOpensWaitsForThat) {
  port->open(1);
  ask(1);
  ask(2);
  ASSERT_TRUE(until([&] {
    echo();
    return answered.size() == 2;
  }));
  EXPECT_EQ(last.error.fault, Fault::none) << last.error.detail;

  plan->config.address = transports::SerialAddress{"/dev/no-such-tty"};
  make();
  port->open(1);
  ask(3);
  ask(4, true);
  ASSERT_TRUE(until([&] { return answered.size() == 4; }));
  EXPECT_EQ(last.error.fault, Fault::link);
  EXPECT_THAT(last.error.detail, HasSubstr("No such file"));
}

TEST_F(PortIoTest, RefusesWithTheReasonWhyItCouldNotBeOpened) {
  plan->config.address = transports::SerialAddress{"/dev/no-such-tty"};
  make();
  open();
  ASSERT_EQ(opened.size(), 1U);
  EXPECT_THAT(opened[0], HasSubstr("No such file"));
  EXPECT_EQ(refusal(1), opened[0]);
}

TEST_F(PortIoTest, RefusesWithTheReasonOfALoss) {
  open();
  pty.hang_up();
  ASSERT_TRUE(until([&] { return !lost.empty(); }));
  EXPECT_FALSE(lost[0].empty());
  EXPECT_EQ(refusal(1), lost[0]);
  pty.renew();
  plan->config.address = transports::SerialAddress{pty.path()};
  port->close();
  opened.clear();
  open(); // again, as the port actor does
  EXPECT_THAT(opened, ElementsAre(""));
  ask(2);
  EXPECT_TRUE(until([&] {
    echo();
    return answered.back() == 2;
  }));
}

TEST_F(PortIoTest, OneAtATimeInOrderThoseThatCanWaitLast) {
  open();
  ask(1);
  ask(2, true);
  ask(3);
  ask(4);
  Bytes asked;
  ASSERT_TRUE(until([&] {
    now.steady += 10ms; // a late one waits until the line has been quiet for a while
    const auto bytes = pty.read();
    EXPECT_LE(bytes.size(), 1U) << "two requests at once on the line";
    asked.insert(asked.end(), bytes.begin(), bytes.end());
    if (!bytes.empty()) {
      pty.write(bytes);
    }
    return answered.size() == 4;
  }));
  EXPECT_THAT(asked, ElementsAre(1, 3, 4, 2));
  EXPECT_THAT(answered, ElementsAre(1, 3, 4, 2));
}

/// The row 1 2 3.
class PortIoRow : public PortIoTest {
protected:
  void ask_row() {
    auto row = std::make_shared<std::vector<Request>>();
    for (std::uint8_t byte = 0; byte <= 3; ++byte) {
      auto& request = row->emplace_back();
      request.tx = {byte};
      request.scan = one_byte;
      request.first_byte = 20ms;
    }
    ExchangeJob job;
    job.token = 1;
    job.line.baud = 115200;
    job.request = (*row)[1];
    job.row = {row, 1};
    job.reply_to = session;
    port->exchange(std::move(job));
  }
  /// Everybody is answered but `silent`; gives what the line saw until `count` were answered.
  Bytes until_answered(std::size_t count, std::uint8_t silent = 0) {
    Bytes asked;
    EXPECT_TRUE(until([&] {
      const auto bytes = pty.read();
      EXPECT_LE(bytes.size(), 1U) << "two requests at once on the line";
      asked.insert(asked.end(), bytes.begin(), bytes.end());
      if (!bytes.empty() && bytes[0] != silent) {
        pty.write(bytes);
      }
      return answered.size() >= count;
    }));
    return asked;
  }
};

TEST_F(PortIoRow, IsAskedInOneGo) {
  open();
  ask_row();
  EXPECT_THAT(until_answered(1), ElementsAre(1, 2, 3));
  EXPECT_THAT(last.view(), ElementsAre(1));
  ASSERT_EQ(further.size(), 2U);
  EXPECT_THAT(further[0].view(), ElementsAre(2));
  EXPECT_THAT(further[1].view(), ElementsAre(3));
  EXPECT_EQ(core->counters.frames.load(), 3U);
  ask(9);
  EXPECT_THAT(until_answered(2), ElementsAre(9));
  EXPECT_TRUE(further.empty());
}

TEST_F(PortIoRow, EndsAtTheFirstThatFails) {
  open();
  ask_row();
  EXPECT_THAT(until_answered(1, 2), ElementsAre(1, 2));
  EXPECT_THAT(last.view(), ElementsAre(1));
  ASSERT_EQ(further.size(), 1U);
  EXPECT_EQ(further[0].error.fault, Fault::timeout);
  ask(9);
  EXPECT_THAT(until_answered(2), ElementsAre(9));
}

TEST_F(PortIoRow, EndsWhereOthersWait) {
  open();
  ask_row();
  ask(9);
  EXPECT_THAT(until_answered(2), ElementsAre(1, 9)) << "request by request in turn, as without rows";
  EXPECT_THAT(answered, ElementsAre(1, 9));
  answered.clear();
  ask_row();
  ask(8, true);
  now.steady += 5s; // it can wait, but not for ever
  EXPECT_THAT(until_answered(2), ElementsAre(1, 8));
}

TEST_F(PortIoTest, ManyThatHaveWaitedTooLongDoNotKeepTheLine) {
  open();
  for (std::uint64_t token = 1; token <= 6; ++token) {
    ask(token, true);
  }
  now.steady += 5s; // all of them are overdue
  ask(7);
  ask(8);
  Bytes asked;
  ASSERT_TRUE(until([&] {
    now.steady += 10ms;
    const auto bytes = pty.read();
    asked.insert(asked.end(), bytes.begin(), bytes.end());
    if (!bytes.empty()) {
      pty.write(bytes);
    }
    return answered.size() == 8;
  }));
  const auto place = [&](std::uint8_t token) { return std::find(asked.begin(), asked.end(), token) - asked.begin(); };
  EXPECT_LE(place(7), 2);
  EXPECT_LE(place(8), 4);
}

TEST_F(PortIoTest, AFullLineRefusesAndGoesOn) {
  open();
  for (std::uint64_t token = 1; token <= 65; ++token) { // one on the line, 64 behind it
    ask(token);
  }
  EXPECT_EQ(refusal(66), "too many requests wait for the line");
  ASSERT_TRUE(until([&] {
    echo();
    return answered.size() == 66;
  }));
  EXPECT_EQ(answered.back(), 65U);
  EXPECT_EQ(last.error.fault, Fault::none) << last.error.detail;
}

TEST_F(PortIoTest, NobodyCanBeAskedOnABus) {
  plan->config.address = transports::SlcanAddress{pty.path()};
  make();
  open();
  EXPECT_THAT(opened, ElementsAre(""));
  EXPECT_EQ(refusal(1), "nobody can be asked on this port");
}

} // namespace
} // namespace bmsd::actors
