// Frames against recordings of real boards, and the protocol against the simulated battery.
#include "app/sim/jkbms_sim.hpp"
#include "protocols/core/protocol.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;
using test::run;

constexpr auto kReadAll = "4e5700130000000006030000000000006800000129";

struct JkbmsLine : testing::Test {
  Battery battery{test::sixteen_cells()};
  JkbmsSim device{battery, {0, "beki", "", ""}};

  std::string ask(std::string_view request) {
    const auto sent = bytes(request);
    const auto answer = device.answer(sent);
    EXPECT_EQ(answer.used, sent.size());
    return hex(answer.reply);
  }
};

TEST_F(JkbmsLine, frame_and_order_of_tags_are_those_of_a_recording) {
  const auto reply = ask(kReadAll);
  EXPECT_EQ(reply.size(), 2U * 0x123);
  EXPECT_EQ(reply.substr(0, 26), "4e570121000000000600017930");
  EXPECT_EQ(reply.substr(26 + 2 * 48, 6), "800015"); // 21 °C
  const auto texts = reply.find("b462656b6900000000b532333036b60001"
                                "4ac3b731312e58575f5331312e323632485fb800b9");
  EXPECT_NE(texts, std::string::npos);
  EXPECT_EQ(reply.substr(reply.size() - 22, 14), "c0010000000068");
}

TEST_F(JkbmsLine, waits_for_the_whole_request_and_skips_rubbish) {
  const auto request = bytes(kReadAll);
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(device.answer(ByteView(request).first(size)).used, 0U);
  }
  for (const auto* rubbish : {"00", "4e00", "4e570013ff4e", "4e57ffff", "4e570001"}) {
    auto line = bytes(rubbish);
    line.insert(line.end(), request.begin(), request.end());
    std::size_t used = 0;
    Bytes reply;
    while (reply.empty()) {
      const auto answer = device.answer(ByteView(line).subspan(used));
      ASSERT_NE(answer.used, 0U) << rubbish;
      used += answer.used;
      reply = answer.reply;
    }
    EXPECT_EQ(used, line.size());
  }
}

TEST_F(JkbmsLine, other_terminals_and_replies_get_no_answer) {
  EXPECT_EQ(ask("4e570013000000010603000000000000680000012a"), "");
  EXPECT_EQ(ask("4e570013000000000603010000000000680000012a"), "");
}

TEST_F(JkbmsLine, a_write_needs_the_password_frame) {
  const auto* off = "4e57001400000000020200ab000000000068000001d0";
  EXPECT_EQ(ask(off), "");
  EXPECT_TRUE(battery.reading().charge_on);
  EXPECT_EQ(ask("4e570014000000000502000000000000006800000128"), "");
  EXPECT_EQ(ask(off), "4e57001300000000020001ab0000000068000001ce");
  EXPECT_FALSE(battery.reading().charge_on);
  EXPECT_EQ(ask("4e570014000000000202009d000000000068000001c2"), ""); // balancer
}

// -- the protocol at the other end ------------------------------------------------------

struct Talk : test::Life {
  explicit Talk(const BatteryConfig& config, std::string serial = "", std::string dialect = "")
      : Life("jkbms", config, {0, "bank", std::move(serial), std::move(dialect)}, test::at(0, true)) {}
};

void expect_truth(const Sample& sample, const Battery& battery) {
  const Reading truth = battery.reading();
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.0051);
  EXPECT_NEAR(*sample.current, truth.current, 0.0051);
  EXPECT_NEAR(*sample.soc, truth.soc, 0.51);
  EXPECT_NEAR(*sample.capacity_full, truth.capacity, 0.51);
  EXPECT_EQ(sample.cycles, truth.cycles);
  EXPECT_EQ(sample.cell_count, static_cast<int>(truth.cells.size()));
  test::expect_cells(sample.cell_voltages, truth);
  EXPECT_NEAR(*sample.temperatures.mos, truth.mos_temperature, 0.51);
  EXPECT_NEAR(*sample.temperatures.battery[0], truth.cell_temperatures[0], 0.51);
  EXPECT_NEAR(*sample.temperatures.battery[1], truth.cell_temperatures[1], 0.51);
  EXPECT_EQ(sample.charge_enabled, truth.charge_on);
  EXPECT_EQ(sample.discharge_enabled, truth.discharge_on);
  EXPECT_EQ(sample.balancing, truth.balancing != 0);
  EXPECT_EQ(sample.balancer_enabled, truth.balancer_enabled);
  EXPECT_NEAR(*sample.max_charge_current, battery.config().max_charge_current(), 0.51);
  EXPECT_NEAR(*sample.max_discharge_current, battery.config().max_discharge_current(), 0.51);
}

TEST(SimAndJkbms, every_value_is_the_battery_s) {
  for (const auto* dialect : {"v1", "v0"}) {
    for (int cells : {1, 4, 16, 24, 32}) {
      SCOPED_TRACE(std::string(dialect) + " " + std::to_string(cells));
      auto config = test::sixteen_cells();
      config.cells = cells;
      Talk talk(config, "", dialect);
      expect_truth(talk.poll(), talk.battery);
      EXPECT_EQ(talk.identity.cell_count, cells);
    }
  }
}

TEST(SimAndJkbms, charging_below_zero_while_balancing) {
  for (const auto* dialect : {"v1", "v0"}) {
    auto config = test::sixteen_cells();
    config.current = 40.0;
    config.soc = 99.0;
    config.temperature = -12.4;
    config.imbalance = 0.1;
    config.protections.charge_cold = {-30, -25};
    Talk talk(config, "", dialect);
    talk.battery.advance(60);
    const auto truth = talk.battery.reading();
    EXPECT_GT(truth.current, 0);
    EXPECT_NE(truth.balancing, 0U);
    const auto sample = talk.poll();
    expect_truth(sample, talk.battery);
    EXPECT_LT(*sample.temperatures.battery[0], -11);
  }
}

TEST(SimAndJkbms, identity) {
  Talk talk(test::sixteen_cells(), "garage");
  talk.poll();
  EXPECT_EQ(talk.identity.device_name, "bank");
  EXPECT_EQ(talk.identity.unique_id, "garage_JK_B2A24S15P");
  EXPECT_EQ(talk.identity.model, "JK_B2A24S15P");
  EXPECT_EQ(talk.identity.firmware_version, "11.XW S11.262H");
  EXPECT_EQ(talk.identity.capacity_full, 280.0);
  Talk fresh(test::sixteen_cells());
  fresh.poll();
  EXPECT_EQ(fresh.identity.unique_id, "");
}

TEST(SimAndJkbms, protections_are_alarms) {
  const struct {
    Alarm alarm;
    int level;
  } cases[] = {{Alarm::LowSoc, 2},          {Alarm::HighInternalTemperature, 2}, {Alarm::HighVoltage, 2},
               {Alarm::LowVoltage, 2},      {Alarm::HighChargeCurrent, 1},       {Alarm::HighDischargeCurrent, 1},
               {Alarm::CellImbalance, 1},   {Alarm::HighCellVoltage, 1},         {Alarm::LowCellVoltage, 1},
               {Alarm::HighTemperature, 1}, {Alarm::LowTemperature, 1}};
  for (const auto& [alarm, level] : cases) {
    auto config = test::sixteen_cells();
    config.raised.set(static_cast<std::size_t>(alarm));
    Talk talk(config);
    const auto sample = talk.poll();
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      EXPECT_EQ(sample.alarms.at(i).value_or(0), i == static_cast<std::size_t>(alarm) ? level : 0) << kAlarmNames[i];
    }
    expect_truth(sample, talk.battery);
  }
}

TEST(SimAndJkbms, commands_act) {
  Talk talk(test::sixteen_cells());
  talk.poll();
  EXPECT_TRUE(talk.command(CommandKind::force_charging_off, 1));
  EXPECT_FALSE(talk.battery.reading().charge_on);
  EXPECT_TRUE(talk.battery.reading().discharge_on);
  EXPECT_TRUE(talk.command(CommandKind::force_discharging_off, 1));
  EXPECT_FALSE(talk.battery.reading().discharge_on);
  EXPECT_TRUE(talk.command(CommandKind::force_charging_off, 0));
  EXPECT_TRUE(talk.battery.reading().charge_on);
  EXPECT_FALSE(talk.battery.reading().discharge_on);
  EXPECT_TRUE(talk.command(CommandKind::force_discharging_off, 0));
  EXPECT_TRUE(talk.battery.reading().discharge_on);
  EXPECT_FALSE(talk.command(CommandKind::turn_balancing_off, 1));
}

} // namespace
} // namespace bmsd::sim
