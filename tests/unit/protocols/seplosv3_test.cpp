#include "fake_modbus.hpp"
#include "protocols/seplosv3.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace bmsd::protocols {
namespace {

using test::hex;

/// The recorded SG16S200A-SP57B-A, and whatever it is told to do wrong.
struct FakeSeplosV3 : test::FakeModbus {
  static constexpr std::uint32_t kAddress = 0; // one like any other
  std::map<int, Bytes> coils;

  FakeSeplosV3() {
    place(0x1000, {5325, 65399, 27456, 33000, 290, 832, 999, 10, 3327, 2943, 3328, 3327, 2945, 2942, 0, 180, 180});
    place(0x1100, {3327, 3327, 3328, 3328, 3328, 3327, 3328, 3327, 3328, 3328, 3328, 3328, 3328,
                   3327, 3327, 3328, 2946, 2943, 2945, 2942, 2731, 2731, 2731, 2731, 2956, 2943});
    for (int reg = 0x1300; reg < 0x136A; ++reg) {
      registers[reg] = 0;
    }
    place(0x1300,
          {4, 16, 5400, 5600, 5400, 5760, 4800, 4640, 4800, 4320, 3400, 3500, 3400, 3650, 3100, 2900, 3100, 2700});
    place(0x1358, {33000, 33000, 27456});
    place(0x1365, {5760, 180, 0xFF4C});
    for (int reg = 0x1700; reg < 0x1733; ++reg) {
      registers[reg] = 0;
    }
    write(0x1700, "XZH-ElecTech Co.,Ltd");
    write(0x170A, "SG16S200A-SP57B-A ");
    write(0x1714, "15");
    write(0x1715, "SP57B-A2506120022 ");
    most = 144; // coils
    coils[0x1200] = hex("000000000000000010000000000000030000");
    coils[0x1400] = hex("ffff3f017f2f9f0f836f");
  }

  std::optional<Bytes> data(int function, int first, int count) override {
    if (function != 1) {
      return FakeModbus::data(function, first, count);
    }
    const Bytes& told = coils[first];
    return static_cast<int>(told.size()) == count / 8 ? std::optional(told) : std::nullopt;
  }
};

using SeplosV3Test = test::ModbusTest<SeplosV3, FakeSeplosV3>;

// -- identification -------------------------------------------------------------------

TEST_F(SeplosV3Test, tells_who_it_is) {
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.protocol, "seplosv3");
  EXPECT_EQ(identity.label, "Seplos v3");
  EXPECT_EQ(identity.manufacturer, "XZH-ElecTech Co.,Ltd");
  EXPECT_EQ(identity.model, "SG16S200A-SP57B-A");
  EXPECT_EQ(identity.hardware_version, "SG16S200A-SP57B-A");
  EXPECT_EQ(identity.firmware_version, "1.5");
  EXPECT_EQ(identity.serial, "SP57B-A2506120022");
  EXPECT_EQ(identity.unique_id, "SP57B-A2506120022");
  EXPECT_EQ(identity.cell_count, 16);
  EXPECT_EQ(identity.capacity_full, 330.0);
  EXPECT_EQ(identity.capabilities, Capabilities{});
  for (const auto& tx : battery.heard) {
    EXPECT_EQ(tx[0], 0);
    EXPECT_EQ(tx[1], 4) << "identification only reads";
  }
}

TEST_F(SeplosV3Test, names_one_by_one) {
  battery.registers.erase(0x1732);
  battery.refused = {0x170A};
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.serial, "SP57B-A2506120022");
  EXPECT_EQ(identity.firmware_version, "1.5");
  EXPECT_EQ(identity.model, "");
}

TEST_F(SeplosV3Test, the_packs_serial_number_stands_in) {
  battery.write(0x1715, std::string(30, '\0'));
  battery.write(0x1724, "PACK0001");
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.unique_id, "PACK0001");
}

TEST_F(SeplosV3Test, other_devices_are_none) {
  battery.write(0x1700, "XZH-Elec");
  battery.write(0x1704, "Another Ltd");
  EXPECT_EQ(identify().error().fault, Fault::implausible);
  battery.refused = {0x1700};
  EXPECT_EQ(identify().error().fault, Fault::refused);
  battery.silent = {0x1700};
  EXPECT_EQ(identify().error().fault, Fault::timeout);
}

TEST_F(SeplosV3Test, a_battery_of_no_cells_is_none) {
  for (int cells : {0, 17, 0xFFFF}) {
    battery.registers[0x1301] = cells;
    EXPECT_EQ(identify().error().fault, Fault::implausible) << cells;
  }
  battery.silent = {0x1300};
  EXPECT_EQ(identify().error().fault, Fault::timeout);
}

// -- poll -----------------------------------------------------------------------------

TEST_F(SeplosV3Test, a_cycle_is_three_reads_of_different_length) {
  ASSERT_TRUE(poll());
  ASSERT_EQ(battery.heard.size(), 3u);
  EXPECT_EQ(battery.heard[0], hex("0004100000113517"));
  EXPECT_EQ(battery.heard[1], hex("00041100001a752c"));
  EXPECT_EQ(battery.heard[2], hex("00011200009038cf"));
  EXPECT_EQ(sample.current, -1.37);
}

TEST_F(SeplosV3Test, settings_are_read_every_minute) {
  ASSERT_TRUE(identify());
  ASSERT_TRUE(battery.run(protocol.settings(identity)));
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.max_charge_voltage, 57.6);
  EXPECT_EQ(sample.battery_low_voltage, 43.2);
  EXPECT_EQ(sample.balancer_enabled, true);
  EXPECT_EQ(sample.heater_enabled, false);
  battery.registers[0x1365] = 5600;
  battery.coils[0x1400] = hex("ffff7f017f2f9f0e836f");
  for (int cycle = 1; cycle < 60; ++cycle) {
    EXPECT_EQ(sample.max_charge_voltage, 57.6) << cycle;
    ASSERT_TRUE(poll());
  }
  EXPECT_EQ(sample.max_charge_voltage, 56.0);
  EXPECT_EQ(sample.balancer_enabled, false);
  EXPECT_EQ(sample.heater_enabled, true);
  battery.silent = {0x1300, 0x1400};
  for (int cycle = 0; cycle < 61; ++cycle) {
    ASSERT_TRUE(poll());
  }
  EXPECT_EQ(sample.max_charge_voltage, 56.0) << "what cannot be read stays as it was";
}

TEST_F(SeplosV3Test, silence_fails_the_cycle) {
  ASSERT_TRUE(identify());
  for (int block : {0x1000, 0x1100, 0x1200}) {
    battery.silent = {block};
    EXPECT_EQ(poll_fault(), Fault::timeout) << block;
  }
}

TEST_F(SeplosV3Test, a_refused_block_leaves_its_values_out) {
  ASSERT_TRUE(identify());
  battery.refused = {0x1200};
  ASSERT_TRUE(poll());
  EXPECT_FALSE(sample.alarms.any_known());
  EXPECT_FALSE(sample.charge_enabled);
  EXPECT_FALSE(sample.balancing);
  EXPECT_EQ(sample.cell_voltages.size(), 16u);
  battery.refused = {0x1100};
  ASSERT_TRUE(poll());
  EXPECT_TRUE(sample.cell_voltages.empty());
  EXPECT_FALSE(sample.temperatures.battery[0]);
  EXPECT_EQ(sample.charge_enabled, true);
  battery.refused = {0x1000};
  EXPECT_EQ(poll_fault(), Fault::refused);
  battery.refused = {0x1300, 0x1400};
  ASSERT_TRUE(identify());
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.cell_voltages.size(), 16u);
  EXPECT_EQ(sample.max_charge_current, 180.0);
  EXPECT_FALSE(sample.max_charge_voltage);
}

TEST_F(SeplosV3Test, truncated_and_damaged_replies_are_refused) {
  ASSERT_TRUE(identify());
  for (std::size_t which = 0; which < 3; ++which) {
    for (std::size_t size = 0; size < 57; ++size) {
      bool cut = false;
      const auto result = test::run(protocol.poll(sample), [&](const Bytes& tx) {
        Bytes reply = battery.answer(tx);
        if (tx[2] == 0x10 + which && size < reply.size()) {
          reply.resize(size);
          cut = true;
        }
        return reply;
      });
      EXPECT_EQ(result.has_value(), !cut) << which << " " << size;
    }
  }
  EXPECT_FALSE(test::run(protocol.poll(sample), [&](Bytes tx) {
    tx[0] = 1; // the neighbour's answer
    return battery.answer(tx);
  }));
}

TEST_F(SeplosV3Test, it_takes_no_commands) {
  ProtocolConfig config;
  config.allow_writes = true;
  SeplosV3 writing(config);
  EXPECT_EQ(battery.run(writing.command({CommandKind::force_charging_off, 1.0, 1})).error().fault, Fault::unsupported);
  EXPECT_TRUE(battery.heard.empty());
}

// -- values ---------------------------------------------------------------------------

TEST_F(SeplosV3Test, impossible_values_refuse_the_sample) {
  struct {
    int reg, value;
  } const cases[] = {{0x1000, 8001}, {0x1005, 1001}, {0x1006, 1001}, {0x100A, 5001}, {0x100B, 65535}, {0x1103, 5001}};
  ASSERT_TRUE(identify());
  for (const auto& bad : cases) {
    const int good = std::exchange(battery.registers[bad.reg], bad.value);
    EXPECT_EQ(poll_fault(), Fault::implausible) << bad.reg;
    battery.registers[bad.reg] = good;
  }
  EXPECT_EQ(poll_fault(), Fault::none);
}

TEST_F(SeplosV3Test, no_more_cells_than_it_has) {
  battery.registers[0x1301] = 15;
  ASSERT_TRUE(identify());
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.cell_voltages.size(), 15u);
  EXPECT_EQ(sample.balancing_cells.size(), 15u);
  EXPECT_EQ(sample.cell_count, 15);
}

TEST_F(SeplosV3Test, sensors_that_are_not_fitted) {
  battery.place(0x1110, {2731, 2681, 2731, 2731});
  ASSERT_TRUE(identify());
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.temperatures.battery[0], 0.0);
  EXPECT_EQ(sample.temperatures.battery[1], -5.0);
  EXPECT_EQ(sample.temperatures.battery[2], 0.0) << "four sensors: it is freezing";
  EXPECT_FALSE(sample.temperatures.battery[4]);
  battery.registers[0x1300] = 2;
  battery.registers[0x1119] = 0;
  battery.registers[0x1118] = 0xFFFF;
  battery.registers[0x100D] = 0;
  ASSERT_TRUE(identify());
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.temperatures.battery[0], 0.0);
  EXPECT_FALSE(sample.temperatures.battery[2]);
  EXPECT_FALSE(sample.temperatures.battery[3]);
  EXPECT_FALSE(sample.temperatures.mos);
  EXPECT_FALSE(sample.temperatures.env);
  EXPECT_FALSE(sample.min_cell_temperature);
  EXPECT_EQ(sample.max_cell_temperature, 21.4);
}

TEST_F(SeplosV3Test, the_smaller_limit_counts) {
  struct {
    int now, requested;
    double limit;
  } const cases[] = {{180, 0xFF4C, 180}, {180, 100, 100}, {50, 0xFF4C, 50},
                     {0, 180, 0},        {180, 0, 180},   {0xFF4C, 200, 180}};
  for (const auto& c : cases) {
    battery.place(0x100F, {c.now, c.now});
    battery.place(0x1366, {c.requested, c.requested});
    ASSERT_TRUE(identify());
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.max_charge_current, c.limit) << c.now << " " << c.requested;
    EXPECT_EQ(sample.max_discharge_current, c.limit) << c.now << " " << c.requested;
  }
}

TEST_F(SeplosV3Test, the_current_scale_goes_by_the_name_or_the_option) {
  struct {
    const char *name, *option;
    double current;
  } const cases[] = {
      {"SG16S200A-SP57B-A ", "", -1.37},     {"SG16S300A-SP57B-A ", "", -13.7},    {"BMS16S400A-SP05B  ", "", -13.7},
      {"SG16S300A-SP57B-A ", "0.01", -1.37}, {"SG16S200A-SP57B-A ", "0.1", -13.7}, {"Pack_3            ", "", -1.37},
      {"99999999999A300   ", "bad", -1.37},
  };
  for (const auto& c : cases) {
    ProtocolConfig config;
    config.options["current_scale"] = c.option;
    battery.write(0x170A, c.name);
    SeplosV3 scaled(config);
    Sample out;
    ASSERT_TRUE(battery.run(scaled.identify(identity)));
    ASSERT_TRUE(battery.run(scaled.poll(out)));
    EXPECT_EQ(out.current, c.current) << c.name << " " << c.option;
  }
}

TEST_F(SeplosV3Test, each_alarm_has_its_coil) {
  struct {
    int byte, bits;
    Alarm alarm;
    int level;
  } const cases[] = {
      {9, 0x01, Alarm::HighCellVoltage, 1},
      {9, 0x02, Alarm::HighCellVoltage, 2},
      {9, 0x04, Alarm::LowCellVoltage, 1},
      {9, 0x08, Alarm::LowCellVoltage, 2},
      {9, 0x10, Alarm::HighVoltage, 1},
      {9, 0x30, Alarm::HighVoltage, 2},
      {9, 0x40, Alarm::LowVoltage, 1},
      {9, 0x80, Alarm::LowVoltage, 2},
      {10, 0x01, Alarm::HighChargeTemperature, 1},
      {10, 0x02, Alarm::HighChargeTemperature, 2},
      {10, 0x04, Alarm::LowChargeTemperature, 1},
      {10, 0x08, Alarm::LowChargeTemperature, 2},
      {10, 0x10, Alarm::HighTemperature, 1},
      {10, 0x20, Alarm::HighTemperature, 2},
      {10, 0x40, Alarm::LowTemperature, 1},
      {10, 0x80, Alarm::LowTemperature, 2},
      {11, 0x10, Alarm::HighInternalTemperature, 1},
      {11, 0x20, Alarm::HighInternalTemperature, 2},
      {12, 0x01, Alarm::HighChargeCurrent, 1},
      {12, 0x02, Alarm::HighChargeCurrent, 2},
      {12, 0x04, Alarm::HighChargeCurrent, 2},
      {12, 0x08, Alarm::HighDischargeCurrent, 1},
      {12, 0x10, Alarm::HighDischargeCurrent, 2},
      {12, 0x20, Alarm::HighDischargeCurrent, 2},
      {12, 0x40, Alarm::HighDischargeCurrent, 2},
      {13, 0x01, Alarm::HighDischargeCurrent, 2},
      {13, 0x04, Alarm::HighChargeCurrent, 2},
      {13, 0x08, Alarm::HighDischargeCurrent, 2},
      {14, 0x04, Alarm::LowSoc, 1},
      {14, 0x08, Alarm::LowSoc, 2},
      {14, 0x10, Alarm::CellImbalance, 1},
      {17, 0x01, Alarm::InternalFailure, 2},
      {17, 0x02, Alarm::InternalFailure, 2},
      {17, 0x04, Alarm::InternalFailure, 2},
      {17, 0x08, Alarm::InternalFailure, 2},
      {17, 0x10, Alarm::InternalFailure, 2},
      {17, 0x20, Alarm::InternalFailure, 2},
      {17, 0xC0, Alarm::InternalFailure, 0},
      {11, 0x0F, Alarm::HighTemperature, 0},
      {8, 0xFF, Alarm::LowSoc, 0},
      {16, 0xFF, Alarm::CellImbalance, 0},
      {0, 0xFF, Alarm::LowCellVoltage, 0},
  };
  for (const auto& c : cases) {
    battery.coils[0x1200] = Bytes(18);
    battery.coils[0x1200][static_cast<std::size_t>(c.byte)] = static_cast<std::uint8_t>(c.bits);
    ASSERT_TRUE(poll());
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      const int expected = i == static_cast<std::size_t>(c.alarm) ? c.level : 0;
      EXPECT_EQ(sample.alarms.at(i).value_or(0), expected) << kAlarmNames[i] << " " << c.byte << " " << c.bits;
    }
  }
  ProtocolConfig config;
  config.soc_alarms = false;
  SeplosV3 quiet(config);
  battery.coils[0x1200][14] = 8;
  ASSERT_TRUE(battery.run(quiet.poll(sample)));
  EXPECT_FALSE(sample.alarms[Alarm::LowSoc]);
}

TEST_F(SeplosV3Test, a_switched_off_function_is_no_alarm) {
  battery.coils[0x1400] = Bytes(10);
  ASSERT_TRUE(identify());
  ASSERT_TRUE(battery.run(protocol.settings(identity)));
  ASSERT_TRUE(poll());
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    EXPECT_EQ(sample.alarms.at(i).value_or(0), 0) << kAlarmNames[i];
  }
}

TEST_F(SeplosV3Test, switches_and_balancing) {
  battery.coils[0x1200] = hex("000000000000098002000000000000090000");
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.discharge_enabled, true);
  EXPECT_EQ(sample.charge_enabled, false);
  EXPECT_EQ(sample.heating, true);
  EXPECT_EQ(sample.balancing, true);
  for (std::size_t cell = 0; cell < 16; ++cell) {
    EXPECT_EQ(sample.balancing_cells[cell], cell == 0 || cell == 3 || cell == 15) << cell;
  }
  const auto* state = test::find_extra(sample, "state");
  ASSERT_NE(state, nullptr);
  EXPECT_EQ(*state, Extra::Value(std::string("charge")));
}

// -- captures -------------------------------------------------------------------------

TEST_F(SeplosV3Test, other_programs_read_other_pieces) {
  ASSERT_TRUE(identify());
  ASSERT_TRUE(battery.run(protocol.settings(identity)));
  ASSERT_TRUE(poll());
  std::vector<Exchange> pieces;
  const auto record = [&](Request request) { pieces.push_back({request.tx, battery.answer(request.tx)}); };
  record(modbus::read_input(0, 0x1000, 9));
  record(modbus::read_input(0, 0x1009, 8));
  record(modbus::read_input(0, 0x1100, 16));
  record(modbus::read_input(0, 0x1110, 10));
  record(modbus::read_input(0, 0x1300, 53));
  record(modbus::read_input(0, 0x1335, 53));
  record(modbus::read_input(0, 0x1700, 10));
  record(modbus::read_input(0, 0x1715, 15));
  battery.coils[0x1240] = Bytes(battery.coils[0x1200].begin() + 8, battery.coils[0x1200].end());
  record(modbus::read_coils(0, 0x1200, 144));
  record(modbus::read_coils(0, 0x1240, 80));
  record(modbus::read_coils(0, 0x1400, 80));
  SeplosV3 fresh{ProtocolConfig{}};
  Identity who;
  Sample out;
  ASSERT_TRUE(replay(fresh, pieces, who, out));
  EXPECT_EQ(who.serial, identity.serial);
  const auto by_name = [](const Extra& a, const Extra& b) { return a.name < b.name; };
  std::sort(out.extra.begin(), out.extra.end(), by_name);
  std::sort(sample.extra.begin(), sample.extra.end(), by_name);
  EXPECT_EQ(to_json(out), to_json(sample));
}

TEST_F(SeplosV3Test, another_pack_in_the_recording_is_left_out) {
  ProtocolConfig config;
  config.address = 1;
  SeplosV3 first(config);
  std::vector<Exchange> line;
  for (std::uint8_t address : {0xE0, 2, 1, 3}) { // the display reads parameters at an address of its own
    const Request request = modbus::read_input(address, address == 0xE0 ? 0x1335 : 0x1000, address == 0xE0 ? 53 : 8);
    battery.registers[0x1000] = 5000 + address;
    line.push_back({request.tx, battery.answer(request.tx)});
  }
  Identity who;
  ASSERT_TRUE(replay(first, line, who, sample));
  EXPECT_EQ(sample.voltage, 50.01);
  EXPECT_EQ(sample.max_charge_voltage, 57.6);
}

} // namespace
} // namespace bmsd::protocols
