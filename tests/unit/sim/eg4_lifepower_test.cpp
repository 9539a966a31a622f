// Frames against the recordings of docs/protocols/eg4_lifepower.md, and both simulators against the decoder.
#include "app/sim/eg4_lifepower_sim.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;
using test::run;

TEST(Eg4LifepowerFrames, are_the_recorded_ones) {
  Reading reading;
  reading.voltage = 53.05;
  reading.soc = 88.6;
  reading.capacity = 100;
  reading.cycles = 1;
  reading.cells = std::vector<double>(16, 3.316);
  reading.cells[0] = reading.cells[2] = reading.cells[3] = 3.315;
  reading.cell_temperatures = {15, 15, 14, 14};
  reading.mos_temperature = 16;
  const double environment = 16;
  EXPECT_EQ(
      hex(eg4_lifepower_frame(0x7E, 1, 0x01, eg4_lifepower_status(reading, &environment))),
      "7e01015801100cf30cf40cf30cf30cf40cf40cf40cf40cf40cf40cf40cf40cf40cf40cf40cf4020175300301229c0401271005060041"
      "0041004000408042204206050000000000000000000007010001080114b9090127100a0100003c0d");
}

// -- the line -------------------------------------------------------------------------

struct Eg4LifepowerLine : testing::Test {
  Battery battery{test::sixteen_cells()};
  Eg4LifepowerSim device{battery, {1, "TP-BD16S48V150-V3.1.29", "", ""}};
};

TEST_F(Eg4LifepowerLine, waits_for_the_whole_request_and_skips_rubbish) {
  const auto request = bytes("7e013300fe0d");
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(device.answer(ByteView(request).first(size)).used, 0U);
  }
  EXPECT_EQ(hex(device.answer(request).reply).substr(0, 8), "7e013316");
  for (const auto* rubbish : {"00", "7c013300fe0d", "7e7e", "7e32", "7e013300ff0d", "7e013300fe0a"}) {
    EXPECT_EQ(device.answer(bytes(rubbish)).used, 1U) << rubbish;
    EXPECT_TRUE(device.answer(bytes(rubbish)).reply.empty());
  }
}

TEST_F(Eg4LifepowerLine, keeps_quiet_for_other_addresses_and_unknown_commands) {
  for (const auto* request : {"7e020100fc0d", "7e010600fc0d"}) {
    const auto answer = device.answer(bytes(request));
    EXPECT_EQ(answer.used, 6U) << request;
    EXPECT_TRUE(answer.reply.empty());
  }
}

TEST(RevovLine, the_recorded_model) {
  Battery battery(test::sixteen_cells());
  RevovSim device(battery, {1, "TP-BD16S48V150-V3.1.29", "", ""});
  EXPECT_EQ(hex(device.answer(bytes("7c013300fe0d")).reply),
            "7c01331654502d42443136533438563135302d56332e312e3239e20d");
}

// -- the protocols at the other end -----------------------------------------------------

struct Talk {
  Talk(std::string_view key, BatteryConfig config, std::uint32_t address = 1)
      : battery(config), device(find_simulator(key)->stream(battery, {address, "QT-YS00-16SV100A-V3.40", "H-12", ""})) {
    protocols::ProtocolConfig setup;
    setup.address = address;
    protocol = protocols::find_protocol(key)->exchange(setup);
    const auto result = run(protocol->identify(identity), *device);
    EXPECT_TRUE(result) << to_string(result.error());
  }
  Sample poll() {
    Sample sample;
    const auto result = run(protocol->poll(sample), *device);
    EXPECT_TRUE(result) << to_string(result.error());
    return sample;
  }

  Battery battery;
  std::unique_ptr<StreamDevice> device;
  std::unique_ptr<protocols::ExchangeProtocol> protocol;
  Identity identity;
};

void expect_truth(const Sample& sample, const Reading& truth) {
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.0051);
  EXPECT_NEAR(*sample.current, truth.current, 0.0051);
  EXPECT_NEAR(*sample.soc, truth.soc, 0.0051);
  EXPECT_EQ(sample.soh, 100);
  EXPECT_NEAR(*sample.capacity_full, truth.capacity, 0.0051);
  EXPECT_EQ(sample.cycles, truth.cycles);
  EXPECT_EQ(sample.cell_count, static_cast<int>(truth.cells.size()));
  test::expect_cells(sample.cell_voltages, truth);
  EXPECT_NEAR(*sample.temperatures.battery[0], truth.cell_temperatures[0], 0.51);
  EXPECT_NEAR(*sample.temperatures.battery[1], truth.cell_temperatures[1], 0.51);
}

struct Eg4AndRevov : testing::TestWithParam<const char*> {};

TEST_P(Eg4AndRevov, every_value_is_the_battery_s) {
  for (std::uint32_t address : {1U, 8U, 15U}) {
    for (int cells : {1, 8, 16, 32}) {
      SCOPED_TRACE(cells);
      auto config = test::sixteen_cells();
      config.cells = cells;
      Talk talk(GetParam(), config, address);
      talk.battery.advance(3600);
      const auto truth = talk.battery.reading();
      const auto sample = talk.poll();
      expect_truth(sample, truth);
      const bool short_one = talk.identity.protocol == "revov";
      EXPECT_EQ(sample.temperatures.env.has_value(), !short_one);
      EXPECT_NEAR(sample.temperatures.mos.value_or(truth.mos_temperature), truth.mos_temperature, 0.51);
      EXPECT_EQ(sample.temperatures.mos.has_value(), !short_one);
    }
  }
}

TEST_P(Eg4AndRevov, identity) {
  Talk talk(GetParam(), test::sixteen_cells());
  EXPECT_EQ(talk.identity.protocol, GetParam());
  EXPECT_EQ(talk.identity.firmware_version, "QT-YS00-16SV100A-V3.40");
  EXPECT_EQ(talk.identity.hardware_version, "H-12");
  EXPECT_EQ(talk.identity.cell_count, 16);
  EXPECT_EQ(talk.identity.capacity_full, 280.0);
}

TEST_P(Eg4AndRevov, charging_below_zero) {
  auto config = test::sixteen_cells();
  config.current = 40.0;
  config.temperature = -12.4;
  config.protections.charge_cold = {-30, -25};
  Talk talk(GetParam(), config);
  const auto truth = talk.battery.reading();
  EXPECT_GT(truth.current, 0);
  expect_truth(talk.poll(), truth);
}

TEST_P(Eg4AndRevov, protections_are_alarms) {
  for (Alarm alarm : {Alarm::HighVoltage, Alarm::LowVoltage, Alarm::HighChargeTemperature, Alarm::LowChargeTemperature,
                      Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent, Alarm::HighCellVoltage}) {
    auto config = test::sixteen_cells();
    config.raised.set(static_cast<std::size_t>(alarm));
    Talk talk(GetParam(), config);
    const auto sample = talk.poll();
    expect_truth(sample, talk.battery.reading()); // also with flags at a cell
    const Alarm told = alarm == Alarm::HighDischargeCurrent ? Alarm::HighChargeCurrent : alarm;
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      const bool raised = told != Alarm::HighCellVoltage && i == static_cast<std::size_t>(told);
      EXPECT_EQ(sample.alarms.at(i).value_or(0), raised ? 2 : 0) << kAlarmNames[i];
    }
  }
}

TEST_P(Eg4AndRevov, one_does_not_answer_for_the_other) {
  Talk talk(GetParam(), test::sixteen_cells());
  for (const auto* key : {"eg4_lifepower", "revov"}) {
    for (std::uint32_t address : {1U, 2U}) {
      protocols::ProtocolConfig setup;
      setup.address = address;
      const auto other = protocols::find_protocol(key)->exchange(setup);
      Identity identity;
      EXPECT_EQ(run(other->identify(identity), *talk.device).has_value(),
                std::string_view(key) == GetParam() && address == 1);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Both, Eg4AndRevov, testing::Values("eg4_lifepower", "revov"),
                         [](const auto& info) { return std::string(info.param); });

} // namespace
} // namespace bmsd::sim
