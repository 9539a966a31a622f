#include "fake_modbus.hpp"
#include "protocols/heltec_modbus.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace bmsd::protocols {
namespace {

using test::at;
using test::hex;

/// A 16S battery, and whatever it is told to do wrong.
struct FakeHeltec : test::FakeModbus {
  static constexpr std::uint32_t kAddress = 1;

  FakeHeltec() {
    place(2, hex("0011223344556677"));
    place(7, hex("59592d313653313030412d424d53000000000000000000000000"));
    place(38, hex("0300e7071105484c54303031000000000000"));
    place(75, hex("1001e0cf0000d2040000"));
    for (int cell = 0; cell < 16; ++cell) {
      place(81 + cell, hex("fe0c"));
    }
    place(112, hex("4547403f"));
    place(118, hex("f00acd0a4a63"));
    place(126, hex("b60a"));
    place(139, hex("00000000"));
    place(152, hex("00000000"));
    place(156, hex("00000000"));
    place(169, hex("420e"));
    place(172, hex("c409"));
    place(191, hex("1027"));
    place(194, hex("983a"));
  }
  /// In the order of the wire.
  void place(int first, const Bytes& data) {
    for (std::size_t i = 0; i + 1 < data.size(); i += 2) {
      registers[first++] = data[i] << 8 | data[i + 1];
    }
  }
};

using HeltecModbusTest = test::ModbusTest<HeltecModbus, FakeHeltec>;

// -- identification -------------------------------------------------------------------

TEST_F(HeltecModbusTest, tells_who_it_is) {
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.protocol, "heltec_modbus");
  EXPECT_EQ(identity.model, "YY-16S100A-BMS");
  EXPECT_EQ(identity.serial, "0011-2233-4455-6677");
  EXPECT_EQ(identity.unique_id, "0011-2233-4455-6677");
  EXPECT_EQ(identity.hardware_version, "HLT001(3)");
  EXPECT_EQ(identity.manufacture_date, "2023-05-17");
  EXPECT_EQ(identity.cell_count, 16);
  EXPECT_EQ(identity.capacity_full, 280.0);
  EXPECT_EQ(identity.capabilities, Capabilities{});
  for (const auto& tx : battery.heard) {
    EXPECT_EQ(tx[1], 3);
    EXPECT_TRUE(tx[3] + tx[5] <= 47 || tx[3] > 48) << "the password is nobody's business: " << to_hex(tx);
  }
}

TEST_F(HeltecModbusTest, the_type_must_be_a_name) {
  for (const char* name : {"0000000000000000000000000000000000000000000000000000", // nothing
                           "2020202020202020202020202020202020202020202020202020",
                           "0ce40ce40ce50ce40ce40ce40ce40ce40ce40ce40ce40ce40ce4", // cell voltages
                           "5959001653313030412d424d5300000000000000000000000000", // text behind the padding
                           "59592d8153313030412d424d5300000000000000000000000000",
                           "ffffffffffffffffffffffffffffffffffffffffffffffffffff"}) {
    battery.place(7, hex(name));
    battery.heard.clear();
    EXPECT_EQ(identify_fault(), Fault::implausible) << name;
    EXPECT_EQ(battery.heard.size(), 1u) << "a stranger is asked nothing more";
  }
  battery.place(7, hex("59592d3853363041202020202020202020202020202020200000"));
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.model, "YY-8S60A");
}

TEST_F(HeltecModbusTest, its_values_must_fit_together) {
  struct {
    int reg;
    const char *bad, *why;
  } const cases[] = {
      {75, "0001", "no cells"},
      {75, "2101", "33 cells"},
      {75, "1003", "an unknown chemistry"},
      {75, "0d01", "13 of 16 cells"},
      {75, "1101", "a cell too many"},
      {76, "0000", "no voltage"},
      {76, "ffff", "wrong voltage"},
      {76, "e0c0", "two cells missing"},
      {81, "8913", "a cell of 5.001 V"},
      {81, "ce04", "one cell is low, fine"},
  };
  for (const auto& c : cases) {
    const auto good = battery.registers;
    battery.place(c.reg, hex(c.bad));
    const bool fine = std::string_view(c.why).ends_with("fine");
    if (c.reg == 75 && c.bad[0] == '1' && c.bad[1] == '1') {
      battery.place(97, hex("0000"));
      battery.place(76, hex("70b90000")); // 47.472 V
    }
    EXPECT_EQ(identify().has_value(), fine) << c.why;
    battery.registers = good;
  }
  battery.refused = {7};
  EXPECT_EQ(identify_fault(), Fault::refused);
  battery.silent = {7};
  EXPECT_EQ(identify_fault(), Fault::timeout);
}

TEST_F(HeltecModbusTest, what_describes_it_is_no_condition) {
  battery.refused = {2, 38, 39, 41, 118};
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.unique_id, "");
  EXPECT_EQ(identity.hardware_version, "");
  EXPECT_EQ(identity.manufacture_date, "");
  battery.refused.clear();
  battery.place(2, hex("ffffffffffffffff"));
  battery.place(39, hex("00000000"));
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.unique_id, "");
  EXPECT_EQ(identity.manufacture_date, "");
}

// -- poll -----------------------------------------------------------------------------

TEST_F(HeltecModbusTest, a_cycle_is_nine_reads_and_a_setting) {
  ASSERT_TRUE(identify());
  ASSERT_TRUE(battery.run(protocol.settings(identity)));
  for (std::size_t cycle = 0; cycle < 7; ++cycle) {
    ASSERT_TRUE(poll());
    EXPECT_EQ(battery.heard.size(), 10u);
    EXPECT_EQ(sample.max_charge_current, 100.0);
    EXPECT_EQ(sample.max_discharge_current, 150.0);
    EXPECT_EQ(sample.capacity_full, 280.0);
  }
  battery.place(191, hex("8813"));
  for (std::size_t cycle = 0; cycle < 7; ++cycle) {
    ASSERT_TRUE(poll());
  }
  EXPECT_EQ(sample.max_charge_current, 50.0);
  battery.silent = {118, 119, 126, 169, 172, 191, 194};
  for (std::size_t cycle = 0; cycle < 7; ++cycle) {
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.max_charge_current, 50.0) << "what cannot be read stays as it was";
  }
}

TEST_F(HeltecModbusTest, silence_or_refusal_fails_the_cycle) {
  ASSERT_TRUE(identify());
  for (int reg : {76, 78, 81, 112, 113, 120, 139, 152, 156}) {
    battery.silent = {reg};
    EXPECT_EQ(poll_fault(), Fault::timeout) << reg;
    battery.silent.clear();
    battery.refused = {reg};
    EXPECT_EQ(poll_fault(), Fault::refused) << reg;
    battery.refused.clear();
  }
}

/// Voltage and current are reads of the same length.
TEST_F(HeltecModbusTest, a_late_answer_is_waited_for_before_asking_again) {
  ASSERT_TRUE(identify());
  ScriptRunner runner;
  runner.start(protocol.poll(sample));
  bool failed = false;
  while (const Request* request = runner.pending()) {
    EXPECT_EQ(request->retries, 0);
    EXPECT_EQ(request->gap, std::chrono::milliseconds(failed ? 500 : 30));
    failed = request->tx[3] == 78 && !failed;
    runner.answer(receive(*request, failed ? Bytes{} : battery.answer(request->tx)));
  }
  ASSERT_TRUE(runner.result());
  EXPECT_EQ(sample.current, -12.34);
}

TEST_F(HeltecModbusTest, truncated_and_damaged_replies_are_refused) {
  ASSERT_TRUE(identify());
  ASSERT_TRUE(battery.run(protocol.settings(identity)));
  for (int reg : {76, 78, 81, 112, 113, 120, 139, 152, 156}) {
    for (std::size_t size = 0; size < 37; ++size) {
      bool cut = false;
      const auto result = test::run(protocol.poll(sample), [&](const Bytes& tx) {
        Bytes reply = battery.answer(tx);
        if (tx[3] == reg && size < reply.size()) {
          reply.resize(size);
          cut = true;
        }
        return reply;
      });
      EXPECT_EQ(result.has_value(), !cut) << reg << " " << size;
    }
  }
  EXPECT_FALSE(test::run(protocol.poll(sample), [&](Bytes tx) {
    tx[0] = 2; // the neighbour's answer
    return battery.answer(tx);
  }));
}

TEST_F(HeltecModbusTest, it_takes_no_commands) {
  auto config = at(1);
  config.allow_writes = true;
  HeltecModbus writing(config);
  EXPECT_EQ(battery.run(writing.command({CommandKind::set_soc, 50.0, 1})).error().fault, Fault::unsupported);
  EXPECT_TRUE(battery.heard.empty());
}

// -- values ---------------------------------------------------------------------------

TEST_F(HeltecModbusTest, impossible_values_refuse_the_sample) {
  struct {
    int reg;
    const char* bad;
  } const cases[] = {{76, "81380100"}, {76, "ffffffff"}, {120, "6563"}, {120, "4a65"}, {85, "8913"}};
  ASSERT_TRUE(identify());
  for (const auto& c : cases) {
    const auto good = battery.registers;
    battery.place(c.reg, hex(c.bad));
    EXPECT_EQ(poll_fault(), Fault::implausible) << c.reg << " " << c.bad;
    battery.registers = good;
  }
  EXPECT_EQ(poll_fault(), Fault::none);
}

TEST_F(HeltecModbusTest, temperatures) {
  struct {
    const char *cells, *board;
    std::optional<double> first, second, mos;
  } const cases[] = {
      {"403f", "4547", 23, 24, 31}, {"2823", "4745", -5, 0, 31},    {"0101", "0100", -39, -39, -39},
      {"00ff", "00ff", {}, {}, {}}, {"bebf", "00be", {}, 150, 150},
  };
  ASSERT_TRUE(identify());
  for (const auto& c : cases) {
    battery.place(113, hex(c.cells));
    battery.place(112, hex(c.board));
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.temperatures.battery[0], c.first) << c.cells;
    EXPECT_EQ(sample.temperatures.battery[1], c.second) << c.cells;
    EXPECT_EQ(sample.temperatures.mos, c.mos) << c.board;
    EXPECT_FALSE(sample.temperatures.battery[2]);
  }
}

TEST_F(HeltecModbusTest, each_alarm_has_its_bit) {
  struct {
    unsigned bit;
    std::optional<Alarm> alarm;
    int level;
  } const cases[] = {
      {0, Alarm::HighCellVoltage, 2},
      {1, Alarm::LowCellVoltage, 2},
      {2, std::nullopt, 0},
      {3, Alarm::HighVoltage, 2},
      {4, Alarm::LowVoltage, 2},
      {5, Alarm::HighChargeCurrent, 2},
      {6, Alarm::HighDischargeCurrent, 1},
      {7, Alarm::HighDischargeCurrent, 2},
      {8, Alarm::HighDischargeCurrent, 2},
      {9, Alarm::HighChargeTemperature, 2},
      {10, Alarm::LowChargeTemperature, 2},
      {11, Alarm::HighTemperature, 2},
      {12, Alarm::LowTemperature, 2},
      {13, Alarm::HighInternalTemperature, 2},
      {14, Alarm::LowSoc, 2},
      {15, Alarm::HighVoltage, 2},
      {16, Alarm::InternalFailure, 2},
      {31, Alarm::InternalFailure, 2},
  };
  ASSERT_TRUE(identify());
  const auto warn = [&](unsigned bit) {
    Bytes word(4);
    word[bit / 8] = static_cast<std::uint8_t>(1U << bit % 8);
    battery.place(156, word);
  };
  for (const auto& c : cases) {
    warn(c.bit);
    ASSERT_TRUE(poll());
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      const int expected = c.alarm && i == static_cast<std::size_t>(*c.alarm) ? c.level : 0;
      EXPECT_EQ(sample.alarms.at(i).value_or(0), expected) << kAlarmNames[i] << ", bit " << c.bit;
    }
    EXPECT_EQ(test::find_extra(sample, "warnings") != nullptr, c.bit == 2 || c.bit >= 16);
  }
  auto config = at(1);
  config.soc_alarms = false;
  HeltecModbus quiet(config);
  warn(14);
  ASSERT_TRUE(battery.run(quiet.identify(identity)));
  ASSERT_TRUE(battery.run(quiet.poll(sample)));
  EXPECT_FALSE(sample.alarms[Alarm::LowSoc]);
}

TEST_F(HeltecModbusTest, switches_and_balancing) {
  ASSERT_TRUE(identify());
  battery.place(152, hex("00000010"));
  battery.place(139, hex("09800100"));
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.charge_enabled, false);
  EXPECT_EQ(sample.discharge_enabled, true);
  EXPECT_EQ(sample.balancing, true);
  ASSERT_EQ(sample.balancing_cells.size(), 16u);
  for (std::size_t cell = 0; cell < 16; ++cell) {
    EXPECT_EQ(sample.balancing_cells[cell], cell == 0 || cell == 3 || cell == 15) << cell;
  }
  battery.place(152, hex("ffffff2f"));
  battery.place(139, hex("00000000"));
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.charge_enabled, true);
  EXPECT_EQ(sample.discharge_enabled, false);
  EXPECT_EQ(sample.balancing, false);
}

// -- captures -------------------------------------------------------------------------

TEST_F(HeltecModbusTest, other_programs_read_blocks) {
  ASSERT_TRUE(identify());
  ASSERT_TRUE(battery.run(protocol.settings(identity)));
  ASSERT_TRUE(poll());
  std::vector<Exchange> blocks;
  const auto record = [&](std::uint8_t address, int first, int count) {
    const auto request =
        modbus::read_holding(address, static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(count));
    blocks.push_back({request.tx, battery.answer(request.tx)});
  };
  for (const auto& [first, count] : {std::pair(2, 4),
                                     {7, 13},
                                     {38, 9},
                                     {75, 5},
                                     {81, 16},
                                     {112, 2},
                                     {118, 3},
                                     {126, 1},
                                     {139, 2},
                                     {152, 2},
                                     {156, 2},
                                     {169, 1},
                                     {172, 1},
                                     {191, 1},
                                     {194, 1}}) {
    record(1, first, count);
  }
  battery.place(76, hex("ffffffff"));
  record(2, 76, 2); // a neighbour
  HeltecModbus fresh(at(1));
  Identity who;
  Sample out;
  const auto result = replay(fresh, blocks, who, out);
  ASSERT_TRUE(result) << to_string(result.error());
  EXPECT_EQ(who.serial, identity.serial);
  EXPECT_EQ(who.hardware_version, identity.hardware_version);
  const auto by_name = [](const Extra& a, const Extra& b) { return a.name < b.name; };
  std::sort(out.extra.begin(), out.extra.end(), by_name);
  std::sort(sample.extra.begin(), sample.extra.end(), by_name);
  EXPECT_EQ(to_json(out), to_json(sample));
}

} // namespace
} // namespace bmsd::protocols
