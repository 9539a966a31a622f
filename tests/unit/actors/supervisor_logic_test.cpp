// The pure parts of supervision: when a child restarts, which id a battery has, when a port retries.
#include "actors/latency_histogram.hpp"
#include "actors/port/backoff.hpp"
#include "actors/supervisor/restart_policy.hpp"
#include "actors/supervisor/roster.hpp"

#include <gtest/gtest.h>

namespace bmsd::actors {
namespace {

using namespace std::chrono_literals;

// -- restart policy ---------------------------------------------------------------

TEST(RestartPolicy, RareFailuresRestartAtOnce) {
  RestartPolicy policy;
  for (auto t = 1h; t < 10h; t += 1h) {
    const auto decision = policy.on_failure(t);
    EXPECT_LE(decision.delay, 100ms);
    EXPECT_FALSE(decision.escalate);
  }
}

TEST(RestartPolicy, MoreThanFiveFailuresInAMinuteEscalate) {
  RestartPolicy policy;
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(policy.on_failure(i * 10s).escalate) << i;
  }
  EXPECT_TRUE(policy.on_failure(50s).escalate);
  EXPECT_FALSE(policy.on_failure(51s).escalate) << "the count begins anew";
}

TEST(RestartPolicy, FiveFailuresSpreadOverMoreThanAMinuteDoNotEscalate) {
  RestartPolicy policy;
  for (int i = 0; i < 50; ++i) {
    EXPECT_FALSE(policy.on_failure(i * 13s).escalate) << i;
  }
}

TEST(RestartPolicy, DelayGrowsToFiveMinutesAndNeverFurther) {
  RestartPolicy policy;
  RestartPolicy::Duration last{0};
  auto now = RestartPolicy::Duration(0);
  for (int i = 0; i < 40; ++i) {
    const auto decision = policy.on_failure(now);
    EXPECT_GE(decision.delay, last);
    EXPECT_LE(decision.delay, 5min);
    last = decision.delay;
    now += decision.delay + 1ms;
  }
  EXPECT_EQ(last, 5min);
}

TEST(RestartPolicy, CalmForgetsTheDelay) {
  RestartPolicy policy;
  auto now = RestartPolicy::Duration(0);
  for (int i = 0; i < 8; ++i) {
    now += policy.on_failure(now).delay;
  }
  EXPECT_LE(policy.on_failure(now + 1h).delay, 100ms);
}

// -- back-off of ports -----------------------------------------------------------------

TEST(Backoff, DoublesToThirtySecondsWithJitter) {
  Backoff backoff(1);
  Backoff::Duration base = 1s;
  for (int i = 0; i < 10; ++i) {
    const auto delay = backoff.next();
    EXPECT_LE(delay, base);
    EXPECT_GE(delay, base * 3 / 4);
    base = std::min<Backoff::Duration>(2 * base, 30s);
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), 1s);
}

TEST(Backoff, PortsDoNotRetryInStep) {
  Backoff a(1), b(2);
  int different = 0;
  for (int i = 0; i < 10; ++i) {
    different += a.next() != b.next() ? 1 : 0;
  }
  EXPECT_GT(different, 5);
}

// -- roster ---------------------------------------------------------------------------------

Identity pack(const std::string& unique_id) {
  Identity identity;
  identity.unique_id = unique_id;
  return identity;
}

std::string id_of(Roster& roster, const std::string& port, const std::string& unique, std::uint32_t address = 0) {
  return roster.seat(port, address, pack(unique), false).id;
}

TEST(Roster, TheBmsNamesTheBattery) {
  Roster roster;
  EXPECT_EQ(id_of(roster, "ttyUSB0", "80_280.0Ah"), "80_280_0Ah");
  EXPECT_EQ(id_of(roster, "ttyUSB0", "80_280.0Ah"), "80_280_0Ah") << "found again";
}

TEST(Roster, EqualPacksAreToldApartByTheirPlace) {
  Roster roster;
  EXPECT_EQ(id_of(roster, "ttyUSB0", "80_5.0Ah"), "80_5_0Ah");
  EXPECT_EQ(id_of(roster, "ttyUSB1", "80_5.0Ah"), "80_5_0Ah_ttyUSB1");
  EXPECT_EQ(id_of(roster, "ttyUSB1", "80_5.0Ah"), "80_5_0Ah_ttyUSB1");
}

TEST(Roster, ABatteryThatMovesKeepsItsId) {
  Roster roster;
  EXPECT_EQ(id_of(roster, "ttyUSB0", "X"), "X");
  roster.vacate("ttyUSB0", 0);
  EXPECT_EQ(id_of(roster, "ttyUSB1", "X"), "X");
  EXPECT_EQ(id_of(roster, "ttyUSB0", "X"), "X_ttyUSB0") << "a second one of the same kind";
}

TEST(Roster, AnotherBmsOnTheCableIsAnotherBattery) {
  Roster roster;
  EXPECT_EQ(id_of(roster, "ttyUSB0", "A"), "A");
  const auto second = roster.seat("ttyUSB0", 0, pack("B"), true);
  EXPECT_EQ(second.id, "B");
  EXPECT_EQ(second.left, "A");
  const auto third = roster.seat("ttyUSB0", 0, pack("A"), true);
  EXPECT_EQ(third.id, "A");
  EXPECT_EQ(third.left, "B");
}

TEST(Roster, ABatteryThatHasMovedHasNotLeft) {
  Roster roster;
  id_of(roster, "ttyUSB0", "A");
  roster.vacate("ttyUSB0", 0);
  id_of(roster, "ttyUSB1", "A");
  const auto other = roster.seat("ttyUSB0", 0, pack("B"), true);
  EXPECT_EQ(other.left, "");
}

TEST(Roster, AddressesOfOneLineAreApart) {
  Roster roster;
  EXPECT_EQ(id_of(roster, "ttyUSB0", "", 1), "ttyUSB0__1");
  EXPECT_EQ(id_of(roster, "ttyUSB0", "", 2), "ttyUSB0__2");
}

TEST(Roster, PortAsIdWhenTheUserWants) {
  Roster roster(true);
  EXPECT_EQ(id_of(roster, "ttyUSB0", "A"), "ttyUSB0");
  EXPECT_EQ(roster.memory(), (Json{{"places", Json::object()}}));
}

class RosterAfterRestart : public ::testing::Test {
protected:
  RosterAfterRestart() {
    Roster before;
    id_of(before, "ttyUSB0", "80_5.0Ah");
    id_of(before, "ttyUSB1", "80_5.0Ah");
    memory = before.memory();
  }
  Json memory;
};

TEST_F(RosterAfterRestart, EqualPacksHaveTheirIdsWhoeverAnswersFirst) {
  Roster roster(false, memory);
  EXPECT_EQ(id_of(roster, "ttyUSB1", "80_5.0Ah"), "80_5_0Ah_ttyUSB1");
  EXPECT_EQ(id_of(roster, "ttyUSB0", "80_5.0Ah"), "80_5_0Ah");
}

TEST_F(RosterAfterRestart, ANewEqualPackWaitsForWhoHadTheId) {
  Roster roster(false, memory);
  EXPECT_EQ(roster.seat("ttyUSB2", 0, pack("80_5.0Ah"), true).id, "");
  EXPECT_EQ(id_of(roster, "ttyUSB0", "80_5.0Ah"), "80_5_0Ah");
  const auto seating = roster.seat("ttyUSB2", 0, pack("80_5.0Ah"), false);
  EXPECT_EQ(seating.id, "80_5_0Ah_ttyUSB2");
}

TEST(Roster, WhoAsksForAnIdInUseWaitsForItsOwnerToFallSilent) {
  Roster roster;
  id_of(roster, "ttyUSB0", "A");
  EXPECT_EQ(roster.seat("ttyUSB1", 0, pack("A"), true).id, "");
  roster.vacate("ttyUSB0", 0);
  EXPECT_EQ(roster.seat("ttyUSB1", 0, pack("A"), true).id, "A") << "the cable was put to another adapter";
}

TEST_F(RosterAfterRestart, ABatteryThatHasMovedMeanwhileHasItsIdAfterAWhile) {
  Roster roster(false, memory);
  EXPECT_EQ(roster.seat("ttyUSB2", 0, pack("80_5.0Ah"), true).id, "");
  EXPECT_EQ(id_of(roster, "ttyUSB2", "80_5.0Ah"), "80_5_0Ah");
  EXPECT_EQ(id_of(roster, "ttyUSB0", "80_5.0Ah"), "80_5_0Ah_ttyUSB0") << "and then the other one appears after all";
}

TEST(Roster, PortsThatHaveChangedTheirNamesDoNotWaitForEachOther) {
  Roster before;
  id_of(before, "ttyUSB0", "A");
  id_of(before, "ttyUSB1", "B");
  Roster roster(false, before.memory());
  EXPECT_EQ(roster.seat("ttyUSB0", 0, pack("B"), true).id, "") << "is ttyUSB1's";
  EXPECT_EQ(roster.seat("ttyUSB1", 0, pack("A"), true).id, "A");
  EXPECT_EQ(roster.seat("ttyUSB0", 0, pack("B"), true).id, "B");
}

TEST(Roster, ABatteryThatMovedWithItsCableHasItsPlainIdAgainAfterARestart) {
  Roster before;
  id_of(before, "ttyUSB0", "A");
  id_of(before, "ttyUSB1", "B");
  EXPECT_EQ(id_of(before, "ttyUSB0", "B"), "B_ttyUSB0") << "ttyUSB1 has not been missed yet";
  EXPECT_EQ(id_of(before, "ttyUSB1", "A"), "A");
  Roster roster(false, before.memory());
  EXPECT_EQ(id_of(roster, "ttyUSB0", "B"), "B");
}

TEST(Roster, ThePortThatIsGoneTakesNothingAlong) {
  Roster roster;
  id_of(roster, "pack-A", "A", 1);
  id_of(roster, "pack-A", "B", 2);
  roster.vacate_port("pack-A");
  EXPECT_EQ(id_of(roster, "garage", "A", 1), "A");
  EXPECT_EQ(id_of(roster, "garage", "B", 2), "B");
}

TEST(Roster, AMemoryThatIsNoneIsAsNothing) {
  for (const char* text :
       {"null", "5", "[]", R"({"places":[]})", R"({"places":{"ttyUSB0":5}})",
        R"({"places":{"ttyUSB0":{"unique_id":"A","id":"../B"}}})",
        R"({"places":{"ttyUSB0":{"unique_id":"A","id":"B"}}})", R"({"places":{"ttyUSB0":{"id":""}}})"}) {
    Roster roster(false, Json::parse(text));
    EXPECT_EQ(id_of(roster, "ttyUSB0", "A"), "A") << text;
    EXPECT_EQ(id_of(roster, "ttyUSB1", "B"), "B") << text;
  }
}

// -- latency ------------------------------------------------------------------------------------

TEST(LatencyHistogram, QuantilesAreRightWithinABucket) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0us);
  for (int us = 1; us <= 1000; ++us) {
    histogram.record(std::chrono::microseconds(us));
  }
  EXPECT_NEAR(static_cast<double>(histogram.quantile(0.5).count()), 500, 70);
  EXPECT_NEAR(static_cast<double>(histogram.quantile(0.99).count()), 990, 130);
  histogram.record(-5us);
  histogram.record(100h);
}

} // namespace
} // namespace bmsd::actors
