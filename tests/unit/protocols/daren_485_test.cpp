// Daren485, and what both generations of DR-1363 decode.
#include "fake_dr1363.hpp"
#include "protocols/daren_485.hpp"

#include <gtest/gtest.h>

namespace bmsd::protocols {
namespace {

using namespace test;

// -- identification -----------------------------------------------------------------

TEST(Daren485, tells_who_it_is) {
  FakeDr1363 board;
  Daren485 protocol(at(1));
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  EXPECT_EQ(identity.model, "HUANY04");
  EXPECT_EQ(identity.hardware_version, "HUANY04 16S100A T1_G");
  EXPECT_EQ(identity.firmware_version, "01.00.02");
  EXPECT_EQ(identity.serial, "JD2M2150860201");
  EXPECT_EQ(identity.unique_id, "JD2M2150860201");
  EXPECT_EQ(identity.manufacturer, "");
  EXPECT_EQ(identity.cell_count, 8);
  EXPECT_EQ(identity.capacity_full, 80.0);
  EXPECT_EQ(identity.capabilities, Capabilities{});
}

TEST(Daren485, versions_and_serial_number_are_not_needed) {
  for (bool silent : {false, true}) {
    FakeDr1363 board;
    for (int command : {0x51, 0xB003}) {
      silent ? void(board.info.erase(command)) : void(board.return_codes[command] = 4);
    }
    Daren485 protocol(at(1));
    Identity identity;
    EXPECT_TRUE(board.run(protocol.identify(identity)));
    EXPECT_EQ(identity.unique_id, "");
  }
}

TEST(Daren485, telemetry_is_the_proof) {
  FakeDr1363 board;
  board.info.erase(0x42);
  Daren485 protocol(at(1));
  Identity identity;
  EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::timeout);
}

TEST(Daren485, addresses_are_bytes) {
  FakeDr1363 board;
  Daren485 protocol(at(257));
  Identity identity;
  EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::rejected);
  EXPECT_TRUE(board.heard.empty());
}

TEST(Daren485, asks_with_the_recorded_frames) {
  FakeDr1363 board;
  Daren485 protocol(at(1));
  Identity identity;
  Sample sample;
  std::vector<std::string> sent;
  const auto answer = [&](const Bytes& tx) {
    sent.emplace_back(tx.begin(), tx.end());
    return board.answer(tx);
  };
  ASSERT_TRUE(test::run(protocol.identify(identity), answer));
  ASSERT_TRUE(test::run(protocol.settings(identity), answer));
  EXPECT_EQ(sent,
            (std::vector<std::string>{"~22014A42E00201FD28\r", "~22014A510000FDA0\r", "~22014AB0600A010103FF00FB6C\r",
                                      "~22014A47E00201FD23\r", "~22014AB0600A010104FF00FB6B\r"}));
}

// -- groups -----------------------------------------------------------------------------

TEST(Daren485, group_one_is_tried_after_the_own_one_and_remembered) {
  for (bool refuses : {false, true}) {
    FakeDr1363 board;
    board.address = 3;
    const auto answer = [&](const Bytes& tx) {
      const auto asked = *yd1363::parse(tx);
      const bool wrong = asked.command == 0x42 && asked.info != Bytes{1};
      board.return_codes = wrong ? std::map<int, int>{{0x42, 6}} : std::map<int, int>{};
      const Bytes reply = board.answer(tx);
      return wrong && !refuses ? Bytes() : reply;
    };
    Daren485 protocol(at(3));
    Identity identity;
    Sample sample;
    ASSERT_TRUE(test::run(protocol.identify(identity), answer)) << refuses;
    board.heard.clear();
    ASSERT_TRUE(test::run(protocol.poll(sample), answer));
    ASSERT_EQ(board.heard.size(), 1U);
    EXPECT_EQ(board.heard[0].info, Bytes{1});
  }
}

TEST(Daren485, a_sleeping_board_is_woken_up) {
  FakeDr1363 board;
  board.listens = [&](const yd1363::Frame& asked) { return asked.command != 0x42 || board.times_heard(0x47) > 0; };
  Daren485 protocol(at(1));
  Identity identity;
  EXPECT_TRUE(board.run(protocol.identify(identity)));
}

// -- replies ----------------------------------------------------------------------------

TEST(Daren485, late_answers_to_other_services_are_passed_over) {
  for (const auto& late : {dr_parameters(), dr_versions(), dr_serial(), dr_totals()}) {
    FakeDr1363 board;
    board.in_front = board.frame(0x4A, 0, late);
    EXPECT_EQ(board.sample<Daren485>().voltage, 26.44);
    board.in_front.clear();
    board.info[0x42] = late;
    EXPECT_EQ(board.fault<Daren485>(), Fault::framing);
  }
  FakeDr1363 board;
  board.in_front = board.frame(0x4A, 0, dr_telemetry());
  Daren485 protocol(at(1));
  Identity identity;
  Sample sample;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  ASSERT_TRUE(board.run(protocol.settings(identity)));
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_EQ(identity.model, "HUANY04");
  EXPECT_EQ(identity.serial, "JD2M2150860201");
  EXPECT_EQ(sample.max_charge_current, 120.0);
  EXPECT_EQ(sample.total_ah_drawn, 14032.0);
}

TEST(Daren485, old_firmware_ends_behind_the_soh) {
  FakeDr1363 board;
  board.info[0x42].resize(kTail + 6);
  const auto sample = board.sample<Daren485>();
  EXPECT_EQ(sample.current, -1.0);
  EXPECT_EQ(sample.soh, 97.0);
  EXPECT_FALSE(sample.capacity_full);
  EXPECT_FALSE(sample.charge_enabled);
  EXPECT_FALSE(sample.balancing);
  EXPECT_FALSE(sample.alarms.any_known());
}

/// Every part of the reply that has arrived whole says what it says; the rest is absent.
TEST(Daren485, a_reply_cut_at_any_length) {
  const auto whole = FakeDr1363().sample<Daren485>();
  for (std::size_t size = 0; size < dr_telemetry().size(); ++size) {
    FakeDr1363 board;
    board.info[0x42].resize(size);
    if (size < kTail + 6) {
      EXPECT_NE(board.fault<Daren485>(), Fault::none) << size;
      continue;
    }
    const auto sample = board.sample<Daren485>();
    EXPECT_EQ(sample.soh, whole.soh);
    EXPECT_TRUE(!sample.capacity_remaining || sample.capacity_remaining == whole.capacity_remaining);
    EXPECT_TRUE(!sample.cycles || sample.cycles == whole.cycles);
    EXPECT_EQ(sample.charge_enabled.has_value(), size >= kTail + 23) << size;
    EXPECT_EQ(sample.balancing.has_value(), size >= kMasks + 4) << size;
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      EXPECT_TRUE(!sample.alarms.at(i) || sample.alarms.at(i) == whole.alarms.at(i));
    }
  }
}

TEST(Daren485, other_services_cut_at_any_length_leave_their_values_out) {
  for (int service : {0x47, 0x51, 0xB003, 0xB004}) {
    const Bytes whole = FakeDr1363().info[service];
    for (std::size_t size = 0; size < whole.size(); ++size) {
      FakeDr1363 board;
      board.info[service].resize(size);
      Daren485 protocol(at(1));
      Identity identity;
      Sample sample;
      (void)board.run(protocol.identify(identity));
      (void)board.run(protocol.settings(identity));
      ASSERT_TRUE(board.run(protocol.poll(sample)));
      EXPECT_TRUE(identity.serial.empty() || identity.serial == "JD2M2150860201");
      EXPECT_TRUE(!sample.max_charge_current || sample.max_charge_current == 120.0);
      EXPECT_TRUE(!sample.total_ah_drawn || sample.total_ah_drawn == 14032.0);
    }
  }
}

// -- values -----------------------------------------------------------------------------

TEST(Daren485, counts_of_cells_and_sensors_move_what_follows) {
  FakeDr1363 board;
  auto& info = board.info[0x42];
  info.erase(info.begin() + kSensors + 4, info.begin() + kSensors + 8);
  info[kSensors - 1] = 2;
  info.erase(info.begin() + kCells, info.begin() + kCells + 2);
  info[kCells - 1] = 7;
  const auto sample = board.sample<Daren485>();
  EXPECT_EQ(sample.cell_voltages.size(), 7U);
  EXPECT_EQ(sample.temperatures.mos, 27.0);
  EXPECT_EQ(sample.temperatures.battery[1], 21.0);
  EXPECT_FALSE(sample.temperatures.battery[2]);
  EXPECT_EQ(sample.current, -1.0);
  EXPECT_EQ(sample.cycles, 204);
}

TEST(Daren485, impossible_values_are_errors) {
  const std::pair<std::size_t, unsigned> cases[] = {{kHead, 10001}, {kHead + 2, 5000}, {kCells, 5001}, {kSoh, 101}};
  for (const auto& [offset, value] : cases) {
    FakeDr1363 board;
    board.set(offset, value);
    EXPECT_EQ(board.fault<Daren485>(), Fault::implausible) << offset;
  }
}

TEST(Daren485, open_sensors_are_absent_and_cold_ones_are_not) {
  FakeDr1363 board;
  board.set(kEnvironment, 0xFE70); // -40.0
  board.set(kEnvironment + 4, 0x7FFF);
  board.set(kSensors, 0x8000);
  board.set(kSensors + 2, 0xFF9C); // -10.0
  const auto sample = board.sample<Daren485>();
  EXPECT_FALSE(sample.temperatures.env);
  EXPECT_FALSE(sample.temperatures.mos);
  EXPECT_FALSE(sample.temperatures.battery[0]);
  EXPECT_EQ(sample.temperatures.battery[1], -10.0);
}

TEST(Daren485, one_fet_alone_follows_the_vendors_paper) {
  for (unsigned bits = 0; bits < 4; ++bits) {
    FakeDr1363 board;
    board.set(kWords + 8, bits);
    const auto sample = board.sample<Daren485>();
    EXPECT_EQ(sample.discharge_enabled, (bits & 1) != 0);
    EXPECT_EQ(sample.charge_enabled, (bits & 2) != 0);
  }
}

TEST(Daren485, balancing_beyond_cell_sixteen) {
  FakeDr1363 board;
  auto& info = board.info[0x42];
  const Bytes more(2 * 10, 0x0C);
  info.insert(info.begin() + kCells, more.begin(), more.end());
  info[kCells - 1] = 18;
  board.set(kHead + 2, 5900);
  board.set(kMasks + 20, 0x8001);
  board.set(kMasks + 22, 0x0002);
  const auto sample = board.sample<Daren485>();
  ASSERT_EQ(sample.balancing_cells.size(), 18U);
  for (std::size_t i = 0; i < 18; ++i) {
    EXPECT_EQ(sample.balancing_cells[i], i == 0 || i == 15 || i == 17) << i;
  }
}

// -- alarms -----------------------------------------------------------------------------

TEST(Daren485, every_bit) {
  struct Row {
    std::size_t word;
    unsigned bit;
    Alarm alarm;
    int level;
  };
  std::vector<Row> rows;
  const auto pair = [&](std::size_t word, unsigned protection, unsigned warning, Alarm alarm) {
    rows.push_back({word, protection, alarm, 2});
    rows.push_back({word, warning, alarm, 1});
  };
  pair(0, 0, 4, Alarm::HighCellVoltage), pair(0, 1, 5, Alarm::LowCellVoltage);
  pair(0, 2, 6, Alarm::HighVoltage), pair(0, 3, 7, Alarm::LowVoltage);
  pair(0, 14, 8, Alarm::CellImbalance);
  rows.push_back({0, 13, Alarm::FuseBlown, 2});
  pair(1, 2, 6, Alarm::HighChargeCurrent), pair(1, 4, 7, Alarm::HighDischargeCurrent);
  rows.push_back({1, 3, Alarm::HighDischargeCurrent, 2});
  rows.push_back({1, 5, Alarm::HighDischargeCurrent, 2});
  pair(2, 0, 8, Alarm::HighChargeTemperature), pair(2, 1, 9, Alarm::LowChargeTemperature);
  pair(2, 2, 10, Alarm::HighTemperature), pair(2, 3, 11, Alarm::LowTemperature);
  pair(2, 6, 14, Alarm::HighInternalTemperature), pair(3, 8, 9, Alarm::HighInternalTemperature);
  rows.push_back({3, 0, Alarm::CellImbalance, 1});
  rows.push_back({3, 7, Alarm::LowSoc, 2});
  for (unsigned bit = 0; bit < 16; ++bit) {
    if ((0xFC1EU >> bit & 1U) != 0) {
      rows.push_back({3, bit, Alarm::InternalFailure, 2});
    }
  }
  rows.push_back({4, 2, Alarm::InternalFailure, 2});
  rows.push_back({4, 3, Alarm::InternalFailure, 2});

  const Alarms quiet = FakeDr1363().sample<Daren485>().alarms;
  for (std::size_t word = 0; word < 5; ++word) {
    for (unsigned bit = 0; bit < 16; ++bit) {
      FakeDr1363 board;
      board.set(kWords + 2 * word, 1U << bit);
      Alarms expected = quiet;
      for (const auto& row : rows) {
        if (row.word == word && row.bit == bit) {
          expected.raise(row.alarm, static_cast<AlarmLevel>(row.level));
        }
      }
      EXPECT_EQ(board.sample<Daren485>().alarms, expected) << "word " << word << " bit " << bit;
    }
  }
}

TEST(Daren485, low_soc_is_silent_when_soc_is_counted_elsewhere) {
  FakeDr1363 board;
  ProtocolConfig config = at(1);
  config.soc_alarms = false;
  EXPECT_TRUE(board.sample<Daren485>().alarms[Alarm::LowSoc]);
  EXPECT_FALSE(board.sample<Daren485>(config).alarms[Alarm::LowSoc]);
}

// -- what changes slowly ----------------------------------------------------------------

TEST(Daren485, limits_and_totals_are_told_with_every_sample_and_read_once_a_minute) {
  FakeDr1363 board;
  Daren485 protocol(at(1));
  Identity identity;
  Sample sample;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  ASSERT_TRUE(board.run(protocol.settings(identity)));
  board.info[0x47][17] = 0x10;
  for (int poll = 1; poll <= 61; ++poll) {
    ASSERT_TRUE(board.run(protocol.poll(sample)));
    EXPECT_EQ(sample.max_charge_current, poll <= 60 ? 120.0 : 43.2) << poll;
    EXPECT_EQ(sample.total_ah_drawn, 14032.0);
    EXPECT_EQ(sample.capacity_remaining, 40.0);
  }
  EXPECT_EQ(board.times_heard(0x47), 2);
  EXPECT_EQ(board.times_heard(0xB004), 2);
  EXPECT_EQ(number(sample, "total_charge_ah"), 15239.0);
  EXPECT_FALSE(sample.max_discharge_current);
}

TEST(Daren485, old_firmware_has_the_charge_left_from_its_totals_as_long_as_they_are_answered) {
  FakeDr1363 board;
  board.info[0x42].resize(kTail + 6);
  Daren485 protocol(at(1));
  Identity identity;
  Sample sample;
  ASSERT_TRUE(board.run(protocol.settings(identity)));
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_EQ(sample.capacity_remaining, 40.0);
  board.info.erase(0xB004);
  for (int poll = 2; poll <= 61; ++poll) {
    ASSERT_TRUE(board.run(protocol.poll(sample)));
  }
  EXPECT_FALSE(sample.capacity_remaining);
  EXPECT_EQ(sample.max_charge_current, 120.0);
}

TEST(Daren485, parameters_of_another_battery_are_refused) {
  FakeDr1363 board;
  board.info[0x47][16] = 16;
  Daren485 protocol(at(1));
  Identity identity;
  Sample sample;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  EXPECT_EQ(board.run(protocol.settings(identity)).error().fault, Fault::implausible);
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_FALSE(sample.max_charge_current);
  EXPECT_EQ(sample.total_ah_drawn, 14032.0);
}

TEST(Daren485, a_charge_limit_of_nothing_is_none) {
  FakeDr1363 board;
  board.info[0x47][17] = board.info[0x47][18] = 0;
  Daren485 protocol(at(1));
  Identity identity;
  Sample sample;
  ASSERT_TRUE(board.run(protocol.settings(identity)));
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_FALSE(sample.max_charge_current);
}

// -- commands, captures -----------------------------------------------------------------

TEST(Daren485, nothing_can_be_commanded) {
  FakeDr1363 board;
  Daren485 protocol(at(1, true));
  for (auto kind : {CommandKind::force_charging_off, CommandKind::turn_balancing_off, CommandKind::set_soc}) {
    EXPECT_EQ(board.run(protocol.command({kind, 1, 1})).error().fault, Fault::unsupported);
  }
  EXPECT_TRUE(board.heard.empty());
}

TEST(Daren485, a_recorded_refusal_is_its_code) {
  FakeDr1363 board;
  board.return_codes[0x83] = 4;
  Daren485 protocol(at(1));
  Identity identity;
  Sample sample;
  const auto request = yd1363::ask({.version = 0x22, .device = 0x4A}, 1, 0x83);
  ASSERT_TRUE(board.run(protocol.replay(request.tx, identity, sample)));
  EXPECT_EQ(number(sample, "error_code"), 4);
}

} // namespace
} // namespace bmsd::protocols
