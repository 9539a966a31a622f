#include "protocols/core/checksum.hpp"
#include "protocols/jkbms.hpp"
#include "protocols/jkbms_frame.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <map>

namespace bmsd::protocols {
namespace {

using test::hex;

constexpr int kReadAll = 6, kReadOne = 3, kWrite = 2, kPassword = 5;

/// Four cells, and whatever it is told to do wrong.
class FakeJk {
public:
  std::map<int, Bytes> values = {
      {0x79, hex("010eed020efa030ef7040eec")},
      {0x80, hex("001d")},
      {0x81, hex("001e")},
      {0x82, hex("001c")},
      {0x83, hex("05fd")}, // 15.33 V
      {0x84, hex("80d0")}, // 2.08 A
      {0x85, hex("0f")},
      {0x87, hex("0004")},
      {0x89, hex("00001352")},
      {0x8A, hex("0004")},
      {0x8B, hex("0000")},
      {0x8C, hex("0007")},
      {0x97, hex("0007")},
      {0x99, hex("0005")},
      {0x9D, hex("01")},
      {0xAA, hex("0000000e")},
      {0xAB, hex("01")},
      {0xAC, hex("01")},
      {0xB2, hex("31323334353600000000")}, // 123456
      {0xB4, hex("62656b6900000000")},     // beki
      {0xB5, hex("32313031")},
      {0xB7, hex("31312e58575f5331312e323632485f")}, // 11.XW_S11.262H_
      {0xBA, hex("62656b6900000000000000004a4b5f423141323453313550")},
      {0xC0, hex("01")},
  };
  int command = 0;     ///< of the answers, instead of the asked one
  bool locked = true;  ///< writes need a password first
  bool honest = true;  ///< does what it acknowledges
  bool deaf = false;   ///< acknowledges no write
  int missed = 0;      ///< requests that go unanswered
  std::string before;  ///< on the line in front of every answer
  std::string surplus; ///< behind the last value
  std::vector<Bytes> heard;

  static Bytes frame(int command, int type, ByteView information) {
    const std::size_t length = information.size() + 18;
    Bytes out = {0x4E, 0x57, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)};
    for (int byte : {0, 0, 0, 0, command, 0, type}) {
      out.push_back(static_cast<std::uint8_t>(byte));
    }
    out.insert(out.end(), information.begin(), information.end());
    for (int byte : {0, 0, 0, 0, 0x68}) {
      out.push_back(static_cast<std::uint8_t>(byte));
    }
    const auto sum = sum16(out);
    for (int byte : {0, 0, sum >> 8, sum & 0xFF}) {
      out.push_back(static_cast<std::uint8_t>(byte));
    }
    return out;
  }

  Bytes information() const {
    Bytes out;
    for (const auto& [tag, value] : values) {
      out.push_back(static_cast<std::uint8_t>(tag));
      if (tag == 0x79) {
        out.push_back(static_cast<std::uint8_t>(value.size()));
      }
      out.insert(out.end(), value.begin(), value.end());
    }
    const Bytes more = hex(surplus);
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  Bytes reply() const { return frame(command != 0 ? command : kReadAll, 1, information()); }

  Bytes answer(const Bytes& tx) {
    heard.push_back(tx);
    if (missed > 0) {
      --missed;
      return {};
    }
    switch (tx[8]) {
    case kReadAll: {
      Bytes out = hex(before);
      const Bytes good = reply();
      out.insert(out.end(), good.begin(), good.end());
      return out;
    }
    case kPassword: locked = false; return {};
    case kWrite:
      if (locked || deaf) {
        return {};
      }
      if (honest) {
        values[tx[11]] = {tx[12]};
      }
      return frame(kWrite, 1, ByteView(tx).subspan(11, 1));
    default: return {};
    }
  }

  Result<void> run(Script script) {
    return test::run(std::move(script), [this](const Bytes& tx) { return answer(tx); });
  }

  Result<Sample> poll(const ProtocolConfig& config = {}) {
    Jkbms protocol(config);
    Sample sample;
    const auto result = run(protocol.poll(sample));
    return result ? Result<Sample>(std::move(sample)) : Result<Sample>(result.error());
  }
  Identity identity() {
    Jkbms protocol({});
    Identity out;
    EXPECT_TRUE(run(protocol.identify(out)));
    return out;
  }
  Fault fault() {
    const auto result = poll();
    return result ? Fault::none : result.error().fault;
  }
};

ProtocolConfig writable() {
  ProtocolConfig config;
  config.allow_writes = true;
  return config;
}

// -- frames ---------------------------------------------------------------------------

TEST(JkbmsFrame, requests_are_those_of_the_manual) {
  EXPECT_EQ(jk::read_all().tx, hex("4e5700130000000006030000000000006800000129"));
  EXPECT_EQ(jk::unlock().tx, hex("4e570014000000000502000000000000006800000128"));
  EXPECT_EQ(jk::write(0xAB, 0).tx, hex("4e57001400000000020200ab000000000068000001d0"));
  EXPECT_EQ(jk::write(0xAB, 1).tx, hex("4e57001400000000020200ab010000000068000001d1"));
  EXPECT_EQ(jk::write(0xAC, 0).tx, hex("4e57001400000000020200ac000000000068000001d1"));
  EXPECT_EQ(jk::write(0xAC, 1).tx, hex("4e57001400000000020200ac010000000068000001d2"));
}

TEST(JkbmsFrame, only_the_answer_to_the_request_counts) {
  const FakeJk board;
  const auto fault = [](const Request& request, const Bytes& rx) { return receive(request, rx).error.fault; };
  const Bytes all = board.information();
  EXPECT_EQ(fault(jk::read_all(), FakeJk::frame(kReadAll, 1, all)), Fault::none);
  EXPECT_EQ(fault(jk::read_all(), FakeJk::frame(kReadOne, 1, all)), Fault::none); // firmware 11.26
  EXPECT_EQ(fault(jk::read_all(), FakeJk::frame(kWrite, 1, all)), Fault::framing);
  EXPECT_EQ(fault(jk::read_all(), FakeJk::frame(kReadAll, 0, all)), Fault::framing);
  EXPECT_EQ(fault(jk::read_all(), FakeJk::frame(kReadAll, 2, all)), Fault::framing); // not asked for
  EXPECT_EQ(fault(jk::read_all(), FakeJk::frame(kReadAll, 1, hex("800012"))), Fault::framing);
  EXPECT_EQ(fault(jk::read_all(), jk::read_all().tx), Fault::framing); // an echo
  EXPECT_EQ(fault(jk::write(0xAB, 1), FakeJk::frame(kWrite, 1, hex("ab"))), Fault::none);
  EXPECT_EQ(fault(jk::write(0xAB, 1), FakeJk::frame(kWrite, 1, hex("ac"))), Fault::framing);
  EXPECT_EQ(fault(jk::write(0xAB, 1), FakeJk::frame(kReadAll, 1, hex("ab"))), Fault::framing);
  EXPECT_EQ(fault(jk::write(0xAB, 1), jk::write(0xAB, 1).tx), Fault::framing);
}

TEST(JkbmsFrame, every_part_of_a_reply_is_none) {
  const Bytes whole = FakeJk().reply();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(receive(jk::read_all(), ByteView(whole).first(size)).error.fault, Fault::none) << size;
  }
  EXPECT_EQ(receive(jk::read_all(), whole).error.fault, Fault::none);
}

TEST(JkbmsFrame, its_own_request_and_start_marks_before_the_reply) {
  FakeJk board;
  board.before = "4e574e4e5700004e57ffff4e5700130000000006030000000000006800000129";
  board.values[0xB7] = hex("4e575f315f305f305f323030343238"); // NW_1_0_0_200428
  EXPECT_TRUE(board.poll());
}

// -- identity -------------------------------------------------------------------------

TEST(Jkbms, tells_who_it_is) {
  FakeJk board;
  const auto identity = board.identity();
  EXPECT_EQ(identity.protocol, "jkbms");
  EXPECT_EQ(identity.label, "Jkbms");
  EXPECT_EQ(identity.firmware_version, "11.XW S11.262H");
  EXPECT_EQ(identity.hardware_version, "11.XW");
  EXPECT_EQ(identity.device_name, "beki");
  EXPECT_EQ(identity.unique_id, "beki_JK_B1A24S15P");
  EXPECT_EQ(identity.model, "JK_B1A24S15P");
  EXPECT_EQ(identity.cell_count, 4);
  EXPECT_EQ(identity.capacity_full, 14);
  EXPECT_EQ(identity.capabilities, Capabilities{});
  EXPECT_EQ(board.heard.size(), 1U);
}

TEST(Jkbms, a_board_as_delivered_is_not_told_from_its_twin) {
  FakeJk board;
  board.values[0xB4] = hex("496e707574205573");                                 // Input Us
  board.values[0xBA] = hex("496e707574205573657264614a4b5f423241323453313550"); // Input UserdaJK_B2A24S15P
  EXPECT_EQ(board.identity().unique_id, "");
  EXPECT_EQ(board.identity().device_name, "");
  EXPECT_EQ(board.identity().model, "JK_B2A24S15P");
  board.values[0xBA] = hex("425433303732303230313230303030323030353231303031");
  EXPECT_EQ(board.identity().unique_id, "BT3072020120000200521001");
  EXPECT_EQ(board.identity().model, "");
  board.values[0xBA] = Bytes(24);
  EXPECT_EQ(board.identity().unique_id, "");
}

TEST(Jkbms, versions_with_another_padding) {
  FakeJk board;
  board.values[0xB7] = hex("48362e585f5f53362e312e33535f5f"); // H6.X__S6.1.3S__
  EXPECT_EQ(board.identity().firmware_version, "H6.X  S6.1.3S");
  EXPECT_EQ(board.identity().hardware_version, "H6.X");
  board.values[0xB7] = hex("4e575f315f305f305f323030343238"); // NW_1_0_0_200428
  EXPECT_EQ(board.identity().firmware_version, "NW 1 0 0 200428");
  EXPECT_EQ(board.identity().hardware_version, "");
}

TEST(Jkbms, bytes_that_are_no_text_and_the_password_are_not_told) {
  FakeJk board;
  board.values[0xB5] = hex("ff32fe31");
  const auto sample = board.poll();
  ASSERT_TRUE(sample);
  EXPECT_EQ(std::get<std::string>(*test::find_extra(*sample, "production_date")), "21");
  EXPECT_EQ(to_json(*sample).dump().find("123456"), std::string::npos);
  EXPECT_EQ(to_json(board.identity()).dump().find("123456"), std::string::npos);
}

// -- values ---------------------------------------------------------------------------

TEST(Jkbms, temperatures_turn_at_100) {
  const struct {
    const char* raw;
    std::optional<double> celsius;
  } cases[] = {{"0000", 0},   {"0062", 98},           {"0063", 99},           {"0064", 100},         {"0065", -1},
               {"008c", -40}, {"008d", std::nullopt}, {"00ff", std::nullopt}, {"ffff", std::nullopt}};
  for (const auto& example : cases) {
    SCOPED_TRACE(example.raw);
    FakeJk board;
    board.values[0x80] = board.values[0x81] = board.values[0x82] = hex(example.raw);
    const auto sample = board.poll();
    ASSERT_TRUE(sample);
    EXPECT_EQ(sample->temperatures.mos, example.celsius);
    EXPECT_EQ(sample->temperatures.battery[0], example.celsius);
    EXPECT_EQ(sample->temperatures.battery[1], example.celsius);
  }
}

TEST(Jkbms, both_codings_of_the_current) {
  const struct {
    const char *raw, *version;
    double amperes;
  } cases[] = {
      {"80d0", "01", 2.08}, {"07d0", "01", -20}, {"0000", "01", 0},      {"8000", "01", 0},
      {"80d0", "02", 2.08}, {"2710", "00", 0},   {"251c", "00", 5},      {"2af8", "00", -10},
      {"2710", "", 0},      {"0000", "", 100},   {"ffff", "01", 327.67}, {"7fff", "01", -327.67},
  };
  for (const auto& example : cases) {
    SCOPED_TRACE(std::string(example.raw) + " of version " + example.version);
    FakeJk board;
    board.values[0x84] = hex(example.raw);
    board.values[0xC0] = hex(example.version);
    if (board.values[0xC0].empty()) {
      board.values.erase(0xC0);
    }
    const auto sample = board.poll();
    ASSERT_TRUE(sample);
    EXPECT_DOUBLE_EQ(*sample->current, example.amperes);
  }
}

TEST(Jkbms, temperature_alarms_follow_the_current) {
  for (const auto* bits : {"0010", "0100"}) {
    FakeJk board;
    board.values[0x8B] = hex(bits);
    auto sample = board.poll();
    EXPECT_EQ(sample->alarms[Alarm::HighChargeTemperature], 1);
    EXPECT_EQ(sample->alarms[Alarm::HighTemperature], 0);
    board.values[0x84] = hex("0000");
    sample = board.poll();
    EXPECT_EQ(sample->alarms[Alarm::HighChargeTemperature], 0);
    EXPECT_EQ(sample->alarms[Alarm::HighTemperature], 1);
  }
  FakeJk board;
  board.values[0x8B] = hex("0200");
  EXPECT_EQ(board.poll()->alarms[Alarm::LowChargeTemperature], 1);
  board.values[0x84] = hex("0001");
  EXPECT_EQ(board.poll()->alarms[Alarm::LowTemperature], 1);
}

TEST(Jkbms, with_an_unknown_current_a_temperature_alarm_is_both) {
  FakeJk board;
  board.values[0x8B] = hex("0300");
  board.values[0x8D] = hex("00");
  const auto sample = board.poll();
  ASSERT_TRUE(sample);
  for (auto alarm :
       {Alarm::HighTemperature, Alarm::HighChargeTemperature, Alarm::LowTemperature, Alarm::LowChargeTemperature}) {
    EXPECT_EQ(sample->alarms[alarm], 1);
  }
}

TEST(Jkbms, all_warnings_at_once_and_none) {
  FakeJk board;
  board.values[0x8B] = hex("ffff");
  auto sample = board.poll();
  for (auto alarm : {Alarm::LowSoc, Alarm::HighInternalTemperature, Alarm::HighVoltage, Alarm::LowVoltage}) {
    EXPECT_EQ(sample->alarms[alarm], 2);
  }
  for (auto alarm : {Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent, Alarm::CellImbalance,
                     Alarm::HighCellVoltage, Alarm::LowCellVoltage}) {
    EXPECT_EQ(sample->alarms[alarm], 1);
  }
  board.values[0x8B] = hex("f000"); // 309_A, 309_B and two without a name
  sample = board.poll();
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    EXPECT_EQ(sample->alarms.at(i).value_or(0), 0) << kAlarmNames[i];
  }
  EXPECT_TRUE(sample->alarms[Alarm::LowTemperature]);
  board.values.erase(0x8B);
  EXPECT_FALSE(board.poll()->alarms.any_known());
}

TEST(Jkbms, low_soc_is_silent_when_soc_is_counted_elsewhere) {
  FakeJk board;
  board.values[0x8B] = hex("0001");
  ProtocolConfig config;
  config.soc_alarms = false;
  EXPECT_FALSE(board.poll(config)->alarms[Alarm::LowSoc]);
  EXPECT_EQ(board.poll()->alarms[Alarm::LowSoc], 2);
}

TEST(Jkbms, state_and_switches_are_different_things) {
  FakeJk board;
  board.values[0x8C] = hex("0008");
  const auto sample = board.poll();
  EXPECT_EQ(sample->charge_enabled, false);
  EXPECT_EQ(sample->discharge_enabled, false);
  EXPECT_EQ(sample->balancing, false);
  EXPECT_EQ(sample->balancer_enabled, true);
  EXPECT_EQ(std::get<bool>(*test::find_extra(*sample, "charge_switch")), true);
}

TEST(Jkbms, thresholds_of_zero_are_no_limits) {
  FakeJk board;
  EXPECT_EQ(board.poll()->max_charge_current, 5);
  EXPECT_EQ(board.poll()->max_discharge_current, 7);
  board.values[0x97] = board.values[0x99] = hex("0000");
  EXPECT_FALSE(board.poll()->max_charge_current);
  EXPECT_FALSE(board.poll()->max_discharge_current);
}

// -- replies that are not as they should be ---------------------------------------------

TEST(Jkbms, any_value_may_be_missing_but_those_that_make_a_battery) {
  for (const auto& [tag, value] : FakeJk().values) {
    FakeJk board;
    board.values.erase(tag);
    const bool needed = tag == 0x79 || tag == 0x83 || tag == 0x84 || tag == 0x85;
    EXPECT_EQ(static_cast<bool>(board.poll()), !needed) << std::hex << tag;
  }
}

TEST(Jkbms, an_unknown_tag_ends_the_reading) {
  FakeJk board;
  board.surplus = "c1010203";
  EXPECT_EQ(board.poll()->current, 2.08);
  board.surplus.clear();
  board.values[0x88] = hex("01");
  const auto sample = board.poll();
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->cycles, 4);
  EXPECT_FALSE(sample->total_ah_drawn);
  EXPECT_FALSE(sample->current); // which coding it has is said at the end
  EXPECT_FALSE(sample->alarms.any_known());
  board.values[0x84] = hex("80d088"); // too early
  EXPECT_EQ(board.fault(), Fault::truncated);
}

TEST(Jkbms, a_value_that_is_cut_off_spoils_the_reply) {
  const Bytes all = FakeJk().information();
  for (std::size_t size = 1; size < all.size(); ++size) {
    Jkbms protocol({});
    Sample sample;
    const auto result = test::run(protocol.poll(sample),
                                  [&](const Bytes&) { return FakeJk::frame(kReadAll, 1, ByteView(all).first(size)); });
    if (result) { // cut between two values
      EXPECT_TRUE(sample.voltage && sample.current && sample.soc && sample.cell_voltages.size() == 4) << size;
    }
  }
}

TEST(Jkbms, impossible_values_are_errors) {
  const struct {
    int tag;
    const char* value;
    Fault fault;
  } cases[] = {
      {0x79, "010eed020efa030ef7", Fault::implausible},       // three cells, four are told
      {0x79, "010eed030efa020ef7040eec", Fault::implausible}, // out of order
      {0x79, "000eed010efa020ef7030eec", Fault::implausible}, // they count from 1
      {0x79, "010eed021400030ef7040eec", Fault::implausible}, // 5.12 V
      {0x79, "010eed020efa030ef7040e", Fault::truncated},     // half a cell
      {0x8A, "0005", Fault::implausible},
      {0x83, "ffff", Fault::implausible},
      {0x85, "65", Fault::implausible},
  };
  for (const auto& bad : cases) {
    FakeJk board;
    board.values[bad.tag] = hex(bad.value);
    EXPECT_EQ(board.fault(), bad.fault) << bad.value;
  }
}

TEST(Jkbms, a_cell_of_zero_is_handed_on) {
  FakeJk board;
  board.values[0x79] = hex("010eed020000030ef7040eec");
  EXPECT_EQ(board.poll()->cell_voltages[1], 0.0);
}

TEST(Jkbms, a_missed_request_is_repeated_once) {
  FakeJk board;
  board.missed = 1;
  EXPECT_TRUE(board.poll());
  board.missed = 2;
  EXPECT_EQ(board.fault(), Fault::timeout);
}

// -- commands -------------------------------------------------------------------------

Result<void> order(FakeJk& board, CommandKind kind, double value, const ProtocolConfig& config = writable()) {
  Jkbms protocol(config);
  return board.run(protocol.command({kind, value, 1}));
}

TEST(Jkbms, writes_nothing_unless_allowed) {
  FakeJk board;
  for (auto kind : {CommandKind::force_charging_off, CommandKind::force_discharging_off}) {
    EXPECT_EQ(order(board, kind, 1, {}).error().fault, Fault::rejected);
    EXPECT_EQ(order(board, kind, 2).error().fault, Fault::rejected);
  }
  for (auto kind : {CommandKind::turn_balancing_off, CommandKind::turn_heating_off, CommandKind::set_soc}) {
    EXPECT_EQ(order(board, kind, 1).error().fault, Fault::unsupported);
  }
  EXPECT_TRUE(board.heard.empty());
}

TEST(Jkbms, a_switch_needs_the_password_frame_and_is_read_back) {
  FakeJk board;
  ASSERT_TRUE(order(board, CommandKind::force_charging_off, 1));
  ASSERT_EQ(board.heard.size(), 3U);
  EXPECT_EQ(board.heard[0], jk::unlock().tx);
  EXPECT_EQ(board.heard[1], jk::write(0xAB, 0).tx);
  EXPECT_EQ(board.heard[2], jk::read_all().tx);
  EXPECT_EQ(board.values[0xAB], hex("00"));
  EXPECT_EQ(board.values[0xAC], hex("01"));
  ASSERT_TRUE(order(board, CommandKind::force_discharging_off, 1));
  EXPECT_EQ(board.values[0xAC], hex("00"));
  ASSERT_TRUE(order(board, CommandKind::force_charging_off, 0));
  EXPECT_EQ(board.values[0xAB], hex("01"));
}

TEST(Jkbms, only_a_switch_that_moved_counts) {
  FakeJk deaf;
  deaf.deaf = true;
  EXPECT_EQ(order(deaf, CommandKind::force_charging_off, 1).error().fault, Fault::timeout);
  FakeJk liar;
  liar.honest = false;
  EXPECT_EQ(order(liar, CommandKind::force_charging_off, 1).error().fault, Fault::unsupported);
  FakeJk mute;
  mute.values.erase(0xAC);
  mute.honest = false;
  EXPECT_EQ(order(mute, CommandKind::force_discharging_off, 1).error().fault, Fault::unsupported);
}

// -- captures -------------------------------------------------------------------------

TEST(Jkbms, requests_and_writes_of_other_programs) {
  Jkbms protocol({});
  FakeJk board;
  EXPECT_TRUE(protocol.same_request(jk::read_all().tx, hex("4e5700130000000006020000000000006800000128")));
  EXPECT_TRUE(protocol.same_request(jk::read_all().tx, hex("4e5700130000000003030000000000006800000126")));
  EXPECT_FALSE(protocol.same_request(jk::read_all().tx, jk::write(0xAB, 1).tx));
  Identity identity;
  Sample sample;
  const Bytes write = jk::write(0xAB, 0).tx, ack = FakeJk::frame(kWrite, 1, hex("ab"));
  ASSERT_TRUE(
      replay(protocol, {{jk::read_all().tx, board.reply()}, {jk::unlock().tx, {}}, {write, ack}}, identity, sample));
  EXPECT_EQ(std::get<bool>(*test::find_extra(sample, "writes_ok")), true);
  EXPECT_FALSE(replay(protocol, {{write, {}}}, identity, sample));
  EXPECT_FALSE(replay(protocol, {{hex("0a0102"), hex("0e7dbf")}}, identity, sample));
}

} // namespace
} // namespace bmsd::protocols
