#include "transports/reply_pace.hpp"

#include <gtest/gtest.h>

namespace bmsd::transports {
namespace {

using namespace std::chrono_literals;

TEST(ReplyPace, line_that_keeps_its_pace) {
  ReplyPace pace;
  EXPECT_FALSE(pace.steady());
  pace.arrived(30, 31ms, 31ms);
  EXPECT_TRUE(pace.steady());
  pace.arrived(30, 2ms, 31ms);
  EXPECT_FALSE(pace.steady()) << "faster than the wire: a buffer or a simulator";
}

TEST(ReplyPace, few_bytes_and_unknown_speed_tell_nothing) {
  ReplyPace pace;
  pace.arrived(4, 10ms, 4ms);
  pace.arrived(100, 10ms, 0ms);
  EXPECT_FALSE(pace.steady());
}

TEST(ReplyPace, sleeping_too_long_once_is_forgiven) {
  ReplyPace pace;
  pace.arrived(30, 31ms, 31ms);
  pace.slept(true);
  EXPECT_TRUE(pace.steady());
  pace.slept(false);
  pace.slept(true);
  EXPECT_TRUE(pace.steady());
  pace.slept(true);
  EXPECT_FALSE(pace.steady());
}

TEST(ReplyPace, usual_length_by_request) {
  ReplyPace pace;
  Bytes first = {0xDD, 0xA5, 0x03};
  Bytes second = {0xDD, 0xA5, 0x04};
  EXPECT_EQ(pace.usual_reply(first), 0U);
  pace.replied(first, 34);
  EXPECT_EQ(pace.usual_reply(first), 34U);
  EXPECT_EQ(pace.usual_reply(second), 0U);
  pace.replied(first, 7);
  EXPECT_EQ(pace.usual_reply(first), 7U);
}

} // namespace
} // namespace bmsd::transports
