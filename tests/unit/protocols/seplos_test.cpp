#include "fake_seplos.hpp"

#include <gtest/gtest.h>

namespace bmsd::protocols {
namespace {

using namespace test;

// -- identification -----------------------------------------------------------------

TEST(Seplos, tells_who_it_is) {
  FakeSeplos board;
  Seplos protocol({});
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  EXPECT_EQ(identity.model, "1101-SP15");
  EXPECT_EQ(identity.firmware_version, "2.7");
  EXPECT_EQ(identity.hardware_version, "Seplos BMS 8S");
  EXPECT_EQ(identity.cell_count, 8);
  EXPECT_EQ(identity.capacity_full, 100.0);
  EXPECT_EQ(identity.unique_id, "SeplosBMS8S_104.0Ah");
  EXPECT_EQ(identity.capabilities, Capabilities{});
}

TEST(Seplos, unique_id_names_the_address_and_outlives_the_learned_capacity) {
  FakeSeplos board;
  board.address = 11;
  board.groups = {11};
  board.info[0x42][kCustom + 1] = 0x20;
  ProtocolConfig config;
  config.address = 11;
  Seplos protocol(config);
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  EXPECT_EQ(identity.unique_id, "SeplosBMS8S_0x0B_104.0Ah");
}

TEST(Seplos, a_name_is_not_needed) {
  for (bool silent : {false, true}) {
    FakeSeplos board;
    if (silent) {
      board.info.erase(0x51);
    } else {
      board.return_codes[0x51] = 4;
    }
    Seplos protocol({});
    Identity identity;
    EXPECT_TRUE(board.run(protocol.identify(identity)));
    EXPECT_EQ(identity.model, "");
    EXPECT_EQ(identity.unique_id, "SeplosBMS8S_104.0Ah");
  }
}

TEST(Seplos, a_pylontech_is_not_taken_for_a_seplos) {
  for (std::uint8_t words : {0, 1, 2, 4}) {
    FakeSeplos board;
    board.shorten(words);
    Seplos protocol({});
    Identity identity;
    const auto result = board.run(protocol.identify(identity));
    ASSERT_FALSE(result) << int{words};
    EXPECT_EQ(result.error().fault, Fault::unsupported);
  }
  FakeSeplos board; // P = 4 with two of the items in three bytes
  board.info[0x42].resize(kCustom + 11);
  board.info[0x42][kCustom] = 4;
  Seplos protocol({});
  Identity identity;
  EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::framing);
}

TEST(Seplos, without_its_alarm_block_it_is_something_else) {
  FakeSeplos board;
  board.return_codes[0x44] = 4;
  Seplos protocol({});
  Identity identity;
  EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::refused);
  board.return_codes.clear();
  board.info[0x44] = hex("000108"
                         "0000000000000000"
                         "06"
                         "000000000000"
                         "00000000"
                         "0000000000"); // Pylontech's
  EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::framing);
}

TEST(Seplos, addresses_end_at_fifteen) {
  FakeSeplos board;
  ProtocolConfig config;
  config.address = 256;
  Seplos protocol(config);
  Identity identity;
  EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::rejected);
  EXPECT_TRUE(board.heard.empty());
}

// -- groups -----------------------------------------------------------------------------

TEST(Seplos, group_one_is_tried_after_two_silences_and_remembered) {
  FakeSeplos board;
  board.groups = {1};
  Seplos protocol({});
  Identity identity;
  Sample sample;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  std::vector<int> asked;
  for (const auto& frame : board.heard) {
    if (!frame.info.empty()) {
      asked.push_back(frame.info[0]);
    }
  }
  EXPECT_EQ(asked, (std::vector<int>{0, 0, 1, 1, 1, 1}));
}

TEST(Seplos, the_own_group_needs_no_second_one) {
  FakeSeplos board;
  Seplos protocol({});
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  for (const auto& frame : board.heard) {
    EXPECT_TRUE(frame.info.empty() || frame.info[0] == 0);
  }
}

// -- replies to another command ----------------------------------------------------------

TEST(Seplos, late_answers_to_another_command_are_passed_over) {
  FakeSeplos board;
  board.in_front = board.frame(0, vendor_info());
  EXPECT_EQ(board.sample().voltage, 26.44);
  for (auto [asked, late] :
       {std::pair(seplos::kTelemetry, alarm_info()), std::pair(seplos::kAlarms, telemetry_info())}) {
    board.in_front = board.frame(0, late);
    const auto request = seplos::read(0, asked, 0);
    const auto reply = receive(request, board.answer(request.tx));
    ASSERT_EQ(reply.error.fault, Fault::none);
    EXPECT_EQ(*yd1363::info_of({reply.view().begin(), reply.view().end()}), board.info[asked]);
  }
}

TEST(Seplos, another_packs_answer_is_passed_over) {
  FakeSeplos board, other;
  other.address = 1;
  board.in_front = other.frame(0, telemetry_info());
  board.info[0x42][kSoc] = 0x02;
  EXPECT_NEAR(*board.sample().soc, 75.6, 1e-9);
}

TEST(Seplos, an_answer_to_another_command_alone_is_an_error) {
  FakeSeplos board;
  board.info[0x44] = telemetry_info();
  EXPECT_EQ(board.fault(), Fault::framing);
  board.info[0x44] = alarm_info();
  board.info[0x42] = alarm_info();
  EXPECT_EQ(board.fault(), Fault::framing);
}

TEST(SeplosFrame, alarms_that_have_the_length_of_telemetry_are_alarms) {
  Bytes info = hex("000110"
                   "00000000000000000000000000000000"
                   "06"
                   "000000000000"
                   "0000"
                   "14"
                   "0000000000000300000000000000000000000000");
  EXPECT_TRUE(seplos::alarm_block(info));
  EXPECT_FALSE(seplos::telemetry(info)); // three sensors, no custom items: 49 bytes
  info[35] = 0, info[42] = 3;
  EXPECT_TRUE(seplos::alarm_block(info));
  EXPECT_FALSE(seplos::telemetry(info)); // no sensors, three custom items
}

TEST(Seplos, a_reply_cut_at_any_length_is_an_error) {
  for (int command : {0x42, 0x44}) {
    const Bytes whole = FakeSeplos().info[command];
    for (std::size_t size = 0; size < whole.size(); ++size) {
      FakeSeplos board;
      board.info[command].resize(size);
      EXPECT_NE(board.fault(), Fault::none) << command << " " << size;
    }
    FakeSeplos board;
    board.info[command].push_back(0);
    EXPECT_NE(board.fault(), Fault::none);
  }
  for (std::size_t size = 0; size < vendor_info().size(); ++size) {
    FakeSeplos board;
    board.info[0x51].resize(size);
    Seplos protocol({});
    Identity identity;
    EXPECT_FALSE(board.run(protocol.identify(identity))) << size;
  }
}

TEST(Seplos, a_line_that_breaks_off_is_a_timeout) {
  const Bytes whole = FakeSeplos().frame(0, telemetry_info());
  const auto request = seplos::read(0, seplos::kTelemetry, 0);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(receive(request, ByteView(whole).first(size)).error.fault, Fault::timeout) << size;
  }
}

TEST(Seplos, a_refusal_fails_the_cycle) {
  for (int command : {0x42, 0x44}) {
    FakeSeplos board;
    board.return_codes[command] = 0xE3;
    EXPECT_EQ(board.fault(), Fault::refused);
  }
}

// -- telemetry ----------------------------------------------------------------------------

TEST(Seplos, fewer_custom_items_leave_values_absent) {
  FakeSeplos board;
  board.shorten(3);
  auto sample = board.sample();
  EXPECT_EQ(sample.soc, 50.0);
  EXPECT_EQ(number(sample, "capacity_nominal"), 104.0);
  EXPECT_FALSE(sample.cycles);
  EXPECT_FALSE(sample.soh);
  FakeSeplos longer;
  longer.shorten(5);
  sample = longer.sample();
  EXPECT_EQ(sample.cycles, 321);
  EXPECT_EQ(sample.soh, 97.5);
  EXPECT_EQ(number(sample, "port_voltage"), -1);
}

TEST(Seplos, boqiang_counts_no_soc) {
  FakeSeplos board;
  board.info[0x42].resize(kCustom);
  for (auto byte : hex("02"
                       "138800aa")) {
    board.info[0x42].push_back(byte);
  }
  board.info[0x42][kCurrent + 4] = 0x09, board.info[0x42][kCurrent + 5] = 0xC4; // 25.00 Ah
  const auto sample = board.sample();
  EXPECT_EQ(sample.capacity_full, 50.0);
  EXPECT_EQ(sample.cycles, 170);
  EXPECT_EQ(sample.soc, 50.0);
}

TEST(Seplos, impossible_values_are_errors) {
  const std::pair<std::size_t, std::uint8_t> cases[] = {{kCells, 0x14}, {kVoltage, 0x10}, {kSoc, 0x04}, {kSoh, 0x04}};
  for (const auto& [offset, value] : cases) {
    FakeSeplos board;
    board.info[0x42][offset] = value;
    EXPECT_EQ(board.fault(), Fault::implausible) << offset;
  }
  FakeSeplos none;
  none.info[0x42].erase(none.info[0x42].begin() + kCells, none.info[0x42].begin() + kCells + 16);
  none.info[0x42][2] = 0;
  EXPECT_EQ(none.fault(), Fault::implausible);
}

TEST(Seplos, open_sensors_are_absent) {
  FakeSeplos board;
  for (std::size_t sensor : {0U, 4U, 5U}) {
    board.info[0x42][kSensors + 2 * sensor] = 0x08, board.info[0x42][kSensors + 2 * sensor + 1] = 0x53; // -60.0
  }
  const auto sample = board.sample();
  EXPECT_FALSE(sample.temperatures.battery[0]);
  EXPECT_TRUE(sample.temperatures.battery[1]);
  EXPECT_FALSE(sample.temperatures.env);
  EXPECT_FALSE(sample.temperatures.mos);
}

// -- alarms ---------------------------------------------------------------------------------

TEST(Seplos, every_event_bit) {
  struct Row {
    std::size_t event;
    unsigned bit;
    Alarm alarm;
    int level;
  };
  std::vector<Row> rows;
  const auto pair = [&](std::size_t event, unsigned bit, Alarm alarm) {
    rows.push_back({event, bit, alarm, 1});
    rows.push_back({event, bit + 1, alarm, 2});
  };
  pair(1, 0, Alarm::HighCellVoltage), pair(1, 2, Alarm::LowCellVoltage);
  pair(1, 4, Alarm::HighVoltage), pair(1, 6, Alarm::LowVoltage);
  pair(2, 0, Alarm::HighChargeTemperature), pair(2, 2, Alarm::LowChargeTemperature);
  pair(2, 4, Alarm::HighTemperature), pair(2, 6, Alarm::LowTemperature);
  pair(4, 0, Alarm::HighChargeCurrent), pair(4, 2, Alarm::HighDischargeCurrent);
  pair(5, 2, Alarm::LowSoc);
  for (unsigned bit = 0; bit < 8; ++bit) {
    rows.push_back({0, bit, Alarm::InternalFailure, 2});
  }
  for (unsigned bit = 4; bit < 8; ++bit) {
    rows.push_back({4, bit, Alarm::HighDischargeCurrent, 2});
  }
  for (unsigned bit : {4U, 5U}) {
    rows.push_back({3, bit, Alarm::HighInternalTemperature, 1});
  }
  for (std::size_t event = 0; event < 6; ++event) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      FakeSeplos board;
      board.info[0x44][kEvents + event] = static_cast<std::uint8_t>(1U << bit);
      Alarms expected = board.quiet();
      for (const auto& row : rows) {
        if (row.event == event && row.bit == bit) {
          expected.raise(row.alarm, static_cast<AlarmLevel>(row.level));
        }
      }
      EXPECT_EQ(board.sample().alarms, expected) << "event " << event + 1 << " bit " << bit;
    }
  }
}

TEST(Seplos, power_temperature_alarms_when_both_bits_are_set) {
  FakeSeplos board;
  board.info[0x44][kEvents + 3] = 0x30;
  EXPECT_EQ(board.sample().alarms[Alarm::HighInternalTemperature], 2);
}

TEST(Seplos, states_are_no_alarms) {
  FakeSeplos board;
  board.info[0x44][kEvents + 12] = 0x30;
  board.info[0x44][kEvents + 13] = 0x1F;
  EXPECT_EQ(board.sample().alarms, board.quiet());
}

TEST(Seplos, low_soc_is_silent_when_soc_is_counted_elsewhere) {
  FakeSeplos board;
  board.info[0x44][kEvents + 5] = 0x0C;
  EXPECT_EQ(board.sample().alarms[Alarm::LowSoc], 2);
  ProtocolConfig config;
  config.soc_alarms = false;
  EXPECT_FALSE(board.sample(config).alarms[Alarm::LowSoc]);
}

TEST(Seplos, switches) {
  for (int bits = 0; bits < 16; ++bits) {
    FakeSeplos board;
    board.info[0x44][kEvents + 6] = static_cast<std::uint8_t>(bits);
    const auto sample = board.sample();
    EXPECT_EQ(sample.discharge_enabled, (bits & 1) != 0);
    EXPECT_EQ(sample.charge_enabled, (bits & 2) != 0);
    EXPECT_EQ(sample.heating, (bits & 8) != 0);
  }
}

TEST(Seplos, alarms_of_another_cell_count_are_another_packs) {
  FakeSeplos board;
  board.info[0x44].insert(board.info[0x44].begin() + 3, 0);
  board.info[0x44][2] = 9;
  EXPECT_EQ(board.fault(), Fault::implausible);
}

// -- parameters ------------------------------------------------------------------------------

/// 100 A and -105 A at which it warns.
Bytes parameter_info() {
  Bytes info(169, 0);
  info[1] = 60, info[122] = 27, info[150] = 8;
  info[122 + 6] = 8;
  info[102] = 0x27, info[103] = 0x10, info[106] = 0xD6, info[107] = 0xFC;
  return info;
}

TEST(Seplos, limits_are_told_with_every_sample) {
  FakeSeplos board;
  board.info[0x47] = parameter_info();
  Seplos protocol({});
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  ASSERT_TRUE(board.run(protocol.settings(identity)));
  for (int i = 0; i < 2; ++i) {
    Sample sample;
    ASSERT_TRUE(board.run(protocol.poll(sample)));
    EXPECT_EQ(sample.max_charge_current, 100.0);
    EXPECT_EQ(sample.max_discharge_current, 105.0);
    EXPECT_EQ(sample.capacity_remaining, 50.0); // of telemetry, not the parameter
  }
}

TEST(Seplos, parameters_that_cannot_be_right_limit_nothing) {
  const std::pair<std::size_t, std::uint8_t> cases[] = {{102, 0x80}, {106, 0x10}, {128, 9}, {128, 0}, {1, 59}};
  for (const auto& [offset, value] : cases) {
    FakeSeplos board;
    board.info[0x47] = parameter_info();
    board.info[0x47][offset] = value;
    Seplos protocol({});
    Identity identity;
    Sample sample;
    ASSERT_TRUE(board.run(protocol.identify(identity)));
    EXPECT_FALSE(board.run(protocol.settings(identity))) << offset;
    ASSERT_TRUE(board.run(protocol.poll(sample)));
    EXPECT_FALSE(sample.max_charge_current);
    EXPECT_FALSE(sample.max_discharge_current);
  }
}

TEST(Seplos, parameters_cut_at_any_length_limit_nothing) {
  for (std::size_t size = 0; size < parameter_info().size(); ++size) {
    FakeSeplos board;
    board.info[0x47] = parameter_info();
    board.info[0x47].resize(size);
    Seplos protocol({});
    Identity identity;
    EXPECT_FALSE(board.run(protocol.settings(identity))) << size;
    EXPECT_FALSE(board.sample().max_charge_current);
  }
}

TEST(Seplos, no_limit_is_no_limit_of_zero) {
  FakeSeplos board;
  board.info[0x47] = parameter_info();
  std::fill_n(board.info[0x47].begin() + 102, 6, std::uint8_t{0});
  Seplos protocol({});
  Identity identity;
  Sample sample;
  ASSERT_TRUE(board.run(protocol.settings(identity)));
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_FALSE(sample.max_charge_current);
  EXPECT_FALSE(sample.max_discharge_current);
}

// -- commands ----------------------------------------------------------------------------------

TEST(Seplos, takes_no_commands) {
  FakeSeplos board;
  ProtocolConfig config;
  config.allow_writes = true;
  Seplos protocol(config);
  Command command;
  command.kind = CommandKind::force_charging_off;
  command.value = 1;
  EXPECT_EQ(board.run(protocol.command(command)).error().fault, Fault::unsupported);
  EXPECT_TRUE(board.heard.empty());
}

} // namespace
} // namespace bmsd::protocols
