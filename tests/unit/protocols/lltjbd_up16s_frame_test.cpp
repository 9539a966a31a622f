#include "fake_up16s.hpp"

#include <gtest/gtest.h>

namespace bmsd::protocols {
namespace {

using test::FakeUp16s;
using test::hex;
using Board = FakeUp16s;

constexpr up16s::Block kStatus = {up16s::kRead, 0x1000, 0x10A0};

TEST(LltJbdUp16sFrame, requests_are_those_that_were_recorded) {
  EXPECT_EQ(up16s::read(1, kStatus).tx, hex("0178100010a000007fb2"));
  EXPECT_EQ(up16s::read(2, kStatus).tx, hex("0278100010a000003fa7"));
  EXPECT_EQ(up16s::read(1, {up16s::kReadOwn, 0, 0x54}).tx, hex("0145000000540000d4d3"));
  EXPECT_EQ(up16s::read(2, {up16s::kRead, 0x1C00, 0x1CA0}).tx, hex("02781c001ca000003c3b"));
  EXPECT_EQ(up16s::read(2, {up16s::kRead, 0x2006, 0x2018}).tx, hex("02782006201800003d72"));
  EXPECT_EQ(up16s::read(2, {up16s::kRead, 0x2810, 0x283C}).tx, hex("02782810283c00003792"));
  EXPECT_EQ(up16s::write(1, {up16s::kWrite, 0x2006, 0x2008}, 10000).tx, hex("0179200620080006114a42442710427a"));
}

TEST(LltJbdUp16sFrame, answers_must_be_to_what_was_asked) {
  const auto request = up16s::read(1, kStatus);
  const auto fault = [&](const Request& other) { return receive(request, FakeUp16s::reply(other.tx, {1})).error; };
  EXPECT_EQ(fault(request).fault, Fault::none);
  EXPECT_EQ(fault(up16s::read(1, {up16s::kRead, 0x1C00, 0x1CA0})).fault, Fault::framing);
  EXPECT_EQ(fault(up16s::read(1, {up16s::kRead, 0x1000, 0x10A2})).fault, Fault::framing);
  EXPECT_NE(fault(up16s::read(1, {up16s::kReadOwn, 0x1000, 0x10A0})).fault, Fault::none);
  EXPECT_NE(fault(up16s::read(2, kStatus)).fault, Fault::none);
}

TEST(LltJbdUp16sFrame, an_echo_is_no_answer) {
  const auto read = up16s::read(1, kStatus);
  EXPECT_EQ(receive(read, read.tx).error.fault, Fault::framing);
  const auto write = up16s::write(1, {up16s::kWrite, 0x2006, 0x2008}, 10000);
  EXPECT_EQ(receive(write, write.tx).error.fault, Fault::framing);
  Bytes both = write.tx;
  const Bytes reply = FakeUp16s::reply(write.tx, {});
  both.insert(both.end(), reply.begin(), reply.end());
  const auto found = receive(write, both);
  EXPECT_EQ(found.error.fault, Fault::none);
  EXPECT_EQ(found.begin, write.tx.size());
}

TEST(LltJbdUp16sFrame, chained_batteries_talk_in_between) {
  const auto request = up16s::read(1, kStatus);
  Bytes line = up16s::read(2, {up16s::kReadOwn, 0, 0x54}).tx;
  const Bytes other = FakeUp16s::reply(line, Bytes(116));
  const Bytes mine = FakeUp16s::reply(request.tx, FakeUp16s().blocks[Board::kStatus]);
  line.insert(line.end(), other.begin(), other.end());
  line.insert(line.end(), mine.begin(), mine.end());
  const auto found = receive(request, line);
  EXPECT_EQ(found.error.fault, Fault::none);
  EXPECT_EQ(Bytes(found.view().begin(), found.view().end()), mine);
}

TEST(LltJbdUp16sFrame, no_block_is_as_long_as_a_damaged_length_says) {
  Bytes reply = FakeUp16s::reply(up16s::read(1, kStatus).tx, Bytes(8));
  reply[6] = 0x80;
  EXPECT_EQ(receive(up16s::read(1, kStatus), reply).error.fault, Fault::framing);
}

} // namespace
} // namespace bmsd::protocols
