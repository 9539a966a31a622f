// The SocketCAN link on real vcan interfaces. Needs root and a kernel with CAN: see with_can.sh.
#include "transports/can_interface.hpp"
#include "transports/links.hpp"
#include "unit/transports/run_io.hpp"
#include "vcan.hpp"

#include <gmock/gmock.h>

#include <map>

namespace bmsd::transports::test {
namespace {

using testing::HasSubstr;

CanFrame frame(std::uint32_t id, bool extended, std::initializer_list<std::uint8_t> data = {}) {
  CanFrame result;
  result.id = id;
  result.extended = extended;
  for (auto byte : data) {
    result.data.push_back(byte);
  }
  return result;
}

class SocketCan : public testing::Test {
protected:
  std::unique_ptr<FrameLink> make(CanOptions options = {}) {
    options.interface = bus.name;
    auto link = make_socketcan_link(io, std::move(options));
    link->on_frame = [this](const CanFrame& each) { frames.push_back(each); };
    link->on_loss = [this](FrameLoss loss, std::uint64_t count) { losses[loss] += count; };
    link->on_lost = [this](std::string reason) { lost.push_back(std::move(reason)); };
    link->on_notice = [this](std::string text) { notices.push_back(std::move(text)); };
    return link;
  }
  bool wait(std::size_t count) {
    return run_until(io, [&] { return frames.size() >= count; });
  }

  Vcan bus{"vcanbmsd0"};
  asio::io_context io;
  std::vector<CanFrame> frames;
  std::map<FrameLoss, std::uint64_t> losses;
  std::vector<std::string> lost;
  std::vector<std::string> notices;
};

TEST_F(SocketCan, receives_and_sends) {
  auto link = make();
  ASSERT_TRUE(open(io, *link));
  CanSocket bms(bus.name);
  bms.send(0x351, {1, 2, 3, 4, 5, 6, 7, 8});
  bms.send(0x351 | CAN_EFF_FLAG, {0xAA});
  bms.send(0x7FF);
  ASSERT_TRUE(wait(3));
  EXPECT_EQ(frames[0], frame(0x351, false, {1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(frames[1], frame(0x351, true, {0xAA})) << "same number, another id";
  EXPECT_EQ(frames[2], frame(0x7FF, false));

  ASSERT_TRUE(link->send(frame(0x18FF50E5, true, {9, 8})));
  can_frame got{};
  ASSERT_TRUE(bms.receive(got));
  EXPECT_EQ(got.can_id, 0x18FF50E5 | CAN_EFF_FLAG);
  EXPECT_EQ(got.len, 2);
  EXPECT_EQ(got.data[0], 9);
  run_for(io, 20ms);
  EXPECT_EQ(frames.size(), 3U) << "own frames are not reported";
  EXPECT_EQ(link->bitrate(), 0);
  EXPECT_EQ(link->describe(), "CAN vcanbmsd0 (SocketCAN)");
}

TEST_F(SocketCan, remote_frames_are_counted_and_error_frames_ignored) {
  auto link = make();
  ASSERT_TRUE(open(io, *link));
  CanSocket bms(bus.name);
  bms.send(0x351 | CAN_RTR_FLAG);
  bms.send(0x351 | CAN_RTR_FLAG | CAN_EFF_FLAG);
  bms.send(CAN_ERR_FLAG | 0x40, {0, 0, 0, 0, 0, 0, 0, 0});
  bms.send(0x352);
  ASSERT_TRUE(wait(1));
  EXPECT_EQ(frames, std::vector{frame(0x352, false)});
  EXPECT_EQ(losses, (std::map<FrameLoss, std::uint64_t>{{FrameLoss::remote, 2}}));
}

TEST_F(SocketCan, local_senders_can_be_ignored) {
  CanOptions options;
  options.local_senders = LocalSenders::ignored;
  auto deaf = make(options);
  deaf->on_frame = [](const CanFrame&) { FAIL() << "a frame of this host"; };
  auto hearing = make();
  ASSERT_TRUE(open(io, *deaf));
  ASSERT_TRUE(open(io, *hearing));
  CanSocket(bus.name).send(0x351);
  ASSERT_TRUE(wait(1)) << "two readers on one interface";
  run_for(io, 20ms);
}

TEST_F(SocketCan, filters_are_exact) {
  CanOptions options;
  options.filters = {{0x351, 0x7FF, false}, {0x18FF0000, 0x1FFF0000, true}};
  auto link = make(options);
  ASSERT_TRUE(open(io, *link));
  CanSocket bms(bus.name);
  bms.send(0x351 | CAN_EFF_FLAG);
  bms.send(0x352);
  bms.send(0x351 | CAN_RTR_FLAG);
  bms.send(0x18FE0001 | CAN_EFF_FLAG);
  bms.send(0x18FF1234 | CAN_EFF_FLAG);
  bms.send(0x351);
  ASSERT_TRUE(wait(2));
  EXPECT_EQ(frames, (std::vector{frame(0x18FF1234, true), frame(0x351, false)}));
}

TEST_F(SocketCan, down_and_up_again) {
  auto link = make();
  ASSERT_TRUE(open(io, *link));
  ASSERT_TRUE(bus.set_up(false));
  ASSERT_TRUE(run_until(io, [&] { return notices.size() == 1; }));
  EXPECT_EQ(notices[0], "vcanbmsd0 is down");
  auto refused = link->send(frame(1, false));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), (Error{Fault::link, "vcanbmsd0: the interface is down"}));
  ASSERT_TRUE(bus.set_up(true));
  CanSocket(bus.name).send(0x351);
  ASSERT_TRUE(wait(1));
  ASSERT_TRUE(run_until(io, [&] { return notices.size() == 2; }));
  EXPECT_EQ(notices[1], "vcanbmsd0 is up again");
  EXPECT_TRUE(link->send(frame(1, false)));
  EXPECT_TRUE(lost.empty());
}

TEST_F(SocketCan, deleted_and_made_again) {
  auto link = make();
  ASSERT_TRUE(open(io, *link));
  bus.remove();
  ASSERT_TRUE(run_until(io, [&] { return lost.size() == 1; }));
  EXPECT_EQ(lost[0], "vcanbmsd0: the interface is gone");
  EXPECT_EQ(link->send(frame(1, false)).error().fault, Fault::link);
  auto missing = open(io, *link);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().detail, "there is no interface vcanbmsd0");
  ASSERT_TRUE(bus.add());
  ASSERT_TRUE(open(io, *link)) << "with another index";
  CanSocket(bus.name).send(0x351);
  EXPECT_TRUE(wait(1));
  EXPECT_EQ(lost.size(), 1U);
}

TEST_F(SocketCan, open_says_what_is_wrong) {
  ASSERT_TRUE(bus.set_up(false));
  auto down = open(io, *make());
  ASSERT_FALSE(down);
  EXPECT_THAT(down.error().detail, HasSubstr("vcanbmsd0: the interface is down"));
  CanOptions options;
  options.interface = "lo";
  auto wrong = open(io, *make_socketcan_link(io, options));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error(), (Error{Fault::rejected, "lo is not a CAN interface"}));
}

TEST_F(SocketCan, many_frames_in_order) {
  auto link = make();
  ASSERT_TRUE(open(io, *link));
  CanSocket bms(bus.name);
  for (std::uint32_t i = 0; i < 200; ++i) {
    bms.send(i, {static_cast<std::uint8_t>(i)});
  }
  ASSERT_TRUE(wait(200));
  for (std::uint32_t i = 0; i < 200; ++i) {
    EXPECT_EQ(frames[i], frame(i, false, {static_cast<std::uint8_t>(i)}));
  }
  EXPECT_TRUE(losses.empty());
}

TEST_F(SocketCan, overrun_is_counted) {
  auto link = make();
  ASSERT_TRUE(open(io, *link));
  CanSocket bms(bus.name);
  constexpr std::size_t kSent = 60000; // more than the receive buffer holds
  for (std::size_t i = 0; i < kSent; ++i) {
    bms.send(0x351);
  }
  // The counter comes with a frame that arrives after the loss, which takes room in the queue.
  std::size_t markers = 0;
  ASSERT_TRUE(run_until(io, [&] {
    run_for(io, 20ms);
    bms.send(0x352);
    ++markers;
    run_for(io, 20ms);
    return !frames.empty() && frames.back().id == 0x352;
  }));
  EXPECT_GT(losses[FrameLoss::overrun], 0U);
  EXPECT_EQ(losses[FrameLoss::overrun] + frames.size(), kSent + markers);
}

TEST_F(SocketCan, handler_may_close_the_link) {
  auto link = make();
  link->on_frame = [&](const CanFrame& each) {
    frames.push_back(each);
    link->close();
  };
  ASSERT_TRUE(open(io, *link));
  CanSocket bms(bus.name);
  bms.send(1);
  bms.send(2);
  ASSERT_TRUE(wait(1));
  run_for(io, 20ms);
  EXPECT_EQ(frames.size(), 1U);
}

TEST_F(SocketCan, interface_query) {
  auto found = query_can_interface(bus.name);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->up);
  EXPECT_TRUE(found->virtual_bus);
  EXPECT_EQ(found->bitrate, 0);
  EXPECT_EQ(static_cast<unsigned>(found->index), ::if_nametoindex(bus.name.c_str()));
}

} // namespace
} // namespace bmsd::transports::test
