#include "protocols/core/modbus.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <array>

namespace bmsd::protocols {
namespace {

using test::hex;

Error error_of(const Request& request, std::string_view rx) {
  return receive(request, hex(rx)).error;
}

// The examples are printed in vendor documents: Renogy (function 3), Seplos V3 (4 and 1), JK (16).

TEST(Modbus, requests_are_those_of_the_documents) {
  EXPECT_EQ(modbus::read_holding(0x30, 0x1388, 0x22).tx, hex("300313880022455c"));
  EXPECT_EQ(modbus::read_input(1, 0x1000, 0x11).tx, hex("01041000001134c6"));
  EXPECT_EQ(modbus::read_coils(1, 0x1200, 0x90).tx, hex("010112000090391e"));
  const std::array<std::uint16_t, 2> values = {5, 0x2233};
  const auto write = modbus::write_multiple(1, 0x20, values);
  EXPECT_EQ(Bytes(write.tx.begin(), write.tx.begin() + 11), hex("0110002000020400052233"));
  EXPECT_TRUE(modbus::is_request(write.tx));
}

TEST(Modbus, gives_the_data_of_a_reply) {
  const auto request = modbus::read_input(1, 0x1000, 0x11);
  const auto reply = receive(request, hex("01042214cdff776b4080e801220340"
                                          "03e7000a0cff0b7f0d000cff0b810b7e000000b400b4d32e"));
  ASSERT_EQ(reply.error.fault, Fault::none);
  const auto data = modbus::data_of(reply.rx);
  ASSERT_TRUE(data);
  EXPECT_EQ(data->size(), 34u);
  EXPECT_EQ((*data)[0], 0x14);
}

TEST(Modbus, a_reply_behind_garbage_is_found) {
  const auto request = modbus::read_coils(1, 0x1200, 0x90);
  const auto reply = receive(request, hex("0101ff00010112000000000000000010000000000000030000"
                                          "7af5"));
  EXPECT_EQ(reply.error.fault, Fault::none);
  EXPECT_EQ(reply.begin, 4u);
}

TEST(Modbus, an_exception_is_a_refusal_with_its_name) {
  const auto request = modbus::read_holding(1, 0, 1);
  const auto reply = receive(request, hex("018302c0f1"));
  ASSERT_EQ(reply.error.fault, Fault::none);
  const auto data = modbus::data_of(reply.rx);
  ASSERT_FALSE(data);
  EXPECT_EQ(data.error().fault, Fault::refused);
  EXPECT_EQ(data.error().detail, "exception 2, illegal data address");
}

TEST(Modbus, what_does_not_answer_the_request_is_no_answer) {
  const auto request = modbus::read_holding(1, 0, 1);
  EXPECT_EQ(error_of(request, "01030200017985").fault, Fault::checksum);
  EXPECT_NE(error_of(request, "010304000000013bf3").fault, Fault::none) << "two registers instead of one";
  EXPECT_NE(error_of(request, "02030200013d84").fault, Fault::none) << "another address";
  EXPECT_NE(error_of(request, "010402000178f0").fault, Fault::none) << "another function";
  EXPECT_EQ(error_of(request, "").fault, Fault::timeout);
}

TEST(Modbus, a_write_is_acknowledged_by_its_own_head) {
  const auto request = modbus::write_single(1, 0x1467, 5);
  const auto reply = receive(request, request.tx);
  ASSERT_EQ(reply.error.fault, Fault::none);
  EXPECT_TRUE(modbus::data_of(reply.rx)->empty());
  const auto other = modbus::write_single(1, 0x1467, 6);
  EXPECT_NE(receive(request, other.tx).error.fault, Fault::none);
}

TEST(Modbus, requests_of_other_programs_are_recognised) {
  EXPECT_TRUE(modbus::is_request(hex("300313880022455c")));
  EXPECT_FALSE(modbus::is_request(hex("300313880022455d")));
  EXPECT_FALSE(modbus::is_request(hex("dda50300fffd77")));
  EXPECT_FALSE(modbus::is_request({}));
}

} // namespace
} // namespace bmsd::protocols
