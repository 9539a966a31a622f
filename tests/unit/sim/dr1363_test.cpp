// The simulator's frames, and the protocols daren_485 and ks48100 against the simulators.
#include "app/sim/dr1363_sim.hpp"
#include "protocols/daren_485.hpp"
#include "protocols/ks48100.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace bmsd::sim {
namespace {

using protocols::Daren485;
using protocols::Ks48100;
using test::at;
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

double number(const Sample& sample, std::string_view name) {
  for (const auto& entry : sample.extra) {
    if (entry.name == name) {
      return std::get<double>(entry.value);
    }
  }
  return -1;
}

// -- frames ---------------------------------------------------------------------------

/// Of one temperature for all cells; the states and switches behind the cycles are the simulator's own.
TEST(Dr1363Sim, recorded_telemetry) {
  Reading reading;
  reading.cells = {3.329, 3.329, 3.291, 3.329, 3.329, 3.328, 3.330, 3.302,
                   3.320, 3.330, 3.329, 3.295, 3.330, 3.330, 3.328, 3.296};
  reading.cell_temperatures = {26.0};
  reading.mos_temperature = 27.0;
  reading.voltage = 53.12;
  reading.soc = 67.0;
  reading.remaining = 53.6;
  reading.capacity = 80.0;
  reading.cycles = 204;
  std::string recorded =
      "001a2c14c0100d010d010cdb0d010d010d000d020ce60cf80d020d010cdf0d020d020d000ce0010e0104010e04010401040104010400"
      "00"
      "0000" // resistance
      "0050" // SoH
      "01"   // items
      "1f4014f000cc"
      "0000000000000000"
      "0023";
  const auto encoded = hex(dr1363_telemetry(reading, 27.0));
  EXPECT_EQ(encoded.size(), 2 * 99U);
  EXPECT_EQ(encoded.substr(0, 110), recorded.substr(0, 110));
  EXPECT_EQ(encoded.substr(120, 24), recorded.substr(120, 24));
  EXPECT_EQ(encoded.substr(148, 4), recorded.substr(148, 4));
}

TEST(Dr1363Sim, first_generation) {
  Battery battery(sixteen_cells());
  Daren485Sim device(battery, {1, "HUANY04", "JD2M2150860201", ""});
  EXPECT_EQ(ask(device, "~22014A42E00201FD28\r").substr(0, 13), "~22014A00E0C6");
  EXPECT_EQ(ask(device, "~22014A42E00202FD27\r").substr(0, 9), "~22014A06");
  EXPECT_EQ(ask(device, "~22014A47E00201FD23\r").substr(0, 13), "~22014A006082");
  EXPECT_EQ(ask(device, "~22014A510000FDA0\r"),
            "~22014A00604654315F472020202020204855414E593034202020313653313030412020"
            "200100020101EFB6\r");
  EXPECT_EQ(ask(device, "~22014AB0600A010103FF00FB6C\r").substr(0, 53), "~22014A0040EEB0010103FF004A44324D3231353038363"
                                                                        "0323031");
  EXPECT_EQ(ask(device, "~22014AB0600A010104FF00FB6B\r").substr(0, 25), "~22014A00D030B0010104FF00");
  EXPECT_EQ(ask(device, "~22014A930000FD9A\r").substr(0, 9), "~22014A04");
  EXPECT_TRUE(ask(device, "~22024A42E00202FD26\r").empty());
}

TEST(Dr1363Sim, second_generation) {
  Battery battery(sixteen_cells());
  Ks48100Sim device(battery, {1, "SNS01", "CER2408-04", ""});
  EXPECT_EQ(ask(device, ">220142420000FDAF\r").substr(0, 13), "~22014200E0C6");
  EXPECT_EQ(ask(device, ">22014247E00201FD32\r").substr(0, 13), "~220142006082");
  EXPECT_EQ(ask(device, ">22014AB0600A010103FF56FB61\r").substr(0, 25), "~22014A0040EEB0010103FF56");
  EXPECT_EQ(ask(device, ">22014A420000FDA0\r").substr(0, 9), "~220142E1");
  EXPECT_EQ(device.answer(chars("~220142420000FDAF\r")).used, 1U); // no '>', no request
}

// -- the protocols against it --------------------------------------------------------------

template <class Protocol, class Device>
void expect_every_value(int cells, std::string_view dialect) {
  SCOPED_TRACE(std::to_string(cells) + " cells " + std::string(dialect));
  auto config = sixteen_cells();
  config.cells = cells;
  Battery battery(config);
  battery.advance(60.0);
  Device device(battery, {3, "SNS01", "CER2408-04", std::string(dialect)});
  Protocol protocol(at(3));
  Identity identity;
  Sample sample;
  ASSERT_TRUE(run(protocol.identify(identity), device));
  ASSERT_TRUE(run(protocol.settings(identity), device));
  ASSERT_TRUE(run(protocol.poll(sample), device));
  EXPECT_EQ(identity.protocol, Protocol::kInfo.key);
  EXPECT_EQ(identity.model, "SNS01");
  EXPECT_EQ(identity.hardware_version, "SNS01 16S100A T1_G");
  EXPECT_EQ(identity.firmware_version, "01.00.02");
  EXPECT_EQ(identity.serial, "CER2408-04");
  EXPECT_EQ(identity.unique_id, "CER2408-04");
  EXPECT_EQ(identity.manufacturer, "bmssim");
  EXPECT_EQ(identity.cell_count, cells);
  EXPECT_EQ(identity.capabilities, Capabilities{});

  const auto truth = battery.reading();
  expect_cells(sample.cell_voltages, truth);
  EXPECT_NEAR(*sample.voltage, truth.voltage, 0.0051);
  EXPECT_NEAR(*sample.current, truth.current, 0.0051);
  EXPECT_NEAR(*sample.soc, truth.soc, 0.0051);
  EXPECT_EQ(sample.soh, 100.0);
  EXPECT_EQ(sample.cycles, truth.cycles);
  EXPECT_NEAR(*sample.capacity_remaining, truth.remaining, 0.0051);
  EXPECT_NEAR(*sample.capacity_full, 280.0, 0.0051);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(*sample.temperatures.battery[i], truth.cell_temperatures[i % 2], 0.051);
  }
  EXPECT_FALSE(sample.temperatures.battery[4]);
  EXPECT_NEAR(*sample.temperatures.env, 21.3, 0.051);
  EXPECT_NEAR(*sample.temperatures.pack, (truth.cell_temperatures[0] + truth.cell_temperatures[1]) / 2, 0.051);
  EXPECT_NEAR(*sample.temperatures.mos, truth.mos_temperature, 0.051);
  EXPECT_EQ(sample.charge_enabled, true);
  EXPECT_EQ(sample.discharge_enabled, true);
  EXPECT_EQ(sample.balancing, false);
  EXPECT_EQ(sample.balancing_cells.size(), static_cast<std::size_t>(cells));
  EXPECT_EQ(sample.max_charge_current, 140.0);
  EXPECT_FALSE(sample.max_discharge_current);
  EXPECT_NEAR(*sample.total_ah_drawn, truth.discharged_energy * 1000 / truth.voltage, 0.51);
  EXPECT_EQ(number(sample, "capacity_nominal"), 280.0);
  EXPECT_EQ(number(sample, "cell_ov_limit"), 3.65);
  for (auto alarm : {Alarm::HighCellVoltage, Alarm::LowSoc, Alarm::InternalFailure, Alarm::HighInternalTemperature}) {
    EXPECT_EQ(sample.alarms[alarm], AlarmLevel{0});
  }
}

TEST(Dr1363AndDecoder, every_value) {
  for (int cells : {8, 15, 16, 24}) {
    expect_every_value<Daren485, Daren485Sim>(cells, "own_group");
    expect_every_value<Daren485, Daren485Sim>(cells, "group1");
    expect_every_value<Ks48100, Ks48100Sim>(cells, "");
  }
}

template <class Protocol, class Device>
Sample polled(Battery& battery) {
  Device device(battery, {1, "", "", ""});
  Protocol protocol(at(1));
  Sample sample;
  EXPECT_TRUE(run(protocol.poll(sample), device));
  return sample;
}

TEST(Dr1363AndDecoder, every_protection) {
  for (auto alarm : {Alarm::HighCellVoltage, Alarm::LowCellVoltage, Alarm::HighVoltage, Alarm::LowVoltage,
                     Alarm::HighChargeTemperature, Alarm::LowChargeTemperature, Alarm::HighTemperature,
                     Alarm::LowTemperature, Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent,
                     Alarm::HighInternalTemperature, Alarm::InternalFailure, Alarm::FuseBlown, Alarm::CellImbalance}) {
    auto config = sixteen_cells();
    config.raised.set(static_cast<std::size_t>(alarm));
    Battery battery(config);
    for (const auto& sample : {polled<Daren485, Daren485Sim>(battery), polled<Ks48100, Ks48100Sim>(battery)}) {
      for (std::size_t i = 0; i < kAlarmCount; ++i) {
        EXPECT_EQ(sample.alarms.at(i).value_or(0), i == static_cast<std::size_t>(alarm) ? 2 : 0) << kAlarmNames[i];
      }
      EXPECT_EQ(sample.charge_enabled, battery.reading().charge_on);
      EXPECT_EQ(sample.discharge_enabled, battery.reading().discharge_on);
    }
  }
}

TEST(Dr1363AndDecoder, cells_warn_and_a_low_soc_alarms) {
  auto config = sixteen_cells();
  config.soc = 2.0;
  config.current = -10.0;
  Battery battery(config);
  const auto sample = polled<Daren485, Daren485Sim>(battery);
  EXPECT_EQ(sample.alarms[Alarm::LowSoc], 2);
  EXPECT_EQ(sample.alarms[Alarm::LowCellVoltage], 1);
}

TEST(Dr1363AndDecoder, balancing_per_cell) {
  auto config = sixteen_cells();
  config.cells = 20;
  config.current = 20.0;
  config.soc = 98.0;
  config.imbalance = 0.05;
  Battery battery(config);
  battery.advance(600.0);
  const auto truth = battery.reading();
  ASSERT_NE(truth.balancing >> 16, 0U);
  const auto sample = polled<Daren485, Daren485Sim>(battery);
  EXPECT_EQ(sample.balancing, true);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(sample.balancing_cells[i], (truth.balancing >> i & 1U) != 0) << i;
  }
}

TEST(Dr1363AndDecoder, the_generations_are_never_mixed_up) {
  Battery battery(sixteen_cells());
  Daren485Sim first(battery, {1, "", "1", ""});
  Ks48100Sim second(battery, {1, "", "2", ""});
  Identity identity;
  EXPECT_FALSE(run(Daren485(at(1)).identify(identity), second));
  EXPECT_FALSE(run(Ks48100(at(1)).identify(identity), first));
}

TEST(Dr1363AndDecoder, another_address_stays_silent) {
  Battery battery(sixteen_cells());
  Daren485Sim first(battery, {1, "", "1", ""});
  Ks48100Sim second(battery, {1, "", "2", ""});
  Daren485 daren(at(2));
  Ks48100 ks48100(at(2));
  Identity identity;
  EXPECT_EQ(run(daren.identify(identity), first).error().fault, Fault::timeout);
  EXPECT_EQ(run(ks48100.identify(identity), second).error().fault, Fault::timeout);
}

} // namespace
} // namespace bmsd::sim
