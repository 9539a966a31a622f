// Numbers, tables, current, SoC, temperatures, cells, each class alone.
#include "actors/battery/midpoint.hpp"
#include "actors/battery/text.hpp"
#include "battery_fixture.hpp"

#include <gtest/gtest.h>

namespace bmsd::battery {

namespace {

using namespace testing;

NumberList list(std::initializer_list<double> values) {
  NumberList result;
  for (double value : values) {
    result.push_back(value);
  }
  return result;
}

// -- numbers and tables -----------------------------------------------------------

TEST(Rounding, IsThatOfTheExactBinaryValue) {
  EXPECT_EQ(round2(55.085), 55.09); // stored a little above
  EXPECT_EQ(round2(54.735), 54.73); // stored a little below
  EXPECT_EQ(round2(0.125), 0.12);   // exact: to the even digit
  EXPECT_EQ(round2(-0.375), -0.38);
}

TEST(Table, IsLinearBetweenPointsAndFlatBeyond) {
  const Table table(list({3.5, 3.45, 3.4}), list({0.0, 0.5, 1.0}));
  EXPECT_DOUBLE_EQ(table.linear(3.3), 1.0);
  EXPECT_NEAR(table.linear(3.425), 0.75, 1e-12);
  EXPECT_DOUBLE_EQ(table.linear(3.45), 0.5);
  EXPECT_DOUBLE_EQ(table.linear(4.0), 0.0);
}

TEST(Table, StepsToTheUpperOrLowerPoint) {
  const Table table(list({0, 10, 20}), list({0.0, 0.5, 1.0}));
  EXPECT_EQ(table.step(5, false), 0.0);
  EXPECT_EQ(table.step(5, true), 0.5);
  EXPECT_EQ(table.step(10, false), 0.5);
  EXPECT_EQ(table.step(10, true), 1.0);
  EXPECT_EQ(table.step(99, true), 1.0);
}

TEST(Table, ValidityNeedsOrderAndEqualLengths) {
  EXPECT_TRUE(Table::is_valid(list({1, 2, 3}), list({0, 0, 0})));
  EXPECT_TRUE(Table::is_valid(list({3, 2, 1}), list({0, 0, 0})));
  EXPECT_TRUE(Table::is_valid(list({1, 1, 2}), list({0, 0, 0})));
  EXPECT_FALSE(Table::is_valid(list({1, 1, 2}), list({0, 0, 0}), true));
  EXPECT_FALSE(Table::is_valid(list({1, 3, 2}), list({0, 0, 0})));
  EXPECT_FALSE(Table::is_valid(list({1, 2}), list({0, 0, 0})));
  EXPECT_FALSE(Table::is_valid(list({}), list({})));
}

TEST(Text, DurationsNameTheTwoLargestUnits) {
  auto text = [](std::int64_t s) {
    std::string result;
    append_duration(result, s);
    return result;
  };
  EXPECT_EQ(text(2526), "42m 6s");
  EXPECT_EQ(text(50400), "14h");
  EXPECT_EQ(text(165600 + 59), "1d 22h");
  EXPECT_EQ(text(86400 + 59), "1d");
  EXPECT_EQ(text(-60), "-1m");
  std::string full;
  append_full_duration(full, 93784);
  EXPECT_EQ(full, "1d 2h 3m 4s");
}

TEST(WallStamp, AgesByTheMonotonicClockAlone) {
  WallStamp stamp;
  stamp.mark(tick_at(10));
  Tick later = tick_at(70);
  for (std::int64_t wall : {0L, 1'700'000'000L, 4'000'000'000L}) {
    later.wall = wall;
    EXPECT_EQ(stamp.age(later), 60);
  }
  later.wall = 1'800'000'000;
  EXPECT_EQ(stamp.wall(later), 1'800'000'000 - 60);
}

TEST(WallStamp, AStoredTimeWaitsForACredibleClock) {
  WallStamp stamp;
  stamp.stored = 1'700'000'000;
  Tick now = tick_at(5);
  now.wall.reset();
  stamp.resolve(now);
  EXPECT_FALSE(stamp.age(now));
  EXPECT_EQ(stamp.wall(now), 1'700'000'000);
  now.wall = 1'700'000'000 + 3600;
  stamp.resolve(now);
  EXPECT_EQ(stamp.age(now), 3600);
  WallStamp future;
  future.stored = 1'900'000'000;
  future.resolve(now);
  EXPECT_EQ(future.age(now), 0) << "a time in the future counts as now";
}

// -- current ----------------------------------------------------------------------

TEST(CurrentSource, ExtrapolatesBeyondItsMap) {
  const CurrentSource source(
      settings_with({{"CURRENT_REPORTED_BY_BMS", "-300, 0, 300"}, {"CURRENT_MEASURED_BY_USER", "-330, 0, 330"}}));
  EXPECT_DOUBLE_EQ(*source.read(100.0, {}, {}, {}).current, 110.0);
  EXPECT_DOUBLE_EQ(*source.read(400.0, {}, {}, {}).current, 440.0);
  EXPECT_DOUBLE_EQ(*source.read(-400.0, {}, {}, {}).current, -440.0);
}

TEST(CurrentSource, HidesTheResidueOfAClosedDirectionOnly) {
  const CurrentSource source(settings_with({}));
  EXPECT_EQ(source.read(-1.5, {}, true, false).current, 0.0);
  EXPECT_EQ(source.read(1.5, {}, false, true).current, 0.0);
  EXPECT_EQ(source.read(1.5, {}, true, false).current, 1.5);
  const auto stuck = source.read(-20.0, {}, true, false);
  EXPECT_EQ(stuck.current, -20.0);
  EXPECT_TRUE(stuck.flows_against_fet);
  EXPECT_EQ(source.read(-1.5, {}, {}, {}).current, -1.5) << "an unknown FET counts as on";
}

TEST(CurrentSource, FallsBackToTheBmsWithoutAnExternalValue) {
  const CurrentSource source(settings_with({{"EXTERNAL_SENSOR_DBUS_DEVICE", "com.victronenergy.battery.x"},
                                            {"EXTERNAL_SENSOR_DBUS_PATH_CURRENT", "/Dc/0/Current"}}));
  External external{true, 12.3456, {}};
  EXPECT_EQ(source.read(10.0, external, {}, {}).current, 12.346);
  external.current.reset();
  EXPECT_EQ(source.read(10.0, external, {}, {}).current, 10.0);
  EXPECT_FALSE(source.read({}, {}, {}, {}).current);
}

// -- current limit ----------------------------------------------------------------

TEST(CurrentLimit, FallsAtOnceAndRisesSlowly) {
  CurrentLimit limit(settings_with({}), Direction::charge);
  CurrentLimit::Input input;
  input.cell_voltage = 3.3;
  limit.update(input, tick_at(0));
  EXPECT_EQ(limit.value(), 50.0);
  input.cell_voltage = 3.4;
  limit.update(input, tick_at(1));
  EXPECT_EQ(limit.value(), 12.5);
  EXPECT_EQ(limit.reason(), "Cell Voltage");
  input.cell_voltage = 3.399;
  limit.update(input, tick_at(2));
  EXPECT_EQ(limit.value(), 12.5) << "30 s hold";
  input.cell_voltage = 3.3;
  limit.update(input, tick_at(10));
  EXPECT_EQ(limit.reason(), "Max Battery Charge Current *");
  limit.update(input, tick_at(32));
  limit.update(input, tick_at(34));
  EXPECT_EQ(limit.value(), 22.5) << "5 A/s";
  limit.update(input, tick_at(60));
  EXPECT_EQ(limit.value(), 50.0);
}

TEST(CurrentLimit, ACauseThatComesBackStartsTheHoldAnew) {
  CurrentLimit limit(settings_with({}), Direction::charge);
  CurrentLimit::Input input;
  auto value_at = [&](std::int64_t s, double cell) {
    input.cell_voltage = cell;
    limit.update(input, tick_at(s));
    return limit.value();
  };
  EXPECT_EQ(value_at(0, 3.4), 12.5);
  EXPECT_EQ(value_at(1, 3.38), 12.5);
  EXPECT_EQ(value_at(2, 3.4), 12.5);
  EXPECT_EQ(value_at(40, 3.38), 12.5) << "38 s at the limit do not count as 39 s below it";
  EXPECT_EQ(value_at(69, 3.38), 12.5);
  value_at(70, 3.38);
  EXPECT_GT(value_at(71, 3.38), 12.5);
}

TEST(CurrentLimit, OldInputsMayLowerButNotRaise) {
  CurrentLimit limit(settings_with({{"CCL_RECOVERY_HOLD_SEC", "0"}, {"CCL_RECOVERY_RATE_A_PER_SEC", "0"}}),
                     Direction::charge);
  CurrentLimit::Input input;
  input.cell_voltage = 3.4;
  limit.update(input, tick_at(0));
  input.may_rise = false;
  input.cell_voltage = 3.3;
  limit.update(input, tick_at(1));
  EXPECT_EQ(limit.value(), 12.5);
  input.switched_off = true;
  limit.update(input, tick_at(2));
  EXPECT_EQ(limit.value(), 0.0);
}

TEST(CurrentLimit, ClassicPresetTakesTheStricterSideOfItsBorders) {
  const auto settings = settings_with({{"PRESET", "classic"}, {"CCL_RECOVERY_HOLD_SEC", "0"}});
  EXPECT_DOUBLE_EQ(settings.min_cell_voltage, 3.1);
  auto first = [&](Direction direction, double soc) {
    CurrentLimit limit(settings, direction);
    CurrentLimit::Input input;
    input.soc = soc;
    limit.update(input, tick_at(0));
    return *limit.value();
  };
  const std::pair<double, double> charge[] = {{99, 1}, {98, 1}, {97.9, 4}, {95, 4}, {94.9, 25}, {91, 25}, {90.9, 50}};
  for (const auto& [soc, amperes] : charge) {
    EXPECT_EQ(first(Direction::charge, soc), amperes) << soc;
  }
  const std::pair<double, double> discharge[] = {{36, 60}, {35, 30}, {30.1, 30}, {30, 15}, {20.1, 15}, {20, 5}, {3, 5}};
  for (const auto& [soc, amperes] : discharge) {
    EXPECT_EQ(first(Direction::discharge, soc), amperes) << soc;
  }
}

TEST(CurrentLimit, ClassicPresetIsConfigurable) {
  const auto settings = settings_with({{"PRESET", "classic"},
                                       {"CLASSIC_SOC_WHILE_CHARGING", "90, 80"},
                                       {"CLASSIC_CHARGE_LIMIT", "2A, 10%"},
                                       {"MAX_BATTERY_CHARGE_CURRENT", "200"}});
  CurrentLimit limit(settings, Direction::charge);
  CurrentLimit::Input input;
  input.soc = 85.0;
  limit.update(input, tick_at(0));
  EXPECT_EQ(limit.value(), 20.0);
  EXPECT_EQ(limit.reason(), "Preset");
}

// -- SoC --------------------------------------------------------------------------

TEST(SocCounter, DoesNotCountAcrossAnOutage) {
  SocCounter counter;
  SocCounter::Input input;
  input.current = 100.0;
  input.capacity = 100.0;
  input.bms_soc = 50.0;
  EXPECT_EQ(counter.update(input, tick_at(0)), 50.0);
  EXPECT_EQ(counter.update(input, tick_at(36)), 51.0);
  EXPECT_EQ(counter.update(input, tick_at(36 + 301)), 51.0);
  EXPECT_TRUE(counter.estimated());
  counter.set_full(100.0);
  EXPECT_FALSE(counter.estimated());
  input.current = 0.0;
  EXPECT_EQ(counter.update(input, tick_at(400)), 100.0);
}

TEST(SocCounter, OneLowCellForAMinuteUnderLoadIsEmpty) {
  SocCounter counter;
  SocCounter::Input input;
  input.current = -1.0;
  input.capacity = 100.0;
  input.bms_soc = 30.0;
  input.cell_empty = true;
  counter.update(input, tick_at(0));
  counter.update(input, tick_at(1));
  input.cell_empty = false;
  counter.update(input, tick_at(2));
  input.cell_empty = true;
  counter.update(input, tick_at(100));
  EXPECT_GT(*counter.update(input, tick_at(160)), 29.0) << "60 s are not more than 60 s";
  EXPECT_EQ(counter.update(input, tick_at(161)), 0.0);
}

TEST(SocCounter, BelievesTheBmsRatherThanAnOldValueFarOff) {
  for (const auto& [saved, expected] : {std::pair(80.0, 40.0), std::pair(45.0, 45.0)}) {
    SocCounter counter;
    counter.resume(saved, true);
    SocCounter::Input input;
    input.current = 0.0;
    input.capacity = 100.0;
    input.bms_soc = 40.0;
    EXPECT_EQ(counter.update(input, tick_at(0)), expected);
    EXPECT_EQ(counter.discarded_stale(), saved != expected);
  }
}

// -- temperatures -----------------------------------------------------------------

TEST(Temperatures, CorrectsTheRawValueOnceAndDropsTheImpossible) {
  const auto settings = settings_with({{"TEMPERATURE_1_ADJUST", "-2, 1"}});
  TemperatureReader reader;
  Sample s = sample();
  s.temperatures.battery[0] = 20.0;
  s.temperatures.battery[1] = 121.0;
  const auto& view = reader.read(s, settings, tick_at(0));
  EXPECT_EQ(view.mean, 18.0);
  EXPECT_EQ(view.highest, 18.0);
  EXPECT_EQ(s.temperatures.battery[0], 18.0);
  EXPECT_FALSE(s.temperatures.battery[1]);
}

TEST(Temperatures, AreLostAfterAMinute) {
  TemperatureReader reader;
  const BatterySettings settings;
  Sample s = sample();
  s.temperatures = {};
  reader.read(s, settings, tick_at(0));
  EXPECT_FALSE(reader.lost(tick_at(1000))) << "never had one";
  s = sample();
  reader.read(s, settings, tick_at(1000));
  s.temperatures = {};
  reader.read(s, settings, tick_at(1059));
  EXPECT_FALSE(reader.lost(tick_at(1059)));
  EXPECT_EQ(reader.held().highest, 25.0);
  EXPECT_TRUE(reader.lost(tick_at(1060)));
}

// -- cells ------------------------------------------------------------------------

TEST(Midpoint, OddCountSharesTheMiddleCell) {
  CellView cells;
  cells.source = CellSource::list;
  cells.count = 5;
  for (int i = 0; i < 5; ++i) {
    cells.cells[static_cast<std::size_t>(i)] = to_uv(3.0 + 0.1 * i);
  }
  const auto result = midpoint(cells);
  ASSERT_TRUE(result);
  EXPECT_NEAR(result->voltage, 3.0 + 3.1 + 1.6, 1e-9);
  EXPECT_NEAR(result->deviation, (6.7 - 6.1) / 12.8 * 100, 1e-9);
  cells.count = 3;
  EXPECT_FALSE(midpoint(cells));
}

TEST(SampleCheck, UsesTheBmsOwnExtremesWhereThereIsNoList) {
  SampleCheck check;
  Sample s = sample();
  s.cell_voltages.clear();
  s.min_cell_voltage = 3.2;
  s.max_cell_voltage = 3.41;
  s.voltage = 53.0;
  EXPECT_EQ(check.check(s, {}, {}, tick_at(0)), SampleVerdict::good);
  EXPECT_EQ(check.cells().source, CellSource::extremes);
  EXPECT_EQ(check.cells().sum, to_uv(53.0));
  s.max_cell_voltage.reset();
  EXPECT_EQ(check.check(s, {}, {}, tick_at(1)), SampleVerdict::cells_invalid) << "it had them before";
}

TEST(SampleCheck, ACellCountThatDiffersMustLast) {
  SampleCheck check;
  Sample s = sample();
  EXPECT_EQ(check.check(s, {}, {}, tick_at(0)), SampleVerdict::good);
  set_cells(s, 3.3, 8);
  EXPECT_EQ(check.check(s, {}, {}, tick_at(1)), SampleVerdict::cells_invalid);
  EXPECT_EQ(check.check(s, {}, {}, tick_at(60)), SampleVerdict::cells_invalid);
  EXPECT_EQ(check.check(s, {}, {}, tick_at(61)), SampleVerdict::good);
  EXPECT_EQ(check.cell_count(), 8);
}

} // namespace

} // namespace bmsd::battery
