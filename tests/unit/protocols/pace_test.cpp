#include "fake_yd1363.hpp"
#include "protocols/pace.hpp"
#include "protocols/pace_frame.hpp"

#include <gtest/gtest.h>

namespace bmsd::protocols {
namespace {

using namespace test;

// Offsets of the fake's replies.
constexpr std::size_t kCells = 3, kSensors = 20, kCurrent = 32, kVoltage = 34, kRemaining = 36, kFull = 39,
                      kDesign = 43;
constexpr std::size_t kProtect1 = 21;

/// Eight cells, six sensors, -1.00 A, 26.440 V, 50.00 of 100.00 Ah, 207 cycles, design 104.00 Ah.
Bytes analog_info(std::uint8_t command = 1) {
  Bytes info = hex("000108"
                   "0ce50ce60ce70ce80ce90cea0ceb0cec"
                   "06"
                   "0ba10ba10ba10ba10bb40bcf"
                   "ff9c67481388"
                   "03271000cf28a0");
  info[1] = command;
  return info;
}
Bytes warning_info(std::uint8_t command = 1) {
  Bytes info = hex("000108"
                   "0000000000000000"
                   "06"
                   "000000000000"
                   "000000"
                   "00000e000000000000");
  info[1] = command;
  return info;
}

struct FakePace : FakeBoard {
  FakePace() {
    info = {{0x42, analog_info()},
            {0x44, warning_info()},
            {0x9A, hex("24")},
            {0x9B, hex("22")},
            {0xC1, hex("50313653313030412d313831322d312e30302000")},
            {0xC2, hex("3138313231303133383033303944202020202020")},
            {0xD9, hex("010068006e0a")},
            {0xDB, hex("01ff97ff920a")},
            {0xD1, hex("010e100e740d340a")}};
  }
  Sample sample(ProtocolConfig config = at(1)) {
    Pace protocol(config);
    Sample out;
    const auto result = run(protocol.poll(out));
    EXPECT_TRUE(result) << to_string(result.error());
    return out;
  }
  Fault fault() {
    Pace protocol(at(1));
    Sample out;
    const auto result = run(protocol.poll(out));
    return result ? Fault::none : result.error().fault;
  }
  Result<void> command(Pace& protocol, CommandKind kind, double value) {
    return run(protocol.command({kind, value, 1}));
  }
};

// -- identification -----------------------------------------------------------------

TEST(Pace, tells_who_it_is) {
  FakePace board;
  Pace protocol(at(1, true));
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  EXPECT_EQ(identity.firmware_version, "P16S100A-1812-1.00");
  EXPECT_EQ(identity.serial, "1812101380309D");
  EXPECT_EQ(identity.unique_id, "1812101380309D");
  EXPECT_EQ(identity.cell_count, 8);
  EXPECT_EQ(identity.capacity_full, 100.0);
  EXPECT_EQ(identity.capabilities, (Capabilities{.charge_switch = true, .discharge_switch = true}));
}

TEST(Pace, version_and_serial_number_are_not_needed) {
  for (bool silent : {false, true}) {
    FakePace board;
    for (int command : {0xC1, 0xC2}) {
      silent ? void(board.info.erase(command)) : void(board.return_codes[command] = 4);
    }
    Pace protocol(at(1));
    Identity identity;
    EXPECT_TRUE(board.run(protocol.identify(identity)));
    EXPECT_EQ(identity.unique_id, "");
  }
}

/// Another id would make another battery of it.
TEST(Pace, a_damaged_serial_number_is_no_missing_one) {
  for (std::size_t size : {0U, 19U, 21U, 39U, 41U}) {
    FakePace board;
    board.info[0xC2].resize(size, ' ');
    Pace protocol(at(1));
    Identity identity;
    EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::framing) << size;
  }
}

TEST(Pace, the_pack_has_a_serial_number_of_its_own) {
  FakePace board;
  for (char c : std::string("192520PCNDMF0N100315")) {
    board.info[0xC2].push_back(static_cast<std::uint8_t>(c));
  }
  Pace protocol(at(1));
  Identity identity;
  Sample sample;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_EQ(identity.serial, "1812101380309D");
  ASSERT_FALSE(sample.extra.empty());
  EXPECT_EQ(std::get<std::string>(sample.extra[0].value), "192520PCNDMF0N100315");
}

TEST(Pace, addresses_end_at_fifteen) {
  FakePace board;
  Pace protocol(at(256));
  Identity identity;
  EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::rejected);
  EXPECT_TRUE(board.heard.empty());
}

// -- the number of a pack ----------------------------------------------------------------

std::vector<int> numbers_asked(const FakeBoard& board) {
  std::vector<int> asked;
  for (const auto& frame : board.heard) {
    if (frame.command == 0x42 || frame.command == 0x44) {
      asked.push_back(frame.device << 8 | frame.info.at(0));
    }
  }
  return asked;
}

TEST(Pace, finds_the_number_that_is_answered_and_remembers_it) {
  struct Case {
    std::uint8_t address;
    int works;
    std::vector<int> asked;
  };
  for (const auto& [address, works, asked] : {
           Case{0, 0x4600, {0x4600, 0x4600, 0x4600}},
           Case{0, 0x4601, {0x4600, 0x4600, 0x4601, 0x4601, 0x4601}},
           Case{0, 0x46FF, {0x4600, 0x4600, 0x4601, 0x46FF, 0x46FF, 0x46FF}},
           Case{0, 0x4F00, {0x4600, 0x4600, 0x4601, 0x46FF, 0x4F00, 0x4F00, 0x4F00}},
           Case{2, 0x4601, {0x4602, 0x4602, 0x4601, 0x4601, 0x4601}},
           Case{2, 0x4F02, {0x4602, 0x4602, 0x4601, 0x4F02, 0x4F02, 0x4F02}},
           Case{1, 0x4F01, {0x4601, 0x4601, 0x4F01, 0x4F01, 0x4F01}},
       }) {
    FakePace board;
    board.address = address;
    board.info[0x42] = analog_info(static_cast<std::uint8_t>(works & 0xFF));
    board.info[0x44] = warning_info(static_cast<std::uint8_t>(works & 0xFF));
    board.listens = [wanted = works](const yd1363::Frame& frame) {
      return frame.info.size() != 1 || (frame.device << 8 | frame.info[0]) == wanted;
    };
    Pace protocol(at(address));
    Identity identity;
    Sample sample;
    ASSERT_TRUE(board.run(protocol.identify(identity))) << works;
    ASSERT_TRUE(board.run(protocol.poll(sample))) << works;
    EXPECT_EQ(numbers_asked(board), asked) << works;
  }
}

TEST(Pace, a_refused_number_is_not_the_last_word) {
  FakePace board;
  board.address = 0;
  const auto answer = [&](const Bytes& tx) {
    const auto asked = *yd1363::parse(tx);
    board.return_codes.clear();
    if (asked.command == 0x42 && asked.info[0] != 1) {
      board.return_codes[0x42] = 6;
    }
    return board.answer(tx);
  };
  Pace protocol(at(0));
  Identity identity;
  EXPECT_TRUE(test::run(protocol.identify(identity), answer));
}

TEST(Pace, the_master_answers_for_another_pack) {
  FakePace board;
  board.address = 2;
  board.speaks_as = 1;
  board.info[0x42] = analog_info(2);
  board.info[0x44] = warning_info(2);
  Pace protocol(at(2, true));
  Identity identity;
  Sample sample;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  ASSERT_TRUE(board.run(protocol.settings(identity)));
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_EQ(identity.unique_id, ""); // it would be the master's
  EXPECT_FALSE(sample.max_charge_current);
  EXPECT_EQ(board.times_heard(0xC2), 0);
  EXPECT_EQ(board.command(protocol, CommandKind::force_charging_off, 1).error().fault, Fault::unsupported);
  EXPECT_EQ(board.times_heard(0x9A), 0); // the master might switch itself
}

TEST(Pace, the_masters_own_values_are_not_another_packs) {
  FakePace board;
  board.address = 2;
  board.speaks_as = 1;
  Pace protocol(at(2));
  Identity identity;
  EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::framing);
}

TEST(Pace, another_number_under_the_same_address_is_a_late_answer) {
  FakePace board;
  board.info[0x42] = analog_info(3);
  EXPECT_EQ(board.fault(), Fault::framing);
}

TEST(PaceFrame, several_packs_in_one_reply) {
  constexpr std::size_t kSize = 43;
  for (std::size_t trailer : {0U, 1U, 14U}) {
    Bytes pack = analog_info();
    pack.erase(pack.begin(), pack.begin() + 2);
    ASSERT_EQ(pack.size(), kSize);
    pack.resize(kSize + trailer, 0x64);
    Bytes two = {0, 2};
    two.insert(two.end(), pack.begin(), pack.end());
    pack[1] = 0x0D; // first cell
    two.insert(two.end(), pack.begin(), pack.end());
    EXPECT_EQ(pace::analog(two, 0)->cells[0], 0x0C);
    EXPECT_EQ(pace::analog(two, 1)->cells[0], 0x0C);
    EXPECT_EQ(pace::analog(two, 2)->cells[0], 0x0D);
    EXPECT_FALSE(pace::analog(two, 3));
    two[2 + kSize + trailer] = 7;
    EXPECT_FALSE(pace::analog(two, 2)); // packs of different sizes
    two[2 + kSize + trailer] = 8;
    two.push_back(0);
    EXPECT_FALSE(pace::analog(two, 2)); // no equal parts
    two.pop_back();
    two[1] = 1;
    EXPECT_FALSE(pace::analog(two, 1)); // says that it is one
  }
}

// -- replies to another command ----------------------------------------------------------

TEST(Pace, late_answers_to_another_command_are_passed_over) {
  for (auto [asked, late] : {std::pair(pace::kAnalog, warning_info()), std::pair(pace::kWarnings, analog_info())}) {
    FakePace board;
    board.in_front = board.frame(0x46, 0, late);
    const auto request = pace::request(0x46, 1, asked, std::uint8_t{1});
    const auto reply = receive(request, board.answer(request.tx));
    ASSERT_EQ(reply.error.fault, Fault::none);
    EXPECT_EQ(*yd1363::info_of({reply.view().begin(), reply.view().end()}), board.info[asked]);
  }
}

TEST(Pace, an_answer_to_another_command_alone_is_an_error) {
  FakePace board;
  board.info[0x44] = analog_info();
  EXPECT_EQ(board.fault(), Fault::framing);
  board.info[0x44] = board.info[0x42] = warning_info();
  EXPECT_EQ(board.fault(), Fault::framing);
}

TEST(PaceFrame, warnings_of_few_cells_are_no_analog_values) {
  const Bytes info = hex("000104"
                         "00000000"
                         "06"
                         "000000000000"
                         "000000"
                         "00000e000000000000");
  EXPECT_TRUE(pace::warnings(info, 1));
  EXPECT_FALSE(pace::analog(info, 1));
}

TEST(Pace, a_reply_cut_at_any_length_is_an_error) {
  for (int command : {0x42, 0x44}) {
    const Bytes whole = FakePace().info[command];
    for (std::size_t size = 0; size < whole.size(); ++size) {
      FakePace board;
      board.info[command].resize(size);
      EXPECT_NE(board.fault(), Fault::none) << command << " " << size;
    }
  }
}

TEST(Pace, what_follows_the_pack_is_ignored) {
  for (std::size_t more : {1U, 10U, 14U, 20U}) {
    FakePace board;
    board.info[0x42].resize(board.info[0x42].size() + more, 0x64);
    board.info[0x44].resize(board.info[0x44].size() + more, 0x64);
    EXPECT_EQ(board.sample().voltage, 26.44);
  }
}

TEST(Pace, a_line_that_breaks_off_is_a_timeout) {
  const Bytes whole = FakePace().frame(0x46, 0, analog_info());
  const auto request = pace::request(0x46, 1, pace::kAnalog, std::uint8_t{1});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(receive(request, ByteView(whole).first(size)).error.fault, Fault::timeout) << size;
  }
}

TEST(Pace, a_refusal_fails_the_cycle) {
  for (int command : {0x42, 0x44}) {
    FakePace board;
    board.return_codes[command] = 4;
    EXPECT_EQ(board.fault(), Fault::refused);
  }
}

// -- analog values ------------------------------------------------------------------------

TEST(Pace, the_sign_of_the_current_is_that_of_the_word) {
  for (const auto& [high, low, ampere] :
       {std::tuple(0x8A, 0xD0, -300.0), std::tuple(0xFF, 0xFF, -0.01), std::tuple(0x75, 0x30, 300.0)}) {
    FakePace board;
    board.info[0x42][kCurrent] = static_cast<std::uint8_t>(high);
    board.info[0x42][kCurrent + 1] = static_cast<std::uint8_t>(low);
    EXPECT_EQ(board.sample().current, ampere);
  }
}

TEST(Pace, capacities_make_soc_and_soh) {
  FakePace board;
  auto sample = board.sample();
  EXPECT_EQ(sample.soc, 50.0);
  EXPECT_NEAR(*sample.soh, 100 / 1.04, 1e-9);
  board.info[0x42][kRemaining] = 0x28; // 103.76 Ah
  board.info[0x42][kDesign] = 0x20;
  sample = board.sample();
  EXPECT_EQ(sample.soc, 100.0);
  EXPECT_EQ(sample.soh, 100.0);
  board.info[0x42][kFull] = board.info[0x42][kFull + 1] = 0;
  board.info[0x42][kDesign] = board.info[0x42][kDesign + 1] = 0;
  sample = board.sample();
  EXPECT_FALSE(sample.soc);
  EXPECT_FALSE(sample.soh);
}

TEST(Pace, impossible_values_are_errors) {
  for (std::size_t offset : {kCells, kVoltage}) {
    FakePace board;
    board.info[0x42][offset] = 0xC0;
    EXPECT_EQ(board.fault(), Fault::implausible) << offset;
  }
}

TEST(Pace, open_sensors_are_absent) {
  FakePace board;
  for (std::size_t sensor : {0U, 4U, 5U}) {
    board.info[0x42][kSensors + 2 * sensor] = 0;
  }
  const auto sample = board.sample();
  EXPECT_FALSE(sample.temperatures.battery[0]);
  EXPECT_NEAR(*sample.temperatures.battery[1], 24.7, 1e-9);
  EXPECT_FALSE(sample.temperatures.mos);
  EXPECT_FALSE(sample.temperatures.env);
}

TEST(Pace, four_sensors_leave_the_power_stage_out_and_eight_add_nothing) {
  FakePace four, eight;
  four.info[0x42][kSensors - 1] = 4;
  four.info[0x42].erase(four.info[0x42].begin() + kSensors, four.info[0x42].begin() + kSensors + 4);
  EXPECT_FALSE(four.sample().temperatures.mos);
  eight.info[0x42][kSensors - 1] = 8;
  eight.info[0x42].insert(eight.info[0x42].begin() + kSensors + 12, {0x0B, 0xA1, 0x0B, 0xA1});
  const auto sample = eight.sample();
  EXPECT_TRUE(sample.temperatures.env);
  EXPECT_FALSE(sample.temperatures.battery[4]);
  EXPECT_EQ(sample.voltage, 26.44);
}

// -- alarms -------------------------------------------------------------------------------

TEST(Pace, every_bit) {
  struct Row {
    std::size_t byte;
    unsigned bit;
    Alarm alarm;
    int level;
  };
  std::vector<Row> rows;
  const Alarm first[] = {Alarm::HighCellVoltage, Alarm::LowCellVoltage,    Alarm::HighVoltage,
                         Alarm::LowVoltage,      Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent};
  const Alarm second[] = {Alarm::HighChargeTemperature, Alarm::HighTemperature, Alarm::LowChargeTemperature,
                          Alarm::LowTemperature};
  for (unsigned bit = 0; bit < 6; ++bit) {
    rows.push_back({0, bit, first[bit], 2});
    rows.push_back({7, bit, first[bit], 1});
  }
  for (unsigned bit = 0; bit < 4; ++bit) {
    rows.push_back({1, bit, second[bit], 2});
    rows.push_back({8, bit, second[bit], 1});
  }
  rows.push_back({0, 6, Alarm::HighDischargeCurrent, 2});
  rows.push_back({1, 4, Alarm::HighInternalTemperature, 2});
  rows.push_back({8, 6, Alarm::HighInternalTemperature, 1});
  rows.push_back({8, 7, Alarm::LowSoc, 1});
  for (unsigned bit : {0U, 1U, 2U, 4U, 5U}) {
    rows.push_back({4, bit, Alarm::InternalFailure, 2});
  }
  const Alarms quiet = FakePace().sample().alarms;
  for (std::size_t byte = 0; byte < 9; ++byte) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      FakePace board;
      board.info[0x44][kProtect1 + byte] = static_cast<std::uint8_t>(1U << bit);
      Alarms expected = quiet;
      for (const auto& row : rows) {
        if (row.byte == byte && row.bit == bit) {
          expected.raise(row.alarm, static_cast<AlarmLevel>(row.level));
        }
      }
      EXPECT_EQ(board.sample().alarms, expected) << "byte " << byte << " bit " << bit;
    }
  }
}

TEST(Pace, a_protection_beats_its_warning) {
  FakePace board;
  board.info[0x44][kProtect1] = board.info[0x44][kProtect1 + 7] = 0x01;
  EXPECT_EQ(board.sample().alarms[Alarm::HighCellVoltage], 2);
}

TEST(Pace, low_soc_is_silent_when_soc_is_counted_elsewhere) {
  FakePace board;
  board.info[0x44][kProtect1 + 8] = 0x80;
  ProtocolConfig config = at(1);
  config.soc_alarms = false;
  EXPECT_FALSE(board.sample(config).alarms[Alarm::LowSoc]);
}

TEST(Pace, switches_and_balancing) {
  FakePace board;
  board.info[0x44][kProtect1 + 2] = 0x02;
  board.info[0x44][kProtect1 + 5] = 0x81;
  board.info[0x44][kProtect1 + 6] = 0xFF; // there are eight cells
  const auto sample = board.sample();
  EXPECT_EQ(sample.charge_enabled, true);
  EXPECT_EQ(sample.discharge_enabled, false);
  ASSERT_EQ(sample.balancing_cells.size(), 8U);
  EXPECT_TRUE(sample.balancing_cells[0]);
  EXPECT_FALSE(sample.balancing_cells[1]);
  EXPECT_TRUE(sample.balancing_cells[7]);
}

TEST(Pace, warnings_of_another_cell_count_are_another_packs) {
  FakePace board;
  board.info[0x44].insert(board.info[0x44].begin() + 3, 0);
  board.info[0x44][2] = 9;
  EXPECT_EQ(board.fault(), Fault::implausible);
}

// -- settings -----------------------------------------------------------------------------

Sample with_settings(FakePace& board) {
  Pace protocol(at(1));
  Identity identity;
  Sample sample;
  EXPECT_TRUE(board.run(protocol.identify(identity)));
  (void)board.run(protocol.settings(identity));
  EXPECT_TRUE(board.run(protocol.poll(sample)));
  return sample;
}

TEST(Pace, limits_are_told_with_every_sample) {
  FakePace board;
  const auto sample = with_settings(board);
  EXPECT_EQ(sample.max_charge_current, 104.0);
  EXPECT_EQ(sample.max_discharge_current, 105.0);
  EXPECT_EQ(number(sample, "charge_oc_protect"), 110.0);
  EXPECT_EQ(number(sample, "discharge_oc_protect"), 110.0);
  EXPECT_EQ(number(sample, "cell_ov_protect"), 3.7);
}

TEST(Pace, limits_that_cannot_be_are_absent) {
  for (const char* wrong : {"01ff97ff920a", "0100680064", "010068006e0a00", "", "01"}) {
    FakePace board;
    board.info[0xD9] = hex(wrong);
    const auto sample = with_settings(board);
    EXPECT_FALSE(sample.max_charge_current) << wrong;
    EXPECT_EQ(sample.max_discharge_current, 105.0); // a failure spoils no other setting
  }
  FakePace board;
  board.info[0xD9] = hex("010000006e0a");
  board.info[0xDB] = hex("010069006e0a"); // the other direction
  const auto sample = with_settings(board);
  EXPECT_FALSE(sample.max_charge_current);
  EXPECT_FALSE(sample.max_discharge_current);
}

// -- commands -----------------------------------------------------------------------------

TEST(Pace, fets_are_switched_with_the_vendors_frames) {
  FakePace board;
  board.address = 0;
  Pace protocol(at(0, true));
  EXPECT_TRUE(board.command(protocol, CommandKind::force_charging_off, 1));
  board.info[0x9A] = hex("26");
  EXPECT_TRUE(board.command(protocol, CommandKind::force_charging_off, 0));
  EXPECT_TRUE(board.command(protocol, CommandKind::force_discharging_off, 1));
  ASSERT_EQ(board.heard.size(), 3U);
  EXPECT_EQ(board.heard[0], (yd1363::Frame{0x25, 0, 0x46, 0x9A, {1}}));
  EXPECT_EQ(board.heard[1], (yd1363::Frame{0x25, 0, 0x46, 0x9A, {0}}));
  EXPECT_EQ(board.heard[2], (yd1363::Frame{0x25, 0, 0x46, 0x9B, {1}}));
}

TEST(Pace, commands_need_permission_and_sense) {
  FakePace board;
  Pace protocol(at(1)), allowed(at(1, true));
  EXPECT_EQ(board.command(protocol, CommandKind::force_charging_off, 1).error().fault, Fault::rejected);
  EXPECT_EQ(board.command(allowed, CommandKind::force_charging_off, 2).error().fault, Fault::rejected);
  EXPECT_EQ(board.command(allowed, CommandKind::set_soc, 50).error().fault, Fault::unsupported);
  EXPECT_EQ(board.command(allowed, CommandKind::turn_balancing_off, 1).error().fault, Fault::unsupported);
  EXPECT_TRUE(board.heard.empty());
}

TEST(Pace, boards_that_refuse_keep_silent_or_lie) {
  Pace protocol(at(1, true));
  FakePace refusing, silent, lying, mumbling;
  refusing.return_codes[0x9A] = 9;
  silent.info.erase(0x9A);
  lying.info[0x9A] = hex("26");
  mumbling.info[0x9A] = hex("");
  const auto off = [&](FakePace& board) {
    return board.command(protocol, CommandKind::force_charging_off, 1).error().fault;
  };
  EXPECT_EQ(off(refusing), Fault::refused);
  EXPECT_EQ(off(silent), Fault::timeout);
  EXPECT_EQ(off(lying), Fault::refused);
  EXPECT_EQ(off(mumbling), Fault::framing);
}

TEST(Pace, a_protection_may_keep_a_fet_open_that_is_allowed_again) {
  FakePace board;
  Pace protocol(at(1, true));
  EXPECT_TRUE(board.command(protocol, CommandKind::force_charging_off, 0)); // the state says off
}

TEST(Pace, both_fets_are_never_off_by_command) {
  FakePace board;
  Pace protocol(at(1, true));
  ASSERT_TRUE(board.command(protocol, CommandKind::force_charging_off, 1));
  EXPECT_EQ(board.command(protocol, CommandKind::force_discharging_off, 1).error().fault, Fault::unsupported);
  EXPECT_EQ(board.times_heard(0x9B), 0);
  ASSERT_TRUE(board.command(protocol, CommandKind::force_charging_off, 0));
  EXPECT_TRUE(board.command(protocol, CommandKind::force_discharging_off, 1));
}

// -- captures -----------------------------------------------------------------------------

TEST(Pace, recorded_writes_and_refusals) {
  FakePace board;
  board.return_codes[0x93] = 4;
  Pace protocol(at(1));
  const auto replayed = [&](std::uint8_t command, ByteView info) {
    Identity identity;
    Sample sample;
    EXPECT_TRUE(board.run(protocol.replay(pace::request(0x46, 1, command, info).tx, identity, sample)));
    return sample;
  };
  const Bytes off = {1};
  EXPECT_EQ(std::get<bool>(replayed(0x9A, off).extra.at(0).value), true);
  EXPECT_EQ(number(replayed(0x93, {}), "error_code"), 4);
}

} // namespace
} // namespace bmsd::protocols
