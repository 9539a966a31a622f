#include "pty.hpp"
#include "transports/slcan_codec.hpp"

namespace bmsd::transports::test {
namespace {

CanFrame frame(std::uint32_t id, bool extended, const Bytes& data) {
  CanFrame result;
  result.id = id;
  result.extended = extended;
  for (auto byte : data) {
    result.data.push_back(byte);
  }
  return result;
}

struct Line {
  const char* text;
  CanFrame expected;
};

TEST(SlcanCodec, good_lines) {
  for (const auto& [text, expected] : {
           Line{"t123211AB", frame(0x123, false, {0x11, 0xAB})},
           Line{"t7FF0", frame(0x7FF, false, {})},
           Line{"t0000", frame(0, false, {})},
           Line{"T0123456783132333435363738",
                frame(0x01234567, true, {0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38})},
           Line{"T1FFFFFFF0", frame(0x1FFFFFFF, true, {})},
           Line{"t12310a", frame(0x123, false, {0x0A})},
           Line{"t1231FFEA5F", frame(0x123, false, {0xFF})},
           Line{"t12300000", frame(0x123, false, {})},
       }) {
    auto got = parse_slcan_line(text);
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(*got, expected) << text;
  }
}

TEST(SlcanCodec, bad_lines) {
  for (const char* text : {
           "",
           "t",
           "t12",
           "t123",
           "t1239",
           "t123A",
           "t12311",
           "t123111A",
           "t12309999999",
           "t1231FFEA60",
           "t8000",
           "tFFF0",
           "t-120",
           "t+120",
           "t 120",
           "t0x10",
           "t12G0",
           "t12310G",
           "t1231-1",
           "t1231 1",
           "t123211A",
           "t35108",
           "t35182c010a00640090018",
           "T2000000000",
           "T1FFFFFFF",
           "T1FFFFFF0",
           "T012345678",
           "T12345678900",
           "TFFFFFFFF0",
           "r1234",
           "R18FF50E50",
           "z",
           "Z",
           "V1013",
           "N1234",
           "F00",
           "d1239",
           "sw010020",
           "e1w",
           "123211AB",
           "11AB",
           "t123211AB ",
       }) {
    EXPECT_FALSE(parse_slcan_line(text)) << text;
  }
}

TEST(SlcanCodec, lines_to_send) {
  EXPECT_EQ(slcan_line(frame(0x305, false, {0, 1, 0xFE})), "t30530001FE\r");
  EXPECT_EQ(slcan_line(frame(0x7, false, {})), "t0070\r");
  EXPECT_EQ(slcan_line(frame(0x18FF50E5, true, {0xAB})), "T18FF50E51AB\r");
}

std::vector<CanFrame> read_all(SlcanReader& reader, std::string_view text) {
  std::vector<CanFrame> frames;
  for (char c : text) {
    if (auto got = reader.feed(static_cast<std::uint8_t>(c))) {
      frames.push_back(*got);
    }
  }
  return frames;
}

TEST(SlcanReader, terminators_answers_and_noise) {
  SlcanReader reader;
  auto frames = read_all(reader, "1122\rt1230\r\n\r\r\az\rV1013\rt12\aT000000010\rt1231FF\r");
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0], frame(0x123, false, {}));
  EXPECT_EQ(frames[1], frame(1, true, {}));
  EXPECT_EQ(frames[2], frame(0x123, false, {0xFF}));
  EXPECT_EQ(reader.refusals(), 2U);
  EXPECT_EQ(reader.damaged(), 1U);
}

TEST(SlcanReader, endless_line_is_skipped) {
  SlcanReader reader;
  EXPECT_TRUE(read_all(reader, std::string(100000, 't')).empty());
  EXPECT_EQ(read_all(reader, "\rt1230\r").size(), 1U);
  EXPECT_EQ(read_all(reader, "T00000001811223344556677880000\r").size(), 1U) << "the longest valid line";
  EXPECT_TRUE(read_all(reader, "T000000018112233445566778800000\r").empty());
}

class Slcan : public testing::Test {
protected:
  Slcan() {
    SlcanOptions options;
    options.path = pty.path();
    options.bitrate = 250000;
    link = make_slcan_link(io, options);
    link->on_frame = [this](const CanFrame& each) { frames.push_back(each); };
  }
  void text_is(const std::string& expected) {
    auto got = pty.read_at_least(io, expected.size());
    EXPECT_EQ(std::string(got.begin(), got.end()), expected);
  }
  asio::io_context io;
  Pty pty;
  std::unique_ptr<FrameLink> link;
  std::vector<CanFrame> frames;
};

TEST_F(Slcan, session) {
  ASSERT_TRUE(open(io, *link));
  text_is("\r\r\rC\rS5\rO\r");
  EXPECT_EQ(link->bitrate(), 250000);
  EXPECT_EQ(link->describe(), "CAN " + pty.path() + " (slcan)");
  pty.write("\r\r\r\a\r\rt35180102030405060708\rT18FF50E5111\r");
  ASSERT_TRUE(run_until(io, [&] { return frames.size() == 2; }));
  EXPECT_EQ(frames[0], frame(0x351, false, {1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(frames[1], frame(0x18FF50E5, true, {0x11}));
  ASSERT_TRUE(link->send(frame(0x305, false, {0, 0})));
  text_is("t30520000\r");
  pty.write("z\r");
  link->close();
  text_is("C\r");
  EXPECT_EQ(link->send(frame(1, false, {})).error().fault, Fault::link);
}

TEST_F(Slcan, frame_in_pieces) {
  ASSERT_TRUE(open(io, *link));
  for (char c : std::string("t1232ABCD\r")) {
    pty.write(std::string(1, c));
    run_for(io, 1ms);
  }
  ASSERT_TRUE(run_until(io, [&] { return frames.size() == 1; }));
  EXPECT_EQ(frames[0], frame(0x123, false, {0xAB, 0xCD}));
}

TEST_F(Slcan, damaged_lines_and_remote_frames_are_told) {
  std::map<FrameLoss, std::uint64_t> losses;
  link->on_loss = [&](FrameLoss loss, std::uint64_t count) { losses[loss] += count; };
  ASSERT_TRUE(open(io, *link));
  pty.write("t1232AB\rr3518\rt1239\rR000003518\rt1230\rr3558\r");
  ASSERT_TRUE(run_until(io, [&] { return frames.size() == 1 && losses[FrameLoss::remote] == 3; }));
  EXPECT_EQ(losses[FrameLoss::damaged], 2U);
  pty.write("t12\r");
  EXPECT_TRUE(run_until(io, [&] { return losses[FrameLoss::damaged] == 3; })) << "without any frame";
}

TEST_F(Slcan, who_is_told_of_a_loss_may_close_the_link) {
  int told = 0;
  link->on_loss = [&](FrameLoss, std::uint64_t) {
    ++told;
    link->close();
  };
  ASSERT_TRUE(open(io, *link));
  pty.write("t12\rr3518\r");
  ASSERT_TRUE(run_until(io, [&] { return told > 0; }));
  run_for(io, 10ms);
  EXPECT_EQ(told, 1);
}

TEST_F(Slcan, adapter_pulled_out) {
  std::string reason;
  link->on_lost = [&](std::string text) { reason = std::move(text); };
  ASSERT_TRUE(open(io, *link));
  pty.hang_up();
  ASSERT_TRUE(run_until(io, [&] { return !reason.empty(); }));
  EXPECT_FALSE(open(io, *link));
}

TEST_F(Slcan, handler_may_close_the_link) {
  ASSERT_TRUE(open(io, *link));
  link->on_frame = [this](const CanFrame& each) {
    frames.push_back(each);
    link->close();
  };
  pty.write("t1230\rt1240\r");
  ASSERT_TRUE(run_until(io, [&] { return !frames.empty(); }));
  run_for(io, 10ms);
  EXPECT_EQ(frames.size(), 1U);
}

TEST_F(Slcan, adapter_that_takes_nothing) {
  ASSERT_TRUE(open(io, *link));
  Result<void> sent;
  int count = 0;
  while (sent && count < 10000) {
    sent = link->send(frame(0x305, false, {1, 2, 3, 4, 5, 6, 7, 8}));
    ++count;
  }
  EXPECT_LT(count, 10000);
  EXPECT_EQ(sent.error().fault, Fault::link);
  std::string all;
  ASSERT_TRUE(run_until(io,
                        [&] {
                          auto more = pty.read();
                          all.append(more.begin(), more.end());
                          return all.size() == 10 + 22U * static_cast<unsigned>(count - 1);
                        }))
      << all.size() << " " << count;
  EXPECT_TRUE(link->send(frame(0x305, false, {}))) << "again when it has caught up";
}

TEST_F(Slcan, unknown_bit_rate) {
  SlcanOptions options;
  options.path = pty.path();
  options.bitrate = 33333;
  EXPECT_EQ(open(io, *make_slcan_link(io, options)).error().fault, Fault::rejected);
}

} // namespace
} // namespace bmsd::transports::test
