// A session on a line: finds its BMS, polls it at a steady rate, survives silence, loss and bugs.
#include "actors/port/session.hpp"
#include "session_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <deque>
#include <utility>

namespace bmsd::actors {
namespace {

using namespace std::chrono_literals;
using protocols::ask;
using protocols::Script;

// -- a BMS that answers one byte to one byte -----------------------------------------------

FrameScan one_byte(ByteView, ByteView rx, bool) {
  return rx.empty() ? FrameScan{} : FrameScan{FrameScan::State::complete, 0, 1, 0};
}

Request byte_request(std::uint8_t byte) {
  Request request;
  request.tx = {byte};
  request.scan = one_byte;
  request.retries = 0;
  return request;
}

/// 'i' asks who it is, 'p' and what is in `more` polls, 'c' is a command.
class ToyProtocol : public protocols::ExchangeProtocol {
public:
  static inline std::string more;

  Script identify(Identity& out) override {
    const auto reply = co_await ask(byte_request('i'));
    out.unique_id = std::string(1, static_cast<char>(reply[0]));
    co_return Result<void>{};
  }
  Script poll(Sample& out) override {
    const auto reply = co_await ask(byte_request('p'));
    if (reply[0] == 'X') {
      throw std::runtime_error("a bug in the decoder");
    }
    if (reply[0] == 'E') {
      co_return Error{Fault::implausible, "for the test"};
    }
    out.voltage = reply[0];
    for (const char byte : more) {
      const auto further = co_await ask(byte_request(static_cast<std::uint8_t>(byte)));
      out.current = further[0];
    }
    co_return Result<void>{};
  }
  Script command(Command command) override {
    const auto reply = co_await ask(byte_request('c'));
    if (reply[0] != static_cast<std::uint8_t>(command.value)) {
      co_return Error{Fault::refused, "no"};
    }
    co_return Result<void>{};
  }
};

constexpr LineSettings kToyLines[] = {{.baud = 9600}};
constexpr protocols::ProtocolInfo kToy{
    .key = "toy",
    .label = "Toy",
    .about = {},
    .aliases = {},
    .lines = kToyLines,
    .addresses = {},
    .exchange = [](const protocols::ProtocolConfig&) -> std::unique_ptr<protocols::ExchangeProtocol> {
      return std::make_unique<ToyProtocol>();
    }};

class ExchangeSessionTest : public test::SessionTest {
protected:
  /// Stands in for the port: answers with what `answer` says; nothing at all while it is empty.
  struct Line : ExchangeLine {
    explicit Line(ExchangeSessionTest& owner) : test(owner) {}
    void exchange(ExchangeJob job) override {
      test.asked.push_back(job.request.tx[0]);
      test.last_token = job.token;
      if (auto reply = test.answer(job.request.tx[0])) {
        ExchangeDone done{job.token, *reply, test.now.steady};
        for (std::size_t i = 1; job.row.at(i) != nullptr && reply->error.fault == Fault::none; ++i) {
          test.asked.push_back(job.row.at(i)->tx[0]);
          reply = test.answer(job.row.at(i)->tx[0]);
          done.further.push_back(*reply);
        }
        test.jobs += std::string(1, ' ') + static_cast<char>(job.request.tx[0]);
        post_from_outside(*test.core, job.reply_to, std::move(done));
      }
    }
    ExchangeSessionTest& test;
  };

  ExchangeSessionTest() : SessionTest(&kToy) {
    ToyProtocol::more.clear();
    port->line->set(line);
    start(spawn_exchange_session);
  }

  static Reply good(char byte) {
    Reply reply;
    reply.rx = {static_cast<std::uint8_t>(byte)};
    reply.size = 1;
    return reply;
  }
  static Reply bad(Fault fault) {
    Reply reply;
    reply.error = {fault, "for the test"};
    return reply;
  }

  std::shared_ptr<Line> line = std::make_shared<Line>(*this);
  std::vector<std::uint8_t> asked;
  std::uint64_t last_token = 0;
  std::string jobs; ///< the first request of each that was answered
  std::function<std::optional<Reply>(std::uint8_t)> answer = [](std::uint8_t byte) {
    return good(byte == 'i' ? 'A' : byte == 'c' ? 1 : 'v');
  };
};

TEST_F(ExchangeSessionTest, FindsTheBatteryAndDeliversTheFirstSampleAtOnce) {
  ASSERT_EQ(seen->identified.size(), 1U);
  EXPECT_EQ(seen->identified[0].identity.unique_id, "A");
  EXPECT_EQ(seen->identified[0].identity.protocol, "toy");
  ASSERT_EQ(seen->samples.size(), 1U);
  EXPECT_EQ(seen->samples[0].sample.voltage, 'v');
  EXPECT_EQ(seen->links.back().link, Link::up);
}

TEST_F(ExchangeSessionTest, PollsOnceASecond) {
  pass(60s);
  EXPECT_NEAR(static_cast<double>(seen->samples.size()), 61, 1);
  EXPECT_EQ(seen->identified.size(), 1U);
  EXPECT_TRUE(seen->failures.empty());
}

// -- several requests in one go ----------------------------------------------------------

/// Polls of three requests, of which one has shown its row.
class RowOfRequests : public ExchangeSessionTest {
protected:
  RowOfRequests() {
    answer = [](std::uint8_t byte) { return good(static_cast<char>(byte)); };
    ToyProtocol::more = "qr";
    pass(3s);
    clear();
  }
  void clear() {
    asked.clear();
    jobs.clear();
    seen->samples.clear();
    seen->failures.clear();
  }
  std::string on_the_line() const { return {asked.begin(), asked.end()}; }
};

TEST_F(RowOfRequests, IsOneJobForTheLine) {
  pass(2s);
  EXPECT_EQ(jobs, " p p");
  EXPECT_EQ(on_the_line(), "pqrpqr");
  ASSERT_EQ(seen->samples.size(), 2U);
  EXPECT_EQ(seen->samples[1].sample.voltage, 'p');
  EXPECT_EQ(seen->samples[1].sample.current, 'r');
}

TEST_F(RowOfRequests, OneThatFailsIsThatOfTheScript) {
  answer = [](std::uint8_t byte) { return byte == 'q' ? bad(Fault::checksum) : good('x'); };
  pass(1s);
  EXPECT_EQ(on_the_line(), "pq");
  ASSERT_EQ(seen->failures.size(), 1U);
  EXPECT_EQ(seen->failures[0].error.fault, Fault::checksum);
  EXPECT_EQ(core->counters.failures[static_cast<std::size_t>(Fault::checksum)].load(), 1U);
  EXPECT_TRUE(seen->samples.empty());
}

TEST_F(RowOfRequests, TheEndOfTheLinkIsTheEndOfThePoll) {
  answer = [](std::uint8_t byte) { return byte == 'q' ? bad(Fault::link) : good('x'); };
  pass(1s);
  ASSERT_EQ(seen->failures.size(), 1U);
  EXPECT_EQ(seen->failures[0].error.fault, Fault::link);
  answer = [](std::uint8_t byte) { return good(byte == 'i' ? 'i' : 'y'); };
  pass(3s);
  EXPECT_GE(seen->samples.size(), 1U);
}

TEST_F(RowOfRequests, AReplyNobodyAskedForIsDropped) {
  ToyProtocol::more = "sr";
  pass(1s);
  EXPECT_EQ(on_the_line(), "pqrsr") << "the guess, and then what the script asks";
  ASSERT_EQ(seen->samples.size(), 1U);
  EXPECT_EQ(seen->samples[0].sample.current, 'r');
  clear();
  pass(2s);
  EXPECT_EQ(jobs, " p s r p") << "learned anew";
  clear();
  ToyProtocol::more = "";
  pass(1s);
  EXPECT_EQ(seen->samples.size(), 1U);
  EXPECT_EQ(seen->samples[0].sample.current, std::nullopt) << "of a reply that was not asked for";
}

TEST_F(RowOfRequests, APollThatEndsForWhatAReplySaysWasNoWrongGuess) {
  for (int poll = 0; poll < 2; ++poll) {
    answer = [](std::uint8_t byte) { return good(byte == 'p' ? 'E' : 'x'); };
    pass(1s);
    answer = [](std::uint8_t byte) { return good(static_cast<char>(byte)); };
    pass(1s);
  }
  EXPECT_EQ(jobs, " p p p p");
  EXPECT_EQ(seen->failures.size(), 2U);
  EXPECT_EQ(seen->samples.size(), 2U);
}

TEST_F(ExchangeSessionTest, EachMissedPollIsToldAndAfterThreeTheLinkIsSilent) {
  answer = [](std::uint8_t) { return bad(Fault::timeout); };
  pass(2s);
  EXPECT_EQ(seen->failures.size(), 2U);
  EXPECT_EQ(seen->links.back().link, Link::up) << "two misses are no outage";
  pass(1s);
  EXPECT_EQ(seen->links.back().link, Link::silent);
  EXPECT_EQ(core->counters.failures[static_cast<std::size_t>(Fault::timeout)].load(), 3U);
}

TEST_F(ExchangeSessionTest, AfterTenFailuresItAsksAgainWhoIsThere) {
  asked.clear();
  answer = [](std::uint8_t) { return bad(Fault::timeout); };
  pass(9s);
  EXPECT_THAT(asked, ::testing::Not(::testing::Contains('i')));
  pass(2s);
  EXPECT_THAT(asked, ::testing::Contains('i'));
}

TEST_F(ExchangeSessionTest, ABatteryThatComesBackIsTheSameBattery) {
  answer = [](std::uint8_t) { return bad(Fault::timeout); };
  pass(40s);
  const auto failures = seen->failures.size();
  EXPECT_NEAR(static_cast<double>(failures), 40, 3) << "the battery hears of every poll that fails";
  answer = [](std::uint8_t byte) { return good(byte == 'i' ? 'A' : 'w'); };
  pass(5s);
  EXPECT_EQ(seen->samples.back().sample.voltage, 'w');
  EXPECT_EQ(seen->links.back().link, Link::up);
  EXPECT_EQ(seen->vacated.size(), 1U) << "it might have turned up elsewhere";
  ASSERT_EQ(seen->identified.size(), 2U);
  EXPECT_EQ(seen->identified[1].identity, seen->identified[0].identity);
}

TEST_F(ExchangeSessionTest, AnotherBmsOnTheCableIsReportedAsSuch) {
  answer = [](std::uint8_t) { return bad(Fault::timeout); };
  pass(15s);
  answer = [](std::uint8_t byte) { return good(byte == 'i' ? 'B' : 'w'); };
  pass(5s);
  ASSERT_EQ(seen->identified.size(), 2U);
  EXPECT_EQ(seen->identified[1].identity.unique_id, "B");
}

TEST_F(ExchangeSessionTest, AnAnswerThatComesTooLateIsNotTakenForAnother) {
  answer = [](std::uint8_t) { return std::nullopt; };
  asked.clear();
  pass(1s);
  ASSERT_EQ(asked.size(), 1U);
  const auto late = last_token;
  pass(30s); // the port never answers: the session gives up by itself
  const auto samples = seen->samples.size();
  caf::anon_send(actor, ExchangeDone{late, good('L'), now.steady});
  run();
  EXPECT_EQ(seen->samples.size(), samples);
  EXPECT_GE(core->counters.failures[static_cast<std::size_t>(Fault::link)].load(), 1U);
}

TEST_F(ExchangeSessionTest, MoreRepliesThanAnybodyAskedForAreDropped) {
  answer = [](std::uint8_t) { return std::nullopt; };
  pass(1s);
  const auto samples = seen->samples.size();
  caf::anon_send(actor, ExchangeDone{last_token, good('v'), now.steady, {good('x'), good('y')}});
  run();
  EXPECT_EQ(seen->samples.size(), samples + 1);
}

TEST_F(ExchangeSessionTest, WithoutAPortItSaysSoAndGoesOnWhenThereIsOne) {
  line.reset();
  pass(3s);
  ASSERT_FALSE(seen->failures.empty());
  EXPECT_EQ(seen->failures.back().error.fault, Fault::link);
  line = std::make_shared<Line>(*this);
  port->line->set(line);
  const auto samples = seen->samples.size();
  pass(5s);
  EXPECT_GT(seen->samples.size(), samples);
}

TEST_F(ExchangeSessionTest, ARequestThatLetsOthersGoFirstMayWaitLongButNotForEver) {
  port->config.all_addresses = true;
  answer = [](std::uint8_t) { return bad(Fault::timeout); };
  pass(1s);
  answer = [](std::uint8_t) -> std::optional<Reply> { return std::nullopt; }; // lost by the port
  pass(5s);
  asked.clear();
  pass(60s);
  EXPECT_THAT(asked, ::testing::IsEmpty());
  answer = [](std::uint8_t byte) { return good(byte == 'i' ? 'A' : 'w'); };
  pass(60s);
  EXPECT_EQ(seen->samples.back().sample.voltage, 'w');
  EXPECT_GE(core->counters.failures[static_cast<std::size_t>(Fault::link)].load(), 1U);
}

TEST_F(ExchangeSessionTest, AClosedPortIsReportedAndAnOpenedOneTriedAtOnce) {
  caf::anon_send(actor, LinkState{"toy0", Link::gone, "unplugged"});
  run();
  EXPECT_EQ(seen->links.back().link, Link::gone);
  EXPECT_EQ(seen->links.back().reason, "unplugged");
  EXPECT_EQ(seen->vacated.size(), 1U);
  answer = [](std::uint8_t) { return bad(Fault::link); };
  pass(10s);
  EXPECT_GE(seen->failures.size(), 8U) << "the battery goes on counting";
  answer = [](std::uint8_t byte) { return good(byte == 'i' ? 'A' : 'w'); };
  caf::anon_send(actor, LinkState{"toy0", Link::up, {}});
  run();
  EXPECT_EQ(seen->samples.back().sample.voltage, 'w');
  EXPECT_EQ(seen->links.back().link, Link::up);
}

TEST_F(ExchangeSessionTest, AfterThreeMissesItHasToSayWhoItIsBeforeItsValuesCount) {
  answer = [](std::uint8_t) { return bad(Fault::timeout); };
  pass(4s);
  const auto samples = seen->samples.size();
  asked.clear();
  answer = [](std::uint8_t byte) { return good(byte == 'i' ? 'B' : 'w'); };
  pass(1s);
  EXPECT_EQ(asked[0], 'p');
  ASSERT_EQ(seen->identified.size(), 2U);
  EXPECT_EQ(seen->identified[1].identity.unique_id, "B");
  EXPECT_EQ(std::count(asked.begin(), asked.end(), 'i'), 2) << "another name is believed when said twice";
  for (auto i = samples; i < seen->samples.size(); ++i) {
    EXPECT_EQ(seen->samples[i].sample.voltage, 'w');
  }
}

TEST_F(ExchangeSessionTest, ANameThatIsMissedOnceMakesNoOtherBattery) {
  answer = [](std::uint8_t) { return bad(Fault::timeout); };
  pass(4s);
  int times = 0;
  answer = [&times](std::uint8_t byte) { return good(byte == 'i' ? (++times == 1 ? 'X' : 'A') : 'w'); };
  pass(2s);
  ASSERT_EQ(seen->identified.size(), 2U);
  EXPECT_EQ(seen->identified[1].identity.unique_id, "A");
}

TEST_F(ExchangeSessionTest, WhoFallsSilentRightAfterItWasFoundIsInDoubtAgain) {
  answer = [](std::uint8_t) { return bad(Fault::timeout); };
  pass(4s);
  bool once = true;
  answer = [&once](std::uint8_t byte) {
    return byte == 'i' ? good('A') : std::exchange(once, false) ? good('v') : bad(Fault::timeout);
  };
  pass(6s);
  EXPECT_EQ(seen->identified.size(), 2U);
  EXPECT_EQ(seen->vacated.size(), 2U);
}

TEST_F(ExchangeSessionTest, ACommandIsForTheBatteryThatIsThereNotForTheNextOne) {
  answer = [](std::uint8_t) { return bad(Fault::timeout); };
  pass(4s);
  asked.clear();
  caf::scoped_actor asker(system);
  auto waiting = asker->request(actor, caf::infinite, Command{CommandKind::force_charging_off, 1, 7});
  run();
  waiting.receive([](const CommandOutcome& outcome) { EXPECT_EQ(outcome.error.fault, Fault::link); },
                  [](const caf::error&) { FAIL(); });
  answer = [](std::uint8_t byte) { return good(byte == 'i' ? 'B' : byte == 'c' ? 1 : 'w'); };
  pass(5s);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), 'c'), 0);
}

TEST_F(ExchangeSessionTest, ACommandThatWaitsWhenTheLinkGoesIsRefusedThen) {
  answer = [](std::uint8_t byte) { return byte == 'p' ? std::nullopt : std::optional(good(byte == 'i' ? 'A' : 1)); };
  pass(1s); // a poll is under way
  asked.clear();
  caf::scoped_actor asker(system);
  auto waiting = asker->request(actor, caf::infinite, Command{CommandKind::force_charging_off, 1, 7});
  run();
  caf::anon_send(actor, LinkState{"toy0", Link::gone, "pulled out"});
  run();
  waiting.receive([](const CommandOutcome& outcome) { EXPECT_EQ(outcome.error.fault, Fault::link); },
                  [](const caf::error&) { FAIL(); });
  answer = [](std::uint8_t byte) { return good(byte == 'i' ? 'A' : byte == 'c' ? 1 : 'w'); };
  caf::anon_send(actor, LinkState{"toy0", Link::up, {}});
  pass(5s);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), 'c'), 0) << "not hours later";
}

TEST_F(ExchangeSessionTest, ACommandThatWaitsWhenTheBatteryFallsSilentIsRefusedThen) {
  answer = [](std::uint8_t) { return bad(Fault::timeout); };
  pass(2s);
  answer = [](std::uint8_t) { return std::nullopt; };
  pass(1s); // the third poll is under way
  asked.clear();
  caf::scoped_actor asker(system);
  auto waiting = asker->request(actor, caf::infinite, Command{CommandKind::force_charging_off, 1, 7});
  run();
  answer = [](std::uint8_t byte) { return good(byte == 'i' ? 'B' : byte == 'c' ? 1 : 'w'); };
  caf::anon_send(actor, ExchangeDone{last_token, bad(Fault::timeout), now.steady});
  run();
  waiting.receive([](const CommandOutcome& outcome) { EXPECT_EQ(outcome.error.fault, Fault::link); },
                  [](const caf::error&) { FAIL(); });
  pass(5s);
  EXPECT_EQ(std::count(asked.begin(), asked.end(), 'c'), 0);
}

TEST_F(ExchangeSessionTest, ACommandGivesTheOutcomeOfTheBms) {
  std::vector<CommandOutcome> outcomes;
  caf::scoped_actor asker(system);
  const auto send = [&](double value) {
    auto waiting = asker->request(actor, caf::infinite, Command{CommandKind::force_charging_off, value, 7});
    run();
    waiting.receive([&](const CommandOutcome& outcome) { outcomes.push_back(outcome); },
                    [](const caf::error&) { FAIL(); });
  };
  send(1);
  send(0);
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_TRUE(outcomes[0].ok());
  EXPECT_EQ(outcomes[0].id, 7U);
  EXPECT_EQ(outcomes[1].error.fault, Fault::refused);
}

TEST_F(ExchangeSessionTest, ABugInTheDecoderEndsThisSessionAloneWithItsReason) {
  caf::error reason;
  actor->attach_functor([&](const caf::error& why) { reason = why; });
  answer = [](std::uint8_t) { return good('X'); };
  pass(2s);
  EXPECT_NE(system.render(reason).find("a bug in the decoder"), std::string::npos) << system.render(reason);
  EXPECT_TRUE(battery->get());
}

} // namespace
} // namespace bmsd::actors
