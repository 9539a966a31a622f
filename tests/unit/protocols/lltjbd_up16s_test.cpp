#include "fake_up16s.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/lltjbd.hpp"
#include "protocols/lltjbd_up16s.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bmsd::protocols {
namespace {

using test::FakeUp16s;
using test::hex;
using Board = FakeUp16s;

ProtocolConfig at(std::uint32_t address) {
  ProtocolConfig config;
  config.address = address;
  config.allow_writes = true;
  return config;
}

Command command(CommandKind kind, double value) {
  Command out;
  out.kind = kind;
  out.value = value;
  return out;
}

/// What a master answers for a slave: nothing but the pack status.
FakeUp16s slave() {
  FakeUp16s board;
  board.silent = {Board::kCounters, Board::kOwn, Board::kParameters, Board::kProduct};
  return board;
}

struct LltJbdUp16sTest : testing::Test {
  FakeUp16s board;
  LltJbdUp16s protocol{at(1)};
  Identity identity;
  Sample sample;

  void start() {
    ASSERT_TRUE(board.run(protocol.identify(identity)));
    ASSERT_TRUE(board.run(protocol.settings(identity)));
    board.heard.clear();
  }
  Result<void> poll() {
    sample = {};
    return board.run(protocol.poll(sample));
  }
  Fault fault_of(CommandKind kind, double value) {
    const auto result = board.run(protocol.command(command(kind, value)));
    return result ? Fault::none : result.error().fault;
  }
  void set_status(std::size_t offset, unsigned word) {
    board.blocks[Board::kStatus][offset] = static_cast<std::uint8_t>(word >> 8);
    board.blocks[Board::kStatus][offset + 1] = static_cast<std::uint8_t>(word);
  }
};

// -- identification ---------------------------------------------------------------

TEST_F(LltJbdUp16sTest, tells_who_it_is) {
  start();
  EXPECT_EQ(identity.protocol, "lltjbd_up16s");
  EXPECT_EQ(identity.label, "JBD UP16S");
  EXPECT_EQ(identity.unique_id, "UP16S015000000000000000000");
  EXPECT_EQ(identity.serial, "UP16S015000000000000000000");
  EXPECT_EQ(identity.model, "UP16S015.16S200A");
  EXPECT_EQ(identity.manufacturer, "888888");
  EXPECT_EQ(identity.hardware_version,
            "JBD UP16S015.16S200A, model 33, HW rev 3, FW v12.1.7, BMS 2025.05.07, Pack 2025.04.06");
  EXPECT_EQ(identity.firmware_version, "12.1");
  EXPECT_EQ(identity.manufacture_date, "BMS 2025.05.07, Pack 2025.04.06");
  EXPECT_EQ(identity.cell_count, 16);
  EXPECT_EQ(identity.capacity_full, 320.0);
  EXPECT_EQ(identity.capabilities, LltJbdUp16s::kCapabilities);
}

TEST_F(LltJbdUp16sTest, identification_writes_nothing) {
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  ASSERT_TRUE(board.run(protocol.settings(identity)));
  for (const auto& tx : board.heard) {
    EXPECT_NE(tx[1], up16s::kWrite) << to_hex(tx);
  }
}

TEST_F(LltJbdUp16sTest, the_serial_number_is_worth_five_tries) {
  board.deaf[Board::kParameters] = 4;
  board.deaf[Board::kProduct] = 4;
  start();
  EXPECT_EQ(identity.unique_id, "UP16S015000000000000000000");
  EXPECT_EQ(identity.model, "UP16S015.16S200A");
}

TEST(LltJbdUp16s, a_slave_is_known_by_pack_serial_capacity_and_address) {
  for (std::uint32_t address : {2U, 3U}) {
    auto board = slave();
    LltJbdUp16s protocol(at(address));
    Identity identity;
    ASSERT_TRUE(board.run(protocol.identify(identity)));
    ASSERT_TRUE(board.run(protocol.settings(identity)));
    EXPECT_EQ(identity.unique_id, "JBD87654321_314.0_" + std::to_string(address));
    EXPECT_EQ(identity.serial, "");
    EXPECT_EQ(identity.hardware_version, "JBD UP 16S, FW ver 12.1");
    EXPECT_FALSE(identity.capabilities.soc_reset);
    EXPECT_EQ(board.asked(Board::kProduct), 0);
  }
}

TEST_F(LltJbdUp16sTest, a_master_without_serial_number) {
  for (const auto& [raw, capacity] : {std::pair{"2710", "100.0"}, {"2715", "100.05"}, {"2716", "100.06"}}) {
    LltJbdUp16s fresh(at(0)); // the master
    board.blocks[Board::kParameters] = Bytes(134);
    std::copy_n(hex(raw).begin(), 2, board.blocks[Board::kStatus].begin() + 14);
    Identity who;
    ASSERT_TRUE(board.run(fresh.identify(who)));
    EXPECT_EQ(who.unique_id, std::string("JBD87654321_") + capacity);
    EXPECT_EQ(who.manufacture_date, "");
    EXPECT_EQ(who.hardware_version, "JBD UP16S015.16S200A, model 33, HW rev 3, FW v12.1.7");
  }
}

TEST(LltJbdUp16s, a_battery_at_the_other_end_of_the_chain_can_be_refused) {
  auto config = at(2);
  config.options["require_direct_connection"] = "true";
  auto far = slave();
  Identity identity;
  LltJbdUp16s refused(config);
  EXPECT_EQ(far.run(refused.identify(identity)).error().fault, Fault::timeout);
  FakeUp16s near;
  LltJbdUp16s accepted(config);
  EXPECT_TRUE(near.run(accepted.identify(identity)));
}

TEST(LltJbdUp16s, comes_before_the_protocol_that_these_boards_answer_too) {
  EXPECT_LT(LltJbdUp16s::kInfo.detect_order, LltJbd::kInfo.detect_order);
  EXPECT_GE(LltJbdUp16s::kInfo.detect_order, 0);
}

TEST(LltJbdUp16s, and_jbd_boards_do_not_know_each_other) {
  FakeUp16s board;
  Identity identity;
  LltJbd other({});
  EXPECT_FALSE(board.run(other.identify(identity)));
  LltJbdUp16s protocol(at(1));
  EXPECT_FALSE(test::run(protocol.identify(identity), [](const Bytes&) {
    return hex("dd03001d0618000001f201f400002c7c00000000000080640304030b8b0b8a0b84fa8d77");
  }));
}

// -- poll -------------------------------------------------------------------------

TEST_F(LltJbdUp16sTest, a_master_tells_everything) {
  start();
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.soc, 62.85);
  EXPECT_EQ(sample.max_charge_current, 100.0);
  EXPECT_EQ(sample.max_discharge_current, 200.0);
  EXPECT_EQ(sample.max_charge_voltage, 57.6);
  EXPECT_EQ(sample.battery_low_voltage, 43.2);
  EXPECT_EQ(sample.total_ah_drawn, 791.4);
  EXPECT_EQ(board.heard.size(), 3u);
}

TEST(LltJbdUp16s, a_slave_has_what_its_master_tells) {
  auto board = slave();
  LltJbdUp16s protocol(at(2));
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  ASSERT_TRUE(board.run(protocol.settings(identity)));
  for (int i = 0; i < 10; ++i) {
    Sample sample;
    ASSERT_TRUE(board.run(protocol.poll(sample)));
    EXPECT_EQ(sample.soc, 62.0);
    EXPECT_EQ(sample.max_charge_current, 240.0);
    EXPECT_EQ(sample.max_discharge_current, 550.0);
  }
  EXPECT_EQ(board.asked(Board::kCounters), 2 + 4); // not for ever
  EXPECT_EQ(board.asked(Board::kOwn, up16s::kReadOwn), 0);
}

TEST_F(LltJbdUp16sTest, the_soc_of_a_master_is_open_until_it_is_certain_that_there_are_no_counters) {
  board.silent = {Board::kCounters};
  start();
  EXPECT_FALSE(identity.capabilities.soc_reset);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(poll());
    EXPECT_FALSE(sample.soc);
  }
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.soc, 62.0);
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.soc, 62.0);
  EXPECT_EQ(board.asked(Board::kCounters), 4);
}

TEST_F(LltJbdUp16sTest, counters_that_fail_for_once) {
  start();
  ASSERT_TRUE(poll());
  board.silent = {Board::kCounters};
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.soc, 62.85); // nearer than 62
  EXPECT_FALSE(sample.total_ah_drawn);
  set_status(8, 6400);
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.soc, 64.0);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(poll());
  }
  board.silent.clear();
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.soc, 62.85);
}

TEST_F(LltJbdUp16sTest, counters_that_cannot_be_true_are_none) {
  start();
  for (const auto& bad : {hex("2711006400030096005000001974"), hex("271100640003009600500000197400001eea"), Bytes{0x18},
                          hex("188d00640003009600500000197400001e")}) {
    board.blocks[Board::kCounters] = bad;
    LltJbdUp16s fresh(at(1));
    sample = {};
    ASSERT_TRUE(board.run(fresh.poll(sample)));
    EXPECT_FALSE(sample.soc);
  }
}

TEST_F(LltJbdUp16sTest, limits_of_the_chain_are_not_those_of_the_battery) {
  board.silent = {Board::kOwn};
  start();
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(poll());
    EXPECT_FALSE(sample.max_charge_current);
    EXPECT_FALSE(sample.max_discharge_current);
  }
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.max_charge_current, 240.0);
  EXPECT_EQ(sample.max_discharge_current, 550.0);
}

TEST_F(LltJbdUp16sTest, own_limits_told_once_are_necessary) {
  start();
  ASSERT_TRUE(poll());
  board.silent = {Board::kOwn};
  EXPECT_EQ(poll().error().fault, Fault::timeout);
  board.silent.clear();
  board.blocks[Board::kOwn].resize(98);
  EXPECT_EQ(poll().error().fault, Fault::truncated);
}

TEST_F(LltJbdUp16sTest, any_number_of_cells_and_sensors) {
  start();
  auto& status = board.blocks[Board::kStatus];
  const Bytes tail(status.begin() + 68 + 32 + 10, status.end());
  for (unsigned cells : {1U, 15U, 16U, 32U}) {
    for (unsigned sensors : {0U, 1U, 6U, 16U}) {
      status.resize(68);
      status[67] = static_cast<std::uint8_t>(cells);
      set_status(0, 330 * cells);
      for (unsigned i = 0; i < cells; ++i) {
        status.insert(status.end(), {0x0C, 0xE4});
      }
      status.insert(status.end(), {0, static_cast<std::uint8_t>(sensors)});
      for (unsigned i = 0; i < sensors; ++i) {
        status.insert(status.end(), {0x01, 0xF3});
      }
      status.insert(status.end(), tail.begin(), tail.end());
      ASSERT_TRUE(poll());
      EXPECT_EQ(sample.cell_voltages.size(), cells);
      EXPECT_EQ(sample.balancing_cells.size(), cells);
      for (std::size_t i = 0; i < kMaxTemperatures; ++i) {
        EXPECT_EQ(sample.temperatures.battery[i], i < sensors ? std::optional(-0.1) : std::nullopt);
      }
    }
  }
}

TEST_F(LltJbdUp16sTest, impossible_values_refuse_the_whole_sample) {
  start();
  const Bytes good = board.blocks[Board::kStatus];
  for (const auto& [offset, word] : {std::pair{0U, 9000U},
                                     {4, 0xFFFF},
                                     {8, 10001},
                                     {22, 101},
                                     {40, 5001},
                                     {44, 5001},
                                     {66, 0},
                                     {66, 33},
                                     {68, 5001},
                                     {100, 17}}) {
    board.blocks[Board::kStatus] = good;
    set_status(offset, word);
    const auto result = poll();
    ASSERT_FALSE(result) << offset;
    EXPECT_EQ(result.error().fault, Fault::implausible) << offset;
  }
}

TEST_F(LltJbdUp16sTest, what_is_not_there_is_absent) {
  start();
  for (std::size_t offset : {16U, 18U, 12U, 58U, 62U, 102U}) {
    set_status(offset, 0);
  }
  set_status(104, 0xFFFF);
  ASSERT_TRUE(poll());
  EXPECT_FALSE(sample.temperatures.mos);
  EXPECT_FALSE(sample.temperatures.battery[0]);
  EXPECT_FALSE(sample.temperatures.battery[1]);
  EXPECT_EQ(sample.temperatures.battery[2], 12.3);
  EXPECT_FALSE(sample.capacity_full);
  EXPECT_FALSE(sample.max_charge_voltage);
  EXPECT_FALSE(sample.battery_low_voltage);
}

TEST_F(LltJbdUp16sTest, a_pack_status_of_every_length) {
  start();
  const Bytes whole = board.blocks[Board::kStatus];
  const std::size_t necessary = 68 + 32 + 2 + 8 + 36;
  for (std::size_t size = 1; size <= whole.size(); ++size) {
    board.blocks[Board::kStatus].assign(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto result = poll();
    EXPECT_EQ(result.has_value(), size >= necessary) << size;
    if (!result) {
      EXPECT_EQ(result.error().fault, Fault::truncated) << size;
    }
  }
}

TEST(LltJbdUp16s, blocks_of_every_length) {
  for (unsigned block : {Board::kParameters, Board::kProduct, Board::kCounters, Board::kOwn}) {
    const std::size_t whole = FakeUp16s().blocks[block].size();
    for (std::size_t size = 1; size <= whole; ++size) {
      FakeUp16s board;
      board.blocks[block].resize(size);
      LltJbdUp16s protocol(at(1));
      Identity identity;
      Sample sample;
      ASSERT_TRUE(board.run(protocol.identify(identity)));
      ASSERT_TRUE(board.run(protocol.settings(identity)));
      ASSERT_TRUE(board.run(protocol.poll(sample)));
      EXPECT_EQ(identity.serial.empty(), block == Board::kParameters && size < 118);
      EXPECT_EQ(identity.model.empty(), identity.serial.empty() || (block == Board::kProduct && size < 44));
      EXPECT_EQ(sample.soc.has_value(), block != Board::kCounters || size >= 18);
      EXPECT_EQ(sample.max_charge_current.has_value(), block != Board::kOwn || size >= 100);
    }
  }
}

TEST_F(LltJbdUp16sTest, truncated_answers_are_errors) {
  start();
  for (std::size_t cut = 1; cut < 168; ++cut) {
    board.cut = cut;
    const auto result = poll();
    ASSERT_FALSE(result) << cut;
    EXPECT_EQ(result.error().fault, Fault::timeout) << cut;
  }
}

// -- alarms -----------------------------------------------------------------------

TEST_F(LltJbdUp16sTest, alarms_that_this_bms_has_are_known) {
  start();
  ASSERT_TRUE(poll());
  int known = 0;
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    known += sample.alarms.at(i).has_value() ? 1 : 0;
    EXPECT_EQ(sample.alarms.at(i).value_or(0), 0);
  }
  EXPECT_EQ(known, 14);
}

TEST_F(LltJbdUp16sTest, a_full_battery_can_be_quiet) {
  start();
  set_status(24, 1U << (25 - 16));
  set_status(28, 1U << (18 - 16));
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.alarms[Alarm::HighVoltage], AlarmLevel{1});
  auto config = at(1);
  config.options["quiet_full_charge"] = "true";
  LltJbdUp16s quiet(config);
  sample = {};
  ASSERT_TRUE(board.run(quiet.poll(sample)));
  EXPECT_EQ(sample.alarms[Alarm::HighVoltage], AlarmLevel{0});
  set_status(26, 1U << 2);
  sample = {};
  ASSERT_TRUE(board.run(quiet.poll(sample)));
  EXPECT_EQ(sample.alarms[Alarm::HighVoltage], AlarmLevel{2});
}

TEST_F(LltJbdUp16sTest, no_alarm_of_a_soc_that_is_not_used) {
  set_status(26, 2);
  set_status(24, 1U << 1);
  auto config = at(1);
  config.soc_alarms = false;
  LltJbdUp16s other(config);
  ASSERT_TRUE(board.run(other.poll(sample)));
  EXPECT_FALSE(sample.alarms[Alarm::LowSoc]);
  EXPECT_EQ(sample.alarms[Alarm::LowCellVoltage], AlarmLevel{2});
}

// -- commands ---------------------------------------------------------------------

TEST_F(LltJbdUp16sTest, sets_the_soc) {
  start();
  for (double soc : {0.0, 40.25, 98.0, 100.0}) {
    EXPECT_EQ(fault_of(CommandKind::set_soc, soc), Fault::none);
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.soc, soc);
  }
  EXPECT_EQ(board.asked(0x2006, up16s::kWrite), 4);
}

TEST_F(LltJbdUp16sTest, a_soc_that_is_not_acknowledged_was_not_set) {
  start();
  board.deaf[Board::kCounters] = 2; // the write and the counters have the same address
  EXPECT_EQ(fault_of(CommandKind::set_soc, 40), Fault::none);
  board.silent = {Board::kCounters};
  EXPECT_EQ(fault_of(CommandKind::set_soc, 50), Fault::timeout);
  board.silent.clear();
  board.acknowledges_with_data = true;
  EXPECT_EQ(fault_of(CommandKind::set_soc, 50), Fault::framing);
}

TEST_F(LltJbdUp16sTest, a_bms_that_lies_is_found_out) {
  start();
  board.honest = false;
  EXPECT_EQ(fault_of(CommandKind::set_soc, 40), Fault::unsupported);
  EXPECT_EQ(fault_of(CommandKind::set_soc, 62), Fault::none); // is so already
}

TEST_F(LltJbdUp16sTest, nothing_else_is_written) {
  start();
  for (auto kind : {CommandKind::force_charging_off, CommandKind::force_discharging_off,
                    CommandKind::turn_balancing_off, CommandKind::turn_heating_off}) {
    EXPECT_EQ(fault_of(kind, 1), Fault::unsupported);
  }
  EXPECT_EQ(fault_of(CommandKind::set_soc, 100.5), Fault::rejected);
  EXPECT_EQ(fault_of(CommandKind::set_soc, -1), Fault::rejected);
  LltJbdUp16s locked({});
  ASSERT_TRUE(board.run(locked.settings(identity)));
  EXPECT_EQ(board.run(locked.command(command(CommandKind::set_soc, 50))).error().fault, Fault::rejected);
  LltJbdUp16s far(at(2));
  auto other = slave();
  ASSERT_TRUE(other.run(far.settings(identity)));
  EXPECT_EQ(other.run(far.command(command(CommandKind::set_soc, 50))).error().fault, Fault::unsupported);
  EXPECT_EQ(board.asked(0x2006, up16s::kWrite) + other.asked(0x2006, up16s::kWrite), 0);
}

// -- captures ---------------------------------------------------------------------

TEST(LltJbdUp16s, a_wider_block_holds_the_counters_too) {
  const LltJbdUp16s any({}), second(at(2));
  const Bytes wanted = up16s::read(2, {up16s::kRead, 0x2006, 0x2018}).tx;
  const auto request = [](std::uint8_t address, const up16s::Block& block) { return up16s::read(address, block).tx; };
  EXPECT_TRUE(second.same_request(wanted, request(2, {up16s::kRead, 0x2000, 0x2050})));
  EXPECT_TRUE(any.same_request(wanted, request(1, {up16s::kRead, 0x2006, 0x2018})));
  EXPECT_FALSE(second.same_request(wanted, request(1, {up16s::kRead, 0x2006, 0x2018})));
  EXPECT_FALSE(second.same_request(wanted, request(2, {up16s::kRead, 0x2008, 0x2018})));
  EXPECT_FALSE(second.same_request(wanted, request(2, {up16s::kRead, 0x2006, 0x2010})));
  EXPECT_FALSE(second.same_request(wanted, up16s::write(2, {up16s::kWrite, 0x2006, 0x2018}, 0).tx));
  EXPECT_FALSE(second.same_request(wanted, hex("0278")));
}

} // namespace
} // namespace bmsd::protocols
