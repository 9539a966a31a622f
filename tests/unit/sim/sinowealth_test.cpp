// Exchanges as recorded, and the protocol against the simulated battery.
#include "app/sim/sinowealth_sim.hpp"
#include "protocols/core/protocol.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;
using test::run;

BatteryConfig with_cells(int cells) {
  auto config = test::sixteen_cells();
  config.cells = cells;
  return config;
}

struct SinowealthLine : testing::Test {
  Battery battery{with_cells(4)};
  SinowealthSim device{battery, {}};

  std::string ask(std::string_view request) {
    const auto sent = bytes(request);
    const auto answer = device.answer(sent);
    EXPECT_EQ(answer.used, sent.size());
    return hex(answer.reply);
  }
};

TEST_F(SinowealthLine, registers_of_the_document) {
  EXPECT_EQ(ask("0a1702"), "0041ce");            // four cells, two sensors; as recorded
  EXPECT_EQ(ask("0a1104"), "000445c094");        // 280 Ah; as recorded
  EXPECT_EQ(ask("0a0f02"), "1bbc24");            // as recorded
  EXPECT_EQ(ask("0a0502").substr(0, 4), "0000"); // there is no fifth cell
  EXPECT_EQ(ask("0a1704").substr(0, 8), "00410000");
  EXPECT_EQ(ask("0a1802").size(), 6U);
}

TEST_F(SinowealthLine, waits_for_the_whole_request_and_skips_rubbish) {
  EXPECT_EQ(device.answer({}).used, 0U);
  EXPECT_EQ(device.answer(bytes("0a")).used, 0U);
  EXPECT_EQ(device.answer(bytes("0a01")).used, 0U);
  for (const auto* rubbish : {"00", "0a00", "0a19", "0a0100", "0a0115", "dda503"}) {
    const auto answer = device.answer(bytes(rubbish));
    EXPECT_EQ(answer.used, 1U) << rubbish;
    EXPECT_TRUE(answer.reply.empty());
  }
}

// -- the protocol at the other end ------------------------------------------------------

struct Talk : test::Life {
  explicit Talk(const BatteryConfig& config) : Life("sinowealth", config, {}) {}
};

void expect_truth(const Sample& sample, const Reading& truth) {
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.00051);
  EXPECT_NEAR(*sample.current, truth.current, 0.00051);
  EXPECT_NEAR(*sample.soc, truth.soc, 0.51);
  EXPECT_NEAR(*sample.capacity_remaining, truth.remaining, 0.00051);
  EXPECT_NEAR(*sample.capacity_full, truth.capacity, 0.00051);
  EXPECT_EQ(sample.cycles, truth.cycles);
  EXPECT_EQ(sample.cell_count, static_cast<int>(truth.cells.size()));
  test::expect_cells(sample.cell_voltages, truth);
  EXPECT_NEAR(*sample.temperatures.battery[0], truth.cell_temperatures[0], 0.051);
  EXPECT_NEAR(*sample.temperatures.battery[1], truth.cell_temperatures[1], 0.051);
  EXPECT_EQ(sample.charge_enabled, truth.charge_on);
  EXPECT_EQ(sample.discharge_enabled, truth.discharge_on);
}

TEST(SimAndSinowealth, every_value_is_the_battery_s) {
  for (int cells = 3; cells <= 10; ++cells) {
    SCOPED_TRACE(cells);
    Talk talk(with_cells(cells));
    expect_truth(talk.poll(), talk.battery.reading());
    EXPECT_EQ(talk.identity.cell_count, cells);
    EXPECT_EQ(talk.identity.capacity_full, 280.0);
  }
}

TEST(SimAndSinowealth, charging_below_zero) {
  auto config = with_cells(8);
  config.current = 40.0;
  config.temperature = -12.4;
  config.protections.charge_cold = {-30, -25};
  Talk talk(config);
  talk.battery.advance(60);
  EXPECT_GT(talk.battery.reading().current, 0);
  const auto sample = talk.poll();
  expect_truth(sample, talk.battery.reading());
  EXPECT_LT(*sample.temperatures.battery[0], -12);
}

TEST(SimAndSinowealth, protections_are_alarms) {
  for (Alarm alarm : {Alarm::HighVoltage, Alarm::LowVoltage, Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent,
                      Alarm::HighChargeTemperature, Alarm::HighTemperature, Alarm::LowChargeTemperature,
                      Alarm::LowTemperature, Alarm::InternalFailure}) {
    auto config = with_cells(4);
    config.raised.set(static_cast<std::size_t>(alarm));
    Talk talk(config);
    const auto sample = talk.poll();
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      EXPECT_EQ(sample.alarms.at(i).value_or(0), i == static_cast<std::size_t>(alarm) ? 2 : 0) << kAlarmNames[i];
    }
    expect_truth(sample, talk.battery.reading());
  }
}

TEST(SimAndSinowealth, a_pack_of_sixteen_cells_is_refused) {
  Talk talk(with_cells(16));
  EXPECT_FALSE(run(talk.protocol->identify(talk.identity), *talk.device));
}

} // namespace
} // namespace bmsd::sim
