// Frames against the recordings of docs/protocols/lltjbd_up16s.md, and the simulator against the decoder.
#include "app/sim/lltjbd_up16s_sim.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;
using test::run;

constexpr double kNominalVoltage = 51.2;

// -- the line -------------------------------------------------------------------------

struct LltJbdUp16sLine : testing::Test {
  Battery battery{test::sixteen_cells()};
  LltJbdUp16sSim device{battery, {1, "UP16S015.16S200A", "UP16S015", ""}};
};

TEST_F(LltJbdUp16sLine, waits_for_the_whole_request_and_skips_rubbish) {
  const auto request = bytes("0178100010a000007fb2");
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(device.answer(ByteView(request).first(size)).used, 0U);
  }
  EXPECT_EQ(hex(device.answer(request).reply).substr(0, 16), "0178100010a0009a"); // two sensors
  for (const auto* rubbish : {"dda5", "0179100010a0ffff", "0103", "ff", "0178100010a000007fb3"}) {
    EXPECT_EQ(device.answer(bytes(rubbish)).used, 1U) << rubbish;
    EXPECT_TRUE(device.answer(bytes(rubbish)).reply.empty());
  }
}

TEST_F(LltJbdUp16sLine, keeps_quiet_for_other_addresses_and_unknown_blocks) {
  for (const auto* request : {"0278100010a000003fa7", "02782006201800003d72", "02781c001ca000003c3b"}) {
    const auto answer = device.answer(bytes(request));
    EXPECT_EQ(answer.used, 10U);
    EXPECT_TRUE(answer.reply.empty());
  }
}

TEST_F(LltJbdUp16sLine, takes_the_recorded_write) {
  EXPECT_EQ(hex(device.answer(bytes("0179200620080006114a42442710427a")).reply), "01792006200800006c62");
  EXPECT_DOUBLE_EQ(battery.reading().soc, 100.0);
  EXPECT_EQ(hex(device.answer(bytes("0179200620080006114a424426484210")).reply), "01792006200800006c62");
  EXPECT_DOUBLE_EQ(battery.reading().soc, 98.0);
}

TEST_F(LltJbdUp16sLine, the_recorded_wider_block) {
  const auto reply = hex(device.answer(bytes("01782000205000007571")).reply);
  EXPECT_EQ(reply.substr(0, 16), "0178200020500040");
  EXPECT_EQ(reply.substr(28, 4), "189c"); // 63.00 %
}

// -- the protocol at the other end ------------------------------------------------------

/// Identified once.
struct Talk : test::Life {
  explicit Talk(const BatteryConfig& config, std::uint32_t address = 1, std::string dialect = "")
      : Life("lltjbd_up16s", config, {address, "UP16S015.16S200A", "UP16S015042", std::move(dialect)},
             test::at(address, true)) {
    EXPECT_TRUE(run(protocol->identify(identity), *device));
    EXPECT_TRUE(run(protocol->settings(identity), *device));
  }
  Sample poll() {
    sample = {};
    const auto result = run(protocol->poll(sample), *device);
    EXPECT_TRUE(result) << to_string(result.error());
    return sample;
  }
};

void expect_truth(const Sample& sample, const Reading& truth) {
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.0051);
  EXPECT_NEAR(*sample.current, truth.current, 0.0051);
  EXPECT_NEAR(*sample.capacity_remaining, truth.remaining, 0.0051);
  EXPECT_NEAR(*sample.capacity_full, truth.capacity, 0.0051);
  EXPECT_EQ(sample.cycles, truth.cycles);
  EXPECT_EQ(sample.soh, 100);
  EXPECT_EQ(sample.cell_count, static_cast<int>(truth.cells.size()));
  test::expect_cells(sample.cell_voltages, truth);
  EXPECT_NEAR(*sample.max_cell_voltage, *std::max_element(truth.cells.begin(), truth.cells.end()), 0.00051);
  EXPECT_NEAR(*sample.min_cell_voltage, *std::min_element(truth.cells.begin(), truth.cells.end()), 0.00051);
  EXPECT_NEAR(*sample.temperatures.mos, truth.mos_temperature, 0.051);
  EXPECT_NEAR(*sample.temperatures.battery[0], truth.cell_temperatures[0], 0.051);
  EXPECT_NEAR(*sample.temperatures.battery[1], truth.cell_temperatures[1], 0.051);
  EXPECT_FALSE(sample.temperatures.battery[2]);
  EXPECT_EQ(sample.charge_enabled, truth.charge_on);
  EXPECT_EQ(sample.discharge_enabled, truth.discharge_on);
  EXPECT_EQ(sample.heating, false);
  ASSERT_EQ(sample.balancing_cells.size(), truth.cells.size());
  for (std::size_t i = 0; i < truth.cells.size(); ++i) {
    EXPECT_EQ(sample.balancing_cells[i], (truth.balancing >> i & 1U) != 0) << i;
  }
  EXPECT_NEAR(*sample.max_charge_voltage, truth.max_charge_voltage, 0.051);
  EXPECT_NEAR(*sample.battery_low_voltage, truth.low_voltage, 0.051);
  EXPECT_NEAR(*sample.max_charge_current, truth.max_charge_current, 0.051);
  EXPECT_NEAR(*sample.max_discharge_current, truth.max_discharge_current, 0.051);
}

TEST(SimAndLltJbdUp16s, every_value_is_the_battery_s) {
  for (const auto* dialect : {"chain", "direct"}) {
    for (std::uint32_t address : {1U, 2U, 16U}) {
      for (int cells : {1, 4, 15, 16}) {
        SCOPED_TRACE(std::string(dialect) + " " + std::to_string(address) + " " + std::to_string(cells));
        auto config = test::sixteen_cells();
        config.cells = cells;
        config.soc = 63.27;
        Talk talk(config, address, dialect);
        talk.battery.advance(7200);
        const auto sample = talk.poll();
        const auto truth = talk.battery.reading();
        expect_truth(sample, truth);
        const bool slave = address != 1 && std::string_view(dialect) == "chain";
        EXPECT_NEAR(*sample.soc, slave ? std::floor(truth.soc) : truth.soc, 0.0051);
        EXPECT_EQ(sample.total_ah_drawn.has_value(), !slave);
        EXPECT_NEAR(sample.total_ah_drawn.value_or(0), slave ? 0 : truth.discharged_energy * 1000 / kNominalVoltage,
                    0.051);
      }
    }
  }
}

TEST(SimAndLltJbdUp16s, identity) {
  Talk master(test::sixteen_cells());
  EXPECT_EQ(master.identity.unique_id, "UP16S015042");
  EXPECT_EQ(master.identity.hardware_version,
            "JBD UP16S015.16S200A, model 33, HW rev 3, FW v12.4.7, BMS 2025.05.07, Pack 2025.04.06");
  EXPECT_TRUE(master.identity.capabilities.soc_reset);
  Talk slave(test::sixteen_cells(), 3);
  EXPECT_EQ(slave.identity.unique_id, "JBD48100000_280.0_3");
  EXPECT_EQ(slave.identity.hardware_version, "JBD UP 16S, FW ver 4");
  EXPECT_FALSE(slave.identity.capabilities.soc_reset);
}

TEST(SimAndLltJbdUp16s, charging_below_zero_while_balancing) {
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
  expect_truth(talk.poll(), truth);
}

TEST(SimAndLltJbdUp16s, protections_are_alarms) {
  for (Alarm alarm : {Alarm::HighCellVoltage, Alarm::LowCellVoltage, Alarm::HighVoltage, Alarm::LowVoltage,
                      Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent, Alarm::HighChargeTemperature,
                      Alarm::LowChargeTemperature, Alarm::HighTemperature, Alarm::LowTemperature,
                      Alarm::HighInternalTemperature, Alarm::CellImbalance, Alarm::LowSoc, Alarm::InternalFailure}) {
    auto config = test::sixteen_cells();
    config.raised.set(static_cast<std::size_t>(alarm));
    Talk talk(config);
    const auto sample = talk.poll();
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      EXPECT_EQ(sample.alarms.at(i).value_or(0), i == static_cast<std::size_t>(alarm) ? 2 : 0) << kAlarmNames[i];
    }
    expect_truth(sample, talk.battery.reading());
  }
}

TEST(SimAndLltJbdUp16s, commands_act) {
  Talk talk(test::sixteen_cells());
  for (double soc : {0.0, 40.5, 100.0}) {
    EXPECT_TRUE(talk.command(CommandKind::set_soc, soc));
    EXPECT_NEAR(talk.battery.reading().soc, soc, 0.01);
    EXPECT_NEAR(*talk.poll().soc, soc, 0.01);
  }
  EXPECT_EQ(talk.poll().alarms[Alarm::HighVoltage], AlarmLevel{1}); // full
  EXPECT_FALSE(talk.command(CommandKind::force_charging_off, 1));
  Talk slave(test::sixteen_cells(), 2);
  EXPECT_FALSE(slave.command(CommandKind::set_soc, 40));
  EXPECT_NEAR(slave.battery.reading().soc, 63.0, 0.01);
}

} // namespace
} // namespace bmsd::sim
