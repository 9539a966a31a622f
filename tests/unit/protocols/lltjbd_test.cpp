#include "fake_jbd.hpp"
#include "protocols/lltjbd.hpp"
#include "protocols/lltjbd_frame.hpp"

#include <gtest/gtest.h>

namespace bmsd::protocols {
namespace {

using test::FakeJbd;
using test::hex;

ProtocolConfig writable() {
  ProtocolConfig config;
  config.allow_writes = true;
  return config;
}

Command command(CommandKind kind, double value) {
  Command out;
  out.kind = kind;
  out.value = value;
  return out;
}

// -- frames ---------------------------------------------------------------------

TEST(LltJbdFrame, requests_are_those_of_the_manual) {
  EXPECT_EQ(jbd::read(0x03).tx, hex("dda50300fffd77"));
  EXPECT_EQ(jbd::read(0x04).tx, hex("dda50400fffc77"));
  EXPECT_EQ(jbd::read(0xAA).tx, hex("dda5aa00ff5677"));
  EXPECT_EQ(jbd::write(0x00, 0x5678).tx, hex("dd5a00025678ff3077"));
  EXPECT_EQ(jbd::write(0x01, 0x0000).tx, hex("dd5a01020000fffd77"));
  EXPECT_EQ(jbd::write(0xE1, 0x0003).tx, hex("dd5ae1020003ff1a77"));
  EXPECT_EQ(jbd::write(0x2D, 0x0002).tx, hex("dd5a2d020002ffcf77"));
}

TEST(LltJbdFrame, an_empty_acknowledgement_has_checksum_zero) {
  const auto reply = receive(jbd::write(0xE1, 0), hex("dde10000000077"));
  EXPECT_EQ(reply.error.fault, Fault::none);
}

// -- identification ---------------------------------------------------------------

TEST(LltJbd, tells_who_it_is) {
  FakeJbd board;
  LltJbd protocol({});
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  EXPECT_EQ(identity.protocol, "lltjbd");
  EXPECT_EQ(identity.model, "JBD-SP04S034-L4S-200A-B-U");
  EXPECT_EQ(identity.hardware_version, "8.0");
  EXPECT_EQ(identity.manufacture_date, "2022-03-28");
  EXPECT_EQ(identity.cell_count, 4);
  EXPECT_EQ(identity.capacity_full, 5.0);
  EXPECT_EQ(identity.unique_id, "80_5.0Ah");
  EXPECT_EQ(identity.capabilities, Capabilities{});
}

TEST(LltJbd, identification_writes_nothing) {
  FakeJbd board;
  LltJbd protocol(writable());
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  for (const auto& tx : board.heard) {
    EXPECT_EQ(tx[1], 0xA5) << to_hex(tx);
  }
  EXPECT_EQ(identity.capabilities, LltJbd::kCapabilities);
}

TEST(LltJbd, unique_id_keeps_the_spelling_of_the_capacity) {
  FakeJbd board;
  board.registers[0x03][6] = 0x4A, board.registers[0x03][7] = 0xDF; // 191.67 Ah
  board.registers[0x03][18] = 0x1A;
  Identity identity;
  LltJbd protocol({});
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  EXPECT_EQ(identity.unique_id, "110_191.67Ah");
  EXPECT_EQ(identity.hardware_version, "1.10");
}

TEST(LltJbd, an_implausible_cell_count_is_another_device) {
  for (int cells : {0, 33, 255}) {
    FakeJbd board;
    board.registers[0x03][21] = static_cast<std::uint8_t>(cells);
    Identity identity;
    LltJbd protocol({});
    const auto result = board.run(protocol.identify(identity));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().fault, Fault::implausible);
  }
}

TEST(LltJbd, a_sleeping_board_is_asked_twice) {
  FakeJbd board;
  board.sleeping = 1;
  Identity identity;
  LltJbd protocol({});
  EXPECT_TRUE(board.run(protocol.identify(identity)));
  board.sleeping = 2;
  EXPECT_FALSE(board.run(protocol.identify(identity)));
}

// -- settings -----------------------------------------------------------------------

TEST(LltJbd, settings_are_told_with_every_sample) {
  FakeJbd board;
  LltJbd protocol({});
  Identity identity;
  ASSERT_TRUE(board.run(protocol.settings(identity)));
  EXPECT_FALSE(board.factory_mode);
  for (int i = 0; i < 2; ++i) {
    Sample sample;
    ASSERT_TRUE(board.run(protocol.poll(sample)));
    EXPECT_EQ(sample.max_charge_current, 230.0);
    EXPECT_EQ(sample.max_discharge_current, 230.0);
    EXPECT_EQ(sample.balancer_enabled, true);
    EXPECT_EQ(std::get<double>(sample.extra.at(0).value), 224.0);
  }
}

TEST(LltJbd, factory_mode_is_left_without_saving_whatever_happens) {
  for (int broken : {0x00, 0x11, 0x28, 0x29, 0x2D}) {
    for (bool silent : {false, true}) {
      FakeJbd board;
      (silent ? board.silent : board.refused).insert(broken);
      LltJbd protocol({});
      Identity identity;
      (void)board.run(protocol.settings(identity));
      EXPECT_FALSE(board.factory_mode) << "register " << broken;
      ASSERT_GE(board.writes_to(0x01), 1);
      EXPECT_EQ(board.heard.back(), hex("dd5a01020000fffd77"));
    }
  }
}

TEST(LltJbd, one_unreadable_setting_costs_only_itself) {
  FakeJbd board;
  board.refused = {0x28};
  LltJbd protocol({});
  Identity identity;
  EXPECT_TRUE(board.run(protocol.settings(identity)));
  Sample sample;
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_FALSE(sample.max_charge_current);
  EXPECT_EQ(sample.max_discharge_current, 230.0);
}

TEST(LltJbd, a_board_that_stays_in_factory_mode_is_reported) {
  FakeJbd board;
  board.silent = {0x01};
  LltJbd protocol({});
  Identity identity;
  EXPECT_FALSE(board.run(protocol.settings(identity)));
}

// -- poll -------------------------------------------------------------------------

TEST(LltJbd, both_registers_must_answer) {
  for (int broken : {0x03, 0x04}) {
    FakeJbd board;
    board.silent = {broken};
    LltJbd protocol({});
    Sample sample;
    const auto result = board.run(protocol.poll(sample));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().fault, Fault::timeout);
  }
}

TEST(LltJbd, cells_follow_the_count_of_the_same_cycle) {
  FakeJbd board;
  LltJbd protocol({});
  Sample sample;
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_EQ(sample.cell_voltages.size(), 4u);
  board.registers[0x03][21] = 5;
  Sample next;
  EXPECT_FALSE(board.run(protocol.poll(next)));
  board.registers[0x04] = hex("0f450f3d0f370f3d0f40");
  Sample last;
  ASSERT_TRUE(board.run(protocol.poll(last)));
  EXPECT_EQ(last.cell_voltages.size(), 5u);
  EXPECT_EQ(last.balancing_cells.size(), 5u);
}

TEST(LltJbd, who_says_what_cannot_be_true_is_no_jbd) {
  for (const auto& [offset, value] : {std::pair<std::size_t, std::uint8_t>{19, 101}, {0, 0x20}}) {
    FakeJbd board;
    board.registers[0x03][offset] = value;
    LltJbd protocol({});
    Identity identity;
    const auto result = board.run(protocol.identify(identity));
    ASSERT_FALSE(result) << offset;
    EXPECT_EQ(result.error().fault, Fault::implausible);
  }
}

TEST(LltJbd, what_a_known_board_says_is_handed_on_true_or_not) {
  FakeJbd board;
  LltJbd protocol({});
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  board.registers[0x03][19] = 200; // SoC
  board.registers[0x03][20] = 0;   // both FETs off
  board.registers[0x04][2] = 0x20; // 8 V
  Sample sample;
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_EQ(sample.soc, 200);
  EXPECT_EQ(sample.charge_enabled, false);
  EXPECT_GT(sample.cell_voltages[1], 8.0);
}

TEST(LltJbd, another_board_on_the_line_does_not_speak_for_the_one_that_was_found) {
  FakeJbd board;
  LltJbd protocol({});
  Identity identity;
  Sample sample;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  board.registers[0x03][6] ^= 1; // another capacity
  Sample other;
  const auto result = board.run(protocol.poll(other));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::implausible);
  EXPECT_EQ(other, Sample()) << "nothing of it is a reason for anything";
}

TEST(LltJbd, open_probes_are_absent) {
  FakeJbd board;
  board.registers[0x03][23] = 0, board.registers[0x03][24] = 0;       // -273.1
  board.registers[0x03][25] = 0xFF, board.registers[0x03][26] = 0xFF; // 6280
  LltJbd protocol({});
  Sample sample;
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_FALSE(sample.temperatures.mos);
  EXPECT_FALSE(sample.temperatures.battery[0]);
  EXPECT_NEAR(*sample.temperatures.battery[1], 21.7, 1e-9);
}

TEST(LltJbd, the_mosfet_sensor_is_a_setting) {
  FakeJbd board;
  ProtocolConfig config;
  config.options["mos_sensor"] = "0";
  LltJbd protocol(config);
  Sample sample;
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_FALSE(sample.temperatures.mos);
  EXPECT_NEAR(*sample.temperatures.battery[0], 22.4, 1e-9);
  EXPECT_NEAR(*sample.temperatures.battery[2], 21.7, 1e-9);
}

TEST(LltJbd, low_soc_is_silent_when_soc_is_counted_elsewhere) {
  FakeJbd board;
  board.registers[0x03][19] = 5;
  ProtocolConfig config;
  config.soc_alarms = false;
  LltJbd quiet(config), loud({});
  Sample sample;
  ASSERT_TRUE(board.run(quiet.poll(sample)));
  EXPECT_FALSE(sample.alarms[Alarm::LowSoc]);
  ASSERT_TRUE(board.run(loud.poll(sample)));
  EXPECT_EQ(sample.alarms[Alarm::LowSoc], 2);
}

// -- commands -----------------------------------------------------------------------

TEST(LltJbd, writes_nothing_unless_allowed) {
  FakeJbd board;
  LltJbd protocol({});
  for (auto kind : {CommandKind::force_charging_off, CommandKind::force_discharging_off,
                    CommandKind::turn_balancing_off, CommandKind::set_soc}) {
    const auto result = board.run(protocol.command(command(kind, 1)));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().fault, Fault::rejected);
  }
  EXPECT_TRUE(board.heard.empty());
}

TEST(LltJbd, values_that_mean_nothing_are_rejected) {
  FakeJbd board;
  LltJbd protocol(writable());
  EXPECT_EQ(board.run(protocol.command(command(CommandKind::force_charging_off, 2))).error().fault, Fault::rejected);
  EXPECT_EQ(board.run(protocol.command(command(CommandKind::set_soc, 101))).error().fault, Fault::rejected);
  EXPECT_EQ(board.run(protocol.command(command(CommandKind::set_soc, std::nan("")))).error().fault, Fault::rejected);
  EXPECT_EQ(board.run(protocol.command(command(CommandKind::turn_heating_off, 1))).error().fault, Fault::unsupported);
  EXPECT_TRUE(board.heard.empty());
}

TEST(LltJbd, each_fet_switch_leaves_the_other_alone) {
  FakeJbd board;
  LltJbd protocol(writable());
  ASSERT_TRUE(board.run(protocol.command(command(CommandKind::force_charging_off, 1))));
  EXPECT_EQ(board.heard.at(0), hex("dd5ae1020001ff1c77"));
  EXPECT_EQ(board.heard.at(1), hex("dd5a01020000fffd77"));
  ASSERT_TRUE(board.run(protocol.command(command(CommandKind::force_discharging_off, 1))));
  EXPECT_EQ(board.heard.at(2), hex("dd5ae1020003ff1a77"));
  ASSERT_TRUE(board.run(protocol.command(command(CommandKind::force_charging_off, 0))));
  EXPECT_EQ(board.heard.at(4), hex("dd5ae1020002ff1b77"));
}

TEST(LltJbd, a_protection_trip_does_not_lock_a_fet_for_good) {
  FakeJbd board;
  LltJbd protocol(writable());
  Sample sample;
  board.registers[0x03][17] = 0x01; // cell overvoltage: the BMS has opened the charge FET itself
  board.registers[0x03][20] = 0x02;
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  ASSERT_TRUE(board.run(protocol.command(command(CommandKind::force_discharging_off, 1))));
  EXPECT_EQ(board.heard.at(2), hex("dd5ae1020002ff1b77")); // discharge off, charge not commanded off
}

TEST(LltJbd, a_lock_from_before_the_start_is_kept) {
  FakeJbd board;
  board.registers[0x03][16] = 0x10; // locked by software
  board.registers[0x03][20] = 0x02; // the charge FET
  LltJbd protocol(writable());
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  board.heard.clear();
  ASSERT_TRUE(board.run(protocol.command(command(CommandKind::force_discharging_off, 1))));
  EXPECT_EQ(board.heard.at(0), hex("dd5ae1020003ff1a77"));
}

TEST(LltJbd, only_an_acknowledged_switch_counts) {
  FakeJbd board;
  board.silent = {0xE1};
  LltJbd protocol(writable());
  EXPECT_EQ(board.run(protocol.command(command(CommandKind::force_charging_off, 1))).error().fault, Fault::timeout);
  board.silent.clear();
  board.refused = {0xE1};
  EXPECT_EQ(board.run(protocol.command(command(CommandKind::force_charging_off, 1))).error().fault, Fault::refused);
}

TEST(LltJbd, the_balancer_bit_alone_is_changed) {
  FakeJbd board;
  board.registers[0x2D] = hex("03ff");
  LltJbd protocol(writable());
  ASSERT_TRUE(board.run(protocol.command(command(CommandKind::turn_balancing_off, 1))));
  EXPECT_EQ(board.registers[0x2D], hex("03fb"));
  EXPECT_FALSE(board.factory_mode);
  Sample sample;
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_EQ(sample.balancer_enabled, false);
  ASSERT_TRUE(board.run(protocol.command(command(CommandKind::turn_balancing_off, 0))));
  EXPECT_EQ(board.registers[0x2D], hex("03ff"));
}

TEST(LltJbd, a_failed_balancer_command_leaves_factory_mode) {
  FakeJbd board;
  board.refused = {0x2D};
  LltJbd protocol(writable());
  EXPECT_EQ(board.run(protocol.command(command(CommandKind::turn_balancing_off, 1))).error().fault, Fault::refused);
  EXPECT_FALSE(board.factory_mode);
}

TEST(LltJbd, a_new_soc_counts_when_it_is_read_back) {
  FakeJbd board;
  LltJbd protocol(writable());
  ASSERT_TRUE(board.run(protocol.command(command(CommandKind::set_soc, 40))));
  EXPECT_EQ(board.registers[0x03][19], 40);
  EXPECT_FALSE(board.factory_mode);

  FakeJbd deaf;
  deaf.honest = false;
  const auto result = deaf.run(protocol.command(command(CommandKind::set_soc, 40)));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::unsupported);
}

} // namespace
} // namespace bmsd::protocols
