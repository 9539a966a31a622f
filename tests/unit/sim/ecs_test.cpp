// Frames against docs/protocols/ecs.md, then the protocol against the simulated devices.
#include "app/sim/ecs_sim.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;
using test::run;

BatteryConfig four_cells() {
  BatteryConfig config;
  config.cells = 4;
  config.capacity = 100.0;
  config.current = -12.34;
  config.soc = 50.0;
  config.temperature = -3.25;
  config.imbalance = 0.3;
  return config;
}

struct Ecs : testing::Test {
  Battery battery{four_cells()};
  EcsSim device{battery, {}};
  EcsSim single{battery, {0, "", "", "single"}};

  static std::string ask(EcsSim& device, std::string_view request) {
    const auto sent = bytes(request);
    const auto answer = device.answer(sent);
    EXPECT_EQ(answer.used, sent.size());
    return hex(answer.reply);
  }
};

// -- frames -----------------------------------------------------------------------

TEST_F(Ecs, Types) {
  EXPECT_EQ(ask(device, "010300000001840a"), "01030201f4b853");
  EXPECT_EQ(ask(device, "03030000000185e8"), "0303020067806e");
}

TEST_F(Ecs, TheLowWordComesFirst) {
  EXPECT_EQ(ask(device, "01030002000265cb"), "010304e24000010c5f");
  EXPECT_EQ(ask(device, "010300800002c5e3").substr(0, 14), "010304c3500000");
}

TEST_F(Ecs, TheHighWordOfTheSocIsNotAlwaysSet) {
  EXPECT_EQ(ask(single, "010300800002c5e3"), "010304c350ffffc7d6");
  battery.set_remaining(99.5);
  EXPECT_EQ(ask(single, "010300800002c5e3"), "01030484ac0001d322");
}

TEST_F(Ecs, SingleValuesOnly) {
  EXPECT_EQ(ask(single, "01030066001e25dd").substr(0, 6), "018302");
  EXPECT_EQ(ask(device, "01030066001e25dd").substr(0, 6), "01033c");
  EXPECT_EQ(ask(single, "0203006400034427").substr(0, 6), "028302");
  EXPECT_EQ(ask(device, "0203006400034427").substr(0, 6), "020306");
}

TEST_F(Ecs, AddressesBeyondTheLastBoardAreSilent) {
  EXPECT_NE(ask(device, "050300000001858e"), "");
  EXPECT_EQ(ask(device, "06030000000185bd"), "");
  EXPECT_EQ(ask(device, "00030000000185db"), "");
}

TEST_F(Ecs, WaitsForTheWholeRequestAndSkipsRubbish) {
  const auto request = bytes("010300000001840a");
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(device.answer(ByteView(request).first(size)).used, 0U);
  }
  Bytes line = bytes("00ff0103");
  line.insert(line.end(), request.begin(), request.end());
  std::string heard;
  for (ByteView rest = line; !rest.empty();) {
    const auto answer = device.answer(rest);
    if (answer.used == 0) {
      break;
    }
    heard += hex(answer.reply);
    rest = rest.subspan(answer.used);
  }
  EXPECT_EQ(heard, "01030201f4b853");
}

// -- the protocol against it ----------------------------------------------------------

struct Life : test::Life {
  explicit Life(const BatteryConfig& config, const std::string& dialect = "")
      : test::Life("ecs", config, {0, "", "", dialect}, test::at(1)) {}
};

void expect_truth(const Life& life) {
  const auto truth = life.battery.reading();
  const Sample& sample = life.sample;
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.00051);
  EXPECT_NEAR(*sample.current, truth.current, 0.00051);
  EXPECT_NEAR(*sample.soc, truth.soc, 0.00051);
  EXPECT_NEAR(*sample.capacity_full, truth.capacity, 0.00051);
  EXPECT_EQ(sample.cell_count, static_cast<int>(truth.cells.size()));
  test::expect_cells(sample.cell_voltages, truth);
  ASSERT_EQ(sample.balancing_cells.size(), truth.cells.size());
  for (std::size_t cell = 0; cell < truth.cells.size(); ++cell) {
    EXPECT_EQ(sample.balancing_cells[cell], (truth.balancing >> cell & 1U) != 0);
  }
  EXPECT_EQ(sample.balancing, truth.balancing != 0);
  EXPECT_NEAR(*sample.temperatures.battery[0], truth.cell_temperatures[0], 0.0051);
  EXPECT_NEAR(*sample.temperatures.battery[1], truth.cell_temperatures[1], 0.0051);
  EXPECT_NEAR(*sample.max_cell_temperature, truth.cell_temperatures[0], 0.0051);
  EXPECT_NEAR(*sample.min_cell_temperature, truth.cell_temperatures[1], 0.0051);
  EXPECT_EQ(sample.charge_enabled, truth.charge_on);
  EXPECT_EQ(sample.discharge_enabled, truth.discharge_on);
  EXPECT_NEAR(*sample.max_charge_current, life.battery.config().max_charge_current(), 0.51);
  EXPECT_NEAR(*sample.max_discharge_current, life.battery.config().max_discharge_current(), 0.51);
  EXPECT_FALSE(sample.max_charge_voltage);
}

TEST(EcsAndDecoder, EveryValue) {
  for (const auto* dialect : {"rows", "single"}) {
    for (const double current : {-12.34, 0.0, 23.45}) {
      for (const double soc : {12.3, 60.0, 77.7}) {
        auto config = four_cells();
        config.current = current;
        config.soc = soc;
        Life life(config, dialect);
        ASSERT_TRUE(life.live());
        expect_truth(life);
        EXPECT_EQ(life.identity.model, "Greenmeter-500A");
        EXPECT_NEAR(*life.identity.capacity_full, 100.0, 1e-9);
      }
    }
  }
}

TEST(EcsAndDecoder, SixteenCellsThatBalance) {
  auto config = test::sixteen_cells();
  config.soc = 99.0;
  config.imbalance = 0.1;
  config.current = 10.0;
  Life life(config);
  life.battery.advance(60);
  ASSERT_TRUE(life.live());
  EXPECT_NE(life.battery.reading().balancing, 0U);
  expect_truth(life);
}

TEST(EcsAndDecoder, StatesOfTheOutputs) {
  for (const auto& [alarm, level] :
       std::initializer_list<std::pair<Alarm, AlarmLevel>>{{Alarm::HighVoltage, 2},
                                                           {Alarm::LowVoltage, 2},
                                                           {Alarm::HighChargeCurrent, 1},
                                                           {Alarm::HighDischargeCurrent, 1},
                                                           {Alarm::HighChargeTemperature, 1},
                                                           {Alarm::LowChargeTemperature, 1},
                                                           {Alarm::HighTemperature, 1},
                                                           {Alarm::LowTemperature, 1}}) {
    auto config = four_cells();
    config.temperature = 20.0;
    config.imbalance = 0.0;
    config.raised.set(static_cast<std::size_t>(alarm));
    Life life(config);
    ASSERT_TRUE(life.live());
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      if (const auto told = life.sample.alarms.at(i)) {
        EXPECT_EQ(*told, i == static_cast<std::size_t>(alarm) ? level : 0) << kAlarmNames[i];
      }
    }
    EXPECT_EQ(life.sample.alarms[alarm], level) << kAlarmNames[static_cast<std::size_t>(alarm)];
    const auto truth = life.battery.reading();
    EXPECT_EQ(life.sample.charge_enabled, truth.charge_on) << kAlarmNames[static_cast<std::size_t>(alarm)];
    EXPECT_EQ(life.sample.discharge_enabled, truth.discharge_on);
  }
}

} // namespace
} // namespace bmsd::sim
