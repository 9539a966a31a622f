// Charge phases, alarms, connection, history and times, each class alone.
#include "battery_fixture.hpp"

#include <gtest/gtest.h>

namespace bmsd::battery {

namespace {

using namespace testing;

// -- charge phase and voltage -----------------------------------------------------

TEST(ChargePhase, AnOutageDoesNotCountAsAbsorption) {
  ChargePhase phase(settings_with({{"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "60"}}));
  CellView cells;
  cells.source = CellSource::list;
  cells.sum = to_uv(55.2);
  ChargePhase::Input input;
  input.cells = &cells;
  input.pack_max = to_uv(55.2);
  input.soc = 99.0;
  phase.update(input, tick_at(0));
  EXPECT_EQ(phase.phase(), Phase::absorption);
  input.outage = true;
  EXPECT_FALSE(phase.update(input, tick_at(1000)));
  input.outage = false;
  EXPECT_FALSE(phase.update(input, tick_at(1060)));
  EXPECT_TRUE(phase.update(input, tick_at(1061)));
  EXPECT_EQ(phase.phase(), Phase::floating);
}

TEST(ChargePhase, FloatIsHeldAlthoughTheSocIsLow) {
  ChargePhase phase(settings_with({{"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "100"}}));
  CellView cells;
  cells.source = CellSource::list;
  cells.sum = to_uv(55.2);
  ChargePhase::Input input;
  input.cells = &cells;
  input.pack_max = to_uv(55.2);
  input.soc = 50.0;
  phase.update(input, tick_at(0));
  EXPECT_TRUE(phase.update(input, tick_at(101)));
  EXPECT_TRUE(phase.soc_contradicts());
  cells.sum = to_uv(53.0);
  phase.update(input, tick_at(200));
  EXPECT_EQ(phase.phase(), Phase::floating);
  phase.update(input, tick_at(201));
  EXPECT_EQ(phase.phase(), Phase::bulk);
}

TEST(SocResetPlan, ZeroDaysIsOffAndAPendingOneIsReported) {
  SocResetPlan off(settings_with({{"SOC_RESET_AFTER_DAYS", "0"}}));
  off.update(tick_at(0));
  EXPECT_FALSE(off.requested());
  SocResetPlan without_control(settings_with({{"SOC_RESET_AFTER_DAYS", "3"}, {"CVCM_ENABLE", "False"}}));
  without_control.update(tick_at(0));
  EXPECT_FALSE(without_control.requested());
  SocResetPlan plan(settings_with({{"SOC_RESET_AFTER_DAYS", "3"}}));
  plan.update(tick_at(0));
  EXPECT_TRUE(plan.requested());
  EXPECT_FALSE(plan.overdue(tick_at(3 * 86400)));
  EXPECT_TRUE(plan.overdue(tick_at(3 * 86400 + 1)));
}

TEST(OvervoltageControl, IntegralPartCountsSeconds) {
  CellView cells;
  cells.source = CellSource::list;
  cells.count = 1;
  cells.cells[0] = cells.highest = to_uv(3.56);
  OvervoltageControl::Input input;
  input.cells = &cells;
  input.pack_min = to_uv(46.4);
  input.pack_max = to_uv(55.2);
  input.cell_max = to_uv(3.45);
  const auto settings = settings_with({{"CVL_CONTROLLER_MODE", "2"}});
  for (const auto& [seconds, fall] : {std::pair(1, 0.02), std::pair(3, 0.06), std::pair(60, 0.10)}) {
    OvervoltageControl control(settings);
    control.update(to_uv(55.2), input, tick_at(0));
    EXPECT_EQ(control.update(to_uv(55.0), input, tick_at(seconds)), to_uv(55.0 - fall)) << seconds;
  }
}

TEST(OvervoltageControl, TheClippedSumStaysWithinThePack) {
  OvervoltageControl control(settings_with({{"CVL_CONTROLLER_MODE", "3"}}));
  CellView cells;
  cells.source = CellSource::list;
  cells.count = 16;
  cells.cells.fill(to_uv(2.5));
  cells.cells[0] = cells.highest = to_uv(3.6);
  cells.sum = to_uv(2.5 * 15 + 3.6);
  OvervoltageControl::Input input;
  input.cells = &cells;
  input.pack_min = to_uv(46.4);
  input.pack_max = to_uv(55.2);
  input.cell_max = to_uv(3.45);
  EXPECT_EQ(control.update(to_uv(55.2), input, tick_at(0)), to_uv(46.4));
  cells.cells.fill(to_uv(3.45));
  cells.cells[0] = cells.highest = to_uv(3.6);
  cells.sum = to_uv(3.45 * 15 + 3.6);
  input.pack_max = to_uv(52.0);
  EXPECT_LE(control.update(to_uv(55.0), input, tick_at(1)), to_uv(52.0)) << "the BMS has lowered its maximum";
}

TEST(OvervoltageControl, TheRiseNeverPassesTheWish) {
  OvervoltageControl control(settings_with({{"CVL_RECOVERY_HOLD_SEC", "10"}, {"CVL_RECOVERY_RATE_V_PER_SEC", "1"}}));
  CellView cells;
  cells.source = CellSource::list;
  cells.count = 16;
  OvervoltageControl::Input input;
  input.cells = &cells;
  input.pack_min = to_uv(46.4);
  input.pack_max = to_uv(55.2);
  input.cell_max = to_uv(3.45);
  auto over = [&](double volts) {
    cells.cells.fill(to_uv(3.3));
    cells.cells[0] = cells.highest = to_uv(3.45 + volts);
    cells.sum = to_uv(3.3 * 15 + 3.45 + volts + 1.0);
  };
  over(0.3);
  cells.sum = to_uv(54.3);
  auto cvl = control.update(to_uv(55.2), input, tick_at(0));
  EXPECT_EQ(cvl, to_uv(54.0));
  cells.sum = to_uv(54.5);
  cvl = control.update(cvl, input, tick_at(1000));
  EXPECT_EQ(cvl, to_uv(54.2)) << "1000 s at 1 V/s, yet the wish is 54.2 V";
  EXPECT_EQ(control.mark(), Overvoltage::rising);
}

// -- alarms -----------------------------------------------------------------------

TEST(AlarmBoard, HidesWarningsOnlyAndOnlyWhileAsked) {
  AlarmBoard board;
  Alarms from_bms, shown;
  from_bms.set(Alarm::HighVoltage, 1);
  from_bms.set(Alarm::HighCellVoltage, 2);
  board.take(from_bms);
  AlarmBoard::Own own;
  own.hide_high_voltage_warnings = true;
  board.publish(own, shown);
  EXPECT_EQ(shown[Alarm::HighVoltage], 0);
  EXPECT_EQ(shown[Alarm::HighCellVoltage], 2);
  own.hide_high_voltage_warnings = false;
  board.publish(own, shown);
  EXPECT_EQ(shown[Alarm::HighVoltage], 1);
  EXPECT_FALSE(shown[Alarm::FuseBlown]);
}

TEST(AlarmBoard, AKnownAlarmStaysKnown) {
  AlarmBoard board;
  Alarms alarms, shown;
  alarms.set(Alarm::LowSoc, 1);
  board.take(alarms);
  board.take({});
  board.publish({}, shown);
  EXPECT_EQ(shown[Alarm::LowSoc], 1);
}

TEST(ErrorLog, ManyWithinThreeHours) {
  ErrorLog log;
  for (int i = 0; i < 179; ++i) {
    log.record(tick_at(i));
  }
  EXPECT_FALSE(log.too_many(tick_at(179)));
  log.record(tick_at(179));
  EXPECT_TRUE(log.too_many(tick_at(179)));
  EXPECT_FALSE(log.too_many(tick_at(10'801)));
}

// -- connection -------------------------------------------------------------------

TEST(DisconnectPolicy, SporadicFailuresDoNotAddUp) {
  DisconnectPolicy policy(settings_with({}));
  for (std::int64_t s = 0; s < 600; s += 2) {
    policy.poll_failed(3.4, 3.45, tick_at(s));
    EXPECT_TRUE(policy.online());
    EXPECT_FALSE(policy.given_up());
    policy.poll_ok(tick_at(s + 1));
  }
}

TEST(DisconnectPolicy, UnknownCellsAreOutsideTheWindow) {
  DisconnectPolicy policy(settings_with({}));
  for (std::int64_t s = 0; s <= 60; ++s) {
    policy.poll_failed({}, {}, tick_at(s));
    EXPECT_EQ(policy.blocks(), s >= 10) << s;
    EXPECT_EQ(policy.given_up(), s >= 60) << s;
  }
  EXPECT_EQ(policy.cable_alarm(), 2);
  policy.poll_ok(tick_at(61));
  EXPECT_FALSE(policy.given_up());
  EXPECT_EQ(policy.cable_alarm(), 0);
  EXPECT_EQ(policy.text(), "Connected");
  EXPECT_TRUE(policy.online());
}

TEST(DisconnectPolicy, NoAlarmIfNoneIsWanted) {
  DisconnectPolicy policy(settings_with({{"BMS_CABLE_ALARM", "False"}, {"BLOCK_ON_DISCONNECT", "True"}}));
  for (std::int64_t s = 0; s <= 70; ++s) {
    policy.poll_failed(3.3, 3.3, tick_at(s));
  }
  EXPECT_TRUE(policy.given_up());
  EXPECT_EQ(policy.cable_alarm(), 0);
}

// -- history ----------------------------------------------------------------------

TEST(History, CountsDischargesAndAlarmEdges) {
  HistoryKeeper keeper(settings_with({}));
  Status status;
  status.installed_capacity = 100.0;
  auto run = [&](double current, std::int64_t from, std::int64_t to) {
    for (std::int64_t s = from; s < to; ++s) {
      keeper.count(current, current * 50.0, 300, tick_at(s));
      keeper.compute_if_due(status, 54.0, tick_at(s));
    }
  };
  run(-36.0, 0, 200);   // 2 Ah
  run(10.0, 200, 230);  // too short for a new phase
  run(-36.0, 230, 330); // 1 Ah more
  run(10.0, 330, 430);  // charged
  run(-36.0, 430, 541); // a new phase
  History shown;
  keeper.show({}, shown, tick_at(541));
  EXPECT_NEAR(*shown.last_discharge, -1.10, 0.02);
  EXPECT_NEAR(*shown.total_ah_drawn, -4.1, 0.05);
  EXPECT_NEAR(*shown.average_discharge, *shown.total_ah_drawn / 2, 1e-9);

  Alarms alarms;
  for (AlarmLevel level : {1, 1, 0, 2, 2}) {
    alarms.set(Alarm::HighCellVoltage, level);
    keeper.watch_alarms(alarms);
  }
  keeper.show({}, shown, tick_at(541));
  EXPECT_EQ(shown.high_voltage_alarms, 2);
  EXPECT_TRUE(keeper.clear(5, status, 54.0));
  keeper.show({}, shown, tick_at(541));
  EXPECT_EQ(shown.high_voltage_alarms, 0);
  EXPECT_FALSE(keeper.clear(8, status, 54.0));
}

TEST(History, EveryGroupIsClearedAlone) {
  Status status;
  status.installed_capacity = 100.0;
  status.soc = 50.0;
  status.consumed_ah = -50.0;
  status.voltage = 52.0;
  status.min_cell_voltage = status.max_cell_voltage = 3.25;
  status.min_temperature = status.max_temperature = 20.0;
  History full;
  full.deepest_discharge = full.last_discharge = full.average_discharge = full.total_ah_drawn = -900.0;
  full.charge_cycles = 9.0;
  full.full_discharges = full.automatic_syncs = full.low_voltage_alarms = full.high_voltage_alarms = 9;
  full.minimum_voltage = full.minimum_cell_voltage = full.minimum_temperature = -9.0;
  full.maximum_voltage = full.maximum_cell_voltage = full.maximum_temperature = 99.0;
  full.charged_energy = full.discharged_energy = 9.0;
  for (int group = 1; group <= 7; ++group) {
    SCOPED_TRACE(group);
    HistoryKeeper keeper(settings_with({}));
    HistoryKeeper::Kept kept;
    kept.values = full;
    kept.last_full.mark(tick_at(0));
    keeper.resume(kept);
    ASSERT_TRUE(keeper.clear(group, status, 54.0));
    History shown;
    keeper.show({}, shown, tick_at(10));
    auto cleared = [group](int wanted) { return group == 1 || group == wanted; };
    EXPECT_EQ(shown.deepest_discharge, cleared(2) ? -50.0 : -900.0);
    EXPECT_EQ(shown.total_ah_drawn, cleared(2) ? 0.0 : -900.0);
    EXPECT_EQ(shown.average_discharge.has_value(), !cleared(2));
    EXPECT_EQ(shown.full_discharges, cleared(2) ? 0 : 9);
    EXPECT_EQ(shown.minimum_voltage, cleared(3) ? 52.0 : -9.0);
    EXPECT_EQ(shown.maximum_cell_voltage, cleared(3) ? 3.25 : 99.0);
    EXPECT_EQ(shown.automatic_syncs.has_value(), !cleared(4));
    EXPECT_EQ(shown.time_since_last_full_charge.has_value(), !cleared(4));
    EXPECT_EQ(shown.low_voltage_alarms, cleared(5) ? 0 : 9);
    EXPECT_EQ(shown.high_voltage_alarms, cleared(5) ? 0 : 9);
    EXPECT_EQ(shown.minimum_temperature, cleared(6) ? 20.0 : -9.0);
    EXPECT_EQ(shown.charged_energy, cleared(7) ? 0.0 : 9.0);
    EXPECT_EQ(shown.discharged_energy, cleared(7) ? 0.0 : 9.0);
  }
}

// -- times ------------------------------------------------------------------------

TEST(Estimates, TargetFollowsTheEssSettings) {
  Estimates::Input input;
  input.current = -10.0;
  input.soc = 60.0;
  input.capacity = 100.0;
  auto seconds = [&](const EssSettings& ess) {
    Estimates estimates(settings_with({}));
    Status status;
    estimates.update(input, ess, status, tick_at(0));
    return *status.time_to_go;
  };
  EXPECT_NEAR(seconds({}), 4 * 3600, 1);
  EXPECT_NEAR(seconds({1, 10, 35.0, 45.0}), 2.5 * 3600, 1);
  EXPECT_NEAR(seconds({1, 3, 35.0, 45.0}), 1.5 * 3600, 1);
  EXPECT_NEAR(seconds({1, 9, 35.0, 45.0}), 4 * 3600, 1);
}

} // namespace

} // namespace bmsd::battery
