// The simulator against the vendor's document, and the decoder against the simulator.
#include "app/sim/jkbms_pb_sim.hpp"
#include "protocols/core/checksum.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bmsd::sim {
namespace {

using test::bytes;
using test::hex;
using test::run;

std::string with_crc(std::string_view frame) {
  Bytes out = bytes(frame);
  const auto crc = protocols::crc16_modbus(out);
  out.push_back(static_cast<std::uint8_t>(crc));
  out.push_back(static_cast<std::uint8_t>(crc >> 8));
  return hex(out);
}

struct JkbmsPb : testing::Test {
  std::unique_ptr<Battery> battery = std::make_unique<Battery>(test::sixteen_cells());
  DeviceOptions options{3, "garage", "40119491480", ""};
  Identity identity;
  Sample sample;

  Result<void> poll(StreamDevice& device, std::uint32_t address = 3) {
    protocols::ProtocolConfig config;
    config.address = address;
    const auto protocol = protocols::find_protocol("jkbms_pb")->exchange(config);
    identity = {};
    sample = {};
    if (auto result = run(protocol->identify(identity), device); !result) {
      return result;
    }
    return run(protocol->poll(sample), device);
  }
  double extra(std::string_view name) const {
    const auto it = std::find_if(sample.extra.begin(), sample.extra.end(), [&](auto& e) { return e.name == name; });
    return it != sample.extra.end() ? std::get<double>(it->value) : -1e9;
  }
};

TEST_F(JkbmsPb, DecoderReadsTheTruth) {
  for (const auto* dialect : {"v14", "v15", "v19"}) {
    SCOPED_TRACE(dialect);
    options.dialect = dialect;
    JkbmsPbSim device(*battery, options);
    ASSERT_TRUE(poll(device));
    const auto truth = battery->reading();
    const bool old = options.dialect == "v14";

    EXPECT_EQ(identity.model, options.dialect == "v19" ? "JK-PB2A16S20P" : "JK_PB2A16S20P");
    EXPECT_EQ(identity.firmware_version.substr(0, 2), options.dialect.substr(1));
    EXPECT_EQ(identity.serial, "40119491480");
    EXPECT_EQ(identity.device_name, "garage");
    EXPECT_EQ(identity.manufacture_date, "2024-09-14");
    EXPECT_EQ(identity.cell_count, 16);
    EXPECT_EQ(identity.capacity_full, 280.0);

    EXPECT_NEAR(*sample.voltage, truth.voltage, 0.00051);
    EXPECT_NEAR(*sample.current, truth.current, 0.00051);
    EXPECT_NEAR(*sample.soc, truth.soc, 0.51);
    EXPECT_EQ(sample.soh, 100.0);
    EXPECT_NEAR(*sample.capacity_remaining, truth.remaining, 0.00051);
    EXPECT_NEAR(*sample.capacity_full, truth.capacity, 0.00051);
    EXPECT_EQ(sample.cycles, truth.cycles);
    EXPECT_EQ(sample.cell_count, 16);
    test::expect_cells(sample.cell_voltages, truth);
    EXPECT_NEAR(*sample.temperatures.mos, truth.mos_temperature, 0.051);
    EXPECT_NEAR(*sample.temperatures.battery[0], truth.cell_temperatures[0], 0.051);
    EXPECT_NEAR(*sample.temperatures.battery[1], truth.cell_temperatures[1], 0.051);
    EXPECT_FALSE(sample.temperatures.battery[2]);
    EXPECT_FALSE(sample.temperatures.battery[3]);
    EXPECT_EQ(sample.charge_enabled, truth.charge_on);
    EXPECT_EQ(sample.discharge_enabled, truth.discharge_on);
    EXPECT_EQ(sample.balancing, truth.balancing != 0);
    EXPECT_EQ(sample.balancer_enabled, true);
    EXPECT_EQ(sample.heating, false);
    EXPECT_NEAR(*sample.max_charge_current, 140.0, 0.00051);
    EXPECT_NEAR(*sample.max_discharge_current, 280.0, 0.00051);
    EXPECT_EQ(sample.max_charge_voltage.has_value(), !old);
    EXPECT_NEAR(sample.max_charge_voltage.value_or(55.2), 55.2, 1e-9);
    EXPECT_EQ(extra("heating_temperature_start"), old ? 0 : -4);
    EXPECT_EQ(extra("heating_temperature_stop"), old ? 5 : 6);
    EXPECT_NEAR(extra("cell_ovp"), 3.65, 1e-9);
    EXPECT_NEAR(extra("cell_uvpr"), 2.7, 1e-9);
    EXPECT_NEAR(extra("balance_start_voltage"), 3.4, 1e-9);
    EXPECT_EQ(extra("mos_otp"), 100);
    EXPECT_EQ(extra("discharge_otpr"), 60);
    EXPECT_EQ(extra("device_address"), 3);
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      EXPECT_EQ(sample.alarms.at(i).value_or(0), 0) << kAlarmNames[i];
    }
  }
}

TEST_F(JkbmsPb, OtherPacks) {
  for (int cells : {4, 8, 15, 24}) {
    auto config = test::sixteen_cells();
    config.cells = cells;
    config.current = 31.7;
    config.soc = 97.0;
    config.temperature = -7.3;
    battery = std::make_unique<Battery>(config);
    battery->advance(5.0);
    JkbmsPbSim device(*battery, options);
    ASSERT_TRUE(poll(device));
    const auto truth = battery->reading();
    test::expect_cells(sample.cell_voltages, truth);
    EXPECT_NEAR(*sample.current, truth.current, 0.00051);
    EXPECT_NEAR(*sample.temperatures.battery[0], truth.cell_temperatures[0], 0.051);
    EXPECT_EQ(sample.balancing, truth.balancing != 0);
    EXPECT_EQ(sample.charge_enabled, truth.charge_on); // too cold to charge
    EXPECT_EQ(sample.alarms[Alarm::LowChargeTemperature], AlarmLevel{2});
  }
}

TEST_F(JkbmsPb, Alarms) {
  for (const auto alarm :
       {Alarm::LowVoltage, Alarm::HighVoltage, Alarm::LowCellVoltage, Alarm::HighCellVoltage, Alarm::HighChargeCurrent,
        Alarm::HighDischargeCurrent, Alarm::InternalFailure, Alarm::HighChargeTemperature, Alarm::LowChargeTemperature,
        Alarm::HighTemperature, Alarm::LowTemperature, Alarm::HighInternalTemperature}) {
    auto config = test::sixteen_cells();
    config.raised.set(static_cast<std::size_t>(alarm));
    battery = std::make_unique<Battery>(config);
    JkbmsPbSim device(*battery, options);
    ASSERT_TRUE(poll(device));
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      EXPECT_EQ(sample.alarms.at(i).value_or(0), i == static_cast<std::size_t>(alarm) ? 2 : 0) << kAlarmNames[i];
    }
  }
}

TEST_F(JkbmsPb, SwitchesOfTheVendorsDocument) {
  JkbmsPbSim device(*battery, options);
  const auto write = [&](std::string_view frame) { return hex(device.answer(bytes(with_crc(frame))).reply); };
  EXPECT_EQ(write("03 10 1070 0002 04 00000000"), with_crc("03 10 1070 0002"));
  EXPECT_FALSE(battery->reading().charge_on);
  ASSERT_TRUE(poll(device));
  EXPECT_EQ(sample.charge_enabled, false);
  EXPECT_EQ(sample.discharge_enabled, true);
  EXPECT_EQ(write("03 10 1074 0002 04 00000000"), with_crc("03 10 1074 0002"));
  EXPECT_EQ(write("03 10 1070 0002 04 00000001"), with_crc("03 10 1070 0002"));
  EXPECT_EQ(write("03 10 1078 0002 04 00000000"), with_crc("03 10 1078 0002"));
  ASSERT_TRUE(poll(device));
  EXPECT_EQ(sample.charge_enabled, true);
  EXPECT_EQ(sample.discharge_enabled, false);
  EXPECT_EQ(sample.balancer_enabled, false);
  EXPECT_EQ(write("03 10 1604 0002 04 00000000"), with_crc("03 90 02"));
}

TEST_F(JkbmsPb, RepliesHaveTheLengthsThatWereSeen) {
  for (const auto& [dialect, size] : {std::pair("v14", 308U), {"v19", 309U}, {"v15", 310U}}) {
    options.dialect = dialect;
    JkbmsPbSim device(*battery, options);
    const auto reply = device.answer(bytes("031016200001020000cf91")).reply;
    EXPECT_EQ(reply.size(), size);
    EXPECT_NE(hex(reply).find("03101620000105a9"), std::string::npos); // as recorded
  }
}

TEST_F(JkbmsPb, AnswersItsOwnAddressAlone) {
  JkbmsPbSim device(*battery, options);
  for (const auto* request : {"021016200001020000c201", "011016200001020000d6f1"}) {
    const auto answer = device.answer(bytes(request));
    EXPECT_EQ(answer.used, 11U);
    EXPECT_TRUE(answer.reply.empty());
  }
  ASSERT_FALSE(poll(device, 2));
  JkbmsPbSim first(*battery, {});
  EXPECT_TRUE(poll(first, 1));
}

TEST_F(JkbmsPb, WaitsForTheWholeRequestAndSkipsRubbish) {
  JkbmsPbSim device(*battery, options);
  const auto request = bytes("031016200001020000cf91");
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(device.answer(ByteView(request).first(size)).used, 0U) << size;
  }
  for (const auto* rubbish : {"ff", "0377", "03101620000202", "0310162000017f", "031016200001020000cf92"}) {
    const auto answer = device.answer(bytes(rubbish));
    EXPECT_EQ(answer.used, 1U) << rubbish;
    EXPECT_TRUE(answer.reply.empty());
  }
}

TEST_F(JkbmsPb, SeveralOnOneLine) {
  auto other_config = test::sixteen_cells();
  other_config.soc = 20.0;
  Battery other_battery(other_config);
  JkbmsPbSim third(*battery, options), second(other_battery, {2, "cellar", "2", "v14"});
  struct Bus : StreamDevice {
    std::vector<StreamDevice*> devices;
    Bytes late; ///< comes with the next answer
    Answer answer(ByteView line) override {
      Bytes out = late;
      for (auto* device : devices) {
        const auto reply = device->answer(line).reply;
        out.insert(out.end(), reply.begin(), reply.end());
      }
      return {line.size(), out};
    }
  } bus;
  bus.devices = {&second, &third};
  ASSERT_TRUE(poll(bus, 2));
  EXPECT_EQ(identity.device_name, "cellar");
  EXPECT_EQ(sample.soc, 20.0);
  bus.late = second.answer(bytes("021016200001020000c201")).reply;
  ASSERT_TRUE(poll(bus, 3));
  EXPECT_EQ(identity.device_name, "garage");
  EXPECT_EQ(sample.soc, 63.0);
  bus.devices = {&second}; // only the late answer is there
  EXPECT_FALSE(poll(bus, 3));
}

} // namespace
} // namespace bmsd::sim
