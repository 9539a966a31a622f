#include "fake_ant.hpp"
#include "protocols/ant.hpp"
#include "protocols/ant_frame.hpp"

#include <gtest/gtest.h>

namespace bmsd::protocols {
namespace {

using test::FakeAnt;
using test::hex;
using test::with;
using Talk = test::AntTalk;

// -- commands -----------------------------------------------------------------------------

TEST(Ant, writes_nothing_unless_allowed) {
  for (bool old : {false, true}) {
    FakeAnt board(old);
    Talk talk(board, {});
    ASSERT_TRUE(talk.identify());
    EXPECT_EQ(talk.identity.capabilities, Capabilities{});
    board.heard.clear();
    for (auto kind : {CommandKind::force_charging_off, CommandKind::force_discharging_off,
                      CommandKind::turn_balancing_off, CommandKind::set_soc}) {
      EXPECT_EQ(talk.command(kind, 1).error().fault, Fault::rejected);
    }
    EXPECT_TRUE(board.heard.empty());
  }
}

TEST(Ant, what_it_cannot_do_or_does_not_know_yet_is_unsupported) {
  FakeAnt board(true);
  Talk talk(board);
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::unsupported); // not identified
  ASSERT_TRUE(talk.identify());
  board.heard.clear();
  for (auto kind : {CommandKind::turn_balancing_off, CommandKind::turn_heating_off, CommandKind::set_soc}) {
    EXPECT_EQ(talk.command(kind, 1).error().fault, Fault::unsupported);
  }
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 2).error().fault, Fault::rejected);
  EXPECT_TRUE(board.heard.empty());
}

TEST(Ant, the_switches_of_2021_are_the_recorded_ones) {
  FakeAnt board(false);
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  struct {
    CommandKind kind;
    int value;
    std::string_view tx;
  } const cases[] = {
      {CommandKind::force_charging_off, 1, "7ea151040000c8e4aa55"},
      {CommandKind::force_charging_off, 0, "7ea1510600006924aa55"},
      {CommandKind::force_discharging_off, 1, "7ea151010000d8e5aa55"},
      {CommandKind::force_discharging_off, 0, "7ea1510300007925aa55"},
      {CommandKind::turn_balancing_off, 1, "7ea1510e0000e8e6aa55"},
      {CommandKind::turn_balancing_off, 0, "7ea1510d000018e6aa55"},
  };
  for (const auto& wanted : cases) {
    board.heard.clear();
    EXPECT_TRUE(talk.command(wanted.kind, wanted.value));
    EXPECT_EQ(board.heard, std::vector<Bytes>{hex(wanted.tx)});
  }
}

TEST(Ant, a_board_of_2021_that_refuses_is_told_the_password) {
  FakeAnt board(false);
  Talk talk(board), other(board, with("password", "secret"));
  ASSERT_TRUE(talk.identify());
  ASSERT_TRUE(other.identify());
  board.password = "secret";
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::refused);
  EXPECT_TRUE(other.command(CommandKind::force_charging_off, 1));
  board.password = "123456789abc";
  EXPECT_TRUE(talk.command(CommandKind::force_charging_off, 1));
}

TEST(Ant, a_switch_of_2021_that_is_not_acknowledged_has_failed) {
  FakeAnt board(false);
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  board.silent = {0x51};
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::timeout);
  board.silent = {0x51, 0x23};
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::timeout);
  Talk wordy(board, with("password", std::string(33, 'x')));
  ASSERT_TRUE(wordy.identify());
  EXPECT_EQ(wordy.command(CommandKind::force_charging_off, 1).error().fault, Fault::rejected);
}

TEST(Ant, acknowledgements_of_2021_broken_off_are_none) {
  const Bytes whole = hex("7ea1610400020100f22baa55");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(receive(ant2021::command(4), part).error.fault, Fault::none) << size;
  }
}

TEST(Ant, a_switch_of_2019_counts_when_the_status_shows_it) {
  FakeAnt board(true);
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  for (const auto kind : {CommandKind::force_charging_off, CommandKind::force_discharging_off}) {
    for (int value : {1, 0}) {
      board.heard.clear();
      board.slow = 10;
      ASSERT_TRUE(talk.command(kind, value));
      EXPECT_EQ(board.count("5a5a"), 10);
      const std::size_t fet = kind == CommandKind::force_charging_off ? 103 : 104;
      EXPECT_EQ(board.status_2019[fet], value == 1 ? 15 : 1);
    }
  }
  board.slow = 13;
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::unsupported);
}

TEST(Ant, a_board_of_2019_that_lies_is_caught) {
  FakeAnt board(true);
  board.lies = true;
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::unsupported);
  board.status_2019[103] = 2; // a FET that a protection holds open is allowed to be on again
  EXPECT_TRUE(talk.command(CommandKind::force_charging_off, 0));
}

TEST(Ant, a_locked_board_of_2019_is_told_the_password) {
  FakeAnt board(true);
  board.locked = true;
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  board.heard.clear();
  ASSERT_TRUE(talk.command(CommandKind::force_charging_off, 1));
  const std::vector expected = {hex("a5a5fa0000fa"), hex("a5a5f1313254"), hex("a5a5f2333459"), hex("a5a5f335365e"),
                                hex("a5a5f4373863"), hex("a5a5fa0000fa"), hex("a5a5ff0000ff"), hex("5a5a00000101")};
  EXPECT_EQ(board.heard, expected);

  board.locked = true;
  Talk wrong(board, with("password", "87654321")), odd(board, with("password", "1234"));
  ASSERT_TRUE(wrong.identify());
  ASSERT_TRUE(odd.identify());
  EXPECT_EQ(wrong.command(CommandKind::force_charging_off, 1).error().fault, Fault::refused);
  EXPECT_EQ(odd.command(CommandKind::force_charging_off, 1).error().fault, Fault::rejected);
}

TEST(Ant, a_board_of_2019_that_stays_silent_has_not_switched) {
  FakeAnt board(true);
  board.silent = {0xFA};
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::timeout);
  board.silent = {0xFF}; // what applies parameters is not needed
  EXPECT_TRUE(talk.command(CommandKind::force_charging_off, 1));
}

} // namespace
} // namespace bmsd::protocols
