// Texts against docs/protocols/hlpdatabms4s.md, then the protocol against the simulated board.
#include "app/sim/hlpdatabms4s_sim.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using test::run;

BatteryConfig four_cells() {
  BatteryConfig config;
  config.cells = 4;
  config.capacity = 320.0;
  config.current = -12.34;
  config.soc = 63.0;
  config.temperature = -3.2;
  config.imbalance = 0.03;
  return config;
}

std::string say(StreamDevice& device, std::string_view line) {
  std::string heard;
  Bytes bytes(line.begin(), line.end());
  for (ByteView rest = bytes; !rest.empty();) {
    const auto answer = device.answer(rest);
    if (answer.used == 0) {
      break;
    }
    heard.append(answer.reply.begin(), answer.reply.end());
    rest = rest.subspan(answer.used);
  }
  return heard;
}

struct HlpdataBms4s : testing::Test {
  Battery battery{four_cells()};
  HlpdataBms4sSim device{battery, {}};
};

// -- texts ------------------------------------------------------------------------

TEST_F(HlpdataBms4s, TheMeasurement) {
  Reading reading;
  reading.cells = {3.599, 3.6, 3.598, 3.599};
  reading.current = 77.13;
  reading.soc = 99.0;
  reading.charge_on = false;
  reading.cell_temperatures = {25.0, 31.0};
  reading.mos_temperature = 55.0;
  test::raise(reading, Alarm::HighVoltage);
  EXPECT_EQ(hlpdatabms4s_measurement(reading, false),
            "3.599,3.600,3.598,3.599,77.130,99,0,1,13.1,99,0,5,1,b1 25,b2 31,a1 55");
}

TEST_F(HlpdataBms4s, RepeatsWhatItHears) {
  EXPECT_EQ(say(device, "pv\n"), "pv\r\nBMS4S 1.4.55\r\n");
  EXPECT_EQ(say(device, "\n"), "\r\n");
  EXPECT_EQ(say(device, "sv 4.2\n"), "sv 4.2\r\n?\r\n");
}

TEST_F(HlpdataBms4s, Settings) {
  const auto text = say(device, "ps\n");
  EXPECT_EQ(text.substr(0, 53), "ps\r\nBatterySize= 320 VoltHigh= 3,65 VoltLow= 2,50 . .");
  EXPECT_GE(text.size(), 700U);
}

TEST_F(HlpdataBms4s, WaitsForTheEndOfTheLineAndSkipsRubbish) {
  EXPECT_EQ(say(device, "pv"), "");
  EXPECT_EQ(say(device, std::string("\xDD\xA5\x03\x00pv\n", 7)), "pv\r\nBMS4S 1.4.55\r\n");
  EXPECT_EQ(say(device, std::string(100, 'x')), "");
}

// -- the protocol against it ----------------------------------------------------------

struct Life : test::Life {
  explicit Life(const BatteryConfig& config, const std::string& dialect = "")
      : test::Life("hlpdatabms4s", config, {0, "", "", dialect}) {}
};

void expect_truth(const Life& life, double degrees) {
  const auto truth = life.battery.reading();
  const Sample& sample = life.sample;
  test::expect_cells(sample.cell_voltages, truth);
  EXPECT_EQ(sample.cell_count, 4);
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.0021);
  EXPECT_NEAR(*sample.current, truth.current, 0.00051);
  EXPECT_NEAR(*sample.soc, truth.soc, 0.51);
  EXPECT_NEAR(*sample.capacity_full, truth.capacity, 0.51);
  EXPECT_NEAR(*sample.temperatures.battery[0], truth.cell_temperatures[0], degrees / 2 + 0.001);
  EXPECT_NEAR(*sample.temperatures.battery[1], truth.cell_temperatures[1], degrees / 2 + 0.001);
  EXPECT_EQ(sample.charge_enabled, truth.charge_on);
  EXPECT_EQ(sample.discharge_enabled, truth.discharge_on);
  EXPECT_NEAR(*sample.max_charge_voltage, 4 * 3.65, 1e-9);
  EXPECT_NEAR(*sample.battery_low_voltage, 4 * 2.5, 1e-9);
}

TEST(HlpdataBms4sAndDecoder, EveryValue) {
  for (const bool tenths : {false, true}) {
    for (const double current : {-12.34, 0.0, 23.45}) {
      auto config = four_cells();
      config.current = current;
      Life life(config, tenths ? "4.2" : "1.4");
      ASSERT_TRUE(life.live());
      expect_truth(life, tenths ? 0.1 : 1.0);
      EXPECT_EQ(life.identity.hardware_version, tenths ? "BMS4S 4.2.89" : "BMS4S 1.4.55");
      EXPECT_EQ(life.identity.unique_id, "BMS4S_320");
    }
  }
}

TEST(HlpdataBms4sAndDecoder, Beeps) {
  for (const auto& [raised, alarm, level] : std::initializer_list<std::tuple<Alarm, Alarm, AlarmLevel>>{
           {Alarm::HighVoltage, Alarm::HighVoltage, 2},
           {Alarm::LowVoltage, Alarm::LowVoltage, 2},
           {Alarm::LowCellVoltage, Alarm::LowVoltage, 2},
           {Alarm::HighChargeTemperature, Alarm::HighChargeTemperature, 1},
           {Alarm::LowChargeTemperature, Alarm::LowChargeTemperature, 1}}) {
    auto config = four_cells();
    config.temperature = 20.0;
    config.raised.set(static_cast<std::size_t>(raised));
    Life life(config);
    ASSERT_TRUE(life.live());
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      if (const auto told = life.sample.alarms.at(i)) {
        EXPECT_EQ(*told, i == static_cast<std::size_t>(alarm) ? level : 0) << kAlarmNames[i];
      }
    }
    EXPECT_EQ(life.sample.alarms[alarm], level);
    expect_truth(life, 1.0);
  }
}

TEST(HlpdataBms4sAndDecoder, HalfACommandFromAnotherProgram) {
  Life life(four_cells());
  const Bytes half = {'p', 'e', 'x'};
  EXPECT_EQ(life.device->answer(half).used, 0U);
  EXPECT_TRUE(life.live());
}

} // namespace
} // namespace bmsd::sim
