#include "fake_jkbms_pb.hpp"
#include "messages/json.hpp"
#include "protocols/capture.hpp"
#include "protocols/jkbms_pb.hpp"

#include <gtest/gtest.h>

namespace bmsd::protocols {
namespace {

using jkpb::Trigger;
using test::at;
using test::FakeJkPb;
using test::find_extra;
using test::hex;
using test::number;

constexpr auto kAbout = FakeJkPb::kAbout, kSettings = FakeJkPb::kSettings, kStatus = FakeJkPb::kStatus;
constexpr int kForever = 1000;

Bytes with_crc(Bytes frame) {
  const auto crc = crc16_modbus(frame);
  frame.insert(frame.end(), {static_cast<std::uint8_t>(crc), static_cast<std::uint8_t>(crc >> 8)});
  return frame;
}

// -- identification ---------------------------------------------------------------------

TEST(JkbmsPb, tells_who_it_is) {
  FakeJkPb board;
  JkbmsPb protocol(at(3));
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  EXPECT_EQ(identity.protocol, "jkbms_pb");
  EXPECT_EQ(identity.model, "JK_PB2A16S20P");
  EXPECT_EQ(identity.hardware_version, "15A");
  EXPECT_EQ(identity.firmware_version, "15.41");
  EXPECT_EQ(identity.serial, "40119491480");
  EXPECT_EQ(identity.unique_id, "40119491480");
  EXPECT_EQ(identity.device_name, "BB02");
  EXPECT_EQ(identity.manufacture_date, "2024-09-14");
  EXPECT_EQ(identity.cell_count, 16);
  EXPECT_EQ(identity.capacity_full, 280.0);
  EXPECT_EQ(identity.capabilities, Capabilities{});
  for (const auto& tx : board.heard) { // nothing but the three triggers, each with the value 0
    EXPECT_TRUE(jkpb::is_trigger(tx)) << to_hex(tx);
    EXPECT_EQ(tx[7] | tx[8], 0);
  }
}

TEST(JkbmsPb, other_addresses_are_other_batteries) {
  FakeJkPb board;
  JkbmsPb protocol(at(2));
  Identity identity;
  EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::timeout);
}

TEST(JkbmsPb, a_board_that_does_not_tell_its_serial_number_is_a_battery_all_the_same) {
  FakeJkPb board;
  board.missed[kAbout] = 2;
  JkbmsPb protocol(at(3));
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  EXPECT_EQ(identity.serial, "40119491480");

  board.missed[kAbout] = kForever;
  JkbmsPb nameless(at(3));
  identity = {};
  ASSERT_TRUE(board.run(nameless.identify(identity)));
  EXPECT_EQ(identity.unique_id, "");
  EXPECT_EQ(identity.cell_count, 16);
  Sample sample;
  ASSERT_TRUE(board.run(nameless.poll(sample)));
  EXPECT_EQ(find_extra(sample, "heating_temperature_start"), nullptr); // it depends on the version
}

TEST(JkbmsPb, a_damaged_serial_number_is_not_taken_for_none) {
  FakeJkPb board;
  board.damaged[kAbout] = true;
  JkbmsPb protocol(at(3));
  Identity identity;
  EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::checksum);
}

TEST(JkbmsPb, impossible_settings_are_another_device) {
  struct {
    std::size_t offset;
    const char* bytes;
  } const cases[] = {{114, "00000000"}, {114, "21000000"}, {114, "ffffffff"}, {50, "ffffffff"}, {62, "ffffffff"}};
  for (const auto& bad : cases) {
    FakeJkPb board;
    board.put(kSettings, bad.offset, bad.bytes);
    JkbmsPb protocol(at(3));
    Identity identity;
    EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::implausible) << bad.offset;
  }
}

TEST(JkbmsPb, an_unreadable_date_is_none) {
  for (const auto* date : {"", "2409", "241314", "240900", "24x914"}) {
    FakeJkPb board;
    board.put_text(kAbout, 78, date, 8);
    JkbmsPb protocol(at(3));
    Identity identity;
    ASSERT_TRUE(board.run(protocol.identify(identity)));
    EXPECT_EQ(identity.manufacture_date, "") << date;
  }
}

TEST(JkbmsPb, pass_codes_are_never_told) {
  FakeJkPb board;
  board.put_text(kAbout, 46, "sixteen letters!", 16); // no NUL between name and pass code
  board.put_text(kAbout, 62, "SECRETblueSECRET", 16);
  board.put_text(kAbout, 102, "sixteen letters!", 16);
  board.put_text(kAbout, 118, "SECRETcodeSECRET", 16);
  JkbmsPb protocol(at(3));
  Identity identity;
  Sample sample;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_EQ(identity.device_name, "sixteen letters!");
  EXPECT_EQ(std::get<std::string>(*find_extra(sample, "user_data")), "sixteen letters!");
  EXPECT_EQ((to_json(identity).dump() + to_json(sample).dump()).find("SECRET"), std::string::npos);
}

// -- settings -----------------------------------------------------------------------------

TEST(JkbmsPb, settings_are_told_with_every_sample) {
  FakeJkPb board;
  JkbmsPb protocol(at(3));
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  for (int i = 0; i < 2; ++i) {
    Sample sample;
    ASSERT_TRUE(board.run(protocol.poll(sample)));
    EXPECT_EQ(sample.max_charge_current, 60.0);
    EXPECT_EQ(sample.max_discharge_current, 100.0);
    EXPECT_NEAR(*sample.max_charge_voltage, 16 * 3.45, 1e-9);
    EXPECT_EQ(sample.capacity_full, 280.0);
    EXPECT_EQ(sample.balancer_enabled, true);
    EXPECT_EQ(sample.heater_enabled, false);
  }
  EXPECT_EQ(board.asked_for(kSettings), 1);
}

TEST(JkbmsPb, what_the_settings_leave_open_is_absent) {
  FakeJkPb board;
  board.put(kSettings, 38, "00000000"); // firmware of document V1.0
  board.put(kSettings, 130, "00000000");
  board.put(kStatus, 178, "c0d40100");
  JkbmsPb protocol(at(3));
  Identity identity;
  Sample sample;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_FALSE(sample.max_charge_voltage);
  EXPECT_FALSE(identity.capacity_full);
  EXPECT_EQ(sample.capacity_full, 120.0); // as learned
}

TEST(JkbmsPb, a_limit_changed_with_the_app_is_noticed) {
  FakeJkPb board;
  JkbmsPb protocol(at(3));
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  board.put(kSettings, 50, "204e0000"); // 20 A
  double limit = 60.0;
  for (int polls = 0; polls < 1000 && limit != 20.0; ++polls) {
    Sample sample;
    ASSERT_TRUE(board.run(protocol.poll(sample)));
    limit = *sample.max_charge_current;
  }
  EXPECT_EQ(limit, 20.0);

  board.missed[kSettings] = kForever; // the last known ones stay in force
  for (int polls = 0; polls < 400; ++polls) {
    Sample sample;
    ASSERT_TRUE(board.run(protocol.poll(sample)));
    ASSERT_EQ(sample.max_charge_current, 20.0);
  }
}

TEST(JkbmsPb, heater_limits_depend_on_the_version) {
  struct {
    const char *hardware, *firmware;
    double start, stop;
  } const cases[] = {{"15A", "15.41", 0, 10},
                     {"15A", "15.38", 5, 7},
                     {"19A", "19.05", 0, 10},
                     {"14A", "14.20", 5, 7},
                     {"15.XA", "15.10", 5, 7}};
  for (const auto& version : cases) {
    FakeJkPb board;
    board.put_text(kAbout, 22, version.hardware, 8);
    board.put_text(kAbout, 30, version.firmware, 8);
    JkbmsPb protocol(at(3));
    Identity identity;
    Sample sample;
    ASSERT_TRUE(board.run(protocol.identify(identity)));
    ASSERT_TRUE(board.run(protocol.poll(sample)));
    EXPECT_EQ(number(sample, "heating_temperature_start"), version.start) << version.firmware;
    EXPECT_EQ(number(sample, "heating_temperature_stop"), version.stop) << version.firmware;
  }
}

// -- poll ---------------------------------------------------------------------------------

TEST(JkbmsPb, a_missed_status_is_asked_for_again) {
  FakeJkPb board;
  board.missed[kStatus] = 1;
  JkbmsPb protocol(at(3));
  Sample sample;
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_EQ(board.asked_for(kSettings), 0);
}

TEST(JkbmsPb, a_board_that_wants_another_request_first_gets_it) {
  FakeJkPb board;
  board.status_needs_wake = true;
  JkbmsPb protocol(at(3));
  Sample sample;
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_NEAR(*sample.voltage, 52.695, 1e-9);
  EXPECT_EQ(board.asked_for(kSettings), 1);
}

TEST(JkbmsPb, a_dead_board_costs_three_requests_a_poll) {
  FakeJkPb board;
  board.missed[kStatus] = board.missed[kSettings] = kForever;
  JkbmsPb protocol(at(3));
  Sample sample;
  EXPECT_EQ(board.run(protocol.poll(sample)).error().fault, Fault::timeout);
  EXPECT_EQ(board.heard.size(), 3u);
}

TEST(JkbmsPb, a_damaged_status_is_refused) {
  FakeJkPb board;
  board.damaged[kStatus] = true;
  JkbmsPb protocol(at(3));
  Sample sample;
  EXPECT_EQ(board.run(protocol.poll(sample)).error().fault, Fault::checksum);
}

TEST(JkbmsPb, impossible_values_are_errors) {
  struct {
    std::size_t offset;
    const char* bytes;
  } const cases[] = {
      {173, "65"},       {190, "65"}, {158, "00ca9a3b"}, {158, "003665c4"}, {182, "ffffffff"},
      {150, "00ca9a3b"}, {6, "ffff"}, {70, "00000000"},  {150, "ffffffff"},
  };
  for (const auto& bad : cases) {
    FakeJkPb board;
    board.put(kStatus, bad.offset, bad.bytes);
    JkbmsPb protocol(at(3));
    Sample sample;
    const auto result = board.run(protocol.poll(sample));
    ASSERT_FALSE(result) << bad.offset << " " << bad.bytes;
    EXPECT_EQ(result.error().fault, Fault::implausible);
  }
}

TEST(JkbmsPb, cells_are_those_that_the_mask_names) {
  FakeJkPb board;
  board.put(kStatus, 70, "0b000080"); // 1, 2, 4, 32
  board.put(kStatus, 6, "b80bb90bba0bbb0b");
  board.put(kStatus, 6 + 2 * 31, "bc0b");
  board.put(kStatus, 150, "e02e0000"); // 12.000 V
  JkbmsPb protocol(at(3));
  Sample sample;
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  ASSERT_EQ(sample.cell_voltages.size(), 4u);
  EXPECT_NEAR(*sample.cell_voltages[1], 3.001, 1e-9);
  EXPECT_NEAR(*sample.cell_voltages[2], 3.003, 1e-9);
  EXPECT_NEAR(*sample.cell_voltages[3], 3.004, 1e-9);
  EXPECT_EQ(sample.cell_count, 4);
}

TEST(JkbmsPb, sensors_that_are_not_there_are_absent) {
  FakeJkPb board;
  board.put(kStatus, 214, "ef");   // sensor 4 is not fitted
  board.put(kStatus, 162, "30f8"); // -200.0: sensor 1 is not connected
  board.put(kStatus, 164, "73ff"); // -14.1
  board.put(kStatus, 258, "1027"); // 1000.0
  board.put(kStatus, 254, "cd00"); // sensor 3 of the vendor is not on these boards
  JkbmsPb protocol(at(3));
  Sample sample;
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_NEAR(*sample.temperatures.mos, 20.3, 1e-9);
  EXPECT_FALSE(sample.temperatures.battery[0]);
  EXPECT_NEAR(*sample.temperatures.battery[1], -14.1, 1e-9);
  EXPECT_FALSE(sample.temperatures.battery[2]);
  EXPECT_FALSE(sample.temperatures.battery[3]);
  EXPECT_FALSE(sample.temperatures.battery[4]);
}

TEST(JkbmsPb, less_than_nothing_is_left_of_no_battery) {
  FakeJkPb board;
  board.put(kStatus, 174, "ffffffff");
  JkbmsPb protocol(at(3));
  Sample sample;
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_FALSE(sample.capacity_remaining);
}

TEST(JkbmsPb, the_heater_is_told_while_it_heats) {
  FakeJkPb board;
  board.put(kStatus, 236, "d007"); // 2.000 A
  JkbmsPb protocol(at(3));
  Sample off, on;
  ASSERT_TRUE(board.run(protocol.poll(off)));
  EXPECT_EQ(off.heating, false);
  EXPECT_EQ(find_extra(off, "heating_current"), nullptr);
  board.put(kStatus, 215, "01");
  ASSERT_TRUE(board.run(protocol.poll(on)));
  EXPECT_EQ(on.heating, true);
  EXPECT_NEAR(number(on, "heating_current"), 2.0, 1e-9);
  EXPECT_NEAR(number(on, "heating_power"), 105.39, 1e-9);
}

TEST(JkbmsPb, every_alarm_bit_means_one_thing) {
  constexpr std::pair<unsigned, Alarm> kMeant[] = {
      {1, Alarm::HighInternalTemperature}, {2, Alarm::InternalFailure},       {3, Alarm::InternalFailure},
      {4, Alarm::HighCellVoltage},         {5, Alarm::HighVoltage},           {6, Alarm::HighChargeCurrent},
      {7, Alarm::HighChargeCurrent},       {8, Alarm::HighChargeTemperature}, {9, Alarm::LowChargeTemperature},
      {10, Alarm::InternalFailure},        {11, Alarm::LowCellVoltage},       {12, Alarm::LowVoltage},
      {13, Alarm::HighDischargeCurrent},   {14, Alarm::HighDischargeCurrent}, {15, Alarm::HighTemperature},
      {16, Alarm::InternalFailure},        {17, Alarm::InternalFailure},      {20, Alarm::InternalFailure},
      {21, Alarm::HighTemperature},        {22, Alarm::InternalFailure},      {27, Alarm::LowTemperature},
  };
  JkbmsPb protocol(at(3));
  for (unsigned bit = 0; bit < 32; ++bit) {
    FakeJkPb board;
    for (unsigned byte = 0; byte < 4; ++byte) {
      board.payloads[kStatus][166 + byte] = static_cast<std::uint8_t>((1U << bit) >> 8 * byte);
    }
    Sample sample;
    ASSERT_TRUE(board.run(protocol.poll(sample)));
    const auto* meant = std::find_if(std::begin(kMeant), std::end(kMeant), [&](auto& m) { return m.first == bit; });
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      const bool raised = meant != std::end(kMeant) && static_cast<std::size_t>(meant->second) == i;
      EXPECT_EQ(sample.alarms.at(i).value_or(0), raised ? 2 : 0) << "bit " << bit << " " << kAlarmNames[i];
    }
  }
}

TEST(JkbmsPb, low_soc_is_silent_when_soc_is_counted_elsewhere) {
  FakeJkPb board;
  board.put(kStatus, 173, "05");
  auto config = at(3);
  JkbmsPb loud(config);
  config.soc_alarms = false;
  JkbmsPb quiet(config);
  Sample sample;
  ASSERT_TRUE(board.run(quiet.poll(sample)));
  EXPECT_FALSE(sample.alarms[Alarm::LowSoc]);
  ASSERT_TRUE(board.run(loud.poll(sample)));
  EXPECT_EQ(sample.alarms[Alarm::LowSoc], 2);
}

TEST(JkbmsPb, takes_no_commands) {
  FakeJkPb board;
  auto config = at(3);
  config.allow_writes = true;
  JkbmsPb protocol(config);
  for (auto kind : {CommandKind::force_charging_off, CommandKind::turn_heating_off, CommandKind::set_soc}) {
    Command command;
    command.kind = kind;
    command.value = 1;
    EXPECT_EQ(board.run(protocol.command(command)).error().fault, Fault::unsupported);
  }
  EXPECT_TRUE(board.heard.empty());
}

// -- captures -------------------------------------------------------------------------------

struct Overheard : testing::Test {
  FakeJkPb board;
  static std::string line(const std::string& address, std::initializer_list<Bytes> heard) {
    auto exchanges = nlohmann::json::array();
    for (const auto& rx : heard) {
      exchanges.push_back({{"tx", nullptr}, {"rx", to_hex(rx)}});
    }
    return R"({"protocol":"jkbms_pb","config":{"address":)" + address + R"(},"exchanges":)" + exchanges.dump() + "}";
  }
  static nlohmann::json decoded(const std::string& line) {
    const auto result = decode_capture(line);
    return result ? nlohmann::json::parse(*result) : nlohmann::json(to_string(result.error()));
  }
};

TEST_F(Overheard, the_acknowledgement_may_be_missing) {
  const Bytes settings = FakeJkPb::summed(board.payloads[kSettings]);
  const Bytes status = FakeJkPb::summed(board.payloads[kStatus]);
  for (const auto& heard : {line("null", {settings, status}), line("null", {status, settings})}) {
    const auto values = decoded(heard);
    EXPECT_EQ(values["soc"], 55) << values;
    EXPECT_EQ(values["cell_count"], 16);
    EXPECT_EQ(values["capacity_full"], 280);
    EXPECT_EQ(values["max_charge_current"], 60);
  }
}

TEST_F(Overheard, a_damaged_payload_is_an_error) {
  Bytes status = FakeJkPb::summed(board.payloads[kStatus]);
  status[100] ^= 1;
  EXPECT_EQ(decoded(line("null", {status})), "checksum: wrong sum of the payload");
  status.resize(250);
  EXPECT_EQ(decoded(line("null", {status})), "timeout: 250 bytes, then silence");
}

TEST_F(Overheard, another_battery_is_not_the_one_asked_for) {
  EXPECT_EQ(decoded(line("3", {board.reply(kStatus, 3)}))["soc"], 55);
  EXPECT_EQ(decoded(line("null", {board.reply(kStatus, 3)}))["soc"], 55);
  EXPECT_EQ(decoded(line("2", {board.reply(kStatus, 3)})), "framing: wrong address in the acknowledgement");
}

TEST_F(Overheard, requests_of_another_program) {
  const auto exchange = [](const Bytes& tx, const Bytes& rx) {
    return R"({"protocol":"jkbms_pb","config":{"address":3},"exchanges":[{"tx":")" + to_hex(tx) + R"(","rx":")" +
           to_hex(rx) + R"("}]})";
  };
  const auto status = jkpb::ask_for(Trigger::status, 2, 0).tx;
  EXPECT_FALSE(decoded(exchange(status, board.reply(kStatus, 2))).contains("soc")); // of another battery
  // Charging off, as the vendor's document has it.
  const Bytes write = with_crc(hex("0310107000020400000000")), ack = with_crc(hex("031010700002"));
  EXPECT_EQ(decoded(exchange(write, ack))["extra"]["writes_ok"], true);
  EXPECT_EQ(decoded(exchange(hex("dda50300fffd77"), {})), "unsupported: not a request of this protocol");
}

} // namespace
} // namespace bmsd::protocols
