// Frames against docs/protocols/heltec_modbus.md, then the protocol against the simulated battery.
#include "app/sim/heltec_modbus_sim.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;
using test::run;

// -- frames -------------------------------------------------------------------------

TEST(HeltecModbus, LowByteFirst) {
  Reading reading;
  reading.voltage = 53.216;
  reading.current = -12.34;
  reading.soc = 74;
  reading.cells.assign(16, 3.326);
  reading.cell_temperatures = {23, 24};
  reading.mos_temperature = 31;
  reading.balancing = 0x42;
  reading.charge_on = false;
  test::raise(reading, Alarm::HighChargeTemperature);
  const auto registers = heltec_modbus_measurements(reading, 280);
  const auto word = [&](unsigned reg) { return registers.at(reg); };
  EXPECT_EQ(word(76), 0xE0CF);
  EXPECT_EQ(word(77), 0x0000);
  EXPECT_EQ(word(78), 0xD204) << "discharging is positive";
  EXPECT_EQ(word(81), 0xFE0C);
  EXPECT_EQ(word(96), 0xFE0C);
  EXPECT_EQ(registers.count(97), 0U);
  EXPECT_EQ(word(112), 0x4547);
  EXPECT_EQ(word(113), 0x403F);
  EXPECT_EQ(word(118), 0xF00A);
  EXPECT_EQ(word(120), 0x4A63);
  EXPECT_EQ(word(139), 0x4200);
  EXPECT_EQ(word(153), 0x0010);
  EXPECT_EQ(word(156), 0x0002);
}

TEST(HeltecModbus, ReadsWithFunctionThreeAlone) {
  Battery battery(test::sixteen_cells());
  HeltecModbusSim device(battery, {0, "HLT001", "12345678", ""});
  const auto ask = [&](std::string_view request) { return hex(device.answer(bytes(request)).reply); };
  EXPECT_EQ(ask("010300020004e5c9").substr(0, 22), "0103083132333435363738");
  EXPECT_EQ(ask("01030007000d35ce").substr(0, 28), "01031a59592d3136532d424d5300");
  EXPECT_EQ(ask("0103002f0002f5c2"), "018302c0f1") << "there is no password to be had";
  EXPECT_EQ(ask("0104004c0002b01c"), "01840182c0");
  EXPECT_EQ(ask("0106007800640838"), "01860183a0");
  EXPECT_EQ(ask("0203004c000205ef"), "") << "another battery";
}

// -- the protocol against it ------------------------------------------------------------

struct Life : test::Life {
  explicit Life(const BatteryConfig& config, std::uint32_t address = 1)
      : test::Life("heltec_modbus", config, {address, "HLT001", "12345678", ""}, test::at(address)) {}
};

void expect_truth(const Life& life) {
  const auto truth = life.battery.reading();
  const auto& config = life.battery.config();
  const Sample& sample = life.sample;
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.00051);
  EXPECT_NEAR(*sample.current, truth.current, 0.0051);
  EXPECT_NEAR(*sample.soc, truth.soc, 0.51);
  EXPECT_EQ(sample.soh, 99.0);
  EXPECT_NEAR(*sample.capacity_full, config.capacity, 0.051);
  EXPECT_EQ(sample.cell_count, static_cast<int>(truth.cells.size()));
  test::expect_cells(sample.cell_voltages, truth);
  EXPECT_NEAR(*sample.temperatures.battery[0], truth.cell_temperatures[0], 0.51);
  EXPECT_NEAR(*sample.temperatures.battery[1], truth.cell_temperatures[1], 0.51);
  EXPECT_FALSE(sample.temperatures.battery[2]);
  EXPECT_NEAR(*sample.temperatures.mos, truth.mos_temperature, 0.51);
  EXPECT_EQ(sample.charge_enabled, truth.charge_on);
  EXPECT_EQ(sample.discharge_enabled, truth.discharge_on);
  EXPECT_EQ(sample.balancing, truth.balancing != 0);
  ASSERT_EQ(sample.balancing_cells.size(), truth.cells.size());
  for (std::size_t i = 0; i < truth.cells.size(); ++i) {
    EXPECT_EQ(sample.balancing_cells[i], (truth.balancing >> i & 1) != 0);
  }
  EXPECT_NEAR(*sample.max_charge_current, config.max_charge_current(), 0.0051);
  EXPECT_NEAR(*sample.max_discharge_current, config.max_discharge_current(), 0.0051);
}

TEST(HeltecModbusAndDecoder, EveryValue) {
  for (const double current : {-23.4, 0.0, 34.56}) {
    auto config = test::sixteen_cells();
    config.current = current;
    Life life(config);
    ASSERT_TRUE(life.live());
    expect_truth(life);
    EXPECT_EQ(life.identity.model, "YY-16S-BMS");
    EXPECT_EQ(life.identity.hardware_version, "HLT001(3)");
    EXPECT_EQ(life.identity.device_name, "HLT001");
    EXPECT_EQ(life.identity.serial, "3132-3334-3536-3738");
    EXPECT_EQ(life.identity.unique_id, "3132-3334-3536-3738");
    EXPECT_EQ(life.identity.manufacture_date, "2023-05-17");
    EXPECT_EQ(life.identity.cell_count, 16);
    EXPECT_EQ(life.identity.capacity_full, 280.0);
    EXPECT_EQ(life.identity.capabilities, Capabilities{});
  }
}

TEST(HeltecModbusAndDecoder, OtherCellsAddressesAndFrost) {
  for (int cells : {1, 4, 24, 31}) {
    auto config = test::sixteen_cells();
    config.cells = cells;
    config.temperature = -7.7;
    Life life(config, static_cast<std::uint32_t>(cells));
    ASSERT_TRUE(life.live()) << cells;
    expect_truth(life);
  }
}

TEST(HeltecModbusAndDecoder, BalancingCells) {
  auto config = test::sixteen_cells();
  config.soc = 99;
  config.current = 20;
  Life life(config);
  life.battery.advance(60);
  ASSERT_NE(life.battery.reading().balancing, 0U);
  ASSERT_TRUE(life.live());
  expect_truth(life);
}

TEST(HeltecModbusAndDecoder, Protections) {
  for (const auto alarm :
       {Alarm::HighVoltage, Alarm::LowVoltage, Alarm::HighCellVoltage, Alarm::LowCellVoltage, Alarm::HighChargeCurrent,
        Alarm::HighDischargeCurrent, Alarm::HighChargeTemperature, Alarm::LowChargeTemperature, Alarm::HighTemperature,
        Alarm::LowTemperature, Alarm::HighInternalTemperature, Alarm::LowSoc, Alarm::InternalFailure}) {
    auto config = test::sixteen_cells();
    config.raised.set(static_cast<std::size_t>(alarm));
    Life life(config);
    ASSERT_TRUE(life.live());
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      if (const auto level = life.sample.alarms.at(i)) {
        EXPECT_EQ(*level, i == static_cast<std::size_t>(alarm) ? 2 : 0) << kAlarmNames[i];
      }
    }
    EXPECT_EQ(life.sample.alarms[alarm], AlarmLevel{2}) << kAlarmNames[static_cast<std::size_t>(alarm)];
    expect_truth(life);
  }
}

TEST(HeltecModbusAndDecoder, AnotherAddressIsSilent) {
  Life life(test::sixteen_cells(), 2);
  protocols::ProtocolConfig settings;
  settings.address = 1;
  life.protocol = protocols::find_protocol("heltec_modbus")->exchange(settings);
  const auto result = life.live();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::timeout);
}

} // namespace
} // namespace bmsd::sim
