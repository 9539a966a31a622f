// What a broken BMS, sensor or cable can send, and what becomes of the limits.
#include "battery_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace bmsd::battery {

namespace {

using namespace testing;
using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class BadCell : public ::testing::TestWithParam<double> {};

TEST_P(BadCell, StopsChargingAfterTenSecondsAndAlarmsAfterAMinute) {
  Battery battery;
  const Sample good = sample(3.3);
  battery.polls(good, 5);
  Sample bad = good;
  bad.cell_voltages[4] = GetParam();
  const Status& status = battery.polls(bad, 10);
  EXPECT_EQ(status.ccl, 50.0) << "the last outputs stay for 10 s";
  EXPECT_EQ(status.max_cell_voltage, 3.3);
  battery.poll(bad);
  EXPECT_EQ(status.ccl, 0.0);
  EXPECT_EQ(status.dcl, 30.0) << "half of the last one: the cells were well above the table";
  EXPECT_EQ(status.cvl, 54.0) << "float";
  EXPECT_EQ(status.allow_charge, false);
  EXPECT_EQ(status.max_cell_voltage, std::nullopt) << "what they were is not shown for ever";
  EXPECT_EQ(status.min_cell_voltage, std::nullopt);
  EXPECT_EQ(status.cell_sum, std::nullopt);
  EXPECT_EQ(status.cell_diff, std::nullopt);
  EXPECT_EQ(status.min_cell_id, "");
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 1);
  EXPECT_THAT(status.warning, HasSubstr("Cell voltages"));
  battery.polls(bad, 51);
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 2);
  EXPECT_EQ(status.dcl, 30.0) << "halved once, not every cycle";
  battery.poll(good);
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 0);
  EXPECT_EQ(status.max_cell_voltage, 3.3);
  EXPECT_EQ(status.ccl, 0.0) << "back by hold and ramp";
  battery.polls(good, 60);
  EXPECT_EQ(status.ccl, 50.0);
  EXPECT_EQ(status.cvl, 55.2);
}

INSTANTIATE_TEST_SUITE_P(Values, BadCell, ::testing::Values(0.0, 0.4, 65.535, 7.0, -3.3, kNan, 1e300));

TEST(BadInput, ACellThatDisappearsIsNoSmallerBattery) {
  Battery battery;
  Sample s = sample(3.3);
  battery.poll(s);
  s.cell_voltages[15].reset();
  const Status& status = battery.polls(s, 11);
  EXPECT_EQ(status.ccl, 0.0);
  s.cell_voltages.clear();
  battery.poll(s);
  EXPECT_EQ(status.ccl, 0.0);
}

TEST(BadInput, ALimitOnItsWayUpStopsThereWhenTheCellsAreUnknown) {
  Battery battery;
  battery.poll(sample(3.4));
  const Status& status = battery.polls(sample(3.3), 33);
  const double ccl = *status.ccl;
  EXPECT_GT(ccl, 12.5);
  EXPECT_LT(ccl, 50.0);
  Sample bad = sample(3.3);
  bad.cell_voltages[2].reset();
  battery.polls(bad, 9);
  EXPECT_EQ(status.ccl, ccl);
}

TEST(BadInput, LowCellsLostStopDischarging) {
  Battery battery;
  Sample s = sample(3.1);
  battery.poll(s);
  s.cell_voltages.clear();
  EXPECT_EQ(battery.polls(s, 11).dcl, 0.0);
}

TEST(BadInput, AGlitchDoesNotStartAbsorptionOrMakeFull) {
  Battery battery(settings_with({{"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "0"}}));
  const Sample good = sample(3.3);
  battery.poll(good);
  Sample glitch = good;
  glitch.cell_voltages[0] = 65.535;
  for (int i = 0; i < 50; ++i) {
    battery.poll(i % 2 ? good : glitch);
    ASSERT_THAT(battery.controller.status().charge_mode, HasSubstr("Bulk"));
  }
  EXPECT_FALSE(battery.controller.take_bms_command());
}

TEST(BadInput, ASingleErrorInFloatIsNoFullCharge) {
  Battery battery(settings_with({{"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "2"}, {"SOC_CALCULATION", "True"}}));
  battery.identity.capabilities.soc_reset = true;
  battery.polls(sample(3.451, 97), 5);
  EXPECT_TRUE(battery.controller.take_bms_command());
  Sample rest = sample(3.36, 97, -20);
  const Status& status = battery.polls(rest, 60, 60);
  const double soc = *status.soc;
  EXPECT_LT(soc, 95.0);
  Sample broken = rest;
  broken.cell_voltages.clear();
  broken.current.reset();
  battery.poll(broken);
  battery.poll(rest);
  EXPECT_NEAR(*status.soc, soc, 0.1);
  EXPECT_FALSE(battery.controller.take_bms_command());
  EXPECT_EQ(status.history.automatic_syncs, 1);
}

TEST(BadInput, ValuesOutOfRangeCountAsNoAnswer) {
  struct {
    const char* what;
    void (*spoil)(Sample&);
  } const cases[] = {
      {"SoC 255 %", [](Sample& s) { s.soc = 255.0; }},
      {"SoC -1 %", [](Sample& s) { s.soc = -1.0; }},
      {"current", [](Sample& s) { s.current = -1000.1; }},
      {"voltage", [](Sample& s) { s.voltage = 655.35; }},
      {"capacity", [](Sample& s) { s.capacity_full = 65535.0; }},
  };
  for (const auto& [what, spoil] : cases) {
    SCOPED_TRACE(what);
    Battery battery(settings_with({{"BLOCK_ON_DISCONNECT", "True"}}));
    battery.polls(sample(), 3);
    Sample bad = sample();
    spoil(bad);
    const Status& status = battery.polls(bad, 10);
    EXPECT_TRUE(status.connected);
    EXPECT_EQ(status.soc, 50.0);
    battery.poll(bad);
    EXPECT_FALSE(status.connected);
    EXPECT_EQ(status.ccl, 0.0);
    EXPECT_EQ(status.dcl, 0.0);
    EXPECT_THAT(status.warning, HasSubstr("cannot be true"));
    battery.polls(bad, 50);
    EXPECT_TRUE(status.given_up);
    battery.poll(sample());
    EXPECT_TRUE(status.connected);
    EXPECT_FALSE(status.given_up);
  }
}

TEST(BadInput, ABadSampleMayStillLowerALimit) {
  struct {
    const char* what;
    void (*spoil)(Sample&);
    double ccl, dcl;
  } const cases[] = {
      {"SoC 255 %, a cell too high", [](Sample& s) { s.soc = 255.0, set_cell(s, 3, 3.51); }, 0.0, 60.0},
      {"SoC 255 %, a cell too low", [](Sample& s) { s.soc = 255.0, set_cell(s, 3, 2.79); }, 50.0, 0.0},
      {"SoC 255 %, frost", [](Sample& s) { s.soc = 255.0, s.temperatures.battery[0] = -1.0; }, 0.0, 13.5},
      {"one cell gone, another too high", [](Sample& s) { s.cell_voltages[0].reset(), s.cell_voltages[1] = 3.51; }, 0.0,
       60.0},
      {"65.535 V and another too low", [](Sample& s) { s.cell_voltages[0] = 65.535, s.cell_voltages[1] = 2.75; }, 50.0,
       0.0},
  };
  for (const auto& [what, spoil, ccl, dcl] : cases) {
    SCOPED_TRACE(what);
    Battery battery;
    battery.polls(sample(), 3);
    Sample bad = sample();
    spoil(bad);
    const Status& status = battery.poll(bad);
    EXPECT_EQ(status.ccl, ccl);
    EXPECT_EQ(status.dcl, dcl);
    EXPECT_EQ(battery.polls(sample(), 20).ccl, ccl) << "back by hold and ramp";
  }
}

TEST(BadInput, BesideAnImpossibleValueFetsLimitsAndAlarmsStillCount) {
  for (const bool decoded : {true, false}) {
    Battery battery;
    Sample good = sample(3.3);
    good.max_discharge_current = 40.0;
    good.alarms.set(Alarm::HighCellVoltage, 0);
    battery.polls(good, 5);
    Sample bad = sample(3.3, 200.0);
    bad.charge_enabled = false;
    bad.max_discharge_current = 7.0;
    bad.alarms.set(Alarm::HighCellVoltage, 2);
    bad.cell_voltages[3] = 3.75;
    battery.t += 1;
    const Status& status = decoded ? battery.controller.on_sample(bad, battery.identity, at(battery.t))
                                   : battery.controller.on_poll_failed(at(battery.t), &bad);
    EXPECT_EQ(status.ccl, 0.0);
    EXPECT_EQ(status.allow_charge, false);
    EXPECT_EQ(status.dcl, 7.0);
    EXPECT_EQ(status.alarms[Alarm::HighCellVoltage], 2);
    EXPECT_EQ(status.soc, 50.0) << "its values are not shown";
    EXPECT_EQ(status.max_cell_voltage, 3.3);
    battery.fail(11);
    EXPECT_FALSE(status.connected) << "and it is no answer";
  }
}

TEST(BadInput, WhatAnImpossibleAnswerBringsGoodOnesTakeBack) {
  Battery battery;
  battery.polls(sample(3.3), 5);
  Sample bad = sample(3.3, 200.0);
  bad.max_charge_current = 0.0; // never said before
  bad.alarms.set(Alarm::Contactor, 2);
  bad.temperatures.battery[2] = -25.0;
  battery.poll(bad);
  const Status& status = battery.polls(sample(3.3), 120);
  EXPECT_EQ(status.ccl, 50.0);
  EXPECT_EQ(status.alarms[Alarm::Contactor].value_or(0), 0);
  EXPECT_EQ(status.min_temperature, 25.0);
  EXPECT_THAT(status.warning, ::testing::IsEmpty());
}

TEST(BadInput, ACellThatCannotBeTrueIsNotShown) {
  Battery battery;
  battery.polls(sample(3.3), 5);
  Sample bad = sample(3.3);
  bad.cell_voltages[4] = 9.0;
  bad.soh = 250.0;
  const Status& status = battery.poll(bad);
  EXPECT_EQ(status.sample.cell_voltages[4], std::nullopt);
  EXPECT_EQ(status.sample.cell_voltages[5], 3.3);
  EXPECT_EQ(status.sample.soh, std::nullopt);
}

TEST(BadInput, CellsThatLeaveTheWindowBehindAWrongSocBlock) {
  Battery battery;
  battery.polls(sample(), 3);
  Sample bad = sample(3.3);
  bad.soc = 255.0;
  EXPECT_EQ(battery.polls(bad, 30).ccl, 50.0) << "as if lost, with cells inside the window";
  set_cell(bad, 5, 3.38);
  EXPECT_EQ(battery.poll(bad).ccl, 0.0);
  EXPECT_EQ(battery.controller.status().dcl, 0.0);
}

TEST(BadInput, WhatTheBmsDoesNotRepeatStillHolds) {
  Battery battery(settings_with({{"USE_BMS_DVCC_VALUES", "True"}}));
  Sample s = sample();
  s.max_charge_current = 20.0;
  s.max_discharge_current = 30.0;
  s.max_charge_voltage = 54.4;
  s.charge_enabled = false;
  const Status& status = battery.poll(s);
  EXPECT_EQ(status.ccl, 0.0);
  EXPECT_EQ(status.cvl, 54.4);
  s.charge_enabled.reset();
  EXPECT_EQ(battery.polls(s, 100).ccl, 0.0) << "the FET was off";
  EXPECT_EQ(status.allow_charge, false);
  s.charge_enabled = true;
  EXPECT_EQ(battery.polls(s, 100).ccl, 20.0);
  for (std::optional<double> absurd : {std::optional<double>(), std::optional(kNan), std::optional(65535.0)}) {
    s.max_charge_current = s.max_discharge_current = s.max_charge_voltage = absurd;
    battery.polls(s, 100);
    EXPECT_EQ(status.ccl, 20.0);
    EXPECT_EQ(status.dcl, 30.0);
    EXPECT_EQ(status.cvl, 54.4);
  }
}

TEST(BadInput, AnAbsurdMaximumOfTheBmsIsNotTakenForThePack) {
  Battery battery(settings_with({{"USE_BMS_DVCC_VALUES", "True"}}));
  Sample s = sample();
  s.max_charge_voltage = 110.0;
  EXPECT_EQ(battery.poll(s).cvl, 55.2);
  s.max_charge_voltage = 58.4;
  EXPECT_EQ(battery.poll(s).cvl, 58.4);
  s.max_charge_voltage = 3.0;
  EXPECT_EQ(battery.poll(s).cvl, 46.4) << "not below the minimum";
}

TEST(BadInput, TheBmsMayLowerItsMaximumAtAnyTime) {
  for (const char* controller : {"0", "1", "2", "3"}) {
    Battery battery(settings_with(
        {{"USE_BMS_DVCC_VALUES", "True"}, {"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "2"}, {"CVL_CONTROLLER_MODE", controller}}));
    Sample s = sample(3.45, 100);
    set_cell(s, 0, 3.47);
    s.max_charge_voltage = 55.2;
    const Status& status = battery.poll(s);
    s.max_charge_voltage = 52.0;
    EXPECT_LE(battery.poll(s).cvl, 52.0) << controller;
    s = sample(3.452, 100);
    s.max_charge_voltage = 55.2;
    battery.polls(s, 2000);
    s.max_charge_voltage = 53.0;
    EXPECT_LE(battery.poll(s).cvl, 53.0) << status.charge_mode;
  }
  Battery battery(settings_with({{"USE_BMS_DVCC_VALUES", "True"}, {"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "2"}}));
  Sample s = sample(3.452, 100);
  s.max_charge_voltage = 55.2;
  const Status& status = battery.polls(s, 6);
  EXPECT_THAT(status.charge_mode, HasSubstr("Float Transition"));
  s.max_charge_voltage = 54.5;
  EXPECT_EQ(battery.poll(s).cvl, 54.5);
}

TEST(BadInput, OneOfTwoSensorsThatVanishesKeepsItsLimit) {
  Battery battery;
  Sample s = sample();
  s.temperatures.battery[0] = 47.5;
  const Status& status = battery.poll(s);
  EXPECT_EQ(status.ccl, 18.75);
  s.temperatures.battery[0].reset();
  EXPECT_EQ(battery.polls(s, 500).ccl, 18.75);
  EXPECT_EQ(status.temperature, 25.0) << "shown is what is measured";
  EXPECT_THAT(status.warning, HasSubstr("sensor is gone"));
  s.temperatures.battery[0] = 30.0;
  EXPECT_EQ(battery.polls(s, 60).ccl, 50.0);
  EXPECT_EQ(status.warning, "");
}

TEST(BadInput, ExtremesThatContradictThePackVoltageDoNotMakeFull) {
  Battery battery(settings_with({{"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "2"}}));
  Sample s = sample(3.3);
  s.cell_voltages.clear();
  s.min_cell_voltage = s.max_cell_voltage = 3.3;
  s.voltage = 56.0;
  const Status& status = battery.polls(s, 10);
  EXPECT_THAT(status.charge_mode, HasSubstr("Bulk"));
  EXPECT_EQ(status.voltage, 52.8);
  EXPECT_THAT(status.warning, HasSubstr("contradict"));
}

TEST(BadInput, ACapacityOfNothingIsNoCapacity) {
  Battery battery(settings_with({{"SOC_CALCULATION", "True"}}));
  const Status& status = battery.poll(sample(3.3, 50, 100));
  Sample s = sample(3.3, 20, 100);
  s.capacity_full = 0.0;
  battery.poll(s);
  EXPECT_EQ(status.installed_capacity, 280.0);
  EXPECT_NEAR(*status.soc, 50.0, 0.1);
}

TEST(BadInput, TheExtremesOfTheHistoryAreThoseOfGoodSamples) {
  Battery battery;
  battery.poll(sample(3.3));
  Sample bad = sample(3.3);
  bad.cell_voltages[0] = 0.0;
  bad.voltage = 20.0;
  const Status& status = battery.polls(bad, 130);
  battery.poll(sample(3.3));
  EXPECT_EQ(status.history.minimum_voltage, 52.8);
  EXPECT_EQ(status.history.minimum_cell_voltage, 3.3);
}

TEST(BadInput, NanIsNoValue) {
  Battery battery;
  battery.polls(sample(), 3);
  Sample s = sample();
  s.voltage = s.soc = s.current = kNan;
  s.temperatures.battery[0] = s.temperatures.mos = kNan;
  const Status& status = battery.poll(s);
  EXPECT_EQ(status.voltage, 52.8) << "the sum of the cells";
  EXPECT_FALSE(status.current);
  EXPECT_FALSE(status.soc);
  EXPECT_EQ(status.temperature, 25.0);
  EXPECT_EQ(status.ccl, 50.0);
}

TEST(BadInput, ALostTemperatureSensorStopsCharging) {
  Battery battery;
  Sample s = sample();
  s.temperatures.battery[0] = s.temperatures.battery[1] = 4.0;
  const Status& status = battery.poll(s);
  const double dcl = *status.dcl;
  const double ccl = *status.ccl;
  s.temperatures = {};
  battery.polls(s, 59);
  EXPECT_EQ(status.ccl, ccl) << "the last temperature holds for a minute";
  battery.poll(s);
  EXPECT_EQ(status.ccl, 0.0);
  EXPECT_EQ(status.dcl, dcl);
  EXPECT_EQ(status.charge_limitation, "Temp Sensor Lost");
  EXPECT_THAT(status.warning, HasSubstr("temperature"));
}

TEST(BadInput, PackVoltageThatContradictsTheCellsIsNotUsed) {
  Battery battery;
  Sample s = sample();
  s.voltage = 26.4;
  s.current = 10.0;
  const Status& status = battery.poll(s);
  EXPECT_EQ(status.voltage, 52.8);
  EXPECT_EQ(status.power, 528.0);
  EXPECT_THAT(status.warning, HasSubstr("contradict"));
}

TEST(BadInput, CurrentAgainstAClosedFetIsShownAndReported) {
  Battery battery;
  Sample s = sample(3.3, 50, -40);
  s.discharge_enabled = false;
  const Status& status = battery.poll(s);
  EXPECT_EQ(status.current, -40.0);
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 1);
  EXPECT_EQ(status.dcl, 0.0);
}

TEST(BadInput, WrongSignOrTenfoldCurrentChangesNoLimit) {
  for (double current : {-50.0, 500.0, -500.0}) {
    Battery battery;
    battery.polls(sample(3.41, 90, 50), 5);
    const Status before = battery.controller.status();
    const Status& status = battery.polls(sample(3.41, 90, current), 5);
    EXPECT_EQ(status.cvl, before.cvl);
    EXPECT_EQ(status.ccl, before.ccl);
    EXPECT_EQ(status.dcl, before.dcl);
  }
}

TEST(BadInput, AFrozenBmsIsReportedAnIdleOneIsNot) {
  Battery frozen, idle;
  const Status& status = frozen.polls(sample(3.3, 50, 30), 600);
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 0);
  frozen.polls(sample(3.3, 50, 30), 10);
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 1);
  EXPECT_THAT(status.warning, HasSubstr("repeated"));
  EXPECT_EQ(status.ccl, 50.0);
  frozen.poll(sample(3.301, 50, 30));
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 0);
  EXPECT_EQ(idle.polls(sample(3.3, 50, 0), 3000).alarms[Alarm::InternalFailure], 0);
}

TEST(BadInput, ChangingCellCountNeverChangesTheVoltageOfThePack) {
  Battery battery;
  battery.polls(sample(), 3);
  Sample other = sample();
  other.cell_count = 32;
  for (int i = 0; i < 200; ++i) {
    battery.poll(i % 3 == 0 ? sample() : other);
    ASSERT_LE(*battery.controller.status().cvl, 55.2);
  }
}

TEST(BadInput, ANewCellCountHasToFitThePackVoltage) {
  Battery battery(settings_with({{"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "2"}}));
  const Status& status = battery.polls(sample(3.452, 100), 6);
  EXPECT_THAT(status.charge_mode, HasSubstr("Float Transition"));
  Sample eight = sample(3.3, 100);
  set_cells(eight, 3.3, 8);
  eight.voltage = 52.8;
  battery.polls(eight, 200);
  EXPECT_EQ(status.ccl, 0.0) << "the pack voltage is that of 16 cells";
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 2);
  eight.voltage = 26.4;
  battery.poll(eight);
  EXPECT_EQ(status.cvl, 27.6) << "in the float transition, but not above what 8 cells stand";
  EXPECT_EQ(status.battery_low_voltage, 23.2);
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 0);
  battery.polls(eight, 1000);
  EXPECT_EQ(status.cvl, 27.0);
  battery.polls(sample(3.3, 100), 62);
  EXPECT_EQ(status.cvl, 54.0) << "and back to 16";
}

TEST(BadInput, AnUnsupportedCellCountStartsNoControl) {
  for (int count : {0, 1, 2, 33, 1000}) {
    Battery battery;
    Sample s = sample();
    s.cell_count = count;
    s.cell_voltages.clear();
    const Status& status = battery.polls(s, 5);
    EXPECT_FALSE(status.cvl) << count;
    EXPECT_EQ(status.state, 0);
    battery.polls(s, 10);
    EXPECT_EQ(status.ccl, 0.0);
    EXPECT_EQ(status.dcl, 0.0);
  }
}

/// A day at the top of a battery of equal cells, told in steps of 0.1 V.
TEST(Controller, CellsInCoarseStepsDoNotLookUnequal) {
  for (bool known : {false, true}) {
    Battery battery(settings_with({{"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "300"}}));
    if (known) {
      battery.identity.cell_voltage_step = 0.1;
    }
    auto coarse = [](double volts) {
      Sample s = sample(volts, 99, 5);
      for (std::size_t i = 0; i < s.cell_voltages.size(); ++i) {
        s.cell_voltages[i] = std::round((volts + 0.001 * static_cast<double>(i % 4) - 0.0015) * 10.0) / 10.0;
      }
      return s;
    };
    const Status& status = battery.poll(coarse(3.451));
    EXPECT_EQ(status.cell_diff, 0.1) << "shown as it is told";
    EXPECT_EQ(status.ccl, 0.0) << "a cell that reads 3.5 V may have it";
    EXPECT_THAT(status.charge_mode, known ? HasSubstr("Absorption │") : HasSubstr("Bulk (Cell OVP)"));
    EXPECT_EQ(status.cvl == 55.2, known);
    battery.polls(coarse(3.451), 400);
    EXPECT_THAT(status.charge_mode, HasSubstr(known ? "Float" : "Bulk"));
    if (known) {
      battery.polls(coarse(3.3504), 2000);
      EXPECT_THAT(status.charge_mode, HasSubstr("Float │")) << "one step apart is not unequal";
      Sample unequal = coarse(3.3);
      set_cell(unequal, 4, 3.5);
      EXPECT_THAT(battery.poll(unequal).charge_mode, HasSubstr("Bulk"));
      set_cell(unequal, 4, 3.6);
      EXPECT_THAT(battery.poll(unequal).charge_mode, HasSubstr("Cell OVP"));
      EXPECT_EQ(battery.controller.status().ccl, 0.0);
    }
  }
}

TEST(Controller, WithoutCellsByDesignTheBmsOwnExtremesAreUsed) {
  Battery battery(settings_with({{"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "2"}}));
  Sample s = sample(3.45);
  s.cell_voltages.clear();
  s.min_cell_voltage = 3.449;
  s.max_cell_voltage = 3.451;
  s.voltage = 55.2;
  const Status& status = battery.poll(s);
  EXPECT_THAT(status.charge_mode, HasSubstr("Absorption"));
  battery.polls(s, 3);
  EXPECT_THAT(status.charge_mode, HasSubstr("Float"));
  EXPECT_NEAR(*status.ccl, 0.24, 0.02);
}

TEST(Controller, BlockOnDisconnectStopsBothDirectionsWhenOffline) {
  Battery battery(settings_with({{"BLOCK_ON_DISCONNECT", "True"}}));
  battery.poll(sample());
  const Status& status = battery.fail(10);
  EXPECT_EQ(status.ccl, 50.0);
  battery.fail();
  EXPECT_EQ(status.ccl, 0.0);
  EXPECT_EQ(status.dcl, 0.0);
  EXPECT_EQ(status.cvl, 54.0);
  EXPECT_EQ(status.allow_charge, false);
  EXPECT_EQ(status.charge_limitation, "BMS Lost");
  battery.poll(sample());
  EXPECT_EQ(status.ccl, 0.0);
  battery.polls(sample(), 45);
  EXPECT_EQ(status.ccl, 50.0);
}

TEST(Controller, MonitorOnlyPublishesNoLimits) {
  for (const char* key : {"LIMITS", "MONITOR_ONLY"}) {
    Battery battery(settings_with({{key, key[0] == 'L' ? "off" : "True"}}));
    Sample s = sample();
    s.charge_enabled = false;
    const Status& status = battery.polls(s, 3);
    EXPECT_FALSE(status.cvl || status.ccl || status.dcl);
    EXPECT_EQ(status.allow_charge, false);
    EXPECT_EQ(status.allow_discharge, true);
    EXPECT_EQ(status.soc, 50.0);
    EXPECT_EQ(status.state, 9);
  }
}

TEST(Controller, HighVoltageWarningsAreHeldBackWhileItIsHighOnPurpose) {
  Battery battery(settings_with(
      {{"SOC_RESET_AFTER_DAYS", "10"}, {"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "2"}, {"CCCM_CV_ENABLE", "False"}}));
  Sample s = sample(3.651, 100);
  s.alarms.set(Alarm::HighVoltage, 1);
  s.alarms.set(Alarm::HighCellVoltage, 2);
  s.alarms.set(Alarm::HighTemperature, 1);
  const Status& status = battery.poll(s);
  EXPECT_EQ(status.cvl, 58.4);
  EXPECT_EQ(status.alarms[Alarm::HighVoltage], 0);
  EXPECT_EQ(status.alarms[Alarm::HighCellVoltage], 2) << "an alarm is never hidden";
  EXPECT_EQ(status.alarms[Alarm::HighTemperature], 1);
  while (*status.cvl > 55.2) {
    battery.poll(s, 10.0);
    ASSERT_EQ(status.alarms[Alarm::HighVoltage], 0);
  }
  battery.poll(s, 1790.0);
  EXPECT_EQ(status.alarms[Alarm::HighVoltage], 0);
  battery.poll(s, 11.0);
  EXPECT_EQ(status.alarms[Alarm::HighVoltage], 1) << "more than 30 minutes after";
}

TEST(Controller, LowSocIsThatOfTheCountedSocWhereItIsInUse) {
  const std::pair<double, int> cases[] = {{20.0, 0}, {19.9, 1}, {10.0, 1}, {9.9, 2}};
  for (const auto& [soc, level] : cases) {
    Battery counted(settings_with({{"SOC_CALCULATION", "True"}})), plain;
    Sample s = sample(3.3, soc);
    s.alarms.set(Alarm::LowSoc, 1);
    EXPECT_EQ(counted.poll(s).alarms[Alarm::LowSoc], level) << soc;
    EXPECT_EQ(plain.poll(s).alarms[Alarm::LowSoc], 1) << "as the BMS says";
  }
}

TEST(Controller, AnExternalSensorCountsOnlyWhileItSaysSomething) {
  Battery battery(settings_with({{"EXTERNAL_SENSOR_DBUS_DEVICE", "com.victronenergy.battery.shunt"},
                                 {"EXTERNAL_SENSOR_DBUS_PATH_CURRENT", "/Dc/0/Current"},
                                 {"EXTERNAL_SENSOR_DBUS_PATH_SOC", "/Soc"}}));
  auto with = [&](bool present, std::optional<double> current, std::optional<double> soc) -> const Status& {
    battery.controller.set_external({present, current, soc});
    return battery.poll(sample(3.3, 50, 7));
  };
  EXPECT_EQ(with(true, 12.3, 61.0).current, 12.3);
  EXPECT_EQ(battery.controller.status().soc, 61.0);
  EXPECT_EQ(battery.controller.status().soc_bms, 50.0);
  for (std::optional<double> nothing : {std::optional<double>(), std::optional(kNan), std::optional(1e6)}) {
    EXPECT_EQ(with(true, nothing, nothing).current, 7.0);
    EXPECT_EQ(battery.controller.status().soc, 50.0);
  }
  EXPECT_EQ(with(false, 12.3, 61.0).current, 7.0);
  EXPECT_EQ(battery.controller.status().soc, 50.0);
  EXPECT_EQ(with(true, -3.0, 61.0).current, -3.0) << "back in the same cycle";
}

TEST(Controller, AbsorptionGoesOnOnlyAfterAShortRestart) {
  for (const auto& [away, goes_on] : {std::pair(120.0, true), std::pair(121.0, false)}) {
    const auto settings = settings_with({{"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "600"}});
    Battery battery(settings);
    battery.polls(sample(3.452, 100), 501);
    const auto saved = battery.controller.settled_state(at(battery.t));
    battery.t += away;
    battery.controller = Controller(settings, saved, at(battery.t));
    battery.t -= 1.0;
    EXPECT_THAT(battery.poll(sample(3.452, 100)).charge_mode, HasSubstr(goes_on ? "Float" : "Absorption"));
  }
}

TEST(Controller, AlarmsLimitOnlyIfWanted) {
  for (bool wanted : {false, true}) {
    Battery battery(settings_with({{"LIMIT_ON_ALARM", wanted ? "True" : "False"}}));
    Sample s = sample();
    s.alarms.set(Alarm::HighCellVoltage, 2);
    const Status& status = battery.poll(s);
    EXPECT_EQ(status.ccl, wanted ? 0.0 : 50.0);
    EXPECT_EQ(status.dcl, 60.0);
  }
}

TEST(Controller, CommandsGoToTheBmsOnlyIfItCan) {
  Battery battery;
  battery.poll(sample());
  auto send = [&](CommandKind kind, double value) {
    Command command;
    command.kind = kind;
    command.value = value;
    command.id = 7;
    return battery.controller.on_command(command, at(battery.t));
  };
  EXPECT_EQ(send(CommandKind::force_charging_off, 1).outcome.error.fault, Fault::unsupported);
  battery.identity.capabilities.charge_switch = true;
  battery.identity.capabilities.soc_reset = battery.identity.capabilities.soc_reset_only_full = true;
  battery.poll(sample());
  const auto off = send(CommandKind::force_charging_off, 1);
  EXPECT_TRUE(off.outcome.ok());
  EXPECT_EQ(off.outcome.id, 7U);
  ASSERT_TRUE(off.to_bms);
  EXPECT_EQ(off.to_bms->kind, CommandKind::force_charging_off);
  EXPECT_EQ(send(CommandKind::force_charging_off, 2).outcome.error.fault, Fault::rejected);
  EXPECT_TRUE(send(CommandKind::reset_soc_to, 130).outcome.ok());
  EXPECT_EQ(battery.controller.status().reset_soc_to, 100.0);
  const auto apply = send(CommandKind::reset_soc_apply, 1);
  ASSERT_TRUE(apply.to_bms);
  EXPECT_EQ(apply.to_bms->kind, CommandKind::set_soc);
  send(CommandKind::reset_soc_to, 50);
  EXPECT_EQ(send(CommandKind::reset_soc_apply, 1).outcome.error.fault, Fault::unsupported);
  EXPECT_EQ(send(CommandKind::history_clear, 8).outcome.error.fault, Fault::rejected);
  EXPECT_EQ(send(CommandKind::set_soc, kNan).outcome.error.fault, Fault::rejected);
}

TEST(Controller, DebugTextsAreEmptyUnlessWanted) {
  Battery quiet, loud(settings_with({{"GUI_PARAMETERS_SHOW_ADDITIONAL_INFO", "True"}}));
  EXPECT_EQ(quiet.poll(sample()).charge_mode_debug, "");
  EXPECT_THAT(loud.poll(sample()).charge_mode_debug, HasSubstr("CVL: 55.200 V"));
}

} // namespace

} // namespace bmsd::battery
