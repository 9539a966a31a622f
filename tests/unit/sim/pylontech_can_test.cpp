// Frames against docs/protocols/pylontech_can.md.
#include "app/sim/pylontech_can_sim.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <map>

namespace bmsd::sim {
namespace {

using test::hex;

Reading stack_of_five() {
  Reading reading;
  reading.voltage = 49.86;
  reading.current = -27.0;
  reading.soc = 88.0;
  reading.capacity = 500.0;
  reading.remaining = 440.0;
  reading.cells = {3.301, 3.305, 3.299};
  reading.cell_temperatures = {36.3, 36.3};
  reading.max_charge_voltage = 53.2;
  reading.max_charge_current = 480.0;
  reading.max_discharge_current = 480.0;
  reading.low_voltage = 45.0;
  reading.charged_energy = 123.46;
  reading.discharged_energy = 100.0;
  return reading;
}

struct Pylontech : testing::Test {
  std::map<std::uint32_t, std::string> encode(const Reading& reading, DeviceOptions options = {}) {
    Battery battery{BatteryConfig{}};
    std::map<std::uint32_t, std::string> out;
    order.clear();
    for (const auto& frame : PylontechCanSim(battery, options).encode(reading)) {
      out[frame.id] = hex(frame.data);
      order.push_back(frame.id);
      extended = frame.extended;
    }
    return out;
  }
  std::vector<std::uint32_t> order;
  bool extended = false;
};

TEST_F(Pylontech, RecordedSetOfAClassicStack) {
  auto frames = encode(stack_of_five());
  EXPECT_EQ(order, (std::vector<std::uint32_t>{0x351, 0x355, 0x356, 0x359, 0x35C, 0x35E}));
  EXPECT_EQ(frames[0x351], "1402c012c012c201");
  EXPECT_EQ(frames[0x355], "58006400");
  EXPECT_EQ(frames[0x356], "7a13f2fe6b01");
  EXPECT_EQ(frames[0x359], "0000000001504e");
  EXPECT_EQ(frames[0x35C], "c000");
  EXPECT_EQ(frames[0x35E], "50594c4f4e202020");
}

TEST_F(Pylontech, OvervoltageBlocksCharging) {
  auto reading = stack_of_five();
  test::raise(reading, Alarm::HighVoltage);
  reading.charge_on = false;
  reading.max_charge_current = 0.0;
  auto frames = encode(reading);
  EXPECT_EQ(frames[0x351], "14020000c012c201");
  EXPECT_EQ(frames[0x359], "0200000001504e");
  EXPECT_EQ(frames[0x35C], "4000");
}

TEST_F(Pylontech, AllClassicProtections) {
  auto reading = stack_of_five();
  for (auto alarm : {Alarm::HighCellVoltage, Alarm::LowCellVoltage, Alarm::HighTemperature, Alarm::LowTemperature,
                     Alarm::HighDischargeCurrent, Alarm::HighChargeCurrent, Alarm::InternalFailure}) {
    test::raise(reading, alarm);
  }
  EXPECT_EQ(encode(reading)[0x359], "9e09000001504e");
}

TEST_F(Pylontech, EmptyBatteryAsksForCharge) {
  auto reading = stack_of_five();
  reading.soc = 5.0;
  EXPECT_EQ(encode(reading)[0x35C], "e000");
}

TEST_F(Pylontech, ChargeVoltageIsRoundedDown) {
  auto reading = stack_of_five();
  reading.max_charge_voltage = 56.19;
  EXPECT_EQ(encode(reading)[0x351].substr(0, 4), "3102");
}

TEST_F(Pylontech, VictronDialect) {
  const DeviceOptions options{0, "Store 5000 garage", "SN-0001", "victron"};
  auto frames = encode(stack_of_five(), options);
  EXPECT_EQ(frames[0x35A], "a8aa8202a8aa8202");
  EXPECT_EQ(frames[0x35F], "4c690100b8010000");
  EXPECT_EQ(frames[0x372], "0100000000000000");
  EXPECT_EQ(frames[0x373], "e30ce90c35013501");
  EXPECT_EQ(frames[0x378], "d2040000e8030000");
  EXPECT_EQ(frames[0x379], "f401");
  EXPECT_EQ(frames[0x370], "53746f7265203530");
  EXPECT_EQ(frames[0x371], "3030206761726167"); // 16 characters are all there is room for
  EXPECT_EQ(frames[0x380], "534e2d3030303100");
  EXPECT_EQ(frames[0x381], "0000000000000000");
  EXPECT_EQ(frames.count(0x359), 0U);
  EXPECT_EQ(frames.count(0x35C), 0U);
}

TEST_F(Pylontech, VictronHighVoltageAlarm) {
  const DeviceOptions options{0, "", "", "victron"};
  auto reading = stack_of_five();
  test::raise(reading, Alarm::HighVoltage);
  EXPECT_EQ(encode(reading, options)[0x35A], "a4aa8202a8aa8202");
}

TEST_F(Pylontech, BehindAHub) {
  const auto frames = encode(stack_of_five(), {4, "", "", ""});
  EXPECT_EQ(frames.count(0x4355), 1U);
  EXPECT_TRUE(extended);
}

} // namespace
} // namespace bmsd::sim
