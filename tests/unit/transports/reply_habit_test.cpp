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

/// How often a reply is believed to come when it used to, before it is doubted.
int guesses_of(ReplyHabit& habit) {
  int guesses = 0;
  for (auto expected = habit.expected(kFirst); expected && !expected->doubt && guesses < 100; ++guesses) {
    expected = habit.expected(kFirst);
  }
  return guesses;
}

TEST(ReplyHabit, looks_again_now_and_then) {
  ReplyHabit habit;
  habit.heard(kFirst, {34, 60ms});
  for (const int most : {7, 15, 31, 63, 63}) { // ever more trust in what stays the same
    EXPECT_EQ(guesses_of(habit), most);
    EXPECT_TRUE(habit.expected(kFirst)->doubt) << "until somebody has looked";
    habit.came_as_ever(kFirst);
  }
}

TEST(ReplyHabit, listens_to_what_comes_early) {
  ReplyHabit habit;
  habit.heard(kFirst, {34, 60ms});
  guesses_of(habit);
  habit.came_early(kFirst);
  EXPECT_FALSE(habit.expected(kFirst));
  habit.heard(kFirst, {34, 20ms});
  EXPECT_EQ(habit.expected(kFirst)->after, 20ms) << "faster: at once";
  EXPECT_EQ(guesses_of(habit), 6) << "and with little trust at first";
  habit.came_as_ever(kFirst);
  EXPECT_EQ(guesses_of(habit), 15);
}

TEST(ReplyHabit, listens_some_time_after_what_came_late) {
  ReplyHabit habit;
  habit.heard(kFirst, {34, 60ms});
  EXPECT_TRUE(habit.expected(kFirst));
  habit.came_late(kFirst, {34, 70ms});
  EXPECT_EQ(guesses_of(habit), 6);
  EXPECT_FALSE(habit.expected(kFirst));
  habit.heard(kFirst, {34, 68ms});
  EXPECT_EQ(habit.expected(kFirst)->after, 68ms) << "the second time that it is later";
  EXPECT_EQ(guesses_of(habit), 14) << "little has changed";
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

TEST(ReplyHabit, listens_when_the_next_request_was_not_understood) {
  ReplyHabit habit;
  habit.heard(kFirst, {34, 60ms});
  habit.led_to_a_failure(kSecond);
  EXPECT_TRUE(habit.expected(kFirst));
  habit.led_to_a_failure(kFirst);
  EXPECT_FALSE(habit.expected(kFirst));
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
