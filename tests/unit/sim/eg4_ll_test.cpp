// Frames against the vendor's document, then the protocol against the simulated battery.
#include "app/sim/eg4_ll_sim.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;
using test::run;

BatteryConfig four_cells() {
  BatteryConfig config;
  config.cells = 4;
  config.capacity = 400.0;
  config.current = -25.5;
  config.soc = 48.0;
  config.temperature = -3.2;
  config.imbalance = 0.02;
  return config;
}

struct Eg4Ll : testing::Test {
  Battery battery{four_cells()};
  Eg4LlSim device{battery, {1, "LFP-12.8V400Ah-V1.0", "4012345678901234", ""}};

  std::string ask(std::string_view request) {
    const auto sent = bytes(request);
    const auto answer = device.answer(sent);
    EXPECT_EQ(answer.used, sent.size());
    return hex(answer.reply);
  }
};

std::vector<std::uint16_t> words(const Registers& registers) {
  std::vector<std::uint16_t> out;
  for (const auto& [reg, value] : registers) {
    EXPECT_EQ(reg, out.size());
    out.push_back(value);
  }
  return out;
}

// -- frames -----------------------------------------------------------------------

TEST_F(Eg4Ll, RegistersOfTheDocumentedExample) {
  Reading reading;
  reading.voltage = 13.24;
  reading.current = -25.5;
  reading.cells = {3.310, 3.313, 3.309, 3.313};
  reading.cell_temperatures = {23, 24, 25, 22};
  reading.mos_temperature = 24;
  reading.remaining = 192;
  reading.capacity = 400;
  reading.soc = 48;
  reading.cycles = 17;
  reading.max_charge_current = 200;
  EXPECT_EQ(words(eg4_ll_registers(reading)),
            (std::vector<std::uint16_t>{1324, 62986, 3310, 3313,  3309,  3313,   0,      0,   0,   0,    0,  0, 0, 0,
                                        0,    0,     0,    0,     24,    24,     25,     192, 200, 100,  48, 2, 0, 0,
                                        0,    0,     17,   21972, 43008, 0x1718, 0x1916, 0,   4,   4000, 0}));
}

TEST_F(Eg4Ll, DocumentedDescription) {
  EXPECT_EQ(ask("010300690017d5d8"),
            "01032e4c46502d31322e385634303041682d56312e300000000000563033523034343031323334353637383930313233344b24");
}

TEST_F(Eg4Ll, ReadsInsideItsRegionsAlone) {
  EXPECT_EQ(ask("01030000002705d0").substr(0, 6), "01034e");
  EXPECT_EQ(ask("0103002d005b9438").substr(0, 6), "0103b6");
  EXPECT_EQ(ask("01030000002845d4"), "018302c0f1") << "39 is in no region";
  EXPECT_EQ(ask("01040000000131ca"), "01840182c0");
  EXPECT_EQ(ask("010600000001480a"), "01860183a0") << "nothing can be written";
}

TEST_F(Eg4Ll, Settings) {
  const std::string data = ask("0103002d005b9438").substr(6);
  EXPECT_EQ(data.substr(44, 12), "0d4800280005");             // 3.4 V, 40 mV, 5 %
  EXPECT_EQ(data.substr(64, 24), "0a2809c40a8c041003e80438"); // cell 2.6, 2.5, 2.7 V; pack the same
  EXPECT_EQ(data.substr(88, 24), "0e100e420dde05a005b4058c"); // cell 3.6, 3.65, 3.55 V
  EXPECT_EQ(data.substr(176, 4), "0304");
  EXPECT_EQ(data.substr(180, 24), "003400320037006e00730069"); // charging 2, 0, 5; 60, 65, 55 °C
  EXPECT_EQ(data.substr(204, 24), "0023001e002800730078006e"); // discharging -15, -20, -10; 65, 70, 60 °C
}

TEST_F(Eg4Ll, WaitsForTheWholeRequest) {
  const auto request = bytes("01030000002705d0");
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(device.answer(ByteView(request).first(size)).used, 0U);
  }
}

TEST_F(Eg4Ll, OtherAddressesAndDamageGetNoAnswer) {
  EXPECT_EQ(ask("1003000000270691"), "");
  const auto answer = device.answer(bytes("01030000002705d1"));
  EXPECT_EQ(answer.used, 1U);
  EXPECT_TRUE(answer.reply.empty());
}

// -- the protocol against it ----------------------------------------------------------

struct Life : test::Life {
  explicit Life(const BatteryConfig& config, std::uint32_t address = 0x10)
      : test::Life("eg4_ll", config, {address, "pack", "SN1", ""}, test::at(address)) {}
  double extra(std::string_view name) const {
    for (const auto& extra : sample.extra) {
      if (extra.name == name) {
        return std::get<double>(extra.value);
      }
    }
    return NAN;
  }
};

void expect_truth(const Life& life) {
  const auto truth = life.battery.reading();
  const Sample& sample = life.sample;
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.0051);
  EXPECT_NEAR(*sample.current, truth.current, 0.0051);
  EXPECT_NEAR(*sample.soc, truth.soc, 0.51);
  EXPECT_EQ(sample.soh, 100);
  EXPECT_NEAR(*sample.capacity_remaining, truth.remaining, 0.51);
  EXPECT_NEAR(*sample.capacity_full, truth.capacity, 1e-6);
  EXPECT_EQ(sample.cycles, truth.cycles);
  EXPECT_EQ(sample.cell_count, static_cast<int>(truth.cells.size()));
  test::expect_cells(sample.cell_voltages, truth);
  EXPECT_NEAR(*sample.temperatures.mos, truth.mos_temperature, 0.51);
  for (std::size_t i = 0; i < kMaxTemperatures; ++i) {
    ASSERT_EQ(sample.temperatures.battery[i].has_value(), i < truth.cell_temperatures.size());
    if (i < truth.cell_temperatures.size()) {
      EXPECT_NEAR(*sample.temperatures.battery[i], truth.cell_temperatures[i], 0.51);
    }
  }
  EXPECT_EQ(sample.balancing, truth.balancing != 0);
  ASSERT_EQ(sample.balancing_cells.size(), truth.cells.size());
  for (std::size_t i = 0; i < truth.cells.size(); ++i) {
    EXPECT_EQ(sample.balancing_cells[i], (truth.balancing >> i & 1U) != 0);
  }
}

TEST(Eg4LlAndDecoder, EveryValue) {
  for (const double current : {-12.34, 0.0, 23.45}) {
    auto config = four_cells();
    config.current = current;
    Life life(config);
    ASSERT_TRUE(life.live());
    expect_truth(life);
    EXPECT_EQ(life.sample.charge_enabled, life.battery.reading().charge_on) << "too cold";
    EXPECT_EQ(life.sample.discharge_enabled, true);
    EXPECT_EQ(life.identity.model, "pack");
    EXPECT_EQ(life.identity.firmware_version, "V03R04");
    EXPECT_EQ(life.identity.serial, "SN1");
    EXPECT_EQ(life.identity.cell_count, 4);
    EXPECT_EQ(life.identity.capacity_full, 400);
  }
}

TEST(Eg4LlAndDecoder, SixteenCellsThatBalanceAtAnotherAddress) {
  auto config = test::sixteen_cells();
  config.soc = 97.0;
  config.current = 20.0;
  Life life(config, 0x40);
  life.battery.advance(600.0);
  ASSERT_TRUE(life.live());
  expect_truth(life);
}

TEST(Eg4LlAndDecoder, Settings) {
  Life life(four_cells());
  ASSERT_TRUE(life.live());
  const auto& config = life.battery.config();
  const auto& limits = config.protections;
  EXPECT_NEAR(life.extra("Cell_UV_Protect"), limits.cell_low.trip, 1e-9);
  EXPECT_NEAR(life.extra("Cell_UV_Release"), limits.cell_low.release, 1e-9);
  EXPECT_NEAR(life.extra("Pack_UV_Protect"), limits.cell_low.trip * 4, 1e-9);
  EXPECT_NEAR(life.extra("Cell_OV_Protect"), limits.cell_high.trip, 1e-9);
  EXPECT_NEAR(life.extra("Pack_OV_Release"), limits.cell_high.release * 4, 1e-9);
  EXPECT_NEAR(life.extra("Charge_OC1_Protect"), config.max_charge_current(), 1e-9);
  EXPECT_NEAR(life.extra("Discharge_OC1_Protect"), config.max_discharge_current(), 1e-9);
  EXPECT_NEAR(life.extra("Charge_UT_Protect"), limits.charge_cold.trip, 1e-9);
  EXPECT_NEAR(life.extra("Charge_OT_Release"), limits.charge_hot.release, 1e-9);
  EXPECT_NEAR(life.extra("Discharge_UT_Protect"), limits.discharge_cold.trip, 1e-9);
  EXPECT_NEAR(life.extra("Discharge_OT_Protect"), limits.discharge_hot.trip, 1e-9);
  EXPECT_EQ(life.extra("Charge_OC_Times"), 3);
}

TEST(Eg4LlAndDecoder, Protections) {
  for (const auto alarm :
       {Alarm::HighVoltage, Alarm::LowVoltage, Alarm::HighCellVoltage, Alarm::LowCellVoltage, Alarm::HighChargeCurrent,
        Alarm::HighDischargeCurrent, Alarm::HighChargeTemperature, Alarm::LowChargeTemperature, Alarm::HighTemperature,
        Alarm::LowTemperature, Alarm::HighInternalTemperature, Alarm::InternalFailure, Alarm::CellImbalance,
        Alarm::LowSoc}) {
    auto config = four_cells();
    config.temperature = 20.0;
    config.imbalance = 0.0;
    config.raised.set(static_cast<std::size_t>(alarm));
    Life life(config);
    ASSERT_TRUE(life.live());
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      const bool raised = i == static_cast<std::size_t>(alarm);
      EXPECT_EQ(life.sample.alarms.at(i).value_or(0), !raised                         ? 0
                                                      : alarm == Alarm::CellImbalance ? 1
                                                                                      : 2)
          << kAlarmNames[i];
    }
    expect_truth(life);
    if (alarm != Alarm::InternalFailure && alarm != Alarm::LowSoc) { // no register tells what these open
      const auto truth = life.battery.reading();
      EXPECT_EQ(life.sample.charge_enabled, truth.charge_on) << kAlarmNames[static_cast<std::size_t>(alarm)];
      EXPECT_EQ(life.sample.discharge_enabled, truth.discharge_on) << kAlarmNames[static_cast<std::size_t>(alarm)];
    }
  }
}

TEST(Eg4LlAndDecoder, AnotherAddressIsSilent) {
  Life life(four_cells());
  protocols::ProtocolConfig settings;
  settings.address = 1;
  life.protocol = protocols::find_protocol("eg4_ll")->exchange(settings);
  const auto result = life.live();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::timeout);
}

} // namespace
} // namespace bmsd::sim
