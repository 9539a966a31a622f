// Frames against recordings of real boards, and the protocol against the simulated battery.
#include "app/sim/ant_sim.hpp"
#include "protocols/ant.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;
using test::run;

// -- frames -------------------------------------------------------------------------

/// Of the recording "new-14s-overcharge-1".
TEST(AntStatus2021, is_the_recorded_one) {
  Reading reading;
  reading.cells.assign(14, 4.113);
  reading.cell_temperatures = {28, 28, -40, 28};
  reading.mos_temperature = 28;
  reading.voltage = 57.58;
  reading.soc = 96;
  reading.capacity = 30.0;
  reading.remaining = 28.529999;
  reading.charge_on = false;
  test::raise(reading, Alarm::HighCellVoltage);
  const std::string frame = hex(ant_status_2021(reading));
  EXPECT_EQ(frame.size(), 304U);
  EXPECT_EQ(frame.substr(0, 184),
            "7ea11100008e0501040e020000000000000000000001000000000000000000000000111011101110111011101110"
            "111011101110111011101110111011101c001c00d8ff1c001c001c007e160000600064000102000080c3c9014f55");
}

/// Of the recording "old-14s-1", as far as it is about the battery.
TEST(AntStatus2019, is_the_recorded_one) {
  Reading reading;
  reading.cells = {3.498, 3.484, 3.492, 3.470, 3.484, 3.472, 3.508, 3.479, 3.509, 3.509, 3.496, 3.473, 3.486, 3.468};
  reading.cell_temperatures = {22, 21, 21, 21, 21, 21};
  reading.voltage = 48.8;
  reading.current = -8.0;
  reading.soc = 41;
  reading.capacity = 170.0;
  reading.remaining = 68.769939;
  const std::string frame = hex(ant_status_2019(reading));
  const std::string recorded =
      "aa55aaff01e80daa0d9c0da40d8e0d9c0d900db40d970db50db50da80d910d9e0d8c00000000000000000000000000000000000000000000"
      "000000000000000000000000000000000050290a21fe800419589300a9840f00fa083100160015001500150015001501010003e800170000"
      "000186090db50e0d8c0d9f0e00000070006b02ac00000000400115f4";
  EXPECT_EQ(frame.size(), 280U);
  EXPECT_EQ(frame.substr(0, 166), recorded.substr(0, 166));   // up to the Ah through the pack
  EXPECT_EQ(frame.substr(182, 38), recorded.substr(182, 38)); // temperatures, FETs
  EXPECT_EQ(frame.substr(222, 20), recorded.substr(222, 20)); // power, highest and lowest cell
  EXPECT_EQ(frame.substr(246, 26), recorded.substr(246, 26)); // cells, balancing
}

// -- the line -------------------------------------------------------------------------

struct AntLine : testing::Test {
  Battery battery{test::sixteen_cells()};
  AntSim device{battery, {0, "16ZM", "", ""}};
  AntSim old{battery, {0, "", "", "2019"}};

  static std::string ask(AntSim& board, std::string_view request) {
    const auto sent = bytes(request);
    std::string replies;
    for (ByteView rest = sent; !rest.empty();) {
      const auto answer = board.answer(rest);
      EXPECT_NE(answer.used, 0U);
      replies += hex(answer.reply);
      rest = rest.subspan(std::max<std::size_t>(answer.used, 1));
    }
    return replies;
  }
};

TEST_F(AntLine, recorded_names_switches_and_passwords) {
  EXPECT_EQ(ask(device, "7ea1026c022058c4aa55"), "7ea1126c022031365a4d00000000000000000000000031365a4d554230302d3231"
                                                 "31303236417208ff0b000041f2aa55");
  EXPECT_EQ(ask(device, "7ea151010000d8e5aa55"), "7ea16101000201003e2baa55");
  EXPECT_FALSE(battery.reading().discharge_on);
  EXPECT_EQ(ask(device, "7ea1510300007925aa55"), "7ea161030002010047ebaa55");
  EXPECT_TRUE(battery.reading().discharge_on);
  EXPECT_EQ(ask(device, "7ea1510f0000b926aa55"), "7ea1610f00020300568aaa55");
}

TEST_F(AntLine, recorded_lock_of_2019) {
  const std::string locked = "a5a5f50001f6", password = "a5a5f1313254a5a5f2333459a5a5f335365ea5a5f4373863";
  EXPECT_EQ(ask(old, "a5a5fa0001fb"), locked);
  EXPECT_EQ(ask(old, password), locked + locked + locked + "a5a5f4373863");
  EXPECT_EQ(ask(old, "a5a5fa0001fb"), "a5a5fa0001fb");
  EXPECT_EQ(ask(old, "a5a5f1313254a5a5f2333459a5a5f335365ea5a5f4373964"),
            "a5a5f1313254a5a5f2333459a5a5f335365e" + locked);
  EXPECT_EQ(ask(old, "a5a5fa0000fa"), locked);
  EXPECT_TRUE(battery.reading().charge_on);
  EXPECT_EQ(ask(old, "5a5aff0000ff"), "5a5aff0000ff");
}

TEST_F(AntLine, waits_for_the_whole_request_and_skips_rubbish) {
  for (const auto* request : {"7ea1010000be1855aa55", "5a5a00000101", "dbdb00000000"}) {
    const auto sent = bytes(request);
    for (std::size_t size = 0; size < sent.size(); ++size) {
      EXPECT_EQ(device.answer(ByteView(sent).first(size)).used, 0U);
    }
    EXPECT_EQ(device.answer(sent).used, sent.size());
  }
  for (const auto* rubbish :
       {"00", "7e7e", "7ea177", "5aa5", "7ea1010000be1856aa55", "7ea1010000be1855aa56", "5a5a00000100"}) {
    const auto answer = device.answer(bytes(rubbish));
    EXPECT_EQ(answer.used, 1U) << rubbish;
    EXPECT_TRUE(answer.reply.empty());
  }
}

TEST_F(AntLine, a_board_of_2019_does_not_hear_the_newer_protocol) {
  EXPECT_EQ(ask(old, "7ea1010000be1855aa55"), "");
  EXPECT_EQ(ask(old, "7ea1010000be1855aa555a5a00000101").size(), 280U);
  EXPECT_EQ(ask(device, "a5a5fa0000fa"), ""); // and the newer ones no old switches
}

// -- the protocol at the other end ------------------------------------------------------

struct Talk : test::Life {
  Talk(const BatteryConfig& config, std::string dialect)
      : Life("ant", config, {0, "24BH", "", std::move(dialect)}, test::at(0, true)) {}
};

constexpr const char* kBoth[] = {"2021", "2019"};

void expect_truth(const Sample& sample, const Reading& truth, bool old) {
  test::expect_cells(sample.cell_voltages, truth);
  EXPECT_NEAR(*sample.voltage, truth.voltage, old ? 0.051 : 0.0051);
  EXPECT_NEAR(*sample.current, truth.current, 0.051);
  EXPECT_NEAR(*sample.power, truth.voltage * truth.current, 0.51);
  EXPECT_NEAR(*sample.soc, truth.soc, 0.51);
  EXPECT_NEAR(*sample.capacity_full, truth.capacity, 1e-6);
  EXPECT_NEAR(*sample.capacity_remaining, truth.remaining, 1e-6);
  EXPECT_EQ(sample.cycles, truth.cycles);
  EXPECT_NEAR(*sample.total_ah_drawn, truth.cycles * truth.capacity, 0.00051);
  EXPECT_EQ(sample.cell_count, static_cast<int>(truth.cells.size()));
  EXPECT_NEAR(*sample.max_cell_voltage, *std::max_element(truth.cells.begin(), truth.cells.end()), 0.00051);
  EXPECT_NEAR(*sample.min_cell_voltage, *std::min_element(truth.cells.begin(), truth.cells.end()), 0.00051);
  EXPECT_NEAR(*sample.temperatures.battery[0], truth.cell_temperatures[0], 0.51);
  EXPECT_NEAR(*sample.temperatures.battery[1], truth.cell_temperatures[1], 0.51);
  EXPECT_FALSE(sample.temperatures.battery[2]);
  EXPECT_EQ(sample.charge_enabled, truth.charge_on);
  EXPECT_EQ(sample.discharge_enabled, truth.discharge_on);
  EXPECT_EQ(sample.balancing, truth.balancing != 0);
  ASSERT_EQ(sample.balancing_cells.size(), truth.cells.size());
  for (std::size_t i = 0; i < truth.cells.size(); ++i) {
    EXPECT_EQ(sample.balancing_cells[i], (truth.balancing >> i & 1U) != 0) << i;
  }
  if (old) {
    EXPECT_FALSE(sample.temperatures.mos);
    EXPECT_FALSE(sample.soh);
    EXPECT_FALSE(sample.max_charge_current);
  } else {
    EXPECT_NEAR(*sample.temperatures.mos, truth.mos_temperature, 0.51);
    EXPECT_NEAR(*sample.temperatures.balancer, truth.cell_temperatures[0], 0.51);
    EXPECT_EQ(sample.soh, 100.0);
  }
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    EXPECT_EQ(sample.alarms.at(i).value_or(0), 0) << kAlarmNames[i];
  }
}

TEST(SimAndAnt, every_value_is_the_battery_s) {
  for (const auto* dialect : kBoth) {
    for (int cells : {1, 4, 7, 16, 24, 32}) {
      SCOPED_TRACE(std::string(dialect) + " " + std::to_string(cells));
      auto config = test::sixteen_cells();
      config.cells = cells;
      Talk talk(config, dialect);
      expect_truth(talk.poll(), talk.battery.reading(), dialect == std::string("2019"));
      EXPECT_EQ(talk.identity.cell_count, cells);
      EXPECT_NEAR(*talk.identity.capacity_full, 280.0, 1e-6);
    }
  }
}

TEST(SimAndAnt, charging_and_balancing) {
  for (const auto* dialect : kBoth) {
    auto config = test::sixteen_cells();
    config.current = 20.0;
    config.soc = 98.0;
    config.imbalance = 0.05;
    Talk talk(config, dialect);
    talk.battery.advance(600.0);
    ASSERT_NE(talk.battery.reading().balancing, 0U);
    ASSERT_GT(talk.battery.reading().current, 1);
    expect_truth(talk.poll(), talk.battery.reading(), dialect == std::string("2019"));
  }
}

TEST(SimAndAnt, below_freezing) {
  for (const auto* dialect : kBoth) {
    auto config = test::sixteen_cells();
    config.temperature = -7.4;
    Talk talk(config, dialect);
    auto sample = talk.poll();
    EXPECT_EQ(sample.alarms[Alarm::LowChargeTemperature], AlarmLevel{2});
    sample.alarms.set(Alarm::LowChargeTemperature, 0);
    expect_truth(sample, talk.battery.reading(), dialect == std::string("2019"));
  }
}

TEST(SimAndAnt, cycles_of_a_used_battery) {
  for (const auto* dialect : kBoth) {
    auto config = test::sixteen_cells();
    config.capacity = 10;
    config.current = 5;
    config.profile = LoadProfile::day;
    config.period = 14400;
    Talk talk(config, dialect);
    for (int i = 0; i < 30; ++i) {
      talk.battery.advance(4000.0);
    }
    ASSERT_GT(talk.battery.reading().cycles, 1);
    EXPECT_EQ(talk.poll().cycles, talk.battery.reading().cycles);
  }
}

TEST(SimAndAnt, names_and_limits) {
  Talk talk(test::sixteen_cells(), "2021");
  const auto sample = talk.poll();
  EXPECT_EQ(talk.identity.protocol, "ant");
  EXPECT_EQ(talk.identity.hardware_version, "24BH");
  EXPECT_EQ(talk.identity.firmware_version, "16ZMUB00-211026A");
  EXPECT_EQ(talk.identity.capabilities, protocols::Ant::kCapabilities);
  EXPECT_EQ(sample.max_charge_current, 140.0);
  EXPECT_EQ(sample.max_discharge_current, 280.0);

  Talk old(test::sixteen_cells(), "2019");
  old.poll();
  EXPECT_EQ(old.identity.hardware_version, "ANT BMS 16S");
  EXPECT_TRUE(old.identity.capabilities.charge_switch);
  EXPECT_FALSE(old.identity.capabilities.balance_switch);
}

TEST(SimAndAnt, every_protection) {
  for (const auto* dialect : kBoth) {
    for (auto alarm : {Alarm::HighCellVoltage, Alarm::LowCellVoltage, Alarm::HighVoltage, Alarm::LowVoltage,
                       Alarm::HighChargeTemperature, Alarm::LowChargeTemperature, Alarm::HighTemperature,
                       Alarm::LowTemperature, Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent,
                       Alarm::HighInternalTemperature, Alarm::InternalFailure}) {
      auto config = test::sixteen_cells();
      config.raised.set(static_cast<std::size_t>(alarm));
      Talk talk(config, dialect);
      const auto sample = talk.poll();
      for (std::size_t i = 0; i < kAlarmCount; ++i) {
        EXPECT_EQ(sample.alarms.at(i).value_or(0), i == static_cast<std::size_t>(alarm) ? 2 : 0)
            << dialect << " " << kAlarmNames[i];
      }
      EXPECT_EQ(sample.charge_enabled, talk.battery.reading().charge_on);
      EXPECT_EQ(sample.discharge_enabled, talk.battery.reading().discharge_on);
    }
  }
}

TEST(SimAndAnt, switches) {
  for (const auto* dialect : kBoth) {
    Talk talk(test::sixteen_cells(), dialect);
    talk.poll();
    ASSERT_TRUE(talk.command(CommandKind::force_charging_off, 1));
    EXPECT_FALSE(talk.battery.reading().charge_on);
    EXPECT_TRUE(talk.battery.reading().discharge_on);
    EXPECT_EQ(talk.poll().charge_enabled, false);
    ASSERT_TRUE(talk.command(CommandKind::force_discharging_off, 1));
    EXPECT_FALSE(talk.battery.reading().discharge_on);
    ASSERT_TRUE(talk.command(CommandKind::force_charging_off, 0));
    EXPECT_TRUE(talk.battery.reading().charge_on);
    ASSERT_TRUE(talk.command(CommandKind::force_discharging_off, 0));
    EXPECT_TRUE(talk.battery.reading().discharge_on);
    EXPECT_EQ(talk.poll().discharge_enabled, true);
    EXPECT_EQ(talk.command(CommandKind::set_soc, 100).error().fault, Fault::unsupported);
  }
}

TEST(SimAndAnt, only_newer_boards_have_a_balancer_switch) {
  Talk talk(test::sixteen_cells(), "2021");
  talk.poll();
  ASSERT_TRUE(talk.command(CommandKind::turn_balancing_off, 1));
  EXPECT_FALSE(talk.battery.reading().balancer_enabled);
  ASSERT_TRUE(talk.command(CommandKind::turn_balancing_off, 0));
  EXPECT_TRUE(talk.battery.reading().balancer_enabled);
  Talk old(test::sixteen_cells(), "2019");
  old.poll();
  EXPECT_EQ(old.command(CommandKind::turn_balancing_off, 1).error().fault, Fault::unsupported);
  EXPECT_TRUE(old.battery.reading().balancer_enabled);
}

} // namespace
} // namespace bmsd::sim
