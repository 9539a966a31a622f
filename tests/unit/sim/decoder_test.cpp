// The simulators against the decoders: two independent readings of the same documents.
#include "app/sim/device.hpp"
#include "protocols/core/protocol.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using test::expect_cells;
using test::run;
using test::sixteen_cells;

TEST(SimAndDecoder, LltJbd) {
  Battery battery(sixteen_cells());
  const auto device = find_simulator("lltjbd")->stream(battery, {0, "SP16S", "", ""});
  protocols::ProtocolConfig config;
  config.allow_writes = true;
  const auto protocol = protocols::find_protocol("lltjbd")->exchange(config);
  Identity identity;
  Sample sample;
  ASSERT_TRUE(run(protocol->identify(identity), *device));
  ASSERT_TRUE(run(protocol->settings(identity), *device));
  ASSERT_TRUE(run(protocol->poll(sample), *device));
  EXPECT_EQ(identity.model, "SP16S");
  EXPECT_EQ(identity.cell_count, 16);
  EXPECT_EQ(identity.unique_id, "80_280.0Ah");

  const auto truth = battery.reading();
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.0051);
  EXPECT_NEAR(*sample.current, -23.4, 0.0051);
  EXPECT_NEAR(*sample.soc, 63.0, 0.51);
  EXPECT_NEAR(*sample.capacity_remaining, truth.remaining, 0.0051);
  EXPECT_NEAR(*sample.temperatures.mos, truth.mos_temperature, 0.1);
  EXPECT_NEAR(*sample.temperatures.battery[0], truth.cell_temperatures[0], 0.1);
  EXPECT_NEAR(*sample.temperatures.battery[1], truth.cell_temperatures[1], 0.1);
  EXPECT_EQ(sample.charge_enabled, true);
  EXPECT_NEAR(*sample.max_charge_current, 140.0, 0.01);
  EXPECT_NEAR(*sample.max_discharge_current, 280.0, 0.01);
  EXPECT_EQ(sample.alarms[Alarm::HighCellVoltage], AlarmLevel{0});
  expect_cells(sample.cell_voltages, truth);

  EXPECT_TRUE(run(protocol->command({CommandKind::force_charging_off, 1.0, 1}), *device));
  EXPECT_FALSE(battery.reading().charge_on);
  EXPECT_TRUE(battery.reading().discharge_on);
  EXPECT_TRUE(run(protocol->command({CommandKind::turn_balancing_off, 1.0, 2}), *device));
  EXPECT_FALSE(battery.reading().balancer_enabled);
  EXPECT_TRUE(run(protocol->command({CommandKind::set_soc, 40.0, 3}), *device));
  EXPECT_NEAR(battery.reading().soc, 40.0, 0.01);
}

TEST(SimAndDecoder, LltJbdProtection) {
  auto config = sixteen_cells();
  config.raised.set(static_cast<std::size_t>(Alarm::HighCellVoltage));
  Battery battery(config);
  const auto device = find_simulator("lltjbd")->stream(battery, {});
  const auto protocol = protocols::find_protocol("lltjbd")->exchange({});
  Sample sample;
  Identity identity;
  ASSERT_TRUE(run(protocol->identify(identity), *device));
  ASSERT_TRUE(run(protocol->poll(sample), *device));
  EXPECT_EQ(sample.alarms[Alarm::HighCellVoltage], AlarmLevel{2});
  EXPECT_EQ(sample.charge_enabled, false);
  EXPECT_EQ(sample.discharge_enabled, true);
}

TEST(SimAndDecoder, PylontechCan) {
  for (const std::string dialect : {"pylon", "victron"}) {
    auto config = sixteen_cells();
    config.raised.set(static_cast<std::size_t>(Alarm::HighVoltage));
    Battery battery(config);
    const auto device = find_simulator("pylontech_can")->broadcast(battery, {0, "pack", "SN1", dialect});
    const auto protocol = protocols::find_protocol("pylontech_can")->broadcast({});
    const std::chrono::milliseconds now{1000};
    for (const auto& frame : device->frames()) {
      protocol->on_frame(frame, now);
    }
    EXPECT_TRUE(protocol->identified(now)) << dialect;
    const auto sample = protocol->snapshot(now);
    ASSERT_TRUE(sample) << dialect << " " << to_string(sample.error());
    const auto truth = battery.reading();
    EXPECT_NEAR(*sample->voltage, truth.voltage, 0.0051);
    EXPECT_NEAR(*sample->current, -23.4, 0.051);
    EXPECT_NEAR(*sample->soc, 63.0, 0.51);
    EXPECT_NEAR(*sample->max_charge_voltage, 56.0, 0.051);
    EXPECT_NEAR(*sample->max_charge_current, 0.0, 0.051);
    EXPECT_NEAR(*sample->max_discharge_current, 280.0, 0.051);
    EXPECT_EQ(sample->alarms[Alarm::HighVoltage], AlarmLevel{2});
  }
}

TEST(SimAndDecoder, MqttJson) {
  for (const std::string dialect : {"m1", "m2", "m3"}) {
    Battery battery(sixteen_cells());
    const auto device = find_simulator("mqtt_json")->document(battery, {0, "pack", "SN1", dialect});
    const auto protocol = protocols::find_protocol("mqtt_json")->document({});
    Identity identity;
    Sample sample;
    const auto taken = protocol->on_document({"batt", device->document(), false}, identity, sample);
    ASSERT_TRUE(taken) << dialect << " " << to_string(taken.error());
    const auto truth = battery.reading();
    EXPECT_NEAR(*sample.voltage, truth.voltage, 0.0051) << dialect;
    EXPECT_NEAR(*sample.current, -23.4, 0.0051);
    EXPECT_NEAR(*sample.soc, 63.0, 0.051);
    EXPECT_NEAR(*sample.capacity_full, 280.0, 0.01);
    expect_cells(sample.cell_voltages, truth);
  }
}

} // namespace
} // namespace bmsd::sim
