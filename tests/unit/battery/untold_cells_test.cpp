// A BMS that does not tell how many cells it has: Pylontech's CAN frames, documents with little in them.
#include "battery_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bmsd::battery {

namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Sample untold() {
  Sample s;
  s.voltage = 52.8;
  s.current = 10.0;
  s.soc = 50.0;
  s.temperatures.battery[0] = 25.0;
  return s;
}

Sample with_limits(double charge_voltage = 53.2) {
  Sample s = untold();
  s.max_charge_voltage = charge_voltage;
  s.max_charge_current = 37.0;
  s.max_discharge_current = 300.0;
  return s;
}

Sample with_extremes(double lowest = 3.299, double highest = 3.302) {
  Sample s = with_limits();
  s.min_cell_voltage = lowest;
  s.max_cell_voltage = highest;
  return s;
}

TEST(UntoldCells, TheLimitsOfTheBmsCountUnderTheConfiguredOnes) {
  Battery battery;
  const Status& status = battery.polls(with_limits(), 300);
  EXPECT_EQ(status.cvl, 53.2);
  EXPECT_EQ(status.ccl, 37.0);
  EXPECT_EQ(status.dcl, 60.0);
  EXPECT_EQ(status.allow_charge, true);
  EXPECT_EQ(status.allow_discharge, true);
  EXPECT_EQ(status.state, 9);
  EXPECT_EQ(status.alarms[Alarm::InternalFailure].value_or(0), 0);
  EXPECT_THAT(status.warning, IsEmpty());
  EXPECT_FALSE(status.min_cell_voltage);
}

TEST(UntoldCells, NothingIsPublishedWithoutLimitsAndThatIsSaid) {
  Battery battery;
  const Status& status = battery.polls(untold(), 300);
  EXPECT_FALSE(status.cvl);
  EXPECT_FALSE(status.ccl);
  EXPECT_FALSE(status.dcl);
  EXPECT_EQ(status.soc, 50.0);
  EXPECT_EQ(status.alarms[Alarm::InternalFailure].value_or(0), 0);
  EXPECT_THAT(status.warning, HasSubstr("limits of its own"));
}

TEST(UntoldCells, ASingleHigherChargeVoltageIsNotBelieved) {
  Battery battery;
  EXPECT_EQ(battery.polls(with_limits(), 5).cvl, 53.2);
  for (int i = 0; i < 5; ++i) { // another sender, or a frame damaged now and then
    EXPECT_EQ(battery.poll(with_limits(68.8)).cvl, 53.2);
    EXPECT_EQ(battery.poll(with_limits()).cvl, 53.2);
  }
  EXPECT_EQ(battery.polls(with_limits(56.0), 5).cvl, 53.2);
  EXPECT_EQ(battery.polls(with_limits(56.0), 2).cvl, 56.0);
  EXPECT_EQ(battery.poll(with_limits(50.0)).cvl, 50.0) << "down at once";
}

TEST(UntoldCells, ALowerChargeVoltageCountsInAnImpossibleAnswerToo) {
  Battery battery;
  battery.polls(with_limits(), 5);
  Sample bad = with_limits(50.0);
  bad.soc = 101.0;
  EXPECT_EQ(battery.poll(bad).cvl, 50.0);
  bad.max_charge_voltage = 60.0;
  EXPECT_EQ(battery.polls(bad, 8).cvl, 50.0);
}

TEST(UntoldCells, AHigherChargeVoltageIsTheLowestOfThoseSaid) {
  Battery battery;
  battery.polls(with_limits(), 5);
  battery.polls(with_limits(54.0), 5);
  EXPECT_EQ(battery.poll(with_limits(66.0)).cvl, 54.0) << "one damaged frame in the moment that counts";
}

TEST(UntoldCells, AChargeVoltageFarAboveThePackIsNone) {
  Battery battery;
  Sample s = with_limits();
  for (const double absurd : {1000.0, 100.0, 0.0, -1.0}) {
    s.max_charge_voltage = absurd;
    const Status& status = battery.polls(s, 30);
    EXPECT_EQ(status.cvl, std::nullopt) << absurd;
  }
  s.max_charge_voltage = 56.0;
  EXPECT_EQ(battery.poll(s).cvl, 56.0);
  s.max_charge_voltage = 100.0;
  EXPECT_EQ(battery.polls(s, 30).cvl, 56.0) << "what it told last holds";
}

TEST(UntoldCells, NoVoltageIsNoBattery) {
  Battery battery;
  Sample s = with_limits();
  s.voltage = 0.0;
  s.soc = 0.0;
  const Status& status = battery.polls(s, 5);
  EXPECT_EQ(status.cvl, std::nullopt);
  EXPECT_EQ(status.ccl, std::nullopt);
  EXPECT_NE(status.allow_charge, true);
}

TEST(UntoldCells, ABatteryThatHasSaidNothingYetIsNotJudged) {
  Battery battery;
  EXPECT_THAT(battery.fail(5).warning, IsEmpty());
}

TEST(UntoldCells, LowestAndHighestAreShownAndReduceTheCurrents) {
  Battery battery;
  const Status& status = battery.polls(with_extremes(), 60);
  EXPECT_EQ(status.min_cell_voltage, 3.299);
  EXPECT_EQ(status.max_cell_voltage, 3.302);
  EXPECT_EQ(status.cell_diff, 0.003);
  EXPECT_EQ(status.ccl, 37.0);
  EXPECT_EQ(status.cvl, 53.2);
  EXPECT_FALSE(status.cell_sum);
  battery.poll(with_extremes(3.45, 3.65));
  EXPECT_EQ(status.ccl, 0.0) << "the highest cell is above all";
  EXPECT_EQ(status.dcl, 60.0);
}

TEST(UntoldCells, LowestAndHighestThatVanishStopChargingUntilTheyAreBack) {
  Battery battery;
  battery.polls(with_extremes(), 60);
  const Status& status = battery.polls(with_limits(), 10);
  EXPECT_EQ(status.ccl, 37.0) << "the last outputs stay for 10 s";
  battery.poll(with_limits());
  EXPECT_EQ(status.ccl, 0.0);
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 1);
  battery.polls(with_extremes(), 60);
  EXPECT_EQ(status.ccl, 37.0);
  EXPECT_EQ(status.alarms[Alarm::InternalFailure], 0);
}

TEST(UntoldCells, ANumberThatIsToldAndWrongIsAnotherMatter) {
  for (const int count : {0, 1, 255}) {
    Battery battery;
    Sample s = with_limits();
    s.cell_count = count;
    const Status& status = battery.polls(s, 12);
    EXPECT_EQ(status.ccl, 0.0) << count;
    EXPECT_EQ(status.dcl, 0.0) << count;
    EXPECT_EQ(status.alarms[Alarm::InternalFailure], 1) << count;
  }
}

TEST(UntoldCells, CellsThatAreToldLaterAreLookedAfter) {
  Battery battery;
  battery.polls(with_limits(), 20);
  const Status& status = battery.polls(sample(3.3), 60);
  EXPECT_THAT(status.charge_mode, HasSubstr("Bulk"));
  EXPECT_EQ(status.cell_sum, 52.8);
  Sample lost = with_limits();
  battery.polls(lost, 11);
  EXPECT_EQ(status.ccl, 0.0) << "now they are missed";
}

TEST(UntoldCells, AreNotTakenForEmptyOnes) {
  BatterySettings settings;
  settings.soc_calculation = true;
  settings.battery_capacity = 100.0;
  Battery battery(settings);
  const Status& status = battery.polls(with_limits(), 30);
  ASSERT_TRUE(status.soc);
  EXPECT_NEAR(*status.soc, 50.0, 1.0);
}

TEST(UntoldCells, ALostBatteryIsBlockedAllTheSame) {
  BatterySettings settings;
  settings.block_on_disconnect = true;
  Battery battery(settings);
  battery.polls(with_extremes(), 60);
  const Status& status = battery.fail(62);
  EXPECT_EQ(status.ccl, 0.0);
  EXPECT_EQ(status.dcl, 0.0);
  EXPECT_EQ(status.alarms[Alarm::BmsCable], 2);
}

} // namespace
} // namespace bmsd::battery
