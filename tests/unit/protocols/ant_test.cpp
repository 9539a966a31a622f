#include "protocols/ant.hpp"
#include "protocols/ant_frame.hpp"
#include "protocols/capture.hpp"
#include "protocols/core/checksum.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace bmsd::protocols {
namespace {

using test::hex;

// -- a board ----------------------------------------------------------------------

Bytes put16(Bytes frame, std::size_t at, int value, bool little) {
  frame[at + (little ? 1 : 0)] = static_cast<std::uint8_t>(value >> 8);
  frame[at + (little ? 0 : 1)] = static_cast<std::uint8_t>(value);
  return frame;
}

Bytes summed(Bytes frame) {
  return put16(frame, 138, sum16(ByteView(frame).subspan(4, 134)), false);
}

/// A reply of 2021 around `data`.
Bytes framed(int function, int address, const Bytes& data) {
  Bytes out(6 + data.size() + 2);
  out[0] = 0x7E, out[1] = 0xA1, out[2] = static_cast<std::uint8_t>(function);
  out = put16(out, 3, address, true);
  out[5] = static_cast<std::uint8_t>(data.size());
  std::copy(data.begin(), data.end(), out.begin() + 6);
  out = put16(out, 6 + data.size(), crc16_modbus(ByteView(out).subspan(1, 5 + data.size())), true);
  out.push_back(0xAA);
  out.push_back(0x55);
  return out;
}

/// Recordings: 8 cells, charging with 10.7 A; 16 cells, 2 sensors, discharging with 0.3 A.
const Bytes kStatus2019 =
    hex("aa55aaff010b0d0c0d0c0d0b0d0a0d0c0d0b0d0c0d0c00000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000ffffff95290000000002e3db950126226301b16eba000f000f000d000d00"
        "0000000101000000000000fffffee3010d0c040d0a0d0b080000007e007a000000000000040f0edf");
const Bytes kData2021 =
    hex("05010210000000000000000080008001000000000000000000000000e40ce40ce50ce50ce80ce70ce70ce60ce80ce70ce70c"
        "e70ce70ce70ce60ce90c0100020002000700a41403005b006400010100000076b010d5670e0fba324a000f00000010582e02"
        "00000000e90c1000e40c01000500e60c000080007a000f02f2fab98c3b00bbd85800da2d4300e8b64900");
constexpr std::size_t kTail2021 = 34 - 6 + 2 * 18; // of that status, the MOSFET's temperature

struct FakeAnt {
  explicit FakeAnt(bool old) : is_old(old) {}

  bool is_old;
  Bytes status_2019 = kStatus2019;
  Bytes data_2021 = kData2021;
  std::map<int, Bytes> settings = {{0x68, hex("e803")}, {0x6C, hex("d007")}};
  std::set<int> silent; ///< functions of 2021, addresses of 2019 writes, that are not answered
  std::string password; ///< of 2021; empty: none wanted
  std::string read_as = "5a5a";
  bool locked = false;
  bool lies = false; ///< acknowledges and does nothing
  int slow = 0;      ///< status answers until a FET shows what it was told
  std::vector<Bytes> heard;

  Result<void> run(Script script) {
    return test::run(std::move(script), [this](const Bytes& tx) { return answer(tx); });
  }
  Bytes answer(const Bytes& tx) {
    heard.push_back(tx);
    return tx[0] == 0x7E ? (is_old ? Bytes() : answer_2021(tx)) : (is_old ? answer_2019(tx) : Bytes());
  }
  Bytes answer_2021(const Bytes& tx) {
    const int function = tx[2], address = tx[3] | tx[4] << 8;
    if (silent.count(function) != 0) {
      return {};
    }
    switch (function) {
    case 0x01: return framed(0x11, 0, data_2021);
    case 0x02: return settings.count(address) != 0 ? framed(0x12, address, settings[address]) : Bytes();
    case 0x23:
      if (std::string(tx.begin() + 6, tx.end() - 4) == password) {
        password.clear();
      }
      return framed(0x43, address, hex("0500"));
    default: return framed(0x61, address, hex(password.empty() ? "0100" : "0300"));
    }
  }
  Bytes answer_2019(const Bytes& tx) {
    if (tx[0] != 0xA5) {
      if (to_hex(tx).substr(0, 4) != read_as) {
        return {};
      }
      if (slow > 0 && --slow == 0) {
        status_2019[told_at] = told;
      }
      return summed(status_2019);
    }
    if (silent.count(tx[2]) != 0) {
      return {};
    }
    if (tx[2] == 0xF4) {
      locked = tx != hex("a5a5f4373863");
    }
    if (locked) {
      return hex("a5a5f50001f6");
    }
    if (!lies && (tx[2] == 0xF9 || tx[2] == 0xFA)) {
      told_at = tx[2] == 0xFA ? 103 : 104;
      told = tx[4] != 0 ? 1 : 15;
      slow = std::max(slow, 1);
    }
    return tx;
  }
  int count(const std::string& start) const {
    return static_cast<int>(std::count_if(
        heard.begin(), heard.end(), [&](const Bytes& tx) { return to_hex(tx).substr(0, start.size()) == start; }));
  }

private:
  std::size_t told_at = 0;
  std::uint8_t told = 0;
};

ProtocolConfig writable() {
  ProtocolConfig config;
  config.allow_writes = true;
  return config;
}

ProtocolConfig with(const std::string& name, const std::string& value) {
  ProtocolConfig config = writable();
  config.options[name] = value;
  return config;
}

struct Talk {
  explicit Talk(FakeAnt& fake, const ProtocolConfig& config = writable()) : board(fake), protocol(config) {}
  Result<void> identify() { return board.run(protocol.identify(identity)); }
  Result<void> poll() {
    sample = {};
    return board.run(protocol.poll(sample));
  }
  Fault fault_of_poll() {
    const auto result = poll();
    return result ? Fault::none : result.error().fault;
  }
  Result<void> command(CommandKind kind, double value) { return board.run(protocol.command({kind, value, 1})); }

  FakeAnt& board;
  Ant protocol;
  Identity identity;
  Sample sample;
};

// -- frames -----------------------------------------------------------------------

TEST(AntFrame, requests_are_the_recorded_ones) {
  EXPECT_EQ(ant2019::read_status(0x5A).tx, hex("5a5a00000101"));
  EXPECT_EQ(ant2019::read_status(0xDB).tx, hex("dbdb00000000"));
  EXPECT_EQ(ant2019::write(ant2019::kChargeFet, 1).tx, hex("a5a5fa0001fb"));
  EXPECT_EQ(ant2019::write(ant2019::kPassword, 0x3132).tx, hex("a5a5f1313254"));
  EXPECT_EQ(ant2021::read_status().tx, hex("7ea1010000be1855aa55"));
  EXPECT_EQ(ant2021::read(0x026C, 32).tx, hex("7ea1026c022058c4aa55"));
  EXPECT_EQ(ant2021::read(0x0068, 2).tx, hex("7ea102680002987caa55"));
  EXPECT_EQ(ant2021::command(0x01).tx, hex("7ea151010000d8e5aa55"));
  EXPECT_EQ(ant2021::command(0x0E).tx, hex("7ea1510e0000e8e6aa55"));
  const auto password = ant2021::authenticate("123456789abc").tx;
  EXPECT_EQ(to_hex(password).substr(0, 36), "7ea1236a010c313233343536373839616263");
  EXPECT_TRUE(ant2021::is_request(password));
  EXPECT_EQ(receive(ant2021::raw(password), hex("7ea1436a010205001e5caa55")).error.fault, Fault::none);
}

TEST(AntFrame, what_some_replies_have_behind_the_crc_is_skipped) {
  const auto request = ant2021::read(0, 2);
  const Bytes plain = hex("7ea11200000236101f14aa55");
  EXPECT_EQ(receive(request, plain).size, plain.size());
  for (std::size_t surplus : {1, 6, 8, 9}) {
    Bytes longer = plain;
    longer.insert(longer.end() - 2, surplus, 0x0B);
    const auto reply = receive(request, longer);
    EXPECT_EQ(reply.error.fault, surplus <= 8 ? Fault::none : Fault::framing);
    EXPECT_EQ(reply.size, surplus <= 8 ? longer.size() : 0);
  }
}

TEST(AntFrame, answers_to_something_else_are_none) {
  const auto fault = [](const Request& request, std::string_view rx) { return receive(request, hex(rx)).error.fault; };
  const std::string_view one = "7ea11200000236101f14aa55";
  EXPECT_EQ(fault(ant2021::read(0, 2), one), Fault::none);
  EXPECT_EQ(fault(ant2021::read(2, 2), one), Fault::framing);
  EXPECT_EQ(fault(ant2021::read(0, 4), one), Fault::framing);
  EXPECT_EQ(fault(ant2021::read_status(), one), Fault::framing);
  EXPECT_EQ(fault(ant2021::read(0, 2), "7ea11200000236101f15aa55"), Fault::checksum);
  EXPECT_EQ(fault(ant2021::command(1), "7ea151010000d8e5aa55"), Fault::framing); // the echo of a bad adapter
  EXPECT_EQ(fault(ant2021::command(4), "7ea16101000201003e2baa55"), Fault::framing);
  EXPECT_EQ(fault(ant2019::write(0xFA, 0), "a5a5fa0001fb"), Fault::framing);
  EXPECT_EQ(fault(ant2019::write(0xFA, 0), "a5a5fa0000fb"), Fault::checksum);
  EXPECT_EQ(fault(ant2019::write(0xFA, 0), "a5a5fa0001fba5a5fa0000fa"), Fault::none);
}

TEST(AntFrame, rubbish_and_late_answers_in_front_are_skipped) {
  Bytes rx = hex("7ea17eaa557ea11200000236101f14aa55");
  const Bytes status = framed(0x11, 0, kData2021);
  rx.insert(rx.end(), status.begin(), status.end());
  const auto reply = receive(ant2021::read_status(), rx);
  EXPECT_EQ(reply.error.fault, Fault::none);
  EXPECT_EQ(reply.begin, 17U);
}

// -- which variant ------------------------------------------------------------------

TEST(Ant, finds_out_which_variant_it_is) {
  for (bool old : {false, true}) {
    FakeAnt board(old);
    Talk talk(board);
    ASSERT_TRUE(talk.identify());
    EXPECT_EQ(talk.identity.cell_count, old ? 8 : 16);
    EXPECT_EQ(talk.identity.capabilities.balance_switch, !old);
    board.heard.clear();
    ASSERT_TRUE(talk.poll());
    EXPECT_EQ(board.heard.size(), 1U); // it is not asked in the other protocol again
    EXPECT_NEAR(*talk.sample.current, old ? 10.7 : -0.3, 1e-9);
  }
}

TEST(Ant, a_poll_alone_finds_out_too) {
  FakeAnt board(true);
  Talk talk(board);
  EXPECT_TRUE(talk.poll());
}

TEST(Ant, a_board_that_answers_only_the_bluetooth_read) {
  FakeAnt board(true);
  board.read_as = "dbdb";
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  board.heard.clear();
  ASSERT_TRUE(talk.poll());
  EXPECT_EQ(board.heard, std::vector<Bytes>{hex("dbdb00000000")});
}

TEST(Ant, the_variant_can_be_fixed) {
  for (bool old : {false, true}) {
    FakeAnt board(old);
    Talk wrong(board, with("variant", old ? "2021" : "2019"));
    EXPECT_FALSE(wrong.identify());
    EXPECT_EQ(board.count(old ? "7ea1" : "5a5a") + board.count("dbdb"), static_cast<int>(board.heard.size()));
    Talk right(board, with("variant", old ? "2019" : "2021"));
    EXPECT_TRUE(right.identify());
  }
}

TEST(Ant, a_damaged_answer_is_no_reason_to_try_the_other_variant) {
  FakeAnt board(false);
  board.data_2021[2] = 9; // sensors
  Talk talk(board);
  EXPECT_EQ(talk.identify().error().fault, Fault::implausible);
  EXPECT_EQ(board.count("5a5a"), 0);
}

TEST(Ant, identification_and_settings_write_nothing) {
  for (bool old : {false, true}) {
    FakeAnt board(old);
    Talk talk(board);
    ASSERT_TRUE(talk.identify());
    ASSERT_TRUE(board.run(talk.protocol.settings(talk.identity)));
    EXPECT_EQ(board.count("a5") + board.count("7ea122") + board.count("7ea123") + board.count("7ea151"), 0);
  }
}

TEST(Ant, recordings_decode_without_being_told_the_variant) {
  for (const bool old : {false, true}) {
    const Bytes rx = old ? kStatus2019 : framed(0x11, 0, kData2021);
    const std::string line = R"({"protocol":"ant","exchanges":[{"tx":")" +
                             std::string(old ? "dbdb00000000" : "7ea1010000be1855aa55") + R"(","rx":")" + to_hex(rx) +
                             R"("}]})";
    const auto decoded = decode_capture(line);
    ASSERT_TRUE(decoded) << to_string(decoded.error());
    EXPECT_EQ(Json::parse(*decoded)["cell_count"], old ? 8 : 16);
  }
}

// -- the status ---------------------------------------------------------------------

TEST(Ant, every_byte_of_a_status_is_needed) {
  for (bool old : {false, true}) {
    const Bytes whole = old ? kStatus2019 : framed(0x11, 0, kData2021);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      Ant protocol(with("variant", old ? "2019" : "2021"));
      Sample sample;
      const auto result = test::run(protocol.poll(sample), [&](const Bytes&) {
        return Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      });
      EXPECT_FALSE(result) << size;
    }
  }
}

TEST(Ant, a_status_has_the_length_of_its_counts) {
  for (std::size_t size = 0; size < 180; ++size) {
    FakeAnt board(false);
    board.data_2021.resize(size);
    Talk talk(board, with("variant", "2021"));
    const auto fault = talk.fault_of_poll();
    EXPECT_EQ(fault, size == kData2021.size()  ? Fault::none
                     : size < kData2021.size() ? Fault::truncated
                                               : Fault::framing)
        << size;
  }
}

TEST(Ant, impossible_values_of_2019_are_errors) {
  struct {
    std::size_t at;
    int value;
  } const cases[] = {{122, 0x0D00}, {122, 0x0D21}, {74, 0x6500}, {4, 401}, {6, 5001}, {70, 0x0001}, {116, 5001}};
  for (const auto& bad : cases) {
    FakeAnt board(true);
    board.status_2019 = put16(board.status_2019, bad.at, bad.value, false);
    Talk talk(board);
    EXPECT_EQ(talk.fault_of_poll(), Fault::implausible) << bad.at;
  }
}

TEST(Ant, impossible_values_of_2021_are_errors) {
  struct {
    std::size_t at;
    int value;
  } const cases[] = {{2, 0x1009},           {2, 0x0002},          {2, 0x2102},           {28, 5001},
                     {kTail2021 + 4, 8001}, {kTail2021 + 8, 101}, {kTail2021 + 10, 101}, {kTail2021 + 40, 5001}};
  for (const auto& bad : cases) {
    FakeAnt board(false);
    board.data_2021 = put16(board.data_2021, bad.at, bad.value, true);
    Talk talk(board);
    EXPECT_EQ(talk.fault_of_poll(), Fault::implausible) << bad.at;
  }
}

TEST(Ant, missing_sensors_are_absent_and_cold_ones_are_not) {
  FakeAnt board(false);
  board.data_2021 = put16(board.data_2021, kTail2021 - 4, -40, true);
  board.data_2021 = put16(board.data_2021, kTail2021 - 2, -12, true);
  board.data_2021 = put16(board.data_2021, kTail2021, -40, true);
  Talk talk(board);
  ASSERT_TRUE(talk.poll());
  EXPECT_FALSE(talk.sample.temperatures.battery[0]);
  EXPECT_EQ(talk.sample.temperatures.battery[1], -12.0);
  EXPECT_FALSE(talk.sample.temperatures.mos);

  FakeAnt old(true);
  old.status_2019 = put16(old.status_2019, 91, -12, false);
  old.status_2019 = put16(old.status_2019, 93, -40, false);
  Talk all(old), four(old, with("sensors", "4"));
  ASSERT_TRUE(all.poll());
  ASSERT_TRUE(four.poll());
  EXPECT_EQ(all.sample.temperatures.battery[0], -12.0);
  EXPECT_FALSE(all.sample.temperatures.battery[1]);
  EXPECT_EQ(all.sample.temperatures.battery[5], 0.0);
  EXPECT_EQ(four.sample.temperatures.battery[3], 13.0);
  EXPECT_FALSE(four.sample.temperatures.battery[4]);
}

TEST(Ant, a_capacity_of_zero_is_none) {
  FakeAnt board(true);
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  ASSERT_TRUE(talk.poll());
  EXPECT_FALSE(talk.identity.capacity_full);
  EXPECT_FALSE(talk.sample.capacity_full);
  EXPECT_FALSE(talk.sample.cycles);
  EXPECT_NEAR(*talk.sample.capacity_remaining, 48.487317, 1e-9);
}

TEST(Ant, codes_of_fets_and_balancer) {
  struct {
    int charge, discharge, balancer;
    std::optional<Alarm> alarm;
    std::optional<bool> balancing;
  } const cases[] = {
      {1, 1, 0, std::nullopt, false},
      {0, 1, 1, std::nullopt, true},
      {15, 15, 2, std::nullopt, true},
      {4, 1, 3, std::nullopt, false}, // full
      {1, 11, 4, std::nullopt, true},
      {14, 1, 10, std::nullopt, false},
      {99, 99, 5, std::nullopt, std::nullopt},
      {2, 1, 0, Alarm::HighCellVoltage, false},
      {16, 1, 0, Alarm::HighCellVoltage, false},
      {1, 2, 0, Alarm::LowCellVoltage, false},
      {1, 16, 0, Alarm::LowCellVoltage, false},
      {3, 1, 0, Alarm::HighChargeCurrent, false},
      {1, 3, 0, Alarm::HighDischargeCurrent, false},
      {1, 4, 0, Alarm::HighDischargeCurrent, false},
      {1, 12, 0, Alarm::HighDischargeCurrent, false},
      {5, 1, 0, Alarm::HighVoltage, false},
      {1, 5, 0, Alarm::LowVoltage, false},
      {6, 1, 0, Alarm::HighChargeTemperature, false},
      {1, 6, 0, Alarm::HighTemperature, false},
      {7, 10, 0, Alarm::HighInternalTemperature, false},
      {17, 1, 0, Alarm::LowChargeTemperature, false},
      {1, 17, 0, Alarm::LowTemperature, false},
      {18, 18, 0, Alarm::CellImbalance, false},
      {12, 1, 0, Alarm::InternalFailure, false},
      {1, 19, 0, Alarm::InternalFailure, false},
      {20, 1, 0, Alarm::InternalFailure, false},
  };
  for (bool old : {false, true}) {
    for (const auto& wanted : cases) {
      FakeAnt board(old);
      const auto set = [&](std::size_t place_2019, std::size_t place_2021, int code) {
        (old ? board.status_2019[place_2019] : board.data_2021[kTail2021 + place_2021]) =
            static_cast<std::uint8_t>(code);
      };
      set(103, 13, wanted.charge);
      set(104, 12, wanted.discharge);
      set(105, 14, wanted.balancer);
      Talk talk(board);
      SCOPED_TRACE(std::to_string(wanted.charge) + " " + std::to_string(wanted.discharge));
      ASSERT_TRUE(talk.poll());
      EXPECT_EQ(talk.sample.charge_enabled, wanted.charge == 1);
      EXPECT_EQ(talk.sample.discharge_enabled, wanted.discharge == 1);
      EXPECT_EQ(talk.sample.balancing, wanted.balancing);
      for (std::size_t i = 0; i < kAlarmCount; ++i) {
        const bool raised = wanted.alarm && i == static_cast<std::size_t>(*wanted.alarm);
        EXPECT_EQ(talk.sample.alarms.at(i).value_or(0), raised ? 2 : 0) << kAlarmNames[i];
      }
      EXPECT_TRUE(talk.sample.alarms[Alarm::HighVoltage]); // known, if quiet
    }
  }
}

// -- names and limits -----------------------------------------------------------------

TEST(Ant, the_names_may_be_missing_but_not_damaged) {
  FakeAnt silent(false);
  Talk talk(silent);
  ASSERT_TRUE(talk.identify());
  EXPECT_EQ(talk.identity.hardware_version, "");

  Ant protocol(writable());
  Identity identity;
  FakeAnt board(false);
  const auto result = test::run(protocol.identify(identity), [&](const Bytes& tx) {
    return tx[2] == 0x02
               ? hex("7ea1126c02200000aa55aa5500000000000000000000000000000000000000000000000000000000000000aa55")
               : board.answer(tx);
  });
  EXPECT_FALSE(result);
}

TEST(Ant, limits_are_told_with_every_sample_and_read_again) {
  FakeAnt board(false);
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  ASSERT_TRUE(board.run(talk.protocol.settings(talk.identity)));
  ASSERT_TRUE(talk.poll());
  EXPECT_EQ(talk.sample.max_charge_current, 100.0);
  EXPECT_EQ(talk.sample.max_discharge_current, 200.0);
  EXPECT_FALSE(talk.sample.max_charge_voltage);

  board.settings = {{0x68, hex("f401")}}; // 50 A; the other one is not answered any more
  for (int i = 0; i < 300; ++i) {
    ASSERT_TRUE(talk.poll());
  }
  EXPECT_EQ(talk.sample.max_charge_current, 50.0);
  EXPECT_EQ(talk.sample.max_discharge_current, 200.0);
}

TEST(Ant, a_limit_that_is_not_set_is_none) {
  for (const auto* raw : {"0000", "ffff"}) {
    FakeAnt board(false);
    board.settings[0x68] = hex(raw);
    Talk talk(board);
    ASSERT_TRUE(talk.identify());
    ASSERT_TRUE(board.run(talk.protocol.settings(talk.identity)));
    ASSERT_TRUE(talk.poll());
    EXPECT_FALSE(talk.sample.max_charge_current) << raw;
  }
}

// -- commands -----------------------------------------------------------------------------

TEST(Ant, writes_nothing_unless_allowed) {
  for (bool old : {false, true}) {
    FakeAnt board(old);
    Talk talk(board, {});
    ASSERT_TRUE(talk.identify());
    EXPECT_EQ(talk.identity.capabilities, Capabilities{});
    board.heard.clear();
    for (auto kind : {CommandKind::force_charging_off, CommandKind::force_discharging_off,
                      CommandKind::turn_balancing_off, CommandKind::set_soc}) {
      EXPECT_EQ(talk.command(kind, 1).error().fault, Fault::rejected);
    }
    EXPECT_TRUE(board.heard.empty());
  }
}

TEST(Ant, what_it_cannot_do_or_does_not_know_yet_is_unsupported) {
  FakeAnt board(true);
  Talk talk(board);
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::unsupported); // not identified
  ASSERT_TRUE(talk.identify());
  board.heard.clear();
  for (auto kind : {CommandKind::turn_balancing_off, CommandKind::turn_heating_off, CommandKind::set_soc}) {
    EXPECT_EQ(talk.command(kind, 1).error().fault, Fault::unsupported);
  }
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 2).error().fault, Fault::rejected);
  EXPECT_TRUE(board.heard.empty());
}

TEST(Ant, the_switches_of_2021_are_the_recorded_ones) {
  FakeAnt board(false);
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  struct {
    CommandKind kind;
    int value;
    std::string_view tx;
  } const cases[] = {
      {CommandKind::force_charging_off, 1, "7ea151040000c8e4aa55"},
      {CommandKind::force_charging_off, 0, "7ea1510600006924aa55"},
      {CommandKind::force_discharging_off, 1, "7ea151010000d8e5aa55"},
      {CommandKind::force_discharging_off, 0, "7ea1510300007925aa55"},
      {CommandKind::turn_balancing_off, 1, "7ea1510e0000e8e6aa55"},
      {CommandKind::turn_balancing_off, 0, "7ea1510d000018e6aa55"},
  };
  for (const auto& wanted : cases) {
    board.heard.clear();
    EXPECT_TRUE(talk.command(wanted.kind, wanted.value));
    EXPECT_EQ(board.heard, std::vector<Bytes>{hex(wanted.tx)});
  }
}

TEST(Ant, a_board_of_2021_that_refuses_is_told_the_password) {
  FakeAnt board(false);
  Talk talk(board), other(board, with("password", "secret"));
  ASSERT_TRUE(talk.identify());
  ASSERT_TRUE(other.identify());
  board.password = "secret";
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::refused);
  EXPECT_TRUE(other.command(CommandKind::force_charging_off, 1));
  board.password = "123456789abc";
  EXPECT_TRUE(talk.command(CommandKind::force_charging_off, 1));
}

TEST(Ant, a_switch_of_2021_that_is_not_acknowledged_has_failed) {
  FakeAnt board(false);
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  board.silent = {0x51};
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::timeout);
  board.silent = {0x51, 0x23};
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::timeout);
  Talk wordy(board, with("password", std::string(33, 'x')));
  ASSERT_TRUE(wordy.identify());
  EXPECT_EQ(wordy.command(CommandKind::force_charging_off, 1).error().fault, Fault::rejected);
}

TEST(Ant, acknowledgements_of_2021_broken_off_are_none) {
  const Bytes whole = hex("7ea1610400020100f22baa55");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(receive(ant2021::command(4), part).error.fault, Fault::none) << size;
  }
}

TEST(Ant, a_switch_of_2019_counts_when_the_status_shows_it) {
  FakeAnt board(true);
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  for (const auto kind : {CommandKind::force_charging_off, CommandKind::force_discharging_off}) {
    for (int value : {1, 0}) {
      board.heard.clear();
      board.slow = 10;
      ASSERT_TRUE(talk.command(kind, value));
      EXPECT_EQ(board.count("5a5a"), 10);
      const std::size_t fet = kind == CommandKind::force_charging_off ? 103 : 104;
      EXPECT_EQ(board.status_2019[fet], value == 1 ? 15 : 1);
    }
  }
  board.slow = 13;
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::unsupported);
}

TEST(Ant, a_board_of_2019_that_lies_is_caught) {
  FakeAnt board(true);
  board.lies = true;
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::unsupported);
  board.status_2019[103] = 2; // a FET that a protection holds open is allowed to be on again
  EXPECT_TRUE(talk.command(CommandKind::force_charging_off, 0));
}

TEST(Ant, a_locked_board_of_2019_is_told_the_password) {
  FakeAnt board(true);
  board.locked = true;
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  board.heard.clear();
  ASSERT_TRUE(talk.command(CommandKind::force_charging_off, 1));
  const std::vector expected = {hex("a5a5fa0000fa"), hex("a5a5f1313254"), hex("a5a5f2333459"), hex("a5a5f335365e"),
                                hex("a5a5f4373863"), hex("a5a5fa0000fa"), hex("a5a5ff0000ff"), hex("5a5a00000101")};
  EXPECT_EQ(board.heard, expected);

  board.locked = true;
  Talk wrong(board, with("password", "87654321")), odd(board, with("password", "1234"));
  ASSERT_TRUE(wrong.identify());
  ASSERT_TRUE(odd.identify());
  EXPECT_EQ(wrong.command(CommandKind::force_charging_off, 1).error().fault, Fault::refused);
  EXPECT_EQ(odd.command(CommandKind::force_charging_off, 1).error().fault, Fault::rejected);
}

TEST(Ant, a_board_of_2019_that_stays_silent_has_not_switched) {
  FakeAnt board(true);
  board.silent = {0xFA};
  Talk talk(board);
  ASSERT_TRUE(talk.identify());
  EXPECT_EQ(talk.command(CommandKind::force_charging_off, 1).error().fault, Fault::timeout);
  board.silent = {0xFF}; // what applies parameters is not needed
  EXPECT_TRUE(talk.command(CommandKind::force_charging_off, 1));
}

} // namespace
} // namespace bmsd::protocols
