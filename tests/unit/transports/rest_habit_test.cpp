// What a line shows about the rest that a device wants.
#include "transports/rest_habit.hpp"

#include <gtest/gtest.h>

namespace bmsd::transports {
namespace {

using namespace std::chrono_literals;

const Bytes kStatus = {3}, kCells = {4};

TEST(RestHabit, none_while_all_is_answered) {
  RestHabit habit;
  habit.answered(kStatus);
  habit.answered(kCells);
  EXPECT_EQ(habit.needed(), 0ms);
}

TEST(RestHabit, grows_when_only_the_repeated_request_is_answered) {
  RestHabit habit;
  habit.unanswered(kCells, 4ms);
  EXPECT_EQ(habit.needed(), 0ms) << "it may just be gone";
  habit.answered(kCells);
  EXPECT_EQ(habit.needed(), 20ms);
  habit.unanswered(kCells, 20ms);
  habit.answered(kCells);
  EXPECT_EQ(habit.needed(), 50ms);
  habit.unanswered(kCells, 49ms);
  habit.answered(kCells);
  EXPECT_EQ(habit.needed(), 50ms) << "no more than drivers that work";
}

TEST(RestHabit, silence_after_a_long_rest_has_another_reason) {
  RestHabit habit;
  habit.unanswered(kStatus, 900ms);
  habit.answered(kStatus);
  EXPECT_EQ(habit.needed(), 0ms);
}

TEST(RestHabit, answer_to_another_request_proves_nothing) {
  RestHabit habit;
  habit.unanswered(kCells, 4ms);
  habit.answered(kStatus);
  habit.answered(kCells);
  EXPECT_EQ(habit.needed(), 0ms);
}

TEST(RestHabit, second_silence_after_a_long_rest_clears_the_doubt) {
  RestHabit habit;
  habit.unanswered(kCells, 4ms);
  habit.unanswered(kCells, 300ms);
  habit.answered(kCells);
  EXPECT_EQ(habit.needed(), 0ms);
}

} // namespace
} // namespace bmsd::transports
