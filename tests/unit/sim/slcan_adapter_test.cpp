#include "app/sim/slcan_adapter.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

struct Slcan : testing::Test {
  SlcanAdapter adapter{500'000};
  std::string say(std::string_view text) { return adapter.take(Bytes(text.begin(), text.end())); }
};

TEST_F(Slcan, OpenSequence) {
  EXPECT_EQ(say("\r\r\r"), "\r\r\r");
  EXPECT_EQ(say("C\r"), "\a") << "was not open";
  EXPECT_EQ(say("S6\r"), "\r");
  EXPECT_FALSE(adapter.hears());
  EXPECT_EQ(say("O\r"), "\r");
  EXPECT_TRUE(adapter.hears());
  EXPECT_EQ(say("S5\r"), "\a") << "only while closed";
  EXPECT_EQ(say("C\r"), "\r");
  EXPECT_FALSE(adapter.hears());
}

TEST_F(Slcan, NeedsABitrateAndHearsNothingAtTheWrongOne) {
  EXPECT_EQ(say("O\r"), "\a");
  EXPECT_EQ(say("S5\rO\r"), "\r\r");
  EXPECT_FALSE(adapter.hears());
}

TEST_F(Slcan, ConfirmsSentFrames) {
  say("S6\rO\r");
  EXPECT_EQ(say("t30580000000000000000\r"), "z\r");
  EXPECT_EQ(say("T0000435510A\r"), "Z\r");
  EXPECT_EQ(say("r3050\r"), "z\r");
  EXPECT_EQ(say("t3052AB\r"), "\a");
  EXPECT_EQ(say("t8000\r"), "\a");
  EXPECT_EQ(say("t3059\r"), "\a");
  EXPECT_EQ(say("t30\r"), "\a");
  EXPECT_EQ(say("tXYZ0\r"), "\a");
  say("C\rL\r");
  EXPECT_TRUE(adapter.hears());
  EXPECT_EQ(say("t3050\r"), "\a") << "listen only";
}

TEST_F(Slcan, CommandsInPiecesAndTooLong) {
  EXPECT_EQ(say("S"), "");
  EXPECT_EQ(say("6\rV\rN"), "\rV1013\r");
  EXPECT_EQ(say("\r"), "NSIM0\r");
  EXPECT_EQ(say("?\r"), "\a");
  std::string endless(10'000, 'x');
  endless.push_back('\r');
  EXPECT_EQ(say(endless), "\a");
}

TEST_F(Slcan, WritesFramesAndStamps) {
  CanFrame frame;
  frame.id = 0x355;
  frame.data.push_back(0x58);
  frame.data.push_back(0xAB);
  EXPECT_EQ(adapter.line(frame, 1), "t355258AB\r");
  frame.id = 0x4355;
  frame.extended = true;
  EXPECT_EQ(adapter.line(frame, 1), "T00004355258AB\r");
  EXPECT_EQ(say("Z1\r"), "\r");
  EXPECT_EQ(adapter.line(frame, 60'001), "T00004355258AB0001\r");
}

} // namespace
} // namespace bmsd::sim
