#include "protocols/sinowealth.hpp"
#include "protocols/sinowealth_frame.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace bmsd::protocols {
namespace {

using test::hex;

/// Four cells, and whatever it is told to do wrong.
class FakeSinowealth {
public:
  std::map<int, Bytes> registers = {
      {0x01, hex("0cf3")}, {0x02, hex("0cff")},     {0x03, hex("0cf8")},     {0x04, hex("0cf0")},
      {0x0B, hex("33da")}, {0x0C, hex("0a58")},     {0x0D, hex("0aad")},     {0x0E, hex("0b87")},
      {0x0F, hex("1bbc")}, {0x10, hex("ffffff6b")}, {0x11, hex("000445c0")}, {0x12, hex("00041460")},
      {0x13, hex("005f")}, {0x14, hex("000c")},     {0x15, hex("004b")},     {0x16, hex("0000")},
      {0x17, hex("0041")},
  };
  std::set<int> silent; ///< never answered
  int missed = 0;       ///< requests that go unanswered
  std::vector<Bytes> heard;

  Bytes answer(const Bytes& tx) {
    heard.push_back(tx);
    if (missed > 0) {
      --missed;
      return {};
    }
    if (silent.count(tx[1]) != 0) {
      return {};
    }
    Bytes out = registers[tx[1]];
    out.resize(tx[2]);
    out.push_back(sinowealth::crc8(tx, ByteView(out)));
    return out;
  }

  Result<void> run(Script script) {
    return test::run(std::move(script), [this](const Bytes& tx) { return answer(tx); });
  }
  int asked(int reg) const {
    return static_cast<int>(std::count_if(heard.begin(), heard.end(), [&](const Bytes& tx) { return tx[1] == reg; }));
  }
};

Result<Sample> poll(FakeSinowealth& board, ProtocolConfig config = {}) {
  Sinowealth protocol(config);
  Identity identity;
  if (auto result = board.run(protocol.identify(identity)); !result) {
    return result.error();
  }
  Sample sample;
  const auto result = board.run(protocol.poll(sample));
  return result ? Result<Sample>(std::move(sample)) : Result<Sample>(result.error());
}

Fault fault(FakeSinowealth board) {
  const auto result = poll(board);
  return result ? Fault::none : result.error().fault;
}

// -- frames ---------------------------------------------------------------------------

TEST(SinowealthFrame, crc_of_recordings) {
  EXPECT_EQ(sinowealth::crc8(hex("0a0102"), hex("0e7d")), 0xBF);
  EXPECT_EQ(sinowealth::crc8(hex("0a0202"), hex("0e7d")), 0x85);
  EXPECT_EQ(sinowealth::crc8(hex("0a0502"), hex("0e7f")), 0xE9);
  EXPECT_EQ(sinowealth::crc8(hex("313233343536373839"), {}), 0xF4); // the check value of CRC-8
}

TEST(SinowealthFrame, a_reply_is_that_of_its_request_and_nothing_more) {
  const auto fault = [](std::uint8_t reg, std::string_view rx) {
    return receive(sinowealth::read(reg), hex(rx)).error.fault;
  };
  EXPECT_EQ(fault(1, "0e7dbf"), Fault::none);
  EXPECT_EQ(fault(2, "0e7dbf"), Fault::checksum); // a late answer
  EXPECT_EQ(fault(1, "0e7d"), Fault::timeout);
  EXPECT_EQ(fault(1, ""), Fault::timeout);
  EXPECT_EQ(fault(1, "0e7dbe"), Fault::checksum);
  EXPECT_EQ(fault(1, "000e7dbf"), Fault::framing);
  EXPECT_EQ(fault(1, "0e7dbf00"), Fault::framing);
  EXPECT_EQ(fault(1, "0a0102"), Fault::checksum); // an echo
}

TEST(SinowealthFrame, requests) {
  EXPECT_EQ(sinowealth::read(0x17).tx, hex("0a1702"));
  EXPECT_EQ(sinowealth::read(0x10, 4).tx, hex("0a1004"));
  for (const auto* tx : {"0a0102", "0a1804", "0a0b04"}) {
    EXPECT_TRUE(sinowealth::is_request(hex(tx))) << tx;
  }
  for (const auto* tx : {"", "0a01", "0b0102", "0a0002", "0a1902", "0a0100", "0a0115", "0a010200"}) {
    EXPECT_FALSE(sinowealth::is_request(hex(tx))) << tx;
  }
}

// -- identification -------------------------------------------------------------------

TEST(Sinowealth, tells_who_it_is) {
  FakeSinowealth board;
  Sinowealth protocol({});
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  EXPECT_EQ(identity.protocol, "sinowealth");
  EXPECT_EQ(identity.label, "Sinowealth");
  EXPECT_EQ(identity.cell_count, 4);
  EXPECT_EQ(identity.capacity_full, 280.0);
  EXPECT_EQ(identity.unique_id, "");
  EXPECT_EQ(identity.capabilities, Capabilities{});
}

TEST(Sinowealth, what_cannot_be_a_battery_is_another_device) {
  const struct {
    int reg;
    const char* value;
  } cases[] = {
      {0x0B, "0d05"}, // 3.333 V: the map of a board with 16 cells
      {0x0B, "1387"}, // 4.999 V
      {0x0B, "c351"}, // 50.001 V
      {0x0B, "4651"}, // 18.001 V from four cells
      {0x17, "0007"}, // ten cells
      {0x01, "05db"}, // 1.499 V
      {0x01, "1195"}, // 4.501 V
  };
  for (const auto& bad : cases) {
    FakeSinowealth board;
    board.registers[bad.reg] = hex(bad.value);
    EXPECT_EQ(fault(board), Fault::implausible) << bad.reg << " " << bad.value;
  }
  for (int reg : {0x17, 0x0B, 0x01, 0x11}) {
    FakeSinowealth board;
    board.silent = {reg};
    EXPECT_EQ(fault(board), Fault::timeout) << reg;
  }
}

// -- values ---------------------------------------------------------------------------

TEST(Sinowealth, every_register_that_makes_a_battery_must_answer) {
  for (int reg : {0x01, 0x02, 0x03, 0x04, 0x0B, 0x0C, 0x0D, 0x10, 0x12, 0x13, 0x15, 0x16}) {
    FakeSinowealth board;
    board.silent = {reg};
    EXPECT_EQ(fault(board), Fault::timeout) << reg;
  }
}

TEST(Sinowealth, a_missing_second_sensor_is_asked_for_now_and_then) {
  FakeSinowealth board;
  board.registers[0x17] = hex("0001"); // one sensor
  board.silent = {0x0D, 0x0E, 0x14};
  Sinowealth protocol({});
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  for (int i = 0; i < 31; ++i) {
    Sample sample;
    ASSERT_TRUE(board.run(protocol.poll(sample)));
    EXPECT_FALSE(sample.temperatures.battery[1]);
    EXPECT_FALSE(sample.cycles);
  }
  for (int reg : board.silent) {
    EXPECT_EQ(board.asked(reg), 2 * 3); // in the first and the last cycle, three times each
  }
  board.silent.clear();
  Sample sample;
  for (int i = 0; i < 30; ++i) {
    ASSERT_TRUE(board.run(protocol.poll(sample)));
  }
  EXPECT_NEAR(*sample.temperatures.battery[1], 0.15, 1e-9);
  EXPECT_EQ(sample.cycles, 12);
}

TEST(Sinowealth, a_second_sensor_that_is_not_announced_counts_if_it_can_be_one) {
  FakeSinowealth board;
  board.registers[0x17] = hex("0001");
  EXPECT_NEAR(*poll(board)->temperatures.battery[1], 0.15, 1e-9);
  board.registers[0x0D] = hex("ffff");
  EXPECT_FALSE(poll(board)->temperatures.battery[1]);
}

TEST(Sinowealth, open_and_short_sensors_are_absent) {
  const struct {
    const char* raw;
    bool there;
  } cases[] = {{"091c", true}, {"091b", false}, {"0e93", true}, {"0e94", false}, {"0000", false}, {"1bbc", false}};
  for (const auto& example : cases) { // -39.95, -40.05, 99.95, 100.05 °C
    FakeSinowealth board;
    board.registers[0x0C] = hex(example.raw);
    EXPECT_EQ(poll(board)->temperatures.battery[0].has_value(), example.there) << example.raw;
  }
}

TEST(Sinowealth, impossible_values_are_errors) {
  const struct {
    int reg;
    const char* value;
  } cases[] = {{0x13, "0065"}, {0x02, "1389"}, {0x10, "7fffffff"}, {0x10, "80000000"}, {0x11, "ffffffff"}};
  for (const auto& bad : cases) {
    FakeSinowealth board;
    board.registers[bad.reg] = hex(bad.value);
    EXPECT_EQ(fault(board), Fault::implausible) << bad.reg << " " << bad.value;
  }
}

TEST(Sinowealth, a_count_below_zero_and_a_capacity_of_zero_are_absent) {
  FakeSinowealth board;
  board.registers[0x12] = hex("fffffff0");
  board.registers[0x11] = hex("00000000");
  const auto sample = poll(board);
  ASSERT_TRUE(sample);
  EXPECT_FALSE(sample->capacity_remaining);
  EXPECT_FALSE(sample->capacity_full);
}

TEST(Sinowealth, a_cell_of_zero_is_handed_on) {
  FakeSinowealth board;
  board.registers[0x03] = hex("0000");
  EXPECT_EQ(poll(board)->cell_voltages[2], 0.0);
}

TEST(Sinowealth, each_alarm_bit) {
  const std::map<int, Alarm> bits = {
      {0, Alarm::HighVoltage},           {1, Alarm::LowVoltage},
      {2, Alarm::HighChargeCurrent},     {3, Alarm::HighDischargeCurrent},
      {8, Alarm::HighChargeTemperature}, {9, Alarm::HighTemperature},
      {10, Alarm::LowChargeTemperature}, {11, Alarm::LowTemperature},
      {12, Alarm::HighVoltage},          {13, Alarm::HighDischargeCurrent},
      {14, Alarm::InternalFailure},
  };
  for (int bit = 0; bit < 16; ++bit) {
    FakeSinowealth board;
    board.registers[0x16] = {static_cast<std::uint8_t>(1U << bit >> 8), static_cast<std::uint8_t>(1U << bit)};
    const auto sample = poll(board);
    ASSERT_TRUE(sample);
    const auto raised = bits.find(bit);
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      const bool expected = raised != bits.end() && i == static_cast<std::size_t>(raised->second);
      EXPECT_EQ(sample->alarms.at(i).value_or(0), expected ? 2 : 0) << bit << " " << kAlarmNames[i];
    }
  }
}

TEST(Sinowealth, low_soc_comes_from_the_configured_thresholds) {
  FakeSinowealth board;
  board.registers[0x13] = hex("0005");
  EXPECT_EQ(poll(board)->alarms[Alarm::LowSoc], 2);
  ProtocolConfig config;
  config.soc_alarms = false;
  EXPECT_FALSE(poll(board, config)->alarms[Alarm::LowSoc]);
}

TEST(Sinowealth, a_request_is_made_three_times) {
  FakeSinowealth board;
  board.missed = 2;
  EXPECT_TRUE(poll(board));
  board.missed = 3;
  EXPECT_EQ(fault(board), Fault::timeout);
}

TEST(Sinowealth, takes_no_commands) {
  FakeSinowealth board;
  ProtocolConfig config;
  config.allow_writes = true;
  Sinowealth protocol(config);
  EXPECT_EQ(board.run(protocol.command({CommandKind::force_charging_off, 1, 1})).error().fault, Fault::unsupported);
  EXPECT_TRUE(board.heard.empty());
}

// -- captures -------------------------------------------------------------------------

Exchange exchange(std::string_view tx, std::string_view data) {
  const Bytes sent = hex(tx);
  Bytes reply = hex(data);
  reply.push_back(sinowealth::crc8(sent, ByteView(reply)));
  return {sent, reply};
}

TEST(Sinowealth, requests_for_more_bytes_than_a_register_has) {
  Sinowealth protocol({});
  Identity identity;
  Sample sample;
  ASSERT_TRUE(replay(protocol,
                     {exchange("0a1704", "00410000"), exchange("0a0b04", "33da5555"), exchange("0a0104", "0cf3ffff"),
                      exchange("0a0f02", "1bbc")},
                     identity, sample));
  EXPECT_EQ(identity.cell_count, 4);
  EXPECT_EQ(sample.voltage, 13.274);
  EXPECT_EQ(sample.cell_voltages[0], 3.315);
}

TEST(Sinowealth, replies_too_short_for_a_value) {
  for (const auto& bad :
       {exchange("0a1002", "0000"), exchange("0a1703", "000000"), exchange("0a1701", "41"), exchange("0a1302", "")}) {
    Sinowealth protocol({});
    Identity identity;
    Sample sample;
    const bool good = bad.tx[1] == 0x17 && bad.tx[2] == 3;
    EXPECT_EQ(static_cast<bool>(replay(protocol, {bad}, identity, sample)), good);
  }
}

TEST(Sinowealth, foreign_requests_in_a_capture) {
  Sinowealth protocol({});
  Identity identity;
  Sample sample;
  EXPECT_FALSE(replay(protocol, {{hex("dda50300fffd77"), hex("00")}}, identity, sample));
}

} // namespace
} // namespace bmsd::protocols
