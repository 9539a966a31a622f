#include "fake_ant.hpp"
#include "protocols/ant_frame.hpp"

#include <gtest/gtest.h>

namespace bmsd::protocols {
namespace {

using test::framed;
using test::hex;
using test::kData2021;

// -- frames -----------------------------------------------------------------------

TEST(AntFrame, requests_are_the_recorded_ones) {
  EXPECT_EQ(ant2019::read_status(0x5A).tx, hex("5a5a00000101"));
  EXPECT_EQ(ant2019::read_status(0xDB).tx, hex("dbdb00000000"));
  EXPECT_EQ(ant2019::write(ant2019::kChargeFet, 1).tx, hex("a5a5fa0001fb"));
  EXPECT_EQ(ant2019::write(ant2019::kPassword, 0x3132).tx, hex("a5a5f1313254"));
  EXPECT_EQ(ant2021::read_status().tx, hex("7ea1010000be1855aa55"));
  EXPECT_EQ(ant2021::read(0x026C, 32).tx, hex("7ea1026c022058c4aa55"));
  EXPECT_EQ(ant2021::read(0x0068, 2).tx, hex("7ea102680002987caa55"));
  EXPECT_EQ(ant2021::command(0x01).tx, hex("7ea151010000d8e5aa55"));
  EXPECT_EQ(ant2021::command(0x0E).tx, hex("7ea1510e0000e8e6aa55"));
  const auto password = ant2021::authenticate("123456789abc").tx;
  EXPECT_EQ(to_hex(password).substr(0, 36), "7ea1236a010c313233343536373839616263");
  EXPECT_TRUE(ant2021::is_request(password));
  EXPECT_EQ(receive(ant2021::raw(password), hex("7ea1436a010205001e5caa55")).error.fault, Fault::none);
}

TEST(AntFrame, what_some_replies_have_behind_the_crc_is_skipped) {
  const auto request = ant2021::read(0, 2);
  const Bytes plain = hex("7ea11200000236101f14aa55");
  EXPECT_EQ(receive(request, plain).size, plain.size());
  for (std::size_t surplus : {1, 6, 8, 9}) {
    Bytes longer = plain;
    longer.insert(longer.end() - 2, surplus, 0x0B);
    const auto reply = receive(request, longer);
    EXPECT_EQ(reply.error.fault, surplus <= 8 ? Fault::none : Fault::framing);
    EXPECT_EQ(reply.size, surplus <= 8 ? longer.size() : 0);
  }
}

TEST(AntFrame, answers_to_something_else_are_none) {
  const auto fault = [](const Request& request, std::string_view rx) { return receive(request, hex(rx)).error.fault; };
  const std::string_view one = "7ea11200000236101f14aa55";
  EXPECT_EQ(fault(ant2021::read(0, 2), one), Fault::none);
  EXPECT_EQ(fault(ant2021::read(2, 2), one), Fault::framing);
  EXPECT_EQ(fault(ant2021::read(0, 4), one), Fault::framing);
  EXPECT_EQ(fault(ant2021::read_status(), one), Fault::framing);
  EXPECT_EQ(fault(ant2021::read(0, 2), "7ea11200000236101f15aa55"), Fault::checksum);
  EXPECT_EQ(fault(ant2021::command(1), "7ea151010000d8e5aa55"), Fault::framing); // the echo of a bad adapter
  EXPECT_EQ(fault(ant2021::command(4), "7ea16101000201003e2baa55"), Fault::framing);
  EXPECT_EQ(fault(ant2019::write(0xFA, 0), "a5a5fa0001fb"), Fault::framing);
  EXPECT_EQ(fault(ant2019::write(0xFA, 0), "a5a5fa0000fb"), Fault::checksum);
  EXPECT_EQ(fault(ant2019::write(0xFA, 0), "a5a5fa0001fba5a5fa0000fa"), Fault::none);
}

TEST(AntFrame, rubbish_and_late_answers_in_front_are_skipped) {
  Bytes rx = hex("7ea17eaa557ea11200000236101f14aa55");
  const Bytes status = framed(0x11, 0, kData2021);
  rx.insert(rx.end(), status.begin(), status.end());
  const auto reply = receive(ant2021::read_status(), rx);
  EXPECT_EQ(reply.error.fault, Fault::none);
  EXPECT_EQ(reply.begin, 17U);
}

} // namespace
} // namespace bmsd::protocols
