// The simulator's frames, and the protocol against the simulator.
#include "app/sim/seplos_sim.hpp"
#include "protocols/core/yd1363.hpp"
#include "protocols/seplos.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using test::at;
using test::expect_cells;
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

// -- frames ---------------------------------------------------------------------------

TEST(SeplosSim, recorded_vendor_information_and_refusal) {
  Battery battery(sixteen_cells());
  SeplosSim device(battery, {0, "1101-SP15", "", ""});
  const auto vendor = ask(device, "~200046510000FDAE\r");
  EXPECT_EQ(vendor.substr(0, 37), "~20004600C040313130312D53503135200207");
  EXPECT_EQ(ask(device, "~200046930000FDA8\r"), "~200046040000FDB0\r");
  EXPECT_EQ(ask(device, "~2000464F0000FD9A\r"), "~200046000000FDB4\r");
}

TEST(SeplosSim, recorded_telemetry) {
  Reading reading;
  reading.cells = {3.287, 3.305, 3.316, 3.286, 3.311, 3.301, 3.297, 3.292,
                   3.305, 3.312, 3.304, 3.311, 3.306, 3.290, 3.294, 3.288};
  reading.cell_temperatures = {25.1, 24.5, 23.6, 25.1};
  reading.mos_temperature = 24.7;
  reading.current = -6.76;
  reading.voltage = 52.80;
  reading.remaining = 133.90;
  reading.capacity = 170.00;
  reading.soc = 78.7;
  reading.cycles = 70;
  std::string recorded =
      "0001100cd70ce90cf40cd60cef0ce50ce10cdc0ce90cf00ce80cef0cea0cda0cde0cd8060ba60ba00b970ba60ba50ba2"
      "fd5c14a0344e0a426803134650004603e8149f0000000000000000";
  recorded.replace(recorded.size() - 32, 4, "4268"); // rated and learned capacity, port and cell voltage are one here
  recorded.replace(recorded.size() - 20, 4, "14a0");
  EXPECT_EQ(test::hex(seplos_telemetry(reading, 25.0, 1)), recorded);
}

TEST(SeplosSim, answers_its_own_address_and_group) {
  Battery battery(sixteen_cells());
  SeplosSim device(battery, {3, "pack", "", ""});
  EXPECT_FALSE(ask(device, "~20034642E00203FD31\r").empty());
  EXPECT_TRUE(ask(device, "~20034642E00201FD33\r").empty());
  EXPECT_TRUE(ask(device, "~20004642E00200FD37\r").empty());
  EXPECT_EQ(ask(device, "~200346420000FDAB\r").substr(0, 9), "~20034605");
  SeplosSim old(battery, {3, "pack", "", "group1"});
  EXPECT_TRUE(ask(old, "~20034642E00203FD31\r").empty());
  EXPECT_FALSE(ask(old, "~20034642E00201FD33\r").empty());
}

TEST(SeplosSim, names_what_it_does_not_speak) {
  Battery battery(sixteen_cells());
  SeplosSim device(battery, {0, "pack", "", ""});
  const auto request = [](std::uint8_t version, std::uint8_t kind) {
    const auto tx = protocols::yd1363::ask({.version = version, .device = kind}, 0, 0x42).tx;
    return std::string(tx.begin(), tx.end());
  };
  EXPECT_EQ(ask(device, request(0x25, 0x46)).substr(0, 9), "~20004601");
  EXPECT_EQ(ask(device, request(0x20, 0x4A)).substr(0, 9), "~200046E1");
}

TEST(SeplosSim, waits_for_the_whole_request_and_skips_rubbish) {
  Battery battery(sixteen_cells());
  SeplosSim device(battery, {});
  const auto request = chars("~20004642E00200FD37\r");
  for (std::size_t size = 0; size < request.size(); ++size) {
    EXPECT_EQ(device.answer(ByteView(request).first(size)).used, 0U);
  }
  for (const auto* rubbish : {"x~20004642", "~20004642E00200FD38\r", "~~20004642E00200FD37\r", "~20\r"}) {
    const auto answer = device.answer(chars(rubbish));
    EXPECT_EQ(answer.used, 1U) << rubbish;
    EXPECT_TRUE(answer.reply.empty());
  }
  EXPECT_EQ(device.answer(Bytes(129, '~')).used, 1U);
}

// -- the protocol against it --------------------------------------------------------------

TEST(SeplosAndDecoder, every_value) {
  for (int cells : {8, 15, 16}) {
    auto config = sixteen_cells();
    config.cells = cells;
    Battery battery(config);
    SeplosSim device(battery, {2, "1101-SP76", "", ""});
    protocols::Seplos protocol(at(2));
    Identity identity;
    Sample sample;
    ASSERT_TRUE(run(protocol.identify(identity), device));
    ASSERT_TRUE(run(protocol.settings(identity), device));
    ASSERT_TRUE(run(protocol.poll(sample), device));
    EXPECT_EQ(identity.protocol, "seplos");
    EXPECT_EQ(identity.model, "1101-SP76");
    EXPECT_EQ(identity.firmware_version, "2.7");
    EXPECT_EQ(identity.cell_count, cells);
    EXPECT_EQ(identity.unique_id, "SeplosBMS" + std::to_string(cells) + "S_0x02_280.0Ah");

    const auto truth = battery.reading();
    expect_cells(sample.cell_voltages, truth);
    EXPECT_NEAR(*sample.voltage, truth.voltage, 0.0051);
    EXPECT_NEAR(*sample.current, -23.4, 0.0051);
    EXPECT_NEAR(*sample.soc, 63.0, 0.051);
    EXPECT_EQ(sample.soh, 100.0);
    EXPECT_EQ(sample.cycles, truth.cycles);
    EXPECT_NEAR(*sample.capacity_remaining, truth.remaining, 0.0051);
    EXPECT_NEAR(*sample.capacity_full, 280.0, 0.0051);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(*sample.temperatures.battery[i], truth.cell_temperatures[i % 2], 0.051);
    }
    EXPECT_FALSE(sample.temperatures.battery[4]);
    EXPECT_NEAR(*sample.temperatures.env, 21.3, 0.051);
    EXPECT_NEAR(*sample.temperatures.mos, truth.mos_temperature, 0.051);
    EXPECT_EQ(sample.charge_enabled, true);
    EXPECT_EQ(sample.discharge_enabled, true);
    EXPECT_EQ(sample.heating, false);
    EXPECT_EQ(sample.balancing, false);
    EXPECT_EQ(sample.balancing_cells.size(), static_cast<std::size_t>(cells));
    EXPECT_EQ(sample.max_charge_current, 140.0);
    EXPECT_EQ(sample.max_discharge_current, 280.0);
    EXPECT_FALSE(sample.max_charge_voltage);
    for (auto alarm : {Alarm::HighCellVoltage, Alarm::LowSoc, Alarm::InternalFailure, Alarm::HighInternalTemperature}) {
      EXPECT_EQ(sample.alarms[alarm], AlarmLevel{0});
    }
  }
}

TEST(SeplosAndDecoder, every_protection) {
  for (auto alarm : {Alarm::HighCellVoltage, Alarm::LowCellVoltage, Alarm::HighVoltage, Alarm::LowVoltage,
                     Alarm::HighChargeTemperature, Alarm::LowChargeTemperature, Alarm::HighTemperature,
                     Alarm::LowTemperature, Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent,
                     Alarm::HighInternalTemperature, Alarm::InternalFailure}) {
    auto config = sixteen_cells();
    config.raised.set(static_cast<std::size_t>(alarm));
    Battery battery(config);
    SeplosSim device(battery, {});
    protocols::Seplos protocol({});
    Sample sample;
    ASSERT_TRUE(run(protocol.poll(sample), device));
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      EXPECT_EQ(sample.alarms.at(i).value_or(0), i == static_cast<std::size_t>(alarm) ? 2 : 0) << kAlarmNames[i];
    }
    EXPECT_EQ(sample.charge_enabled, battery.reading().charge_on);
    EXPECT_EQ(sample.discharge_enabled, battery.reading().discharge_on);
  }
}

TEST(SeplosAndDecoder, low_soc_warns_then_alarms) {
  for (const auto& [soc, level] : {std::pair(20.0, 0), std::pair(14.0, 1), std::pair(4.0, 2)}) {
    auto config = sixteen_cells();
    config.soc = soc;
    Battery battery(config);
    SeplosSim device(battery, {});
    protocols::Seplos protocol({});
    Sample sample;
    ASSERT_TRUE(run(protocol.poll(sample), device));
    EXPECT_EQ(sample.alarms[Alarm::LowSoc], level);
  }
}

TEST(SeplosAndDecoder, balancing_per_cell) {
  auto config = sixteen_cells();
  config.current = 20.0;
  config.soc = 98.0;
  config.imbalance = 0.05;
  Battery battery(config);
  battery.advance(600.0);
  const auto truth = battery.reading();
  ASSERT_NE(truth.balancing, 0U);
  SeplosSim device(battery, {});
  protocols::Seplos protocol({});
  Sample sample;
  ASSERT_TRUE(run(protocol.poll(sample), device));
  EXPECT_EQ(sample.balancing, true);
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(sample.balancing_cells[i], (truth.balancing >> i & 1U) != 0) << i;
  }
}

TEST(SeplosAndDecoder, a_board_that_knows_only_group_one) {
  Battery battery(sixteen_cells());
  for (std::uint32_t address : {0U, 1U, 7U}) {
    SeplosSim device(battery, {address, "pack", "", "group1"});
    protocols::Seplos protocol(at(address));
    Identity identity;
    Sample sample;
    EXPECT_TRUE(run(protocol.identify(identity), device)) << address;
    EXPECT_TRUE(run(protocol.poll(sample), device)) << address;
  }
}

TEST(SeplosAndDecoder, another_address_stays_silent) {
  Battery battery(sixteen_cells());
  SeplosSim device(battery, {4, "pack", "", ""});
  protocols::Seplos protocol(at(5));
  Identity identity;
  EXPECT_EQ(run(protocol.identify(identity), device).error().fault, Fault::timeout);
}

} // namespace
} // namespace bmsd::sim
