#include "app/sim/faults.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bmsd::sim {
namespace {

using Clock = FaultInjector::Clock;
using namespace std::chrono_literals;

FaultRates rates(std::initializer_list<const char*> texts) {
  FaultRates out;
  for (const auto* text : texts) {
    EXPECT_TRUE(out.set(text)) << text;
  }
  return out;
}

TEST(Faults, RatesAreReadStrictly) {
  FaultRates out;
  EXPECT_TRUE(out.set("corrupt=0.25"));
  EXPECT_DOUBLE_EQ(out[FaultKind::corrupt], 0.25);
  EXPECT_DOUBLE_EQ(out[FaultKind::drop], 0.0);
  for (const auto* text :
       {"", "corrupt", "corrupt=", "corrupt=2", "corrupt=-1", "corrupt=nan", "corrupt=0.1x", "x=0"}) {
    EXPECT_FALSE(out.set(text)) << text;
  }
}

TEST(Faults, HappenAtTheirRate) {
  FaultInjector faults(rates({"drop=0.1", "corrupt=0.5", "truncate=0.02", "delay=0.3", "garbage=1"}), 7);
  constexpr int kDraws = 20'000;
  int drop = 0, corrupt = 0, truncate = 0, delay = 0, garbage = 0;
  for (int i = 0; i < kDraws; ++i) {
    const auto fate = faults.next(Clock::now());
    drop += fate.lost;
    corrupt += fate.corrupt;
    truncate += fate.truncate;
    garbage += fate.garbage;
    if (fate.delay > 0ms) {
      ++delay;
      EXPECT_GE(fate.delay, 200ms);
      EXPECT_LT(fate.delay, 1500ms);
    }
  }
  EXPECT_NEAR(drop, 0.1 * kDraws, 0.01 * kDraws);
  EXPECT_NEAR(corrupt, 0.5 * kDraws, 0.01 * kDraws);
  EXPECT_NEAR(truncate, 0.02 * kDraws, 0.01 * kDraws);
  EXPECT_NEAR(delay, 0.3 * kDraws, 0.01 * kDraws);
  EXPECT_EQ(garbage, kDraws);
}

TEST(Faults, SameSeedSameFates) {
  const auto some = rates({"drop=0.3", "corrupt=0.3"});
  FaultInjector a(some, 5);
  FaultInjector b(some, 5);
  FaultInjector c(some, 6);
  int different = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto now = Clock::now();
    const auto fate = a.next(now);
    const auto same = b.next(now);
    EXPECT_EQ(fate.lost, same.lost);
    EXPECT_EQ(fate.corrupt, same.corrupt);
    different += fate.lost != c.next(now).lost;
  }
  EXPECT_GT(different, 100);
}

TEST(Faults, SilenceLasts) {
  FaultInjector always(rates({"silent=1"}), 1);
  FaultInjector sometimes(rates({"silent=0.01"}), 1);
  auto now = Clock::now();
  int spells = 0;
  bool silent = false;
  for (int second = 0; second < 10'000; ++second, now += 1s) {
    EXPECT_TRUE(always.next(now).lost);
    const bool lost = sometimes.next(now).lost;
    spells += lost && !silent;
    silent = lost;
  }
  EXPECT_GT(spells, 50); // one in 110 s
  EXPECT_LT(spells, 130);
}

TEST(Faults, DamageDoesWhatItSays) {
  FaultInjector faults({}, 3);
  const Bytes whole(20, 0xAA);
  FaultInjector::Fate corrupt;
  corrupt.corrupt = true;
  FaultInjector::Fate truncate;
  truncate.truncate = true;
  FaultInjector::Fate garbage;
  garbage.garbage = true;
  for (int i = 0; i < 100; ++i) {
    Bytes data = whole;
    faults.damage(data, corrupt);
    EXPECT_EQ(std::count(data.begin(), data.end(), 0xAA), 19);
    data = whole;
    faults.damage(data, truncate);
    EXPECT_LT(data.size(), whole.size());
    data = whole;
    faults.damage(data, garbage);
    EXPECT_GT(data.size(), whole.size());
    EXPECT_TRUE(std::equal(whole.rbegin(), whole.rend(), data.rbegin()));
  }
  Bytes nothing;
  faults.damage(nothing, corrupt);
  faults.damage(nothing, truncate);
  EXPECT_TRUE(nothing.empty());
}

} // namespace
} // namespace bmsd::sim
