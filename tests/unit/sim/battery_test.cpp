#include "app/sim/battery.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace bmsd::sim {
namespace {

double charge_of(const Battery& battery) {
  double sum = 0.0;
  for (const auto& cell : battery.cells()) {
    sum += cell.charge;
  }
  return sum / static_cast<double>(battery.cells().size());
}

BatteryConfig four_cells() {
  BatteryConfig config;
  config.cells = 4;
  config.capacity = 100.0;
  config.soc = 50.0;
  return config;
}

TEST(CellModel, CurveRisesAndIsPlausible) {
  for (double soc = kEmptiest; soc < kFullest - 0.001; soc += 0.001) {
    EXPECT_LT(open_circuit_voltage(soc), open_circuit_voltage(soc + 0.001)) << soc;
  }
  EXPECT_NEAR(open_circuit_voltage(0.5), 3.30, 0.02);
  EXPECT_NEAR(open_circuit_voltage(0.2), 3.24, 0.03);
  EXPECT_DOUBLE_EQ(open_circuit_voltage(-1.0), open_circuit_voltage(kEmptiest));
  EXPECT_DOUBLE_EQ(open_circuit_voltage(2.0), open_circuit_voltage(kFullest));
}

TEST(CellModel, InverseOfTheCurve) {
  for (double soc = 0.0; soc <= 1.0; soc += 0.01) {
    EXPECT_NEAR(soc_at_voltage(open_circuit_voltage(soc)), soc, 1e-9);
  }
}

TEST(Battery, StartsAsAsked) {
  auto config = four_cells();
  config.imbalance = 0.02;
  const auto reading = Battery(config).reading();
  const auto [low, high] = std::minmax_element(reading.cells.begin(), reading.cells.end());
  EXPECT_NEAR(*high - *low, 0.02, 1e-6);
  EXPECT_DOUBLE_EQ(reading.soc, 50.0);
  EXPECT_DOUBLE_EQ(reading.remaining, 50.0);
  EXPECT_NEAR(reading.voltage, 4 * 3.298, 0.02);
  EXPECT_DOUBLE_EQ(reading.current, 0.0);
  EXPECT_TRUE(reading.charge_on && reading.discharge_on);
  EXPECT_TRUE(reading.alarms.none());
}

TEST(Battery, EveryCellCountsTheCharge) {
  auto config = four_cells();
  config.current = -20.0;
  Battery battery(config);
  const double before = charge_of(battery);
  battery.advance(3600.0);
  EXPECT_NEAR(before - charge_of(battery), 20.0, 1e-6);
  EXPECT_NEAR(battery.reading().remaining, 30.0, 1e-6);
  EXPECT_NEAR(battery.reading().soc, 30.0, 1e-6);
}

TEST(Battery, HowTimeIsCutDoesNotMatter) {
  auto config = four_cells();
  config.current = 15.0;
  Battery once(config);
  Battery often(config);
  once.advance(1000.0);
  for (int i = 0; i < 1000; ++i) {
    often.advance(1.0);
  }
  EXPECT_NEAR(once.reading().voltage, often.reading().voltage, 1e-9);
  EXPECT_NEAR(once.reading().remaining, often.reading().remaining, 1e-9);
}

TEST(Battery, RoundTripLosesWhatTheResistanceTakes) {
  auto config = four_cells();
  config.resistance = 0.002;
  config.imbalance = 0.0;
  config.current = -30.0;
  config.profile = LoadProfile::day; // as much charge in as out
  config.period = 7200.0;
  Battery battery(config);
  battery.advance(7200.0);
  const auto reading = battery.reading();
  const double mean_square = 30.0 * 30.0 / 2;
  const double loss = mean_square * 4 * 0.002 * 2.0 / 1000.0; // I² R t in kWh
  EXPECT_NEAR(reading.remaining, 50.0, 0.01);
  EXPECT_NEAR(reading.charged_energy - reading.discharged_energy, loss, loss * 0.02);
}

TEST(Battery, ChargerTapersAndTheCountBecomesFull) {
  auto config = four_cells();
  config.soc = 95.0;
  config.current = 20.0;
  Battery battery(config);
  double last = 20.1;
  bool tapered = false;
  for (int minute = 0; minute < 120; ++minute) {
    battery.advance(60.0);
    const auto reading = battery.reading();
    EXPECT_LE(reading.current, last + 0.5);
    EXPECT_LE(reading.voltage, 4 * 3.45 + 0.001);
    last = reading.current;
    tapered |= reading.current > 0.5 && reading.current < 15.0;
  }
  EXPECT_TRUE(tapered);
  EXPECT_DOUBLE_EQ(battery.reading().soc, 100.0);
  EXPECT_TRUE(battery.reading().alarms.none());
}

TEST(Battery, CellOvervoltageTripsAndReleases) {
  auto config = four_cells();
  config.soc = 99.0;
  config.charge_voltage = 4.0; // a charger set wrong
  config.current = 20.0;
  config.profile = LoadProfile::day;
  config.period = 3600.0;
  Battery battery(config);
  battery.advance(1500.0);
  auto reading = battery.reading();
  EXPECT_FALSE(reading.charge_on);
  EXPECT_TRUE(reading.discharge_on);
  EXPECT_TRUE(reading.alarm(Alarm::HighCellVoltage));
  EXPECT_DOUBLE_EQ(reading.current, 0.0);
  EXPECT_DOUBLE_EQ(reading.max_charge_current, 0.0);
  EXPECT_EQ(battery.trips(Alarm::HighCellVoltage), 1);
  battery.advance(1500.0); // the load brings the cells down
  reading = battery.reading();
  EXPECT_TRUE(reading.charge_on);
  EXPECT_FALSE(reading.alarm(Alarm::HighCellVoltage));
  EXPECT_LT(reading.current, 0.0);
}

TEST(Battery, CellUndervoltageStopsTheLoadNotTheCharger) {
  auto config = four_cells();
  config.soc = 2.0;
  config.current = -20.0;
  Battery battery(config);
  battery.advance(1800.0);
  auto reading = battery.reading();
  EXPECT_TRUE(reading.alarm(Alarm::LowCellVoltage));
  EXPECT_FALSE(reading.discharge_on);
  EXPECT_TRUE(reading.charge_on);
  EXPECT_DOUBLE_EQ(reading.current, 0.0);
}

TEST(Battery, TooColdToCharge) {
  auto config = four_cells();
  config.temperature = -5.0;
  config.current = 10.0;
  Battery battery(config);
  battery.advance(60.0);
  EXPECT_TRUE(battery.reading().alarm(Alarm::LowChargeTemperature));
  EXPECT_DOUBLE_EQ(battery.reading().current, 0.0);
  EXPECT_TRUE(battery.reading().discharge_on);
}

TEST(Battery, OvercurrentIsTriedAgain) {
  auto config = four_cells();
  config.current = -150.0;
  Battery battery(config);
  EXPECT_FALSE(battery.reading().alarm(Alarm::HighDischargeCurrent));
  battery.advance(1.0);
  EXPECT_TRUE(battery.reading().alarm(Alarm::HighDischargeCurrent));
  EXPECT_DOUBLE_EQ(battery.reading().current, 0.0);
  battery.advance(65.0);
  EXPECT_GE(battery.trips(Alarm::HighDischargeCurrent), 2);
}

TEST(Battery, WarmsWithTheSquareOfTheCurrent) {
  auto config = four_cells();
  config.capacity = 1000.0;
  const auto rise = [&config](double current) {
    config.current = current;
    Battery battery(config);
    battery.advance(7200.0); // one time constant
    return battery.reading().cell_temperatures[0] - 25.0;
  };
  const double small = rise(-100.0);
  EXPECT_NEAR(small, 0.632 * 100.0 * 100.0 * 0.0005, 0.01);
  EXPECT_NEAR(rise(-200.0) / small, 4.0, 1e-6);
}

TEST(Battery, BalancerBleedsTheHighCellsOnly) {
  auto config = four_cells();
  config.soc = 99.5;
  config.imbalance = 0.05;
  config.current = 2.0;
  Battery battery(config);
  battery.advance(10.0);
  const auto reading = battery.reading();
  ASSERT_NE(reading.balancing, 0U);
  const auto lowest = std::min_element(reading.cells.begin(), reading.cells.end()) - reading.cells.begin();
  EXPECT_EQ(reading.balancing >> lowest & 1U, 0U);
  battery.enable_balancer(false);
  battery.advance(10.0);
  EXPECT_EQ(battery.reading().balancing, 0U);
  EXPECT_FALSE(battery.reading().balancer_enabled);
}

TEST(Battery, SwitchesAndCountAreCommands) {
  auto config = four_cells();
  config.current = 10.0;
  Battery battery(config);
  const auto cells = battery.reading().cells;
  battery.allow_charge(false);
  battery.advance(1.0);
  EXPECT_DOUBLE_EQ(battery.current(), 0.0);
  EXPECT_TRUE(battery.reading().switched_off);
  EXPECT_TRUE(battery.reading().alarms.none()) << "switched off by command is no alarm";
  battery.set_remaining(80.0);
  EXPECT_DOUBLE_EQ(battery.reading().soc, 80.0);
  battery.allow_charge(true);
  battery.advance(1.0);
  EXPECT_DOUBLE_EQ(battery.current(), 10.0);
}

TEST(Battery, NoiseMovesEveryValue) {
  auto config = four_cells();
  config.cells = 16;
  config.noise = true;
  Battery battery(config);
  for (int reads_per_poll : {1, 2}) {
    auto last = battery.reading();
    for (int poll = 0; poll < 50; ++poll) {
      for (int i = 0; i < reads_per_poll; ++i) {
        battery.advance(1.0);
      }
      const auto now = battery.reading();
      for (std::size_t cell = 0; cell < now.cells.size(); ++cell) {
        EXPECT_GE(std::abs(now.cells[cell] - last.cells[cell]), 0.0009);
        EXPECT_NEAR(now.cells[cell], 3.30, 0.02);
      }
      EXPECT_GE(std::abs(now.voltage - last.voltage), 0.009);
      EXPECT_NE(std::lround(now.current * 10), std::lround(last.current * 10));
      EXPECT_NE(std::lround(now.soc), std::lround(last.soc));
      EXPECT_NE(std::lround(now.mos_temperature * 10), std::lround(last.mos_temperature * 10));
      last = now;
    }
  }
}

TEST(Battery, RaisedAlarmStaysAndOpensItsFet) {
  auto config = four_cells();
  config.raised.set(static_cast<std::size_t>(Alarm::HighChargeTemperature));
  config.current = 10.0;
  Battery battery(config);
  battery.advance(1000.0);
  EXPECT_TRUE(battery.reading().alarm(Alarm::HighChargeTemperature));
  EXPECT_FALSE(battery.reading().charge_on);
  EXPECT_TRUE(battery.reading().discharge_on);
}

TEST(Battery, SameSeedSameCells) {
  auto config = four_cells();
  const auto first = Battery(config).reading().cells;
  EXPECT_EQ(first, Battery(config).reading().cells);
  config.seed = 2;
  EXPECT_NE(first, Battery(config).reading().cells);
}

} // namespace
} // namespace bmsd::sim
