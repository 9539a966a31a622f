#include "protocols/core/yd1363.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace bmsd::protocols {
namespace {

constexpr yd1363::Dialect kSeplos{.version = 0x20, .device = 0x46};
constexpr yd1363::Dialect kPace{.version = 0x25, .device = 0x46};
constexpr yd1363::Dialect kKs48100{.version = 0x22, .device = 0x42, .start = '>'};

Bytes chars(std::string_view text) {
  Bytes out(text.begin(), text.end());
  out.push_back('\r');
  return out;
}

constexpr std::uint8_t kGroup0[] = {0}, kGroup1[] = {1};

// Captured exchanges: Seplos ADR 0 group 0, Pace switching its charge FET on.
TEST(Yd1363, requests_are_the_captured_ones) {
  EXPECT_EQ(yd1363::ask(kSeplos, 0, 0x42, kGroup0).tx, chars("~20004642E00200FD37"));
  EXPECT_EQ(yd1363::ask(kPace, 1, 0x42, kGroup1).tx, chars("~25014642E00201FD30"));
  EXPECT_EQ(yd1363::ask(kKs48100, 1, 0x42).tx, chars(">220142420000FDAF"));
}

TEST(Yd1363, gives_the_bytes_of_info) {
  const auto request = yd1363::ask(kPace, 0, 0x9A, kGroup0);
  EXPECT_EQ(request.tx, chars("~2500469AE00200FD1E"));
  const auto answer = yd1363::ask(kPace, 0, 0x00, kGroup1).tx; // RTN 00 and one byte
  const auto reply = receive(request, answer);
  ASSERT_EQ(reply.error.fault, Fault::none);
  EXPECT_EQ(*yd1363::info_of(reply.rx), Bytes{1});
}

TEST(Yd1363, a_return_code_is_a_refusal_with_its_name) {
  const auto request = yd1363::ask(kSeplos, 0, 0x92);
  const auto reply = receive(request, yd1363::ask(kSeplos, 0, 0x04).tx);
  ASSERT_EQ(reply.error.fault, Fault::none);
  const auto info = yd1363::info_of(reply.rx);
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().fault, Fault::refused);
  EXPECT_EQ(info.error().detail, "RTN 04, command not known");
}

TEST(Yd1363, other_versions_addresses_and_damage_are_no_answer) {
  const auto request = yd1363::ask(kSeplos, 1, 0x42, kGroup1);
  EXPECT_EQ(receive(request, yd1363::ask(kSeplos, 1, 0).tx).error.fault, Fault::none);
  EXPECT_NE(receive(request, yd1363::ask(kPace, 1, 0).tx).error.fault, Fault::none);
  EXPECT_NE(receive(request, yd1363::ask(kSeplos, 2, 0).tx).error.fault, Fault::none);
  auto damaged = yd1363::ask(kSeplos, 1, 0).tx;
  damaged[14] = damaged[14] == '0' ? '1' : '0';
  EXPECT_EQ(receive(request, damaged).error.fault, Fault::checksum);
  damaged[14] = 'G';
  EXPECT_EQ(receive(request, damaged).error.fault, Fault::framing);
}

TEST(Yd1363, a_reply_behind_garbage_and_a_false_start_is_found) {
  const auto request = yd1363::ask(kSeplos, 1, 0x42, kGroup1);
  Bytes line = chars("~~20xx");
  const auto answer = yd1363::ask(kSeplos, 1, 0, kGroup1).tx;
  line.insert(line.end(), answer.begin(), answer.end());
  EXPECT_EQ(receive(request, line).error.fault, Fault::none);
}

TEST(Yd1363, the_echo_of_an_adapter_is_no_answer) {
  const auto request = yd1363::ask(kSeplos, 1, 0x42, kGroup1); // as a reply it would be a refusal with RTN 42
  EXPECT_EQ(receive(request, request.tx).error.fault, Fault::framing);
  EXPECT_EQ(receive(request, request.tx).error.detail, "echo of the request");
  const auto answer = yd1363::ask(kSeplos, 1, 0, kGroup1).tx;
  Bytes line = request.tx;
  line.insert(line.end(), answer.begin(), answer.end());
  const auto reply = receive(request, line);
  ASSERT_EQ(reply.error.fault, Fault::none);
  EXPECT_EQ(Bytes(reply.view().begin(), reply.view().end()), answer);

  auto any_start = yd1363::ask(kKs48100, 1, 0x42);
  any_start.scan = yd1363::scan_any_start<yd1363::scan_any_address>;
  EXPECT_EQ(receive(any_start, any_start.tx).error.fault, Fault::framing);
}

TEST(Yd1363, scanners_for_dialects_that_take_liberties) {
  auto request = yd1363::ask(kPace, 2, 0x42, kGroup1);
  request.scan = yd1363::scan_any_address;
  EXPECT_EQ(receive(request, yd1363::ask(kPace, 1, 0).tx).error.fault, Fault::none);
  request = yd1363::ask(kKs48100, 2, 0x42);
  request.scan = yd1363::scan_any_start<yd1363::scan_any_address>;
  auto reply = yd1363::ask(kKs48100, 2, 0).tx;
  EXPECT_EQ(receive(request, reply).error.fault, Fault::none);
  reply[0] = '~';
  EXPECT_EQ(receive(request, reply).error.fault, Fault::none);
  reply[reply.size() - 2] ^= 1;
  EXPECT_EQ(receive(request, reply).error.fault, Fault::checksum);
  reply[0] = '=';
  EXPECT_NE(receive(request, reply).error.fault, Fault::none);
}

TEST(Yd1363, frames_are_taken_apart) {
  const auto frame = yd1363::parse(chars("~25014642E00201FD30"));
  ASSERT_TRUE(frame);
  EXPECT_EQ(*frame, (yd1363::Frame{0x25, 1, 0x46, 0x42, {1}}));
  EXPECT_EQ(yd1363::parse(chars("~25014642E00201FD31")).error().fault, Fault::checksum);
  EXPECT_EQ(yd1363::parse(chars("~25014642E00401FD30")).error().fault, Fault::framing);
  EXPECT_EQ(yd1363::parse({}).error().fault, Fault::framing);
}

} // namespace
} // namespace bmsd::protocols
