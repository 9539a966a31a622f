// The simulator's frames, and the protocol against the simulator.
#include "app/sim/pace_sim.hpp"
#include "protocols/pace.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using protocols::Pace;
using protocols::ProtocolConfig;
using test::expect_cells;
using test::hex;
using test::run;
using test::sixteen_cells;

Bytes chars(std::string_view text) {
  return {text.begin(), text.end()};
}

std::string ask(StreamDevice& device, std::string_view request) {
  const auto sent = chars(request);
  const auto answer = device.answer(sent);
  EXPECT_EQ(answer.used, sent.size());
  return {answer.reply.begin(), answer.reply.end()};
}

ProtocolConfig at(std::uint32_t address) {
  ProtocolConfig config;
  config.address = address;
  config.allow_writes = true;
  return config;
}

// -- frames ---------------------------------------------------------------------------

/// But for the design capacity, which is the learned one here.
TEST(PaceSim, recorded_analog_values) {
  Reading reading;
  reading.cells = {3.271, 3.272, 3.271, 3.271, 3.271, 3.269, 3.270, 3.271,
                   3.271, 3.270, 3.271, 3.270, 3.270, 3.271, 3.270, 3.271};
  reading.cell_temperatures = {24.1, 23.9, 23.9, 23.9};
  reading.mos_temperature = 26.5;
  reading.current = -2.25;
  reading.voltage = 52.429;
  reading.remaining = 48.19;
  reading.capacity = 103.46;
  reading.cycles = 140;
  EXPECT_EQ(hex(pace_analog(reading, 27.4, 1)), "0001100cc70cc80cc70cc70cc70cc50cc60cc70cc70cc60cc70cc60cc60cc70cc60cc7"
                                                "060b9b0b990b990b990bb30bbcff1fcccd12d303286a008c286a");
}

TEST(PaceSim, recorded_warnings_and_version) {
  Reading reading;
  reading.cells.assign(16, 3.3);
  reading.current = 1.0;
  reading.soc = 50;
  EXPECT_EQ(hex(pace_warnings(reading, 1)).substr(58), "000026000000000000");

  Battery battery(sixteen_cells());
  PaceSim device(battery, {1, "P16S100A-1812-1.00", "1812101380309D", ""});
  EXPECT_EQ(ask(device, "~250146C10000FD9A\r").substr(0, 49), "~250146006028"
                                                              "50313653313030412D313831322D312E3030");
  EXPECT_EQ(ask(device, "~250146C20000FD99\r").substr(0, 41), "~25014600B050"
                                                              "31383132313031333830333039"
                                                              "44");
}

TEST(PaceSim, recorded_switching) {
  auto config = sixteen_cells();
  config.current = 0;
  Battery battery(config);
  PaceSim device(battery, {0, "", "", ""});
  EXPECT_EQ(ask(device, "~2500469AE00201FD1D\r").substr(0, 15), "~25004600E00204");
  EXPECT_EQ(ask(device, "~2500469BE00201FD1C\r").substr(0, 9), "~25004609");
  EXPECT_EQ(ask(device, "~2500469AE00200FD1E\r").substr(0, 15), "~25004600E00206");
}

TEST(PaceSim, answers_for_itself_alone) {
  Battery battery(sixteen_cells());
  PaceSim device(battery, {2, "pack", "", ""});
  EXPECT_TRUE(ask(device, "~25014642E00201FD30\r").empty()); // another address
  EXPECT_TRUE(ask(device, "~25024642E00201FD2F\r").empty()); // another number
  EXPECT_EQ(ask(device, "~25024642E00202FD2E\r").substr(0, 17), "~25024600F07A0002");
  EXPECT_EQ(ask(device, "~25024642E002FFFD04\r").substr(0, 17), "~25024600F07A0001");
  EXPECT_EQ(ask(device, "~250246930000FDA1\r").substr(0, 9), "~25024604");
}

// -- the protocol against it --------------------------------------------------------------

TEST(PaceAndDecoder, every_value) {
  for (std::string_view dialect : {"own_number", "number1", "long"}) {
    for (int cells : {4, 8, 15, 16}) {
      auto config = sixteen_cells();
      config.cells = cells;
      Battery battery(config);
      PaceSim device(battery, {2, "P16S100A-1812-1.00", "1812101380309D", std::string(dialect)});
      Pace protocol(at(2));
      Identity identity;
      Sample sample;
      ASSERT_TRUE(run(protocol.identify(identity), device)) << dialect;
      ASSERT_TRUE(run(protocol.settings(identity), device));
      ASSERT_TRUE(run(protocol.poll(sample), device));
      EXPECT_EQ(identity.protocol, "pace");
      EXPECT_EQ(identity.firmware_version, "P16S100A-1812-1.00");
      EXPECT_EQ(identity.serial, "1812101380309D");
      EXPECT_EQ(identity.unique_id, "1812101380309D");
      EXPECT_EQ(identity.cell_count, cells);

      const auto truth = battery.reading();
      expect_cells(sample.cell_voltages, truth);
      EXPECT_NEAR(*sample.voltage, truth.voltage, 0.00051);
      EXPECT_NEAR(*sample.current, -23.4, 0.0051);
      EXPECT_NEAR(*sample.soc, 63.0, 0.01);
      EXPECT_EQ(sample.soh, 100.0);
      EXPECT_EQ(sample.cycles, truth.cycles);
      EXPECT_NEAR(*sample.capacity_remaining, truth.remaining, 0.0051);
      EXPECT_NEAR(*sample.capacity_full, 280.0, 0.0051);
      for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_NEAR(*sample.temperatures.battery[i], truth.cell_temperatures[i % 2], 0.051);
      }
      EXPECT_FALSE(sample.temperatures.battery[4]);
      EXPECT_NEAR(*sample.temperatures.mos, truth.mos_temperature, 0.051);
      EXPECT_NEAR(*sample.temperatures.env, 21.3, 0.051);
      EXPECT_EQ(sample.charge_enabled, true);
      EXPECT_EQ(sample.discharge_enabled, true);
      EXPECT_EQ(sample.balancing, false);
      EXPECT_EQ(sample.balancing_cells.size(), static_cast<std::size_t>(cells));
      EXPECT_EQ(sample.max_charge_current, 140.0);
      EXPECT_EQ(sample.max_discharge_current, 280.0);
      EXPECT_FALSE(sample.max_charge_voltage);
      for (auto alarm : {Alarm::HighCellVoltage, Alarm::LowSoc, Alarm::InternalFailure}) {
        EXPECT_EQ(sample.alarms[alarm], AlarmLevel{0});
      }
    }
  }
}

TEST(PaceAndDecoder, every_protection) {
  for (auto alarm : {Alarm::HighCellVoltage, Alarm::LowCellVoltage, Alarm::HighVoltage, Alarm::LowVoltage,
                     Alarm::HighChargeTemperature, Alarm::LowChargeTemperature, Alarm::HighTemperature,
                     Alarm::LowTemperature, Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent,
                     Alarm::HighInternalTemperature, Alarm::InternalFailure}) {
    auto config = sixteen_cells();
    config.raised.set(static_cast<std::size_t>(alarm));
    Battery battery(config);
    PaceSim device(battery, {});
    Pace protocol({});
    Sample sample;
    ASSERT_TRUE(run(protocol.poll(sample), device));
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      EXPECT_EQ(sample.alarms.at(i).value_or(0), i == static_cast<std::size_t>(alarm) ? 2 : 0) << kAlarmNames[i];
    }
    EXPECT_EQ(sample.charge_enabled, battery.reading().charge_on);
    EXPECT_EQ(sample.discharge_enabled, battery.reading().discharge_on);
  }
}

TEST(PaceAndDecoder, low_soc_warns) {
  for (const auto& [soc, level] : {std::pair(20.0, 0), std::pair(14.0, 1)}) {
    auto config = sixteen_cells();
    config.soc = soc;
    Battery battery(config);
    PaceSim device(battery, {});
    Pace protocol({});
    Sample sample;
    ASSERT_TRUE(run(protocol.poll(sample), device));
    EXPECT_EQ(sample.alarms[Alarm::LowSoc], level);
  }
}

TEST(PaceAndDecoder, balancing_per_cell) {
  auto config = sixteen_cells();
  config.current = 20.0;
  config.soc = 98.0;
  config.imbalance = 0.05;
  Battery battery(config);
  battery.advance(600.0);
  const auto truth = battery.reading();
  ASSERT_NE(truth.balancing, 0U);
  PaceSim device(battery, {});
  Pace protocol({});
  Sample sample;
  ASSERT_TRUE(run(protocol.poll(sample), device));
  EXPECT_EQ(sample.balancing, true);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(sample.balancing_cells[i], (truth.balancing >> i & 1U) != 0) << i;
  }
}

TEST(PaceAndDecoder, fets_are_switched) {
  Battery battery(sixteen_cells());
  PaceSim device(battery, {});
  Pace protocol(at(0));
  const auto command = [&](CommandKind kind, double value) { return run(protocol.command({kind, value, 1}), device); };
  EXPECT_TRUE(command(CommandKind::force_charging_off, 1));
  EXPECT_FALSE(battery.reading().charge_on);
  EXPECT_TRUE(battery.reading().discharge_on);
  EXPECT_FALSE(command(CommandKind::force_discharging_off, 1)); // not both
  EXPECT_TRUE(battery.reading().discharge_on);
  EXPECT_TRUE(command(CommandKind::force_charging_off, 0));
  EXPECT_TRUE(battery.reading().charge_on);
  EXPECT_TRUE(command(CommandKind::force_discharging_off, 1));
  EXPECT_FALSE(battery.reading().discharge_on);

  Pace restarted(at(0)); // does not know what was commanded before: the BMS refuses
  EXPECT_EQ(run(restarted.command({CommandKind::force_charging_off, 1, 1}), device).error().fault, Fault::refused);
  EXPECT_TRUE(battery.reading().charge_on);
}

TEST(PaceAndDecoder, another_address_stays_silent) {
  Battery battery(sixteen_cells());
  PaceSim device(battery, {4, "pack", "", ""});
  Pace protocol(at(5));
  Identity identity;
  EXPECT_EQ(run(protocol.identify(identity), device).error().fault, Fault::timeout);
}

} // namespace
} // namespace bmsd::sim
