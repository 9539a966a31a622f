#include "fake_modbus.hpp"
#include "protocols/felicity.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace bmsd::protocols {
namespace {

using test::at;

/// A battery with 8 cells, and whatever it is told to do wrong.
struct FakeFelicity : test::FakeModbus {
  static constexpr std::uint32_t kAddress = 1;

  FakeFelicity() {
    place(0x1302, {5, 0, 0, 0, 2641, -123, 0, 0, 24, 64});
    place(0x131C, {2880, 2400, 500, 1000});
    place(0x132A, {3301, 3302, 3303, 3300, 3299, 3302, 3301, 3304});
    place(0x1332, {0x7FFF, 0x7FFF, 0x7FFF, 0x7FFF, 0x7FFF, 0x7FFF, 0x7FFF, 0x7FFF});
    place(0x133A, {15, 16, 0x7FFF, 0x7FFF});
    place(0xF804, {1234, 5678, 9012, 3456, 7890});
    place(0xF80B, {205});
  }
  void refuse_blocks() { refused_reads = {{0x1302, 10}, {0x132A, 20}}; }
};

using FelicityTest = test::ModbusTest<Felicity, FakeFelicity>;

// -- identification ---------------------------------------------------------------

TEST_F(FelicityTest, tells_who_it_is) {
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.protocol, "felicity");
  EXPECT_EQ(identity.label, "Felicity");
  EXPECT_EQ(identity.firmware_version, "205");
  EXPECT_EQ(identity.serial, "12345678901234567890");
  EXPECT_EQ(identity.unique_id, "12345678901234567890");
  EXPECT_EQ(identity.cell_count, 8);
  EXPECT_EQ(identity.capabilities, Capabilities{});
  for (const auto& tx : battery.heard) {
    EXPECT_EQ(tx[1], 3) << "identification only reads";
  }
}

TEST_F(FelicityTest, the_groups_of_the_serial_number_are_not_padded) {
  battery.place(0xF804, {12, 0, 9, 65535, 1});
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.unique_id, "1209655351");
  for (int nothing : {0, 0xFFFF}) {
    battery.place(0xF804, {nothing, nothing, nothing, nothing, nothing});
    ASSERT_TRUE(identify());
    EXPECT_EQ(identity.unique_id, "");
  }
}

TEST_F(FelicityTest, all_its_registers_must_answer) {
  for (int first : {0xF80B, 0xF804, 0x1302, 0x132A}) {
    battery.silent = {first};
    EXPECT_EQ(identify().error().fault, Fault::timeout) << first;
  }
  battery.silent.clear();
  for (const auto& read : {std::pair(0xF80B, 1), {0xF804, 5}}) {
    battery.refused_reads = {read};
    EXPECT_EQ(identify().error().fault, Fault::refused) << read.first;
  }
}

TEST_F(FelicityTest, cells_must_add_up_to_the_voltage) {
  for (int voltage : {2508, 2774, 0, 5000}) { // 26.412 V, more than 5 % off
    battery.registers[0x1306] = voltage;
    EXPECT_EQ(identify().error().fault, Fault::implausible) << voltage;
  }
  battery.registers[0x1306] = 2750;
  EXPECT_TRUE(identify());
  for (auto& [reg, value] : battery.registers) {
    value = 0;
  }
  EXPECT_EQ(identify().error().fault, Fault::implausible) << "a slave with nothing in its registers";
}

// -- poll -------------------------------------------------------------------------

TEST_F(FelicityTest, a_cycle_is_three_reads) {
  ASSERT_TRUE(poll());
  EXPECT_EQ(battery.reads(), (std::vector<std::pair<int, int>>{{0x1302, 10}, {0x132A, 20}, {0x131C, 4}}));
  EXPECT_EQ(battery.heard[2], test::hex("0103131c0004814b"));
  EXPECT_EQ(sample.current, 12.3);
  EXPECT_FALSE(sample.capacity_full);
  EXPECT_FALSE(sample.balancing);
}

TEST_F(FelicityTest, a_silent_block_fails_the_cycle) {
  for (int first : {0x1302, 0x131C, 0x132A}) {
    battery.silent = {first};
    EXPECT_EQ(poll_fault(), Fault::timeout) << first;
  }
}

TEST_F(FelicityTest, parts_tell_the_same_as_blocks) {
  ASSERT_TRUE(poll());
  const Sample whole = sample;
  battery.refuse_blocks();
  ASSERT_TRUE(identify());
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample, whole);
  EXPECT_EQ(battery.reads(),
            (std::vector<std::pair<int, int>>{
                {0x130B, 1}, {0x1306, 2}, {0x1302, 3}, {0x130A, 1}, {0x132A, 16}, {0x1339, 5}, {0x131C, 4}}))
      << "blocks are not tried again";
}

TEST_F(FelicityTest, a_part_that_is_missing_fails_the_cycle) {
  for (const auto& part : {std::pair(0x130B, 1), {0x1306, 2}, {0x1302, 3}, {0x130A, 1}, {0x132A, 16}, {0x1339, 5}}) {
    battery.refuse_blocks();
    battery.refused_reads.insert(part);
    Felicity fresh(at(1));
    Sample out;
    EXPECT_EQ(battery.run(fresh.poll(out)).error().fault, Fault::refused) << part.first;
    battery.refused_reads.clear();
    EXPECT_TRUE(battery.run(fresh.poll(out)));
  }
}

TEST_F(FelicityTest, no_two_reads_in_a_row_have_the_same_length) {
  for (int round = 0; round < 2; ++round) {
    battery.heard.clear();
    ASSERT_TRUE(battery.run(protocol.identify(identity)));
    for (int cycle = 0; cycle < 2; ++cycle) {
      ASSERT_TRUE(battery.run(protocol.poll(sample)));
    }
    const auto reads = battery.reads();
    for (std::size_t i = 1; i < reads.size(); ++i) {
      EXPECT_NE(reads[i].second, reads[i - 1].second) << i;
    }
    battery.refuse_blocks();
    ASSERT_TRUE(battery.run(protocol.poll(sample)));
  }
}

TEST_F(FelicityTest, truncated_and_damaged_replies_are_refused) {
  for (int which : {0x1302, 0x132A, 0x131C}) {
    const std::size_t whole = which == 0x1302 ? 25 : which == 0x132A ? 45 : 13;
    for (std::size_t size = 0; size < whole; ++size) {
      EXPECT_FALSE(test::run(protocol.poll(sample),
                             [&](const Bytes& tx) {
                               Bytes reply = battery.answer(tx);
                               reply.resize(battery.reads().back().first == which ? size : reply.size());
                               return reply;
                             }))
          << which << " " << size;
    }
  }
  EXPECT_FALSE(test::run(protocol.poll(sample), [&](Bytes tx) {
    tx[0] = 0x10; // the neighbour's answer
    return battery.answer(tx);
  }));
}

TEST_F(FelicityTest, impossible_values_refuse_the_sample) {
  struct {
    int reg, value;
  } const cases[] = {{0x132A, 5001}, {0x132A, 0xFFFF}, {0x1306, 4001},  {0x130B, 101},
                     {0x131C, 8001}, {0x131D, 8001},   {0x131E, 10001}, {0x131F, 10001}};
  for (const auto& bad : cases) {
    const int good = std::exchange(battery.registers[bad.reg], bad.value);
    EXPECT_EQ(poll_fault(), Fault::implausible) << bad.reg;
    battery.registers[bad.reg] = good;
  }
  EXPECT_EQ(poll_fault(), Fault::none);
  for (int slot = 0; slot < 16; ++slot) {
    battery.registers[0x132A + slot] = 0x7FFF;
  }
  Felicity fresh(at(1));
  EXPECT_EQ(battery.run(fresh.poll(sample)).error().fault, Fault::implausible) << "no cells";
}

// -- values -------------------------------------------------------------------------

TEST_F(FelicityTest, slots_with_a_cell_are_counted_wherever_they_are) {
  battery.registers[0x132A] = 0x7FFF;
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.cell_count, 7);
  EXPECT_EQ(sample.cell_voltages[0], 3.302);
  battery.registers[0x132A] = 3301;
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.cell_count, 8);
  battery.registers[0x132A] = 0x7FFF;
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.cell_count, 8) << "a cell that gives no voltage is still there";
  EXPECT_FALSE(sample.cell_voltages[0]);
  EXPECT_EQ(sample.cell_voltages[1], 3.302);
}

TEST_F(FelicityTest, temperatures) {
  battery.place(0x133A, {-4, 0, 0x7FFF, 21});
  battery.registers[0x130A] = 0xFFFE;
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.temperatures.battery[0], -4);
  EXPECT_EQ(sample.temperatures.battery[1], 0);
  EXPECT_FALSE(sample.temperatures.battery[2]);
  EXPECT_EQ(sample.temperatures.battery[3], 21);
  EXPECT_EQ(sample.temperatures.mos, -2);
}

TEST_F(FelicityTest, limits_that_are_not_filled_are_absent) {
  battery.place(0x131C, {0, 0, 0, 0});
  ASSERT_TRUE(poll());
  EXPECT_FALSE(sample.max_charge_voltage);
  EXPECT_FALSE(sample.max_charge_current);
  battery.place(0x131C, {2880, 0, 0, 0x7FFF});
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.max_charge_voltage, 28.8);
  EXPECT_FALSE(sample.battery_low_voltage);
  EXPECT_EQ(sample.max_charge_current, 0.0) << "must not be charged now";
  EXPECT_FALSE(sample.max_discharge_current);
  battery.refused_reads = {{0x131C, 4}};
  ASSERT_TRUE(poll());
  EXPECT_FALSE(sample.max_charge_voltage) << "nor those of the poll before";
}

TEST_F(FelicityTest, each_fault_has_its_alarm) {
  const std::map<int, Alarm> bits = {{2, Alarm::HighCellVoltage},         {3, Alarm::LowCellVoltage},
                                     {4, Alarm::HighChargeCurrent},       {5, Alarm::HighDischargeCurrent},
                                     {6, Alarm::HighInternalTemperature}, {8, Alarm::HighChargeTemperature},
                                     {9, Alarm::LowChargeTemperature}};
  for (int bit = 0; bit < 16; ++bit) {
    battery.registers[0x1304] = 1 << bit;
    ASSERT_TRUE(poll());
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      const bool raised = bits.count(bit) != 0 && bits.at(bit) == static_cast<Alarm>(i);
      EXPECT_EQ(sample.alarms.at(i).value_or(0), raised ? 2 : 0) << bit << " " << kAlarmNames[i];
    }
    EXPECT_EQ(sample.alarms[Alarm::HighCellVoltage].has_value(), true);
  }
}

TEST_F(FelicityTest, switches) {
  for (int status = 0; status < 8; ++status) {
    battery.registers[0x1302] = status;
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.charge_enabled, (status & 1) != 0);
    EXPECT_EQ(sample.discharge_enabled, (status & 4) != 0);
  }
}

TEST_F(FelicityTest, takes_no_commands) {
  auto config = at(1);
  config.allow_writes = true;
  Felicity writable(config);
  EXPECT_EQ(battery.run(writable.command({CommandKind::force_charging_off, 1, 0})).error().fault, Fault::unsupported);
  EXPECT_TRUE(battery.reads().empty());
}

} // namespace
} // namespace bmsd::protocols
