#include "fake_modbus.hpp"
#include "protocols/eg4_ll.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace bmsd::protocols {
namespace {

using test::at;

/// A 12 V battery of 400 Ah, and whatever it is told to do wrong.
struct FakeEg4 : test::FakeModbus {
  static constexpr std::uint32_t kAddress = 0x10;

  FakeEg4() {
    for (int reg = 0; reg <= 38; ++reg) {
      registers[reg] = 0;
    }
    for (int reg = 45; reg <= 135; ++reg) {
      registers[reg] = 0;
    }
    place(0, {1324, -2550, 3310, 3313, 3309, 3313});
    place(18, {24, 23, 25, 192, 200, 100, 48, 2, 0, 0, 0, 0, 17, 21972, 43008, 0x1718, 0, 0, 4, 4000, 0});
    place(56, {3400, 40, 5});
    write(105, "LFP-12.8V400Ah-V1.0");
    write(117, "V03R04");
    write(120, "4012345678901234");
  }
};

struct Eg4LlTest : test::ModbusTest<Eg4Ll, FakeEg4> {
  bool has_extra(std::string_view name) const { return test::find_extra(sample, name) != nullptr; }
};

// -- identification ---------------------------------------------------------------

TEST_F(Eg4LlTest, tells_who_it_is) {
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.protocol, "eg4_ll");
  EXPECT_EQ(identity.label, "EG4-LL");
  EXPECT_EQ(identity.model, "LFP-12.8V400Ah-V1.0");
  EXPECT_EQ(identity.firmware_version, "V03R04");
  EXPECT_EQ(identity.serial, "4012345678901234");
  EXPECT_EQ(identity.unique_id, "401234567890123416") << "and its address";
  EXPECT_EQ(identity.cell_count, 4);
  EXPECT_EQ(identity.capacity_full, 400);
  EXPECT_EQ(identity.capabilities, Capabilities{});
  for (const auto& tx : battery.heard) {
    EXPECT_EQ(tx[0], 0x10);
    EXPECT_EQ(tx[1], 3) << "identification only reads";
  }
}

TEST_F(Eg4LlTest, a_slave_without_a_serial_number_has_no_identity) {
  battery.place(120, {0x41F4, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF});
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.serial, "");
  EXPECT_EQ(identity.unique_id, "");
  battery.place(120, {0, 0, 0, 0, 0, 0, 0, 0});
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.unique_id, "");
  battery.write(120, "AB12  ");
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.serial, "AB12");
}

TEST_F(Eg4LlTest, names_are_no_condition) {
  battery.refused = {105};
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.model, "");
  EXPECT_EQ(identity.cell_count, 4);
}

TEST_F(Eg4LlTest, cells_must_add_up_to_the_voltage) {
  for (int voltage : {1258, 1391, 0, 5000}) { // 13.245 V, more than 5 % off
    battery.registers[0] = voltage;
    EXPECT_EQ(identify().error().fault, Fault::implausible) << voltage;
  }
  battery.registers[0] = 1385;
  EXPECT_TRUE(identify());
  for (int cells : {0, 17, 0xFFFF}) {
    battery.registers[36] = cells;
    EXPECT_EQ(identify().error().fault, Fault::implausible) << cells;
  }
}

TEST_F(Eg4LlTest, a_slave_with_nothing_in_its_registers_is_none) {
  for (auto& [reg, value] : battery.registers) {
    value = 0;
  }
  EXPECT_EQ(identify().error().fault, Fault::implausible);
  battery.registers[36] = 4;
  EXPECT_EQ(identify().error().fault, Fault::implausible);
  battery.refused = {0};
  EXPECT_EQ(identify().error().fault, Fault::refused);
  battery.silent = {0};
  EXPECT_EQ(identify().error().fault, Fault::timeout);
}

// -- poll -------------------------------------------------------------------------

TEST_F(Eg4LlTest, a_cycle_is_one_read) {
  ASSERT_TRUE(poll());
  ASSERT_EQ(battery.heard.size(), 1U);
  EXPECT_EQ(battery.heard[0], test::hex("1003000000270691"));
  EXPECT_EQ(sample.current, -25.5);
  EXPECT_EQ(sample.cycles, 17);
  EXPECT_FALSE(sample.max_charge_current) << "its unit is not known";
}

TEST_F(Eg4LlTest, each_read_is_tried_three_times) {
  battery.silent = {0};
  EXPECT_EQ(poll_fault(), Fault::timeout);
  EXPECT_EQ(battery.heard.size(), 3U);
}

TEST_F(Eg4LlTest, settings_stay_for_every_sample) {
  ASSERT_TRUE(identify());
  ASSERT_TRUE(poll());
  EXPECT_FALSE(has_extra("Balance_Volt"));
  ASSERT_TRUE(battery.run(protocol.settings(identity)));
  for (int cycle = 0; cycle < 2; ++cycle) {
    ASSERT_TRUE(poll());
    EXPECT_TRUE(has_extra("Balance_Volt"));
  }
  battery.refused = {45};
  EXPECT_TRUE(battery.run(Eg4Ll(at(0x10)).settings(identity)));
}

TEST_F(Eg4LlTest, truncated_and_damaged_replies_are_refused) {
  for (std::size_t size = 0; size < 83; ++size) {
    const auto result = test::run(protocol.poll(sample), [&](const Bytes& tx) {
      Bytes reply = battery.answer(tx);
      reply.resize(size);
      return reply;
    });
    EXPECT_FALSE(result) << size;
  }
  EXPECT_FALSE(test::run(protocol.poll(sample), [&](Bytes tx) {
    tx[0] = 0x01; // the neighbour's answer
    return battery.answer(tx);
  }));
  EXPECT_FALSE(test::run(protocol.poll(sample), [&](Bytes tx) {
    tx[5] = 38; // too short
    return battery.answer(tx);
  }));
}

TEST_F(Eg4LlTest, impossible_values_refuse_the_sample) {
  struct {
    int reg, value;
  } const cases[] = {{36, 0}, {36, 17}, {2, 5001}, {0, 2001}, {24, 101}, {23, 101}, {24, 0xFFFF}, {29, 0xFFFF}};
  for (const auto& bad : cases) {
    const int good = std::exchange(battery.registers[bad.reg], bad.value);
    EXPECT_EQ(poll_fault(), Fault::implausible) << bad.reg;
    battery.registers[bad.reg] = good;
  }
  EXPECT_EQ(poll_fault(), Fault::none);
}

// -- values -------------------------------------------------------------------------

TEST_F(Eg4LlTest, sensors) {
  battery.place(33, {0x00C8, 0x0000}); // 0 °C, -56: not fitted; 3 and 4 not fitted
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.temperatures.battery[0], 0);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_FALSE(sample.temperatures.battery[i]) << i;
  }
  battery.place(33, {0x01FF, 0xFE00});
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.temperatures.battery[1], -1);
  EXPECT_EQ(sample.temperatures.battery[2], -2);
  EXPECT_FALSE(sample.temperatures.battery[3]);
  battery.place(33, {0x01FF, 0x0000});
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.temperatures.battery[2], 0) << "it is there, as has been seen";
  EXPECT_FALSE(sample.temperatures.battery[3]);
  ASSERT_TRUE(identify());
  ASSERT_TRUE(poll());
  EXPECT_FALSE(sample.temperatures.battery[2]) << "another battery";
  battery.registers[18] = 0xFFF6;
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.temperatures.mos, -10);
}

TEST_F(Eg4LlTest, what_is_left_must_fit_the_soc) {
  struct {
    int told;
    double left;
  } const cases[] = {{192, 192}, {152, 152}, {232, 232}, {151, 192}, {48, 192} /* % */, {1920, 192} /* 0.1 Ah */};
  for (const auto& c : cases) {
    battery.registers[21] = c.told;
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.capacity_remaining, c.left) << c.told;
  }
}

TEST_F(Eg4LlTest, without_a_full_capacity_the_design_counts) {
  battery.place(31, {0, 0});
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.capacity_full, 400);
  EXPECT_EQ(sample.capacity_remaining, 192);
  battery.registers[37] = 0;
  ASSERT_TRUE(poll());
  EXPECT_FALSE(sample.capacity_full);
  EXPECT_FALSE(sample.capacity_remaining) << "nothing to prove its unit by";
}

TEST_F(Eg4LlTest, balancing_is_told_cell_by_cell) {
  battery.registers[38] = 0x00F2; // beyond the last cell bits mean nothing
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.balancing, true);
  ASSERT_EQ(sample.balancing_cells.size(), 4U);
  EXPECT_TRUE(sample.balancing_cells[1]);
  battery.registers[38] = 0x00F0;
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.balancing, false);
}

TEST_F(Eg4LlTest, each_condition_has_its_alarm) {
  const std::map<int, Alarm> bits = {{0, Alarm::HighVoltage},
                                     {1, Alarm::HighCellVoltage},
                                     {2, Alarm::LowVoltage},
                                     {3, Alarm::LowCellVoltage},
                                     {4, Alarm::HighChargeCurrent},
                                     {5, Alarm::HighDischargeCurrent},
                                     {7, Alarm::HighInternalTemperature},
                                     {8, Alarm::HighChargeTemperature},
                                     {9, Alarm::HighTemperature},
                                     {10, Alarm::LowChargeTemperature},
                                     {11, Alarm::LowTemperature},
                                     {12, Alarm::LowSoc}};
  for (int bit = 0; bit < 16; ++bit) {
    for (int level : {1, 2}) {
      battery.place(26, {1 << bit, level == 2 ? 1 << bit : 0});
      ASSERT_TRUE(poll());
      const bool shorted = bit == 13 && level == 2;
      for (std::size_t i = 0; i < kAlarmCount; ++i) {
        const auto alarm = static_cast<Alarm>(i);
        const bool raised =
            (bits.count(bit) != 0 && bits.at(bit) == alarm) || (shorted && alarm == Alarm::HighDischargeCurrent);
        EXPECT_EQ(sample.alarms[alarm].value_or(0), raised ? level : 0) << bit << " " << kAlarmNames[i];
      }
    }
  }
}

TEST_F(Eg4LlTest, errors) {
  for (const auto& [bit, alarm, level] : {std::tuple(0, Alarm::InternalFailure, 2),
                                          {1, Alarm::InternalFailure, 2},
                                          {2, Alarm::InternalFailure, 2},
                                          {4, Alarm::CellImbalance, 1}}) {
    battery.registers[28] = 1 << bit;
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.alarms[alarm], level) << bit;
  }
  battery.registers[28] = 0;
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.alarms[Alarm::InternalFailure], 0);
  EXPECT_EQ(sample.alarms[Alarm::CellImbalance], 0);
}

TEST_F(Eg4LlTest, low_soc_is_silent_when_soc_is_counted_elsewhere) {
  battery.registers[26] = 1 << 12;
  auto config = at(0x10);
  config.soc_alarms = false;
  Eg4Ll quiet(config);
  ASSERT_TRUE(battery.run(quiet.poll(sample)));
  EXPECT_FALSE(sample.alarms[Alarm::LowSoc]);
}

TEST_F(Eg4LlTest, protections_open_the_switches) {
  struct {
    int status, protections;
    std::optional<bool> charge, discharge;
  } const cases[] = {
      {1, 0, true, true},
      {4, 1 << 0, false, true},
      {4, 1 << 1, false, true},
      {4, 1 << 2, true, false},
      {4, 1 << 3, true, false},
      {4, 1 << 4, false, true},
      {4, 1 << 5, true, false},
      {4, 1 << 7, false, false},
      {4, 1 << 8, false, true},
      {4, 1 << 9, true, false},
      {4, 1 << 10, false, true},
      {4, 1 << 11, true, false},
      {4, 1 << 13, false, false},
      {0x8004, 1 << 3, true, false},
      {4, 0, std::nullopt, std::nullopt},      // against what?
      {4, 1 << 6, std::nullopt, std::nullopt}, // ambient temperature
      {0, 1 << 12, true, true},                // low SoC
  };
  for (const auto& c : cases) {
    battery.registers[25] = c.status;
    battery.registers[27] = c.protections;
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.charge_enabled, c.charge) << c.status << " " << c.protections;
    EXPECT_EQ(sample.discharge_enabled, c.discharge) << c.status << " " << c.protections;
  }
}

TEST_F(Eg4LlTest, warnings_leave_the_switches_alone) {
  battery.registers[26] = 0x3FFF;
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.charge_enabled, true);
  EXPECT_EQ(sample.discharge_enabled, true);
}

TEST_F(Eg4LlTest, status_is_a_text) {
  for (const auto& [raw, text] : {std::pair(0, "standby"),
                                  {1, "charging"},
                                  {2, "discharging"},
                                  {4, "protecting"},
                                  {8, "charging limited"},
                                  {0x8001, "charging"},
                                  {3, "3"}}) {
    battery.registers[25] = raw;
    ASSERT_TRUE(poll());
    EXPECT_NE(std::find(sample.extra.begin(), sample.extra.end(), Extra{"status", std::string(text)}),
              sample.extra.end())
        << raw;
    EXPECT_NE(std::find(sample.extra.begin(), sample.extra.end(), Extra{"active_or_heating", raw > 0xFF}),
              sample.extra.end())
        << raw;
  }
}

TEST_F(Eg4LlTest, takes_no_commands) {
  auto config = at(0x10);
  config.allow_writes = true;
  Eg4Ll writable(config);
  for (const auto kind : {CommandKind::force_charging_off, CommandKind::set_soc, CommandKind::turn_balancing_off}) {
    EXPECT_EQ(battery.run(writable.command({kind, 0, 0})).error().fault, Fault::unsupported);
  }
  EXPECT_TRUE(battery.heard.empty());
}

} // namespace
} // namespace bmsd::protocols
