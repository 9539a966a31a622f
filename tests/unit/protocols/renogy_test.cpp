#include "fake_modbus.hpp"
#include "protocols/renogy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace bmsd::protocols {
namespace {

using test::at;
using test::hex;

/// The register scan of an RBT100LFP12SH-G1, and whatever it is told to do wrong.
struct FakeRenogy : test::FakeModbus {
  static constexpr std::uint32_t kAddress = 0x30;

  FakeRenogy() {
    place(5000, {4, 33,  33,  33,  33,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                 3, 180, 180, 180, 180, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    place(5035, {0, 1, 200, 0, 1, 180, 0, 0xFC18, 135, 1, 27463, 1, 34464, 7, 148, 100, 5000, 55536});
    place(5100, {0, 0, 0, 0, 0, 0, 14, 0, 0, 192});
    write(5110, "PPTAH01234567890");
    write(5122, "RBT100LFP12SH-G1");
    write(5130, "0119");
    write(5132, "RENOGY  ");
  }
};

using RenogyTest = test::ModbusTest<Renogy, FakeRenogy>;

// -- identification ---------------------------------------------------------------

TEST_F(RenogyTest, tells_who_it_is) {
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.protocol, "renogy");
  EXPECT_EQ(identity.label, "Renogy");
  EXPECT_EQ(identity.model, "RBT100LFP12SH-G1");
  EXPECT_EQ(identity.hardware_version, "RBT100LFP12SH-G1");
  EXPECT_EQ(identity.firmware_version, "01.19");
  EXPECT_EQ(identity.manufacturer, "RENOGY");
  EXPECT_EQ(identity.serial, "PPTAH01234567890");
  EXPECT_EQ(identity.unique_id, "PPTAH01234567890");
  EXPECT_EQ(identity.cell_count, 4);
  EXPECT_EQ(identity.capabilities, Capabilities{});
  for (const auto& tx : battery.heard) {
    EXPECT_EQ(tx[0], 0x30);
    EXPECT_EQ(tx[1], 3) << "identification only reads";
  }
}

TEST_F(RenogyTest, firmware_that_is_no_number_is_a_text) {
  for (const auto& [told, shown] : {std::pair("V104", "V104"), {"0104", "01.04"}, {"11  ", "11"}}) {
    battery.write(5130, told);
    ASSERT_TRUE(identify());
    EXPECT_EQ(identity.firmware_version, shown);
  }
}

TEST_F(RenogyTest, without_a_serial_number_there_is_no_identity) {
  battery.write(5110, std::string_view("\0 \0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.unique_id, "");
}

TEST_F(RenogyTest, names_are_no_condition) {
  battery.refused = {5110, 5130, 5132};
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.model, "RBT100LFP12SH-G1");
  EXPECT_EQ(identity.serial, "");
}

TEST_F(RenogyTest, other_devices_are_no_battery) {
  battery.write(5122, "RTM-CTRL-WND30  ");
  EXPECT_EQ(identify().error().fault, Fault::implausible);
  battery.write(5122, std::string_view("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
  EXPECT_EQ(identify().error().fault, Fault::implausible);
  battery.write(5122, "RNGRBP100LFP12  ");
  EXPECT_TRUE(identify());
  for (int cells : {0, 17, 0xFFFF}) {
    battery.registers[5000] = cells;
    EXPECT_EQ(identify().error().fault, Fault::implausible) << cells;
  }
  battery.refused = {5122};
  EXPECT_EQ(identify().error().fault, Fault::refused);
  battery.silent = {5122};
  EXPECT_EQ(identify().error().fault, Fault::timeout);
}

// -- poll -------------------------------------------------------------------------

TEST_F(RenogyTest, a_cycle_is_three_reads) {
  ASSERT_TRUE(poll());
  ASSERT_EQ(battery.heard.size(), 3u);
  EXPECT_EQ(battery.heard[0], hex("300313880022455c"));
  EXPECT_EQ(battery.heard[1], hex("300313ab0012b482"));
  EXPECT_EQ(battery.heard[2], hex("300313ec000a049d"));
  EXPECT_EQ(sample.current, -10.0);
  EXPECT_EQ(sample.cycles, 7);
  EXPECT_EQ(std::count_if(sample.extra.begin(), sample.extra.end(),
                          [](const Extra& e) { return e.name == "environment_temperatures"; }),
            1);
}

TEST_F(RenogyTest, a_silent_block_fails_the_cycle) {
  for (int block : {5000, 5035, 5100}) {
    battery.silent = {block};
    EXPECT_EQ(poll_fault(), Fault::timeout) << block;
  }
}

TEST_F(RenogyTest, parts_tell_the_same_as_blocks) {
  ASSERT_TRUE(poll());
  const Sample whole = sample;
  battery.most = 8;
  ASSERT_TRUE(identify());
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample, whole);
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample, whole);
  for (const auto& tx : battery.heard) {
    EXPECT_LE(tx[5], 8) << "blocks are not tried again: " << to_hex(tx);
  }
}

TEST_F(RenogyTest, no_two_reads_in_a_row_have_the_same_length) {
  for (int most : {125, 16}) {
    battery.most = most;
    battery.heard.clear();
    ASSERT_TRUE(identify());
    for (int cycle = 0; cycle < 2; ++cycle) {
      ASSERT_TRUE(battery.run(protocol.poll(sample)));
    }
    for (std::size_t i = 1; i < battery.heard.size(); ++i) {
      EXPECT_NE(battery.heard[i][5], battery.heard[i - 1][5]) << to_hex(battery.heard[i]);
    }
  }
}

TEST_F(RenogyTest, what_must_be_told_in_parts) {
  battery.most = 8;
  for (int essential : {5000, 5001, 5042, 5046}) {
    battery.refused = {essential};
    EXPECT_EQ(poll_fault(), Fault::refused) << essential;
  }
  battery.refused = {5017, 5018, 5035, 5048, 5049, 5100, 5108};
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.current, -10.0);
  EXPECT_EQ(sample.voltage, 13.5);
  EXPECT_EQ(sample.cell_voltages.size(), 4u);
  EXPECT_FALSE(sample.temperatures.battery[0]);
  EXPECT_FALSE(sample.cycles);
  EXPECT_FALSE(sample.max_charge_voltage);
  EXPECT_FALSE(sample.charge_enabled);
  EXPECT_FALSE(sample.alarms[Alarm::HighCellVoltage]);
  battery.refused.clear();
  battery.silent = {5048};
  EXPECT_EQ(poll_fault(), Fault::timeout) << "silence is no refusal";
}

TEST_F(RenogyTest, a_battery_without_status_is_read_all_the_same) {
  battery.refused = {5100, 5108};
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.current, -10.0);
  EXPECT_FALSE(sample.charge_enabled);
}

TEST_F(RenogyTest, a_late_answer_to_the_request_before_is_passed_over) {
  Bytes late;
  const auto result = test::run(protocol.poll(sample), [&](const Bytes& tx) {
    Bytes line = late;
    late = battery.answer(tx);
    line.insert(line.end(), late.begin(), late.end());
    return line;
  });
  ASSERT_TRUE(result);
  EXPECT_EQ(sample.voltage, 13.5);
}

TEST_F(RenogyTest, truncated_and_damaged_replies_are_refused) {
  for (std::size_t which = 0; which < 3; ++which) {
    for (std::size_t size = 0; size < 73; ++size) {
      std::size_t request = 0;
      bool cut = false;
      Bytes last;
      const auto result = test::run(protocol.poll(sample), [&](const Bytes& tx) {
        request += tx != last ? 1 : 0;
        last = tx;
        Bytes reply = battery.answer(tx);
        if (request == which + 1 && size < reply.size()) {
          reply.resize(size);
          cut = true;
        }
        return reply;
      });
      EXPECT_EQ(result.has_value(), !cut) << which << " " << size;
    }
  }
  EXPECT_EQ(test::run(protocol.poll(sample),
                      [&](const Bytes& tx) {
                        Bytes reply = battery.answer(tx);
                        reply[10] ^= 1;
                        return reply;
                      })
                .error()
                .fault,
            Fault::checksum);
  EXPECT_FALSE(test::run(protocol.poll(sample), [&](Bytes tx) {
    tx[0] = 0x31; // the neighbour's answer
    return battery.answer(tx);
  }));
}

// -- values -------------------------------------------------------------------------

TEST_F(RenogyTest, impossible_values_refuse_the_sample) {
  struct {
    int reg, value;
  } const cases[] = {{5000, 0}, {5000, 17}, {5001, 51}, {5017, 17}, {5043, 201}, {5043, 65535}, {5051, 0xFFFF}};
  for (const auto& bad : cases) {
    const int good = std::exchange(battery.registers[bad.reg], bad.value);
    EXPECT_EQ(poll_fault(), Fault::implausible) << bad.reg;
    battery.registers[bad.reg] = good;
  }
  EXPECT_EQ(poll_fault(), Fault::none);
}

TEST_F(RenogyTest, temperatures_are_signed_and_counted) {
  battery.place(5017, {2, -53, 0, 333});
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.temperatures.battery[0], -5.3);
  EXPECT_EQ(sample.temperatures.battery[1], 0.0);
  EXPECT_FALSE(sample.temperatures.battery[2]);
  battery.place(5018, {-400, 1501});
  ASSERT_TRUE(poll());
  EXPECT_FALSE(sample.temperatures.battery[0]);
  EXPECT_FALSE(sample.temperatures.battery[1]);
  battery.registers[5017] = 0;
  ASSERT_TRUE(poll());
  EXPECT_FALSE(sample.temperatures.battery[0]);
}

TEST_F(RenogyTest, what_is_left_beyond_the_rated_capacity_is_full) {
  battery.place(5044, {1, 37464}); // 103 Ah
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.soc, 100.0);
  EXPECT_EQ(sample.capacity_remaining, 103.0);
}

TEST_F(RenogyTest, a_full_capacity_that_cannot_be_true_is_absent) {
  battery.place(5046, {0, 0});
  ASSERT_TRUE(poll());
  EXPECT_FALSE(sample.soc);
  EXPECT_FALSE(sample.capacity_full);

  battery.place(5046, {0, 25'000}); // a quarter of the true one: 93 of 25 Ah
  for (int cycle = 0; cycle < 2; ++cycle) {
    ASSERT_TRUE(poll());
    EXPECT_FALSE(sample.soc);
    EXPECT_FALSE(sample.capacity_full);
    EXPECT_EQ(sample.capacity_remaining, 92.999);
  }
  battery.place(5044, {0, 20'000});
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.soc, 80.0) << "twice is no proof";

  battery.place(5044, {1, 27'463});
  ASSERT_TRUE(poll());
  battery.place(5044, {0, 20'000});
  ASSERT_TRUE(poll());
  EXPECT_FALSE(sample.soc) << "80 % would be believed at 20 % of the true capacity";
}

TEST_F(RenogyTest, the_current_scale_goes_by_the_model_or_the_option) {
  struct {
    const char *model, *option;
    double current;
  } const cases[] = {
      {"RBT100LFP12SH-G1", "", -10},    {"RBT200LFP12-BT  ", "", -10},     {"RBT12100LFP-BT  ", "", -100},
      {"RBT12200LFP-B   ", "", -100},   {"RBT12100LFP-BT  ", "0.01", -10}, {"RBT100LFP12SH-G1", "0.1", -100},
      {"RBT100LFP12SH-G1", "bad", -10},
  };
  for (const auto& c : cases) {
    auto config = at(0x30);
    config.options["current_scale"] = c.option;
    battery.write(5122, c.model);
    Renogy scaled(config);
    Identity who;
    Sample out;
    ASSERT_TRUE(battery.run(scaled.identify(who)));
    ASSERT_TRUE(battery.run(scaled.poll(out)));
    EXPECT_EQ(out.current, c.current) << c.model << " " << c.option;
    EXPECT_EQ(out.max_charge_current.has_value(), c.current == -10);
  }
}

TEST_F(RenogyTest, limits_that_are_not_filled_are_absent) {
  battery.place(5049, {0, 0, 0, 0});
  ASSERT_TRUE(poll());
  EXPECT_FALSE(sample.max_charge_voltage);
  EXPECT_FALSE(sample.battery_low_voltage);
  EXPECT_FALSE(sample.max_charge_current);
  EXPECT_FALSE(sample.max_discharge_current);
  battery.place(5049, {148, 0, 0, 10000});
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.max_charge_current, 0.0) << "must not be charged now";
  EXPECT_EQ(sample.max_discharge_current, 100.0);
  EXPECT_FALSE(sample.battery_low_voltage);
}

TEST_F(RenogyTest, switches) {
  struct {
    int status, requests, current;
    std::optional<bool> charge, discharge;
  } const cases[] = {
      {0x000E, 0xC0, 0, true, true},
      {0x000A, 0xC0, 0, true, false},
      {0x010C, 0xC0, 900, false, true},
      {0x0008, 0xC0, 40, false, false},                // noise, no current
      {0x0008, 0xC0, -86, std::nullopt, std::nullopt}, // it cannot flow through open FETs
      {0x0000, 0x00, 0, std::nullopt, std::nullopt},   // not filled
      {0x000E, 0x00, 0, true, true},                   // requests not filled
      {0x000E, 0x40, 0, false, true},                  // charging not permitted
      {0x000E, 0x80, 0, true, false},                  // discharging not permitted
      {0x0000, 0x40, -86, false, std::nullopt},
  };
  for (const auto& c : cases) {
    battery.registers[5106] = c.status;
    battery.registers[5109] = c.requests;
    battery.registers[5042] = c.current;
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.charge_enabled, c.charge) << c.status << " " << c.requests;
    EXPECT_EQ(sample.discharge_enabled, c.discharge) << c.status << " " << c.requests;
  }
}

TEST_F(RenogyTest, requests_and_heater) {
  battery.registers[5107] = 1 << 13 | 1 << 11;
  battery.registers[5109] = 0xC0 | 1 << 5 | 1 << 3;
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.heating, true);
  EXPECT_EQ(sample.charge_requested, true);
  battery.registers[5109] = 0xC0;
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.charge_requested, false);
}

TEST_F(RenogyTest, a_protection_outranks_the_warning_and_each_bit_has_its_alarm) {
  for (const auto& [bit, alarm] : std::map<int, Alarm>{{0, Alarm::HighDischargeCurrent},
                                                       {4, Alarm::HighChargeCurrent},
                                                       {5, Alarm::HighDischargeCurrent},
                                                       {6, Alarm::HighVoltage},
                                                       {7, Alarm::LowCellVoltage},
                                                       {8, Alarm::HighCellVoltage},
                                                       {9, Alarm::HighChargeCurrent},
                                                       {10, Alarm::HighDischargeCurrent},
                                                       {11, Alarm::LowTemperature},
                                                       {12, Alarm::HighTemperature},
                                                       {13, Alarm::LowChargeTemperature},
                                                       {14, Alarm::HighChargeTemperature},
                                                       {15, Alarm::LowVoltage}}) {
    battery.registers[5106] = 1 << bit;
    battery.registers[5107] = 0xFF; // every warning
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.alarms[alarm], 2) << bit;
    EXPECT_EQ(sample.alarms[Alarm::InternalFailure], 0);
  }
  const Alarm warnings[] = {Alarm::LowCellVoltage, Alarm::HighCellVoltage,      Alarm::LowVoltage,
                            Alarm::HighVoltage,    Alarm::LowChargeTemperature, Alarm::HighChargeTemperature,
                            Alarm::LowTemperature, Alarm::HighTemperature};
  battery.registers[5106] = 14;
  for (int bit = 0; bit < 8; ++bit) {
    battery.registers[5107] = 1 << bit;
    battery.registers[5108] = 1 << bit;
    ASSERT_TRUE(poll());
    for (int other = 0; other < 8; ++other) {
      EXPECT_EQ(sample.alarms[warnings[other]], other == bit ? 1 : 0);
    }
    EXPECT_EQ(sample.alarms[Alarm::InternalFailure], 2);
  }
}

TEST_F(RenogyTest, low_soc_is_silent_when_soc_is_counted_elsewhere) {
  battery.place(5044, {0, 5000});
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.alarms[Alarm::LowSoc], 2);
  auto config = at(0x30);
  config.soc_alarms = false;
  Renogy quiet(config);
  Sample out;
  ASSERT_TRUE(battery.run(quiet.poll(out)));
  EXPECT_FALSE(out.alarms[Alarm::LowSoc]);
}

TEST_F(RenogyTest, cycles_with_swapped_bytes) {
  for (const auto& [raw, cycles] :
       std::map<int, std::optional<int>>{{300, 300}, {10'000, 10'000}, {0x2C01, 300}, {0xFFFF, std::nullopt}}) {
    battery.registers[5048] = raw;
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.cycles, cycles) << raw;
  }
}

// -- commands and captures --------------------------------------------------------------

TEST_F(RenogyTest, takes_no_commands) {
  for (auto kind : {CommandKind::force_charging_off, CommandKind::set_soc}) {
    EXPECT_EQ(battery.run(protocol.command({kind, 1, 0})).error().fault, Fault::unsupported);
  }
  EXPECT_TRUE(battery.heard.empty());
}

std::vector<Exchange> recorded(FakeRenogy& battery, const std::vector<std::pair<int, int>>& reads) {
  std::vector<Exchange> out;
  for (const auto& [first, count] : reads) {
    Bytes tx = modbus::read_holding(0x30, static_cast<std::uint16_t>(first), static_cast<std::uint16_t>(count)).tx;
    Bytes rx = battery.answer(tx);
    out.push_back({std::move(tx), std::move(rx)});
  }
  return out;
}

void sort_extras(Sample& out) {
  std::sort(out.extra.begin(), out.extra.end(), [](const Extra& a, const Extra& b) { return a.name < b.name; });
}

TEST_F(RenogyTest, any_recorded_pieces_decode_to_the_same) {
  std::vector<std::vector<std::pair<int, int>>> recordings = {
      {{5000, 34}, {5035, 18}, {5100, 10}, {5110, 26}},
      {{5110, 26}, {5108, 2}, {5100, 8}, {5042, 11}, {5035, 7}, {5018, 16}, {5001, 17}, {5000, 1}},
      {{5001, 2}, {5003, 15}, {5035, 9}, {5044, 1}, {5045, 8}, {5000, 1}, {5018, 16}, {5100, 36}},
      {},
  };
  for (int reg = 5135; reg >= 5000; --reg) {
    if (battery.registers.count(reg) != 0) {
      recordings.back().emplace_back(reg, 1);
    }
  }
  battery.place(5118, {0, 0, 0, 0});
  ASSERT_TRUE(identify());
  ASSERT_TRUE(poll());
  sort_extras(sample);
  for (std::size_t i = 0; i < recordings.size(); ++i) {
    for (std::uint32_t address : {0x30u, 0u}) { // 0: not configured
      ProtocolConfig config;
      config.address = address;
      Renogy fresh(config);
      Identity who;
      Sample out;
      const auto result = replay(fresh, recorded(battery, recordings[i]), who, out);
      ASSERT_TRUE(result) << to_string(result.error());
      sort_extras(out);
      EXPECT_EQ(to_json(out), to_json(sample)) << "recording " << i;
      EXPECT_EQ(who.serial, identity.serial);
      EXPECT_EQ(who.firmware_version, identity.firmware_version);
      EXPECT_EQ(who.model, identity.model);
    }
  }
}

TEST_F(RenogyTest, half_a_recording_tells_half) {
  Identity who;
  ASSERT_TRUE(replay(protocol, recorded(battery, {{5000, 1}, {5001, 2}, {5042, 1}}), who, sample));
  ASSERT_EQ(sample.cell_voltages.size(), 4u);
  EXPECT_EQ(sample.cell_voltages[1], 3.3);
  EXPECT_FALSE(sample.cell_voltages[2]) << "not read";
  EXPECT_EQ(sample.current, -10.0);
  EXPECT_FALSE(sample.voltage);
}

TEST_F(RenogyTest, a_recorded_refusal_alone_is_an_error) {
  battery.most = 0;
  for (const auto& read : {std::pair(5000, 34), {5035, 18}, {5122, 8}, {5042, 4}}) {
    Identity who;
    Renogy fresh(at(0x30));
    const auto result = replay(fresh, recorded(battery, {read}), who, sample);
    ASSERT_FALSE(result) << read.first;
    EXPECT_EQ(result.error().fault, Fault::refused);
  }
}

TEST_F(RenogyTest, a_neighbour_in_the_recording_is_left_out) {
  auto exchanges = recorded(battery, {{5042, 2}});
  Bytes tx = modbus::with_crc({0x31, 3, 0x13, 0xB2, 0, 2});
  exchanges.push_back({tx, modbus::with_crc({0x31, 3, 4, 0, 1, 0, 1})});
  Identity who;
  ASSERT_TRUE(replay(protocol, exchanges, who, sample));
  EXPECT_EQ(sample.voltage, 13.5);
}

} // namespace
} // namespace bmsd::protocols
