// Frames against docs/protocols/lltjbd.md: recorded ones where they can be produced exactly.
#include "app/sim/lltjbd_sim.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;

struct LltJbd : testing::Test {
  Battery battery{[] {
    BatteryConfig config;
    config.cells = 4;
    config.capacity = 280.0;
    return config;
  }()};
  LltJbdSim device{battery, {0, "JBD-SP04S034-L4S-200A-B-U", "B4R", ""}};

  std::string ask(std::string_view request) {
    const auto sent = bytes(request);
    const auto answer = device.answer(sent);
    EXPECT_EQ(answer.used, sent.size());
    return hex(answer.reply);
  }
};

Reading four_cells_at_rest() {
  Reading reading;
  reading.voltage = 15.60;
  reading.remaining = 4.98;
  reading.capacity = 5.0;
  reading.soc = 100.0;
  reading.cells = {3.909, 3.901, 3.895, 3.901};
  reading.mos_temperature = 22.4;
  reading.cell_temperatures = {22.3, 21.7};
  return reading;
}

TEST_F(LltJbd, RecordedBasicInfo) {
  EXPECT_EQ(hex(lltjbd_reply(0x03, 0, lltjbd_basic_info(four_cells_at_rest()))),
            "dd03001d0618000001f201f400002c7c00000000000080640304030b8b0b8a0b84fa8d77");
}

TEST_F(LltJbd, RecordedBasicInfoWithChargeSwitchedOff) {
  Reading reading = four_cells_at_rest();
  reading.voltage = 13.32;
  reading.remaining = 268.25;
  reading.capacity = 280.0;
  reading.soc = 96.0;
  reading.charge_on = false;
  reading.switched_off = true;
  reading.mos_temperature = 19.4;
  reading.cell_temperatures = {19.4, 19.0};
  EXPECT_EQ(hex(lltjbd_reply(0x03, 0, lltjbd_basic_info(reading))),
            "dd03001d0534000068c96d6000002c7c00000000100080600204030b6d0b6d0b69faa777");
}

TEST_F(LltJbd, RecordedCellVoltages) {
  EXPECT_EQ(hex(lltjbd_reply(0x04, 0, lltjbd_cell_voltages(four_cells_at_rest()))), "dd0400080f450f3d0f370f3dfec677");
}

TEST_F(LltJbd, SignsBalancingAndProtections) {
  Reading reading = four_cells_at_rest();
  reading.current = -6.04;
  reading.balancing = 0x80018005U;
  test::raise(reading, Alarm::HighCellVoltage);
  test::raise(reading, Alarm::LowTemperature);
  test::raise(reading, Alarm::HighDischargeCurrent);
  test::raise(reading, Alarm::InternalFailure);
  const auto data = lltjbd_basic_info(reading);
  EXPECT_EQ(hex(ByteView(data).subspan(2, 2)), "fda4");
  EXPECT_EQ(hex(ByteView(data).subspan(12, 6)), "800580010a81");
}

TEST_F(LltJbd, DeviceName) {
  EXPECT_EQ(ask("dda50500fffb77"), "dd0500194a42442d53503034533033342d4c34532d323030412d422d55fa0877");
}

TEST_F(LltJbd, SettingsNeedFactoryMode) {
  EXPECT_EQ(ask("dda52400ffdc77"), "dd248100ff7f77");
  EXPECT_EQ(ask("dd5a00025678ff3077"), "dd000000000077");
  EXPECT_EQ(ask("dda51000fff077"), "dd1000026d60ff3177");
  EXPECT_EQ(ask("dda52400ffdc77").substr(0, 12), "dd2400020e42");
  EXPECT_EQ(ask("dda52d00ffd377").substr(0, 12), "dd2d00020006");
  EXPECT_EQ(ask("dd5a01020000fffd77"), "dd010000000077");
  EXPECT_EQ(ask("dda52400ffdc77"), "dd248100ff7f77");
}

TEST_F(LltJbd, OvercurrentLimitsHaveTheSignsOfTheDocument) {
  ask("dd5a00025678ff3077");
  EXPECT_EQ(ask("dda52800ffd877").substr(8, 4), "36b0"); // 140.00 A
  EXPECT_EQ(ask("dda52900ffd777").substr(8, 4), "92a0"); // -280.00 A
}

TEST_F(LltJbd, SwitchesActWithoutFactoryMode) {
  EXPECT_EQ(ask("dd5ae1020001ff1c77"), "dde10000000077");
  EXPECT_FALSE(battery.reading().charge_on);
  EXPECT_TRUE(battery.reading().discharge_on);
  ask("dd5ae1020002ff1b77");
  EXPECT_TRUE(battery.reading().charge_on);
  EXPECT_FALSE(battery.reading().discharge_on);
  ask("dd5ae1020000ff1d77");
  EXPECT_TRUE(battery.reading().discharge_on);
  EXPECT_EQ(ask("dd5ae1020004ff1977").substr(4, 2), "80");
}

TEST_F(LltJbd, BalancerSwitch) {
  EXPECT_EQ(ask("dd5a2d020002ffcf77").substr(4, 2), "81");
  EXPECT_TRUE(battery.reading().balancer_enabled);
  ask("dd5a00025678ff3077");
  EXPECT_EQ(ask("dd5a2d020002ffcf77"), "dd2d0000000077");
  EXPECT_FALSE(battery.reading().balancer_enabled);
  EXPECT_EQ(ask("dda52d00ffd377").substr(0, 12), "dd2d00020002");
}

TEST_F(LltJbd, RemainingCapacityIsWrittenInFactoryMode) {
  const std::string write = "dd5ae0022bc0fe3377"; // 112.00 Ah
  EXPECT_EQ(ask(write).substr(4, 2), "81");
  ask("dd5a00025678ff3077");
  EXPECT_EQ(ask(write), "dde00000000077");
  EXPECT_DOUBLE_EQ(battery.reading().soc, 40.0);
}

TEST_F(LltJbd, ErrorCountersOfTheTrips) {
  EXPECT_EQ(ask("dda5aa00ff5677"), "ddaa0018000000000000000000000000000000000000000000000001ffe777");
}

TEST_F(LltJbd, UnknownRegisterIsRefused) {
  EXPECT_EQ(ask("dda5f000ff1077"), "ddf08000ff8077");
}

TEST_F(LltJbd, WaitsForTheWholeRequestAndSkipsRubbish) {
  const auto request = bytes("dda50400fffc77");
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(device.answer(ByteView(request).first(size)).used, 0U);
  }
  const auto rubbish = bytes("00dd13");
  EXPECT_EQ(device.answer(rubbish).used, 1U);
  EXPECT_EQ(device.answer(ByteView(rubbish).subspan(1)).used, 1U);
}

TEST_F(LltJbd, DamagedRequestGetsNoAnswer) {
  for (const auto* request : {"dda50400fffd77", "dda50400fffc76"}) {
    const auto answer = device.answer(bytes(request));
    EXPECT_EQ(answer.used, 1U);
    EXPECT_TRUE(answer.reply.empty());
  }
}

} // namespace
} // namespace bmsd::sim
