// What the second generation of DR-1363 does in its own way; the rest is in daren_485_test.cpp.
#include "fake_dr1363.hpp"
#include "protocols/daren_485.hpp"
#include "protocols/ks48100.hpp"

#include <gtest/gtest.h>

namespace bmsd::protocols {
namespace {

using namespace test;

TEST(Ks48100, asks_with_its_own_frames) {
  FakeDr1363 board;
  Ks48100 protocol(at(1));
  Identity identity;
  std::vector<std::string> sent;
  const auto answer = [&](const Bytes& tx) {
    sent.emplace_back(tx.begin(), tx.end());
    return board.answer(tx);
  };
  ASSERT_TRUE(test::run(protocol.identify(identity), answer));
  ASSERT_TRUE(test::run(protocol.settings(identity), answer));
  EXPECT_EQ(sent,
            (std::vector<std::string>{">22014AB0600A010103FF56FB61\r", ">220142420000FDAF\r", ">220142510000FDAF\r",
                                      ">22014247E00201FD32\r", ">22014AB0600A010104FF00FB6B\r"}));
  EXPECT_EQ(identity.label, "KS48100");
  EXPECT_EQ(identity.unique_id, "JD2M2150860201");
  EXPECT_EQ(identity.firmware_version, "01.00.02");
  EXPECT_EQ(identity.cell_count, 8);
}

TEST(Ks48100, replies_begin_with_either_character) {
  for (char start : {'~', '>'}) {
    FakeDr1363 board;
    board.start = start;
    board.in_front = hex("007e3e");
    EXPECT_EQ(board.sample<Ks48100>().voltage, 26.44);
    board.in_front = board.frame(0x42, 0, dr_totals());
    EXPECT_EQ(board.sample<Ks48100>().voltage, 26.44);
  }
}

TEST(Ks48100, a_reply_cut_at_any_length_is_an_error) {
  for (std::size_t size = 0; size < kTail + 6; ++size) {
    FakeDr1363 board;
    board.info[0x42].resize(size);
    EXPECT_NE(board.fault<Ks48100>(), Fault::none) << size;
  }
}

TEST(Ks48100, serial_number_and_telemetry_are_the_proof) {
  for (int service : {0x42, 0xB003}) {
    FakeDr1363 board;
    board.info.erase(service);
    Ks48100 protocol(at(1));
    Identity identity;
    EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::timeout);
  }
  FakeDr1363 board;
  board.info.erase(0x51);
  Ks48100 protocol(at(1));
  Identity identity;
  EXPECT_TRUE(board.run(protocol.identify(identity)));
}

TEST(Ks48100, telemetry_of_the_first_generation_is_foreign) {
  FakeDr1363 board;
  const auto answer = [&](const Bytes& tx) {
    auto asked = *yd1363::parse(tx);
    asked.device = 0x4A;
    return board.frame(0x4A, 0, board.info[FakeBoard::key(asked)]);
  };
  Ks48100 protocol(at(1));
  Identity identity;
  EXPECT_EQ(test::run(protocol.identify(identity), answer).error().fault, Fault::framing);
}

TEST(Ks48100, telemetry_of_the_second_generation_is_foreign_to_the_first) {
  FakeDr1363 board;
  const auto answer = [&](const Bytes& tx) {
    return board.frame(0x42, 0, board.info[FakeBoard::key(*yd1363::parse(tx))]);
  };
  Daren485 protocol(at(1));
  Identity identity;
  EXPECT_EQ(test::run(protocol.identify(identity), answer).error().fault, Fault::framing);
}

TEST(Ks48100, the_board_is_given_time) {
  Ks48100 protocol(at(1));
  Sample sample;
  ScriptRunner runner;
  runner.start(protocol.poll(sample));
  ASSERT_NE(runner.pending(), nullptr);
  EXPECT_GE(runner.pending()->first_byte, std::chrono::seconds(3));
}

TEST(Ks48100, addresses_are_bytes_and_nothing_can_be_commanded) {
  FakeDr1363 board;
  Ks48100 far(at(257)), near(at(1, true));
  Identity identity;
  EXPECT_EQ(board.run(far.identify(identity)).error().fault, Fault::rejected);
  EXPECT_EQ(board.run(near.command({CommandKind::force_charging_off, 1, 1})).error().fault, Fault::unsupported);
  EXPECT_TRUE(board.heard.empty());
}

} // namespace
} // namespace bmsd::protocols
