// Frames against docs/protocols/renogy.md, then the protocol against the simulated battery.
#include "app/sim/renogy_sim.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;
using test::run;

BatteryConfig four_cells() {
  BatteryConfig config;
  config.cells = 4;
  config.capacity = 100.0;
  config.current = -12.34;
  config.soc = 63.0;
  config.temperature = -3.2;
  config.imbalance = 0.3;
  return config;
}

struct Renogy : testing::Test {
  Battery battery{four_cells()};
  RenogySim device{battery, {0, "RBT100LFP12S", "PPTAH01234567890", ""}};

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

TEST_F(Renogy, RegistersOfTheRecordedBattery) {
  Reading reading;
  reading.cells.assign(15, 3.2);
  reading.cell_temperatures.assign(15, 23.0);
  std::fill_n(reading.cell_temperatures.begin(), 8, 22.0);
  reading.current = -36.18;
  reading.voltage = 48.6;
  reading.remaining = 46.676;
  reading.capacity = 50.0;
  reading.max_charge_voltage = 55.5;
  reading.low_voltage = 41.6;
  reading.max_charge_current = reading.max_discharge_current = 55.0;
  const auto registers = renogy_registers(reading, 0.01);
  EXPECT_EQ(
      words(registers, 5000, 5033),
      (std::vector<std::uint16_t>{15, 32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  32,  0,
                                  15, 220, 220, 220, 220, 220, 220, 220, 220, 230, 230, 230, 230, 230, 230, 230, 0}));
  EXPECT_EQ(words(registers, 5042, 5052),
            (std::vector<std::uint16_t>{61918, 486, 0, 46676, 0, 50000, 0, 555, 416, 5500, 60036}));
  EXPECT_EQ(registers.at(5106), 14);
  EXPECT_EQ(registers.at(5109), 192);
}

TEST_F(Renogy, RecordedNames) {
  EXPECT_EQ(ask("3003140a0002e5d8"), "3003043031313951bd");
  EXPECT_EQ(ask("300314020008e41d").substr(0, 36), "300310524254313030"
                                                   "4c4650313253000000");
}

TEST_F(Renogy, ReadsInsideItsRegionsAlone) {
  EXPECT_EQ(ask("300313880022455c").substr(0, 10), "3003440004");
  EXPECT_EQ(ask("300313880023849c"), "308302913e") << "5034 does not exist";
  EXPECT_EQ(ask("300313aa0001a48f"), "308302913e");
  EXPECT_EQ(ask("3003146800010407"), "308302913e") << "behind 5223";
  EXPECT_EQ(ask("300313880000c545"), "30830350fe");
  EXPECT_EQ(ask("30031388007e4565"), "30830350fe");
  EXPECT_EQ(ask("300413880001b145"), "308401d30f");
  EXPECT_EQ(ask("3010146700010200316203"), "309001dc0f");
}

TEST_F(Renogy, Thresholds) {
  const std::string data = ask("3003145000184400").substr(6);
  EXPECT_EQ(data.substr(0, 16), "00250023001b0019");  // 3.65, 3.55, 2.7, 2.5 V in 0.1 V
  EXPECT_EQ(data.substr(16, 16), "028a022600320000"); // 65, 55, 5, 0 °C
  EXPECT_EQ(data.substr(32, 12), "177013881194");     // 60, 50, 45 A
  EXPECT_EQ(data.substr(88, 8), "00000030");
}

TEST_F(Renogy, TheAddressCanBeChanged) {
  EXPECT_EQ(ask("30061467000039c4"), "30860353ae");
  EXPECT_EQ(ask("300613880001c885"), "308602926e");
  EXPECT_EQ(ask("3006146700f77842"), "3006146700f77842");
  EXPECT_EQ(ask("3003138800010485"), "") << "another battery";
  EXPECT_EQ(ask("f7031467000124b3"), "f7030200f731d7");
}

TEST_F(Renogy, WaitsForTheWholeRequestAndSkipsRubbish) {
  const auto request = bytes("3003138800010485");
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(device.answer(ByteView(request).first(size)).used, 0U);
  }
  Bytes line = bytes("00ff3003");
  line.insert(line.end(), request.begin(), request.end());
  std::string heard;
  for (ByteView rest = line; !rest.empty();) {
    const auto answer = device.answer(rest);
    if (answer.used == 0) {
      break;
    }
    heard += hex(answer.reply);
    rest = rest.subspan(answer.used);
  }
  EXPECT_EQ(heard, "3003020004c443");
}

TEST_F(Renogy, OtherAddressesAndDamageGetNoAnswer) {
  EXPECT_EQ(ask("3103138800010554"), "");
  const auto answer = device.answer(bytes("3003138800010486"));
  EXPECT_EQ(answer.used, 1U);
  EXPECT_TRUE(answer.reply.empty());
}

// -- the protocol against it ----------------------------------------------------------

struct Life : test::Life {
  explicit Life(const BatteryConfig& config, const std::string& dialect = "", std::uint32_t address = 0x30)
      : test::Life("renogy", config, {address, "pack", "SN1", dialect}, test::at(address)) {}
};

void expect_truth(const Life& life, double current_resolution) {
  const auto truth = life.battery.reading();
  const Sample& sample = life.sample;
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.051);
  EXPECT_NEAR(*sample.current, truth.current, current_resolution / 2 + 0.001);
  EXPECT_NEAR(*sample.soc, truth.soc, 0.01);
  EXPECT_NEAR(*sample.capacity_remaining, truth.remaining, 0.00051);
  EXPECT_NEAR(*sample.capacity_full, truth.capacity, 0.00051);
  EXPECT_EQ(sample.cycles, truth.cycles);
  EXPECT_EQ(sample.cell_count, static_cast<int>(truth.cells.size()));
  ASSERT_EQ(sample.cell_voltages.size(), truth.cells.size());
  for (std::size_t i = 0; i < truth.cells.size(); ++i) {
    EXPECT_NEAR(*sample.cell_voltages[i], truth.cells[i], 0.051);
  }
  for (std::size_t i = 0; i < kMaxTemperatures; ++i) {
    ASSERT_EQ(sample.temperatures.battery[i].has_value(), i < truth.cell_temperatures.size());
    if (i < truth.cell_temperatures.size()) {
      EXPECT_NEAR(*sample.temperatures.battery[i], truth.cell_temperatures[i], 0.051);
    }
  }
  EXPECT_EQ(sample.charge_enabled, truth.charge_on);
  EXPECT_EQ(sample.discharge_enabled, truth.discharge_on);
  EXPECT_EQ(sample.heating, false);
  EXPECT_NEAR(*sample.max_charge_voltage, truth.max_charge_voltage, 0.051);
  EXPECT_NEAR(*sample.battery_low_voltage, truth.low_voltage, 0.051);
}

TEST(RenogyAndDecoder, EveryValue) {
  for (const double current : {-12.34, 0.0, 23.45}) {
    auto config = four_cells();
    config.current = current;
    config.soc = 60.0;
    Life life(config);
    ASSERT_TRUE(life.live());
    expect_truth(life, 0.01);
    const auto truth = life.battery.reading();
    EXPECT_NEAR(*life.sample.max_charge_current, truth.max_charge_current, 0.0051);
    EXPECT_NEAR(*life.sample.max_discharge_current, truth.max_discharge_current, 0.0051);
    EXPECT_EQ(life.identity.model, "RBT100LFP12S");
    EXPECT_EQ(life.identity.firmware_version, "01.19");
    EXPECT_EQ(life.identity.manufacturer, "RENOGY");
    EXPECT_EQ(life.identity.serial, "SN1");
    EXPECT_EQ(life.identity.unique_id, "SN1");
    EXPECT_EQ(life.identity.cell_count, 4);
    EXPECT_EQ(life.identity.capabilities, Capabilities{});
  }
}

TEST(RenogyAndDecoder, SixteenCellsAtTheAddressExWorks) {
  Life life(test::sixteen_cells(), "", 0xF7);
  ASSERT_TRUE(life.live());
  expect_truth(life, 0.01);
}

TEST(RenogyAndDecoder, TheProSeriesCountsTenthsOfAmpere) {
  Life life(four_cells(), "pro");
  ASSERT_TRUE(life.live());
  EXPECT_EQ(life.identity.model, "RBT12100LFP-BT");
  EXPECT_NEAR(*life.sample.current, -12.3, 1e-9);
  expect_truth(life, 0.1);
  EXPECT_FALSE(life.sample.max_charge_current);
}

TEST(RenogyAndDecoder, Protections) {
  for (const auto alarm :
       {Alarm::HighVoltage, Alarm::LowVoltage, Alarm::HighCellVoltage, Alarm::LowCellVoltage, Alarm::HighChargeCurrent,
        Alarm::HighDischargeCurrent, Alarm::HighChargeTemperature, Alarm::LowChargeTemperature, Alarm::HighTemperature,
        Alarm::LowTemperature, Alarm::InternalFailure}) {
    auto config = four_cells();
    config.temperature = 20.0;
    config.imbalance = 0.0;
    config.raised.set(static_cast<std::size_t>(alarm));
    Life life(config);
    ASSERT_TRUE(life.live());
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      if (const auto level = life.sample.alarms.at(i)) {
        EXPECT_EQ(*level, i == static_cast<std::size_t>(alarm) ? 2 : 0) << kAlarmNames[i];
      }
    }
    EXPECT_EQ(life.sample.alarms[alarm], AlarmLevel{2}) << kAlarmNames[static_cast<std::size_t>(alarm)];
    expect_truth(life, 0.01);
  }
}

TEST(RenogyAndDecoder, AnotherAddressIsSilent) {
  Life life(four_cells());
  protocols::ProtocolConfig settings;
  settings.address = 0x31;
  life.protocol = protocols::find_protocol("renogy")->exchange(settings);
  const auto result = life.live();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::timeout);
}

} // namespace
} // namespace bmsd::sim
