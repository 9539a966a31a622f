#include "fake_jkbms_pb.hpp"

#include <gtest/gtest.h>

namespace bmsd::protocols {
namespace {

using jkpb::Trigger;
using test::FakeJkPb;
using test::hex;

constexpr auto kSettings = FakeJkPb::kSettings, kStatus = FakeJkPb::kStatus;

Reply status_of(std::uint32_t address, const Bytes& line) {
  return receive(jkpb::ask_for(Trigger::status, address, 0), line);
}

TEST(JkbmsPbFrame, requests_are_those_of_the_manual) {
  EXPECT_EQ(jkpb::ask_for(Trigger::status, 3, 1).tx, hex("031016200001020000cf91"));
  EXPECT_EQ(jkpb::ask_for(Trigger::about, 1, 1).tx, hex("0110161c0001020000d3cd"));
  EXPECT_EQ(jkpb::ask_for(Trigger::settings, 1, 1).tx, hex("0110161e0001020000d22f"));
}

TEST(JkbmsPbFrame, zero_bytes_around_the_acknowledgement_do_not_matter) {
  const FakeJkPb board;
  const Bytes payload = FakeJkPb::summed(board.payloads.at(kStatus));
  for (const auto address : std::initializer_list<std::uint8_t>{0, 1, 3, 15}) {
    for (std::size_t zeros = 0; zeros <= 4; ++zeros) {
      const auto line =
          FakeJkPb::joined({Bytes(zeros), payload, Bytes(zeros), FakeJkPb::ack(address, kStatus), Bytes(zeros)});
      const auto reply = status_of(address, line);
      EXPECT_EQ(reply.error.fault, Fault::none) << int(address) << " with " << zeros << ": " << to_string(reply.error);
      EXPECT_FALSE(jkpb::is_from_other(reply.view(), address));
    }
    const auto many = FakeJkPb::joined({payload, Bytes(5), FakeJkPb::ack(address, kStatus)});
    EXPECT_NE(status_of(address, many).error.fault, Fault::none);
  }
}

TEST(JkbmsPbFrame, never_asks_for_more_bytes_than_the_shortest_reply_has) {
  const FakeJkPb board;
  const auto request = jkpb::ask_for(Trigger::status, 0, 0); // address 0 looks like padding
  const Bytes reply = board.reply(kStatus, 0);
  for (std::size_t size = 0; size < reply.size(); ++size) {
    const auto scan = request.scan(request.tx, ByteView(reply).first(size), false);
    EXPECT_EQ(scan.state, FrameScan::State::incomplete);
    EXPECT_LE(size + scan.need, reply.size());
  }
}

TEST(JkbmsPbFrame, no_part_of_a_reply_is_a_reply) {
  const FakeJkPb board;
  const Bytes reply = board.reply(kStatus);
  for (std::size_t size = 0; size < reply.size(); ++size) {
    EXPECT_NE(status_of(3, Bytes(reply.begin(), reply.begin() + static_cast<std::ptrdiff_t>(size))).error.fault,
              Fault::none)
        << size;
  }
  for (std::size_t lost = 1; lost <= reply.size(); ++lost) {
    EXPECT_NE(status_of(3, Bytes(reply.begin() + static_cast<std::ptrdiff_t>(lost), reply.end())).error.fault,
              Fault::none)
        << lost;
  }
}

TEST(JkbmsPbFrame, no_wrong_byte_is_taken) {
  const FakeJkPb board;
  for (std::size_t i = 0; i < jkpb::kPayload + 8; ++i) {
    Bytes reply = board.reply(kStatus);
    reply[i] ^= 0x10;
    EXPECT_NE(status_of(3, reply).error.fault, Fault::none) << i;
  }
}

TEST(JkbmsPbFrame, the_acknowledgement_tells_who_answered) {
  FakeJkPb board;
  const Bytes other = board.reply(kStatus, 2), own = board.reply(kStatus, 3);
  EXPECT_EQ(to_string(status_of(3, other).error), "framing: wrong address in the acknowledgement");

  const Bytes payload = FakeJkPb::summed(board.payloads[kStatus]); // the master's, for all to hear
  for (const Bytes& late : {other, board.reply(kSettings, 3), payload, FakeJkPb::joined({payload, Bytes(1)})}) {
    const auto reply = status_of(3, FakeJkPb::joined({late, own}));
    EXPECT_EQ(reply.error.fault, Fault::none) << to_string(reply.error);
    EXPECT_EQ(reply.begin, late.size());
    EXPECT_NE(status_of(3, late).error.fault, Fault::none);
  }
}

TEST(JkbmsPbFrame, type_and_register_must_agree) {
  FakeJkPb board;
  const auto swapped = FakeJkPb::joined({FakeJkPb::summed(board.payloads[kSettings]), FakeJkPb::ack(3, kStatus)});
  EXPECT_EQ(to_string(status_of(3, swapped).error), "framing: answer to another request");
}

TEST(JkbmsPbFrame, the_counter_may_be_anything) {
  FakeJkPb board;
  board.put(kStatus, 5, "5b");
  EXPECT_EQ(status_of(3, board.reply(kStatus)).error.fault, Fault::none);
}

} // namespace
} // namespace bmsd::protocols
