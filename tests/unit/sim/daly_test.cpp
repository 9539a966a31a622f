// Frames against recordings of real boards, and the protocol against the simulated battery.
#include "app/sim/daly_sim.hpp"
#include "protocols/core/protocol.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;
using test::run;

// -- frames -------------------------------------------------------------------------

/// The board of the recording "7s-idle".
Reading seven_cells_at_rest() {
  Reading reading;
  reading.voltage = 28.2;
  reading.soc = 30.3;
  reading.remaining = 9.09;
  reading.cells = {4.051, 4.056, 4.046, 4.056, 4.055, 3.980, 3.996};
  reading.cell_temperatures = {17};
  return reading;
}

TEST(DalyAnswers, are_the_recorded_ones_with_their_leftovers) {
  const auto reading = seven_cells_at_rest();
  DalyAnswers answers(1, "", false);
  EXPECT_EQ(hex(answers.read(0x90, reading)), "a5019008011a00007530012f2e");
  EXPECT_EQ(hex(answers.read(0x91, reading)), "a50191080fd8040f8c06012ffb");
  EXPECT_EQ(hex(answers.read(0x92, reading)), "a5019208390139018c06012f76");
  for (int life = 0; life < 0x4D; ++life) {
    answers.read(0x93, reading);
  }
  EXPECT_EQ(hex(answers.read(0x93, reading)), "a50193080001014d0000238235");
  EXPECT_EQ(hex(answers.read(0x94, reading)), "a50194080701000000000082cc");
  EXPECT_EQ(hex(answers.read(0x95, reading)), "a5019508010fd30fd80fce826c"
                                              "a5019508020fd80fd70f8c822f"
                                              "a5019508030f9c0fd70f8c82f4");
  EXPECT_EQ(hex(answers.read(0x96, reading)), "a5019608013900000000008200");
  EXPECT_EQ(hex(answers.read(0x97, reading)), "a5019708000000000000000045");
  EXPECT_EQ(hex(answers.read(0x98, reading)), "a5019808000000000000000046");
}

TEST(DalyAnswers, current_and_balancing_of_recordings) {
  auto reading = seven_cells_at_rest();
  reading.voltage = 51.5;
  reading.current = -50.0;
  reading.soc = 82.4;
  DalyAnswers answers(1, "", false);
  EXPECT_EQ(hex(answers.read(0x90, reading)), "a5019008020300007724033819");
  reading.balancing = 1U << 4 | 1U << 7;
  EXPECT_EQ(hex(answers.read(0x97, reading)), "a50197089000000000000000d5");
  test::raise(reading, Alarm::LowSoc);
  EXPECT_EQ(hex(answers.read(0x98, reading)), "a50198080000800000000000c6");
}

// -- the line -------------------------------------------------------------------------

struct DalyLine : testing::Test {
  Battery battery{test::sixteen_cells()};
  DalySim device{battery, {0x41, "", "", ""}};
};

TEST_F(DalyLine, waits_for_the_whole_request_and_skips_rubbish) {
  const auto request = bytes("a5419008aaaaaaaaaaaaaaaace");
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(device.answer(ByteView(request).first(size)).used, 0U);
  }
  EXPECT_EQ(hex(device.answer(request).reply).substr(0, 8), "a5029008");
  EXPECT_EQ(device.answer(bytes("00a5")).used, 1U);
  EXPECT_EQ(device.answer(bytes("a5a54190")).used, 1U);
}

TEST_F(DalyLine, damaged_requests_and_other_boards_get_no_answer) {
  const auto damaged = device.answer(bytes("a5419008aaaaaaaaaaaaaaaacf"));
  EXPECT_EQ(damaged.used, 1U);
  EXPECT_TRUE(damaged.reply.empty());
  const auto other = device.answer(bytes("a5409008aaaaaaaaaaaaaaaacd"));
  EXPECT_EQ(other.used, 13U);
  EXPECT_TRUE(other.reply.empty());
}

TEST_F(DalyLine, an_impossible_soc_is_not_accepted) {
  const auto reply = device.answer(bytes("a541210800000000000003e9fb")).reply;
  EXPECT_EQ(hex(reply).substr(0, 10), "a502210800");
  EXPECT_NEAR(battery.reading().soc, 63.0, 0.01);
}

// -- the protocol at the other end ------------------------------------------------------

protocols::ProtocolConfig daly_setup(std::uint32_t address, bool inverted) {
  auto setup = test::at(address, true);
  setup.options["invert_current"] = inverted ? "true" : "false";
  return setup;
}

struct Talk : test::Life {
  explicit Talk(const BatteryConfig& config, std::uint32_t address = 0, std::string dialect = "", bool inverted = false)
      : Life("daly", config, {address, "", "PACK 7", std::move(dialect)}, daly_setup(address, inverted)) {}
};

void expect_truth(const Sample& sample, const Reading& truth) {
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.051);
  EXPECT_NEAR(*sample.current, truth.current, 0.051);
  EXPECT_NEAR(*sample.soc, truth.soc, 0.051);
  EXPECT_NEAR(*sample.capacity_remaining, truth.remaining, 0.00051);
  EXPECT_NEAR(*sample.capacity_full, truth.capacity, 0.00051);
  EXPECT_EQ(sample.cycles, truth.cycles);
  EXPECT_EQ(sample.cell_count, static_cast<int>(truth.cells.size()));
  test::expect_cells(sample.cell_voltages, truth);
  EXPECT_NEAR(*sample.max_cell_voltage, *std::max_element(truth.cells.begin(), truth.cells.end()), 0.00051);
  EXPECT_NEAR(*sample.min_cell_voltage, *std::min_element(truth.cells.begin(), truth.cells.end()), 0.00051);
  EXPECT_NEAR(*sample.temperatures.battery[0], truth.cell_temperatures[1], 0.51); // the lower one
  EXPECT_NEAR(*sample.temperatures.battery[1], truth.cell_temperatures[0], 0.51);
  EXPECT_EQ(sample.charge_enabled, truth.charge_on);
  EXPECT_EQ(sample.discharge_enabled, truth.discharge_on);
  ASSERT_EQ(sample.balancing_cells.size(), truth.cells.size());
  for (std::size_t i = 0; i < truth.cells.size(); ++i) {
    EXPECT_EQ(sample.balancing_cells[i], (truth.balancing >> i & 1U) != 0) << i;
  }
  EXPECT_EQ(sample.balancing, truth.balancing != 0);
}

TEST(SimAndDaly, every_value_is_the_battery_s) {
  for (const auto* dialect : {"wire", "bluetooth"}) {
    for (int cells : {1, 3, 4, 7, 16, 24, 32}) {
      SCOPED_TRACE(std::string(dialect) + " " + std::to_string(cells));
      auto config = test::sixteen_cells();
      config.cells = cells;
      Talk talk(config, 0, dialect);
      expect_truth(talk.poll(), talk.battery.reading());
      EXPECT_EQ(talk.identity.hardware_version, "DalyBMS " + std::to_string(cells) + "S (20240720)");
    }
  }
}

TEST(SimAndDaly, identity) {
  Talk talk(test::sixteen_cells());
  talk.poll();
  EXPECT_EQ(talk.identity.cell_count, 16);
  EXPECT_EQ(talk.identity.capacity_full, 280.0);
  EXPECT_EQ(talk.identity.device_name, "PACK 7");
  EXPECT_EQ(talk.identity.unique_id, "PACK_7");
  EXPECT_EQ(talk.identity.manufacture_date, "2024-07-20");
}

TEST(SimAndDaly, charging_below_zero_while_balancing) {
  auto config = test::sixteen_cells();
  config.current = 40.0;
  config.soc = 99.0;
  config.temperature = -12.4;
  config.imbalance = 0.1;
  config.protections.charge_cold = {-30, -25};
  Talk talk(config);
  talk.battery.advance(60);
  const auto truth = talk.battery.reading();
  EXPECT_GT(truth.current, 0);
  EXPECT_NE(truth.balancing, 0U);
  const auto sample = talk.poll();
  expect_truth(sample, truth);
  EXPECT_LT(*sample.temperatures.battery[0], -12);
}

TEST(SimAndDaly, each_board_hears_its_own_address_only) {
  for (std::uint32_t address : {0x40U, 0x41U, 0x4FU, 0x80U}) {
    SCOPED_TRACE(address);
    Talk talk(test::sixteen_cells(), address);
    expect_truth(talk.poll(), talk.battery.reading());
    protocols::ProtocolConfig other;
    other.address = address == 0x40 ? 0x80 : 0x40;
    const auto stranger = protocols::find_protocol("daly")->exchange(other);
    Identity identity;
    EXPECT_FALSE(run(stranger->identify(identity), *talk.device));
  }
}

TEST(SimAndDaly, protections_are_alarms) {
  for (Alarm alarm : {Alarm::HighCellVoltage, Alarm::LowCellVoltage, Alarm::HighVoltage, Alarm::LowVoltage,
                      Alarm::HighChargeTemperature, Alarm::LowChargeTemperature, Alarm::HighTemperature,
                      Alarm::LowTemperature, Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent, Alarm::LowSoc,
                      Alarm::CellImbalance, Alarm::HighInternalTemperature, Alarm::InternalFailure}) {
    auto config = test::sixteen_cells();
    config.raised.set(static_cast<std::size_t>(alarm));
    Talk talk(config);
    const auto sample = talk.poll();
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      const bool raised = i == static_cast<std::size_t>(alarm);
      const int level = alarm == Alarm::HighInternalTemperature ? 1 : 2;
      EXPECT_EQ(sample.alarms.at(i).value_or(0), raised ? level : 0) << kAlarmNames[i];
    }
    EXPECT_EQ(sample.charge_enabled, talk.battery.reading().charge_on);
    EXPECT_EQ(sample.discharge_enabled, talk.battery.reading().discharge_on);
  }
}

TEST(SimAndDaly, inverted_current) {
  auto config = test::sixteen_cells();
  config.raised.set(static_cast<std::size_t>(Alarm::HighChargeCurrent));
  Talk talk(config, 0, "", true);
  const auto sample = talk.poll();
  EXPECT_NEAR(*sample.current, 23.4, 0.051);
  EXPECT_EQ(sample.alarms[Alarm::HighChargeCurrent], AlarmLevel{0});
  EXPECT_EQ(sample.alarms[Alarm::HighDischargeCurrent], AlarmLevel{2});
}

TEST(SimAndDaly, commands_act) {
  Talk talk(test::sixteen_cells());
  talk.poll();
  EXPECT_TRUE(talk.command(CommandKind::force_charging_off, 1));
  EXPECT_FALSE(talk.battery.reading().charge_on);
  EXPECT_TRUE(talk.battery.reading().discharge_on);
  EXPECT_TRUE(talk.command(CommandKind::force_discharging_off, 1));
  EXPECT_FALSE(talk.battery.reading().discharge_on);
  EXPECT_TRUE(talk.command(CommandKind::force_charging_off, 0));
  EXPECT_TRUE(talk.battery.reading().charge_on);
  EXPECT_TRUE(talk.command(CommandKind::force_discharging_off, 0));
  EXPECT_TRUE(talk.battery.reading().discharge_on);
  for (double soc : {0.0, 40.5, 100.0}) {
    EXPECT_TRUE(talk.command(CommandKind::set_soc, soc));
    EXPECT_NEAR(talk.battery.reading().soc, soc, 0.01);
  }
}

} // namespace
} // namespace bmsd::sim
