#include "fake_ant.hpp"
#include "protocols/ant.hpp"
#include "protocols/capture.hpp"

#include <gtest/gtest.h>

namespace bmsd::protocols {
namespace {

using test::FakeAnt;
using test::framed;
using test::hex;
using test::kData2021;
using test::kStatus2019;
using test::kTail2021;
using test::put16;
using test::with;
using test::writable;
using Talk = test::AntTalk;

// -- which variant ------------------------------------------------------------------

TEST(Ant, finds_out_which_variant_it_is) {
  for (bool old : {false, true}) {
    FakeAnt board(old);
    Talk talk(board);
    ASSERT_TRUE(talk.identify());
    EXPECT_EQ(talk.identity.cell_count, old ? 8 : 16);
    EXPECT_EQ(talk.identity.capabilities.balance_switch, !old);
    board.heard.clear();
    ASSERT_TRUE(talk.poll());
    EXPECT_EQ(board.heard.size(), 1U); // it is not asked in the other protocol again
    EXPECT_NEAR(*talk.sample.current, old ? 10.7 : -0.3, 1e-9);
  }
}

TEST(Ant, a_poll_alone_finds_out_too) {
  FakeAnt board(true);
  Talk talk(board);
  EXPECT_TRUE(talk.poll());
}

TEST(Ant, a_board_that_answers_only_the_bluetooth_read) {
  FakeAnt board(true);
  board.read_as = "dbdb";
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  board.heard.clear();
  ASSERT_TRUE(talk.poll());
  EXPECT_EQ(board.heard, std::vector<Bytes>{hex("dbdb00000000")});
}

TEST(Ant, the_variant_can_be_fixed) {
  for (bool old : {false, true}) {
    FakeAnt board(old);
    Talk wrong(board, with("variant", old ? "2021" : "2019"));
    EXPECT_FALSE(wrong.identify());
    EXPECT_EQ(board.count(old ? "7ea1" : "5a5a") + board.count("dbdb"), static_cast<int>(board.heard.size()));
    Talk right(board, with("variant", old ? "2019" : "2021"));
    EXPECT_TRUE(right.identify());
  }
}

TEST(Ant, a_damaged_answer_is_no_reason_to_try_the_other_variant) {
  FakeAnt board(false);
  board.data_2021[2] = 9; // sensors
  Talk talk(board);
  EXPECT_EQ(talk.identify().error().fault, Fault::implausible);
  EXPECT_EQ(board.count("5a5a"), 0);
}

TEST(Ant, identification_and_settings_write_nothing) {
  for (bool old : {false, true}) {
    FakeAnt board(old);
    Talk talk(board);
    ASSERT_TRUE(talk.identify());
    ASSERT_TRUE(board.run(talk.protocol.settings(talk.identity)));
    EXPECT_EQ(board.count("a5") + board.count("7ea122") + board.count("7ea123") + board.count("7ea151"), 0);
  }
}

TEST(Ant, recordings_decode_without_being_told_the_variant) {
  for (const bool old : {false, true}) {
    const Bytes rx = old ? kStatus2019 : framed(0x11, 0, kData2021);
    const std::string line = R"({"protocol":"ant","exchanges":[{"tx":")" +
                             std::string(old ? "dbdb00000000" : "7ea1010000be1855aa55") + R"(","rx":")" + to_hex(rx) +
                             R"("}]})";
    const auto decoded = decode_capture(line);
    ASSERT_TRUE(decoded) << to_string(decoded.error());
    EXPECT_EQ(Json::parse(*decoded)["cell_count"], old ? 8 : 16);
  }
}

// -- the status ---------------------------------------------------------------------

TEST(Ant, every_byte_of_a_status_is_needed) {
  for (bool old : {false, true}) {
    const Bytes whole = old ? kStatus2019 : framed(0x11, 0, kData2021);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      Ant protocol(with("variant", old ? "2019" : "2021"));
      Sample sample;
      const auto result = test::run(protocol.poll(sample), [&](const Bytes&) {
        return Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      });
      EXPECT_FALSE(result) << size;
    }
  }
}

TEST(Ant, a_status_has_the_length_of_its_counts) {
  for (std::size_t size = 0; size < 180; ++size) {
    FakeAnt board(false);
    board.data_2021.resize(size);
    Talk talk(board, with("variant", "2021"));
    const auto fault = talk.fault_of_poll();
    EXPECT_EQ(fault, size == kData2021.size()  ? Fault::none
                     : size < kData2021.size() ? Fault::truncated
                                               : Fault::framing)
        << size;
  }
}

TEST(Ant, impossible_values_of_2019_are_errors) {
  struct {
    std::size_t at;
    int value;
  } const cases[] = {{122, 0x0D00}, {122, 0x0D21}, {74, 0x6500}, {4, 401}, {6, 5001}, {70, 0x0001}, {116, 5001}};
  for (const auto& bad : cases) {
    FakeAnt board(true);
    board.status_2019 = put16(board.status_2019, bad.at, bad.value, false);
    Talk talk(board);
    EXPECT_EQ(talk.fault_of_poll(), Fault::implausible) << bad.at;
  }
}

TEST(Ant, impossible_values_of_2021_are_errors) {
  struct {
    std::size_t at;
    int value;
  } const cases[] = {{2, 0x1009},           {2, 0x0002},          {2, 0x2102},           {28, 5001},
                     {kTail2021 + 4, 8001}, {kTail2021 + 8, 101}, {kTail2021 + 10, 101}, {kTail2021 + 40, 5001}};
  for (const auto& bad : cases) {
    FakeAnt board(false);
    board.data_2021 = put16(board.data_2021, bad.at, bad.value, true);
    Talk talk(board);
    EXPECT_EQ(talk.fault_of_poll(), Fault::implausible) << bad.at;
  }
}

TEST(Ant, missing_sensors_are_absent_and_cold_ones_are_not) {
  FakeAnt board(false);
  board.data_2021 = put16(board.data_2021, kTail2021 - 4, -40, true);
  board.data_2021 = put16(board.data_2021, kTail2021 - 2, -12, true);
  board.data_2021 = put16(board.data_2021, kTail2021, -40, true);
  Talk talk(board);
  ASSERT_TRUE(talk.poll());
  EXPECT_FALSE(talk.sample.temperatures.battery[0]);
  EXPECT_EQ(talk.sample.temperatures.battery[1], -12.0);
  EXPECT_FALSE(talk.sample.temperatures.mos);

  FakeAnt old(true);
  old.status_2019 = put16(old.status_2019, 91, -12, false);
  old.status_2019 = put16(old.status_2019, 93, -40, false);
  Talk all(old), four(old, with("sensors", "4"));
  ASSERT_TRUE(all.poll());
  ASSERT_TRUE(four.poll());
  EXPECT_EQ(all.sample.temperatures.battery[0], -12.0);
  EXPECT_FALSE(all.sample.temperatures.battery[1]);
  EXPECT_EQ(all.sample.temperatures.battery[5], 0.0);
  EXPECT_EQ(four.sample.temperatures.battery[3], 13.0);
  EXPECT_FALSE(four.sample.temperatures.battery[4]);
}

TEST(Ant, a_capacity_of_zero_is_none) {
  FakeAnt board(true);
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  ASSERT_TRUE(talk.poll());
  EXPECT_FALSE(talk.identity.capacity_full);
  EXPECT_FALSE(talk.sample.capacity_full);
  EXPECT_FALSE(talk.sample.cycles);
  EXPECT_NEAR(*talk.sample.capacity_remaining, 48.487317, 1e-9);
}

TEST(Ant, codes_of_fets_and_balancer) {
  struct {
    int charge, discharge, balancer;
    std::optional<Alarm> alarm;
    std::optional<bool> balancing;
  } const cases[] = {
      {1, 1, 0, std::nullopt, false},
      {0, 1, 1, std::nullopt, true},
      {15, 15, 2, std::nullopt, true},
      {4, 1, 3, std::nullopt, false}, // full
      {1, 11, 4, std::nullopt, true},
      {14, 1, 10, std::nullopt, false},
      {99, 99, 5, std::nullopt, std::nullopt},
      {2, 1, 0, Alarm::HighCellVoltage, false},
      {16, 1, 0, Alarm::HighCellVoltage, false},
      {1, 2, 0, Alarm::LowCellVoltage, false},
      {1, 16, 0, Alarm::LowCellVoltage, false},
      {3, 1, 0, Alarm::HighChargeCurrent, false},
      {1, 3, 0, Alarm::HighDischargeCurrent, false},
      {1, 4, 0, Alarm::HighDischargeCurrent, false},
      {1, 12, 0, Alarm::HighDischargeCurrent, false},
      {5, 1, 0, Alarm::HighVoltage, false},
      {1, 5, 0, Alarm::LowVoltage, false},
      {6, 1, 0, Alarm::HighChargeTemperature, false},
      {1, 6, 0, Alarm::HighTemperature, false},
      {7, 10, 0, Alarm::HighInternalTemperature, false},
      {17, 1, 0, Alarm::LowChargeTemperature, false},
      {1, 17, 0, Alarm::LowTemperature, false},
      {18, 18, 0, Alarm::CellImbalance, false},
      {12, 1, 0, Alarm::InternalFailure, false},
      {1, 19, 0, Alarm::InternalFailure, false},
      {20, 1, 0, Alarm::InternalFailure, false},
  };
  for (bool old : {false, true}) {
    for (const auto& wanted : cases) {
      FakeAnt board(old);
      const auto set = [&](std::size_t place_2019, std::size_t place_2021, int code) {
        (old ? board.status_2019[place_2019] : board.data_2021[kTail2021 + place_2021]) =
            static_cast<std::uint8_t>(code);
      };
      set(103, 13, wanted.charge);
      set(104, 12, wanted.discharge);
      set(105, 14, wanted.balancer);
      Talk talk(board);
      SCOPED_TRACE(std::to_string(wanted.charge) + " " + std::to_string(wanted.discharge));
      ASSERT_TRUE(talk.poll());
      EXPECT_EQ(talk.sample.charge_enabled, wanted.charge == 1);
      EXPECT_EQ(talk.sample.discharge_enabled, wanted.discharge == 1);
      EXPECT_EQ(talk.sample.balancing, wanted.balancing);
      for (std::size_t i = 0; i < kAlarmCount; ++i) {
        const bool raised = wanted.alarm && i == static_cast<std::size_t>(*wanted.alarm);
        EXPECT_EQ(talk.sample.alarms.at(i).value_or(0), raised ? 2 : 0) << kAlarmNames[i];
      }
      EXPECT_TRUE(talk.sample.alarms[Alarm::HighVoltage]); // known, if quiet
    }
  }
}

// -- names and limits -----------------------------------------------------------------

TEST(Ant, the_names_may_be_missing_but_not_damaged) {
  FakeAnt silent(false);
  Talk talk(silent);
  ASSERT_TRUE(talk.identify());
  EXPECT_EQ(talk.identity.hardware_version, "");

  Ant protocol(writable());
  Identity identity;
  FakeAnt board(false);
  const auto result = test::run(protocol.identify(identity), [&](const Bytes& tx) {
    return tx[2] == 0x02
               ? hex("7ea1126c02200000aa55aa5500000000000000000000000000000000000000000000000000000000000000aa55")
               : board.answer(tx);
  });
  EXPECT_FALSE(result);
}

TEST(Ant, limits_are_told_with_every_sample_and_read_again) {
  FakeAnt board(false);
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  ASSERT_TRUE(board.run(talk.protocol.settings(talk.identity)));
  ASSERT_TRUE(talk.poll());
  EXPECT_EQ(talk.sample.max_charge_current, 100.0);
  EXPECT_EQ(talk.sample.max_discharge_current, 200.0);
  EXPECT_FALSE(talk.sample.max_charge_voltage);

  board.settings = {{0x68, hex("f401")}}; // 50 A; the other one is not answered any more
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(talk.poll());
  }
  EXPECT_EQ(talk.sample.max_charge_current, 50.0);
  EXPECT_EQ(talk.sample.max_discharge_current, 200.0);
}

TEST(Ant, a_limit_that_is_not_set_is_none) {
  for (const auto* raw : {"0000", "ffff"}) {
    FakeAnt board(false);
    board.settings[0x68] = hex(raw);
    Talk talk(board);
    ASSERT_TRUE(talk.identify());
    ASSERT_TRUE(board.run(talk.protocol.settings(talk.identity)));
    ASSERT_TRUE(talk.poll());
    EXPECT_FALSE(talk.sample.max_charge_current) << raw;
  }
}

} // namespace
} // namespace bmsd::protocols
