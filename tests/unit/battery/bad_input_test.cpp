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
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 1);
  EXPECT_THAT(status.warning, HasSubstr("Cell voltages"));
  battery.polls(bad, 51);
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 2);
  EXPECT_EQ(status.dcl, 30.0) << "halved once, not every cycle";
  battery.poll(good);
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 0);
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
