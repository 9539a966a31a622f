// Frames against the vendor's paper and recordings, then the protocol against the simulated battery.
#include "app/sim/seplosv3_sim.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;
using test::run;

struct SeplosV3 : testing::Test {
  Battery battery{test::sixteen_cells()};
  SeplosV3Sim device{battery, {0, "pack", "SP05B2312190075", ""}};

  std::string ask(std::string_view request) {
    const auto sent = bytes(request);
    const auto answer = device.answer(sent);
    EXPECT_EQ(answer.used, sent.size());
    return hex(answer.reply);
  }
};

std::vector<std::uint16_t> words(const Registers& registers, unsigned first, unsigned last) {
  std::vector<std::uint16_t> out;
  for (unsigned reg = first; reg <= last; ++reg) {
    out.push_back(registers.at(reg));
  }
  return out;
}

Reading recorded() {
  Reading reading;
  reading.voltage = 53.25;
  reading.current = -1.37;
  reading.remaining = 274.56;
  reading.capacity = 330;
  reading.soc = 83.2;
  reading.cycles = 10;
  reading.cells.assign(16, 3.328);
  reading.cells[3] = 3.327;
  reading.cell_temperatures = {21.5, 21.2};
  reading.mos_temperature = 21.2;
  reading.max_charge_current = reading.max_discharge_current = 180;
  return reading;
}

// -- frames -------------------------------------------------------------------------

TEST_F(SeplosV3, RegistersOfTheRecordedBattery) {
  const auto registers = seplosv3_measurements(recorded(), 22.5, 0.01);
  EXPECT_EQ(words(registers, 0x1000, 0x1010),
            (std::vector<std::uint16_t>{5325, 65399, 27456, 33000, 330, 832, 999, 10, 3328, 2945, 3328, 3327, 2946,
                                        2943, 0, 180, 180}));
  EXPECT_EQ(words(registers, 0x1110, 0x1119),
            (std::vector<std::uint16_t>{2946, 2943, 2731, 2731, 2731, 2731, 2731, 2731, 2956, 2943}));
  EXPECT_EQ(seplosv3_measurements(recorded(), 22.5, 0.1).at(0x1001), 65522);
}

TEST_F(SeplosV3, Coils) {
  auto reading = recorded();
  EXPECT_EQ(hex(seplosv3_events(reading)), "000000000000000001000000000000030000");
  reading.current = 0;
  reading.charge_on = false;
  reading.balancing = 0x8009;
  test::raise(reading, Alarm::HighCellVoltage);
  test::raise(reading, Alarm::InternalFailure);
  EXPECT_EQ(hex(seplosv3_events(reading)), "000000000000098010020000000000010102");
}

TEST_F(SeplosV3, NamesOfTheRecordedBattery) {
  EXPECT_EQ(ask("000417000033b47a").substr(0, 46), "000466585a482d456c65635465636820436f2e2c4c7464");
}

TEST_F(SeplosV3, ReadsInsideItsBlocksAlone) {
  EXPECT_EQ(ask("0004100000127516").substr(0, 6), "000424");
  EXPECT_EQ(ask("00042100001a7a2c"), "0084029301");
  EXPECT_EQ(ask("0001140005003b7b"), "0081029051") << "there are 80";
}

TEST_F(SeplosV3, AnotherPackIsNotAnswered) {
  EXPECT_EQ(ask("01041000001134c6"), "");
}

// -- the protocol against it ------------------------------------------------------------

struct Life : test::Life {
  explicit Life(const BatteryConfig& config, const std::string& dialect = "", std::uint32_t address = 0)
      : test::Life("seplosv3", config, {address, "pack", "SN1", dialect}, test::at(address)) {}
};

void expect_truth(const Life& life, double current_unit = 0.01) {
  const auto truth = life.battery.reading();
  const auto& config = life.battery.config();
  const Sample& sample = life.sample;
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.0051);
  EXPECT_NEAR(*sample.current, truth.current, current_unit / 2 + 0.0001);
  EXPECT_NEAR(*sample.soc, truth.soc, 0.051);
  EXPECT_NEAR(*sample.soh, 99.9, 0.001);
  EXPECT_NEAR(*sample.capacity_remaining, truth.remaining, 0.0051);
  EXPECT_NEAR(*sample.capacity_full, truth.capacity, 0.0051);
  EXPECT_EQ(sample.cycles, truth.cycles);
  EXPECT_EQ(sample.cell_count, static_cast<int>(truth.cells.size()));
  test::expect_cells(sample.cell_voltages, truth);
  for (std::size_t i = 0; i < kMaxTemperatures; ++i) {
    ASSERT_EQ(sample.temperatures.battery[i].has_value(), i < truth.cell_temperatures.size()) << i;
    if (i < truth.cell_temperatures.size()) {
      EXPECT_NEAR(*sample.temperatures.battery[i], truth.cell_temperatures[i], 0.051);
    }
  }
  EXPECT_NEAR(*sample.temperatures.mos, truth.mos_temperature, 0.051);
  EXPECT_NEAR(*sample.temperatures.env, config.temperature, 0.051);
  EXPECT_EQ(sample.charge_enabled, truth.charge_on);
  EXPECT_EQ(sample.discharge_enabled, truth.discharge_on);
  EXPECT_EQ(sample.balancing, truth.balancing != 0);
  ASSERT_EQ(sample.balancing_cells.size(), truth.cells.size());
  for (std::size_t i = 0; i < truth.cells.size(); ++i) {
    EXPECT_EQ(sample.balancing_cells[i], (truth.balancing >> i & 1) != 0);
  }
  EXPECT_EQ(sample.heating, false);
  EXPECT_EQ(sample.heater_enabled, false);
  EXPECT_EQ(sample.balancer_enabled, truth.balancer_enabled);
  EXPECT_NEAR(*sample.max_charge_voltage, truth.max_charge_voltage, 0.0051);
  EXPECT_NEAR(*sample.battery_low_voltage, config.protections.cell_low.trip * config.cells, 0.0051);
  EXPECT_NEAR(*sample.max_charge_current, truth.max_charge_current, 0.51);
  EXPECT_NEAR(*sample.max_discharge_current, truth.max_discharge_current, 0.51);
}

TEST(SeplosV3AndDecoder, EveryValue) {
  for (const double current : {-23.4, 0.0, 34.5}) {
    auto config = test::sixteen_cells();
    config.current = current;
    Life life(config);
    ASSERT_TRUE(life.live());
    expect_truth(life);
    EXPECT_EQ(life.identity.model, "BMS16S200A-SP05B");
    EXPECT_EQ(life.identity.firmware_version, "1.5");
    EXPECT_EQ(life.identity.manufacturer, "XZH-ElecTech Co.,Ltd");
    EXPECT_EQ(life.identity.serial, "SN1");
    EXPECT_EQ(life.identity.unique_id, "SN1");
    EXPECT_EQ(life.identity.cell_count, 16);
    EXPECT_EQ(life.identity.capacity_full, 280.0);
    EXPECT_EQ(life.identity.capabilities, Capabilities{});
  }
}

TEST(SeplosV3AndDecoder, FifteenCellsBelowZeroAtAnotherAddress) {
  auto config = test::sixteen_cells();
  config.cells = 15;
  config.temperature = -7.7;
  Life life(config, "", 13);
  ASSERT_TRUE(life.live());
  expect_truth(life);
}

TEST(SeplosV3AndDecoder, BalancingCells) {
  auto config = test::sixteen_cells();
  config.soc = 99;
  config.current = 20;
  Life life(config);
  life.battery.advance(60);
  ASSERT_NE(life.battery.reading().balancing, 0U);
  ASSERT_TRUE(life.live());
  expect_truth(life);
}

TEST(SeplosV3AndDecoder, BoardsOf300ACountTenths) {
  auto config = test::sixteen_cells();
  config.capacity = 600;
  config.current = -234.56;
  Life life(config, "300a");
  ASSERT_TRUE(life.live());
  expect_truth(life, 0.1);
  EXPECT_NEAR(*life.sample.current, -234.6, 0.001);
}

TEST(SeplosV3AndDecoder, Protections) {
  for (const auto alarm :
       {Alarm::HighVoltage, Alarm::LowVoltage, Alarm::HighCellVoltage, Alarm::LowCellVoltage, Alarm::HighChargeCurrent,
        Alarm::HighDischargeCurrent, Alarm::HighChargeTemperature, Alarm::LowChargeTemperature, Alarm::HighTemperature,
        Alarm::LowTemperature, Alarm::HighInternalTemperature, Alarm::LowSoc, Alarm::CellImbalance,
        Alarm::InternalFailure}) {
    auto config = test::sixteen_cells();
    config.raised.set(static_cast<std::size_t>(alarm));
    Life life(config);
    ASSERT_TRUE(life.live());
    const AlarmLevel level = alarm == Alarm::CellImbalance ? 1 : 2; // there is no protection of this kind
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      if (const auto told = life.sample.alarms.at(i)) {
        EXPECT_EQ(*told, i == static_cast<std::size_t>(alarm) ? level : 0) << kAlarmNames[i];
      }
    }
    EXPECT_EQ(life.sample.alarms[alarm], level) << kAlarmNames[static_cast<std::size_t>(alarm)];
    expect_truth(life);
  }
}

TEST(SeplosV3AndDecoder, FetsSwitchedOverTheWire) {
  Life life(test::sixteen_cells());
  const auto send = [&](std::string_view frame) { return hex(life.device->answer(bytes(frame)).reply); };
  EXPECT_EQ(send("0010151000010255aa52be"), "00101510000105d1");
  EXPECT_FALSE(life.battery.reading().discharge_on);
  EXPECT_EQ(send("0010151100010255aa536f"), "0010151100015411");
  ASSERT_TRUE(life.live());
  EXPECT_EQ(life.sample.charge_enabled, false);
  EXPECT_EQ(life.sample.discharge_enabled, false);
}

TEST(SeplosV3AndDecoder, AnotherAddressIsSilent) {
  Life life(test::sixteen_cells(), "", 1);
  life.protocol = protocols::find_protocol("seplosv3")->exchange({});
  const auto result = life.live();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::timeout);
}

} // namespace
} // namespace bmsd::sim
