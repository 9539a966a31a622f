#include "transports/reply_habit.hpp"

#include <gtest/gtest.h>

namespace bmsd::transports {
namespace {

using namespace std::chrono_literals;

const Bytes kFirst = {0xDD, 0xA5, 0x03};
const Bytes kSecond = {0xDD, 0xA5, 0x04};

TEST(ReplyHabit, expects_what_was_heard) {
  ReplyHabit habit;
  EXPECT_FALSE(habit.expected(kFirst));
  habit.heard(kFirst, {34, 60ms});
  const auto expected = habit.expected(kFirst);
  ASSERT_TRUE(expected);
  EXPECT_EQ(expected->bytes, 34U);
  EXPECT_EQ(expected->after, 60ms);
  EXPECT_FALSE(habit.expected(kSecond));
}

TEST(ReplyHabit, fast_replies_are_not_slept_through) {
  ReplyHabit habit;
  habit.heard(kFirst, {34, 2ms});
  EXPECT_FALSE(habit.expected(kFirst));
}

TEST(ReplyHabit, looks_again_now_and_then) {
  ReplyHabit habit;
  habit.heard(kFirst, {34, 60ms});
  for (const int most : {7, 15, 31, 63, 63}) { // ever more trust in what stays the same
    int guesses = 0;
    while (habit.expected(kFirst)) {
      ASSERT_LT(++guesses, 100);
    }
    EXPECT_EQ(guesses, most);
    habit.heard(kFirst, {34, 61ms});
  }
  habit.heard(kFirst, {34, 20ms});
  EXPECT_EQ(habit.expected(kFirst)->after, 20ms) << "faster: at once";
  int guesses = 1;
  for (; habit.expected(kFirst) && guesses < 100; ++guesses) {
  }
  EXPECT_EQ(guesses, 7) << "and with little trust at first";
}

TEST(ReplyHabit, one_slow_reply_counts_half) {
  ReplyHabit habit;
  habit.heard(kFirst, {34, 60ms});
  habit.heard(kFirst, {34, 100ms});
  EXPECT_EQ(habit.expected(kFirst)->after, 80ms);
  habit.came_late(kFirst, {40, 100ms});
  EXPECT_EQ(habit.expected(kFirst)->after, 90ms);
  EXPECT_EQ(habit.expected(kFirst)->bytes, 40U);
  habit.came_late(kSecond, {40, 100ms});
  EXPECT_FALSE(habit.expected(kSecond)) << "never heard";
}

TEST(ReplyHabit, what_follows_wants_a_rest) {
  ReplyHabit habit;
  habit.followed(kFirst, 4ms);
  EXPECT_FALSE(habit.expected(kFirst)) << "never heard";
  habit.heard(kFirst, {34, 60ms});
  EXPECT_EQ(habit.expected(kFirst)->rest, 0ms);
  habit.followed(kFirst, 4ms);
  EXPECT_EQ(habit.expected(kFirst)->rest, 4ms);
  habit.heard(kFirst, {34, 61ms});
  habit.came_late(kFirst, {34, 63ms});
  EXPECT_EQ(habit.expected(kFirst)->rest, 4ms);
  EXPECT_EQ(habit.expected(kFirst)->after, 61750us);
  habit.followed(kFirst, 0ms);
  EXPECT_EQ(habit.expected(kFirst)->rest, 0ms);
}

} // namespace
} // namespace bmsd::transports
