// Frames against docs/protocols/felicity.md, then the protocol against the simulated battery.
#include "app/sim/felicity_sim.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;
using test::run;

constexpr const char* kSerialNumber = "12345678901234567890";

BatteryConfig eight_cells() {
  BatteryConfig config;
  config.cells = 8;
  config.capacity = 100.0;
  config.current = -12.3;
  config.soc = 63.0;
  config.temperature = -3.2;
  config.imbalance = 0.02;
  return config;
}

struct Felicity : testing::Test {
  Battery battery{eight_cells()};
  FelicitySim device{battery, {0, "pack", kSerialNumber, ""}};

  std::string ask(std::string_view request) {
    const auto sent = bytes(request);
    const auto answer = device.answer(sent);
    EXPECT_EQ(answer.used, sent.size());
    return hex(answer.reply);
  }
};

std::vector<std::uint16_t> words(const Registers& registers, unsigned first, unsigned last) {
  std::vector<std::uint16_t> out;
  for (unsigned reg = first; reg <= last; ++reg) {
    out.push_back(registers.at(reg));
  }
  return out;
}

// -- frames -----------------------------------------------------------------------

TEST_F(Felicity, RegistersOfTheExample) {
  Reading reading;
  reading.voltage = 26.41;
  reading.current = 12.3;
  reading.soc = 64;
  reading.cells = {3.301, 3.302, 3.303, 3.300, 3.299, 3.302, 3.301, 3.304};
  reading.cell_temperatures = {15, 16};
  reading.mos_temperature = 24;
  reading.max_charge_voltage = 28.8;
  reading.low_voltage = 24;
  reading.max_charge_current = 50;
  reading.max_discharge_current = 100;
  test::raise(reading, Alarm::LowCellVoltage);
  test::raise(reading, Alarm::LowChargeTemperature);
  const auto registers = felicity_registers(reading);
  EXPECT_EQ(words(registers, 0x1302, 0x130B),
            (std::vector<std::uint16_t>{5, 0, 0x0208, 0, 2641, 0xFF85, 0, 0, 24, 64}));
  EXPECT_EQ(words(registers, 0x131C, 0x131F), (std::vector<std::uint16_t>{2880, 2400, 500, 1000}));
  EXPECT_EQ(words(registers, 0x132A, 0x133D),
            (std::vector<std::uint16_t>{3301,   3302,   3303,   3300,   3299,   3302,   3301, 3304, 0x7FFF, 0x7FFF,
                                        0x7FFF, 0x7FFF, 0x7FFF, 0x7FFF, 0x7FFF, 0x7FFF, 15,   16,   0x7FFF, 0x7FFF}));
}

TEST_F(Felicity, FirmwareAndSerialNumber) {
  EXPECT_EQ(ask("0103f80b0001c4a8"), "01030200cd79d1");
  EXPECT_EQ(ask("0103f8040005f568"), "01030a04d2162e23340d801ed292cc");
}

TEST_F(Felicity, ReadsInsideItsRegionsAlone) {
  EXPECT_EQ(ask("0103132a0010614a").substr(0, 6), "010320");
  EXPECT_EQ(ask("0103132a00146089").substr(0, 6), "010328");
  EXPECT_EQ(ask("0103132a0015a149"), "018302c0f1") << "longer than four sensors";
  EXPECT_EQ(ask("010413020001948e"), "01840182c0");
  EXPECT_EQ(ask("010613020001ed4e"), "01860183a0") << "nothing can be written";
}

TEST_F(Felicity, WaitsForTheWholeRequest) {
  const auto request = bytes("0103f80b0001c4a8");
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(device.answer(ByteView(request).first(size)).used, 0U);
  }
}

TEST_F(Felicity, OtherAddressesAndDamageGetNoAnswer) {
  EXPECT_EQ(ask("1003000000270691"), "");
  const auto answer = device.answer(bytes("0103f80b0001c4a9"));
  EXPECT_EQ(answer.used, 1U);
  EXPECT_TRUE(answer.reply.empty());
}

// -- the protocol against it ----------------------------------------------------------

struct Life : test::Life {
  explicit Life(const BatteryConfig& config, std::uint32_t address = 1)
      : test::Life("felicity", config, {address, "pack", kSerialNumber, ""}, test::at(address)) {}
};

void expect_truth(const Life& life) {
  const auto truth = life.battery.reading();
  const Sample& sample = life.sample;
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.0051);
  EXPECT_NEAR(*sample.current, truth.current, 0.051);
  EXPECT_NEAR(*sample.soc, truth.soc, 0.51);
  EXPECT_EQ(sample.cell_count, static_cast<int>(truth.cells.size()));
  test::expect_cells(sample.cell_voltages, truth);
  EXPECT_NEAR(*sample.temperatures.mos, truth.mos_temperature, 0.51);
  for (std::size_t i = 0; i < kMaxTemperatures; ++i) {
    ASSERT_EQ(sample.temperatures.battery[i].has_value(), i < truth.cell_temperatures.size());
    if (i < truth.cell_temperatures.size()) {
      EXPECT_NEAR(*sample.temperatures.battery[i], truth.cell_temperatures[i], 0.51);
    }
  }
  EXPECT_EQ(sample.charge_enabled, truth.charge_on);
  EXPECT_EQ(sample.discharge_enabled, truth.discharge_on);
  EXPECT_NEAR(*sample.max_charge_voltage, truth.max_charge_voltage, 0.0051);
  EXPECT_NEAR(*sample.battery_low_voltage, truth.low_voltage, 0.0051);
  EXPECT_NEAR(*sample.max_charge_current, truth.max_charge_current, 0.051);
  EXPECT_NEAR(*sample.max_discharge_current, truth.max_discharge_current, 0.051);
}

TEST(FelicityAndDecoder, EveryValue) {
  for (const double current : {-12.34, 0.0, 23.45}) {
    auto config = eight_cells();
    config.current = current;
    Life life(config);
    ASSERT_TRUE(life.live());
    expect_truth(life);
    EXPECT_EQ(life.identity.firmware_version, "205");
    EXPECT_EQ(life.identity.serial, kSerialNumber);
    EXPECT_EQ(life.identity.unique_id, kSerialNumber);
    EXPECT_EQ(life.identity.cell_count, 8);
  }
}

TEST(FelicityAndDecoder, SixteenCellsAtAnotherAddress) {
  Life life(test::sixteen_cells(), 0x10);
  ASSERT_TRUE(life.live());
  expect_truth(life);
}

TEST(FelicityAndDecoder, Protections) {
  for (const auto alarm :
       {Alarm::HighCellVoltage, Alarm::LowCellVoltage, Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent,
        Alarm::HighInternalTemperature, Alarm::HighChargeTemperature, Alarm::LowChargeTemperature}) {
    auto config = eight_cells();
    config.temperature = 20.0;
    config.imbalance = 0.0;
    config.raised.set(static_cast<std::size_t>(alarm));
    Life life(config);
    ASSERT_TRUE(life.live());
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      EXPECT_EQ(life.sample.alarms.at(i).value_or(0), i == static_cast<std::size_t>(alarm) ? 2 : 0) << kAlarmNames[i];
    }
    expect_truth(life);
  }
}

TEST(FelicityAndDecoder, AnotherAddressIsSilent) {
  Life life(eight_cells());
  protocols::ProtocolConfig settings;
  settings.address = 0x10;
  life.protocol = protocols::find_protocol("felicity")->exchange(settings);
  const auto result = life.live();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::timeout);
}

} // namespace
} // namespace bmsd::sim
