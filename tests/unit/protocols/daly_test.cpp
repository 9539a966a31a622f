#include "protocols/core/checksum.hpp"
#include "protocols/daly.hpp"
#include "protocols/daly_frame.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>

namespace bmsd::protocols {
namespace {

using test::hex;

/// Four cells, one sensor, and whatever it is told to do wrong.
class FakeDaly {
public:
  std::map<int, std::vector<Bytes>> answers = {
      {0x50, {hex("0004450000000c80")}}, // 279.808 Ah, 3.2 V
      {0x53, {hex("0102180714000000")}},
      {0x57,
       {hex("0141424300007f00"), hex("0220203132330000"), hex("0300000000000000"), hex("0400000000000000"),
        hex("0500000000000000")}},
      {0x90, {hex("0085000074040320")}}, // 13.3 V, 30.0 A, 80.0 %
      {0x91, {hex("0cf3040cf0010320")}},
      {0x92, {hex("3c013c0103200000")}},
      {0x93, {hex("010101070003bd08")}},
      {0x94, {hex("0401000000000708")}},
      {0x95, {hex("010cf00cf10cf208"), hex("020cf30cf10cf208")}},
      {0x96, {hex("013c000000000008")}},
      {0x97, {hex("0000000000000000")}},
      {0x98, {hex("0000000000000000")}},
  };
  std::set<int> silent; ///< never answered
  std::set<int> lying;  ///< writes that are answered with another value
  bool honest = true;   ///< takes a written SoC
  int deaf = 0;         ///< requests that go unanswered
  std::uint8_t board = 1;
  std::size_t cut = 0; ///< bytes missing at the end of every answer
  std::vector<Bytes> heard;

  Bytes answer(const Bytes& tx) {
    heard.push_back(tx);
    const int id = tx[2];
    if (deaf > 0) {
      --deaf;
      return {};
    }
    if (silent.count(id) != 0) {
      return {};
    }
    Bytes out;
    if (id == 0xD9 || id == 0xDA || id == 0x21) {
      Bytes data(8);
      data[0] = id == 0x21 ? std::uint8_t{1} : tx[4];
      if (lying.count(id) != 0) {
        data[0] ^= 1;
      } else if (id == 0x21 && honest) {
        answers[0x90][0][6] = tx[10];
        answers[0x90][0][7] = tx[11];
      }
      out = frame(id, data);
    } else {
      for (const auto& data : answers[id]) {
        const Bytes one = frame(id, data);
        out.insert(out.end(), one.begin(), one.end());
      }
    }
    out.erase(out.end() - static_cast<std::ptrdiff_t>(std::min(cut, out.size())), out.end());
    return out;
  }

  Result<void> run(Script script) {
    return test::run(std::move(script), [this](const Bytes& tx) { return answer(tx); });
  }

  int asked(int id) const {
    return static_cast<int>(std::count_if(heard.begin(), heard.end(), [&](const Bytes& tx) { return tx[2] == id; }));
  }

  Bytes frame(int id, const Bytes& data) const {
    Bytes out(12);
    out[0] = 0xA5;
    out[1] = board;
    out[2] = static_cast<std::uint8_t>(id);
    out[3] = 8;
    std::copy(data.begin(), data.end(), out.begin() + 4);
    out.push_back(static_cast<std::uint8_t>(sum16(out)));
    return out;
  }
};

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

struct DalyTest : testing::Test {
  FakeDaly board;
  Daly protocol{writable()};
  Identity identity;
  Sample sample;

  void SetUp() override {
    ASSERT_TRUE(board.run(protocol.identify(identity)));
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
};

// -- frames ---------------------------------------------------------------------

TEST(DalyFrame, requests_are_those_of_the_manual) {
  EXPECT_EQ(daly::make_request(0x40, 0x90).tx, hex("a5409008aaaaaaaaaaaaaaaacd"));
  EXPECT_EQ(daly::make_request(0x40, 0x57).tx, hex("a5405708aaaaaaaaaaaaaaaa94"));
  EXPECT_EQ(daly::make_request(0x80, 0x95, {}).tx, hex("a58095080000000000000000c2"));
}

TEST(DalyFrame, board_numbers_of_hosts) {
  EXPECT_EQ(daly::board_of(0x40), 1);
  EXPECT_EQ(daly::board_of(0x41), 2);
  EXPECT_EQ(daly::board_of(0x4F), 16);
  EXPECT_EQ(daly::board_of(0x80), 1);
  EXPECT_EQ(daly::board_of(0x20), 1);
}

TEST(DalyFrame, start_byte_inside_the_data) {
  FakeDaly board;
  const Bytes reply = board.frame(0x90, hex("a5019008a5019008"));
  EXPECT_EQ(receive(daly::make_request(0x40, 0x90), reply).view().size(), 13u);
  Bytes garbage = hex("a5a501a5019008");
  garbage.insert(garbage.end(), reply.begin(), reply.end());
  const auto found = receive(daly::make_request(0x40, 0x90), garbage);
  EXPECT_EQ(found.error.fault, Fault::none);
  EXPECT_EQ(found.begin, 7u);
}

TEST(DalyFrame, an_answer_of_several_frames_is_taken_whole_or_not_at_all) {
  FakeDaly board;
  Bytes rx;
  for (std::uint8_t number = 1; number <= 16; ++number) {
    const Bytes frame = board.frame(0x95, {number, 1, 2, 3, 4, 5, 6, 7});
    rx.insert(rx.end(), frame.begin(), frame.end());
  }
  for (std::size_t frames = 1; frames <= daly::kMostFrames; ++frames) {
    const auto request = daly::make_request(0x40, 0x95, daly::filling(), frames);
    for (std::size_t size = 0; size < 13 * frames; ++size) {
      EXPECT_NE(receive(request, ByteView(rx).first(size)).error.fault, Fault::none);
    }
    EXPECT_EQ(receive(request, rx).view().size(), 13 * frames); // those that are too many stay out
    for (std::size_t broken = 0; broken < 13 * frames; ++broken) {
      Bytes damaged = rx;
      damaged[broken] ^= 0x40;
      EXPECT_NE(receive(request, ByteView(damaged).first(13 * frames)).error.fault, Fault::none) << broken;
    }
  }
}

TEST(DalyFrame, frames_in_a_row_from_the_first_on) {
  FakeDaly board;
  const auto request = daly::make_request(0x40, 0x96, daly::filling(), 1);
  EXPECT_EQ(receive(request, board.frame(0x96, hex("02"))).error.fault, Fault::framing);
  EXPECT_EQ(receive(request, board.frame(0x96, hex("ff"))).error.fault, Fault::framing);
  EXPECT_EQ(receive(request, board.frame(0x96, hex("01"))).error.fault, Fault::none);
}

TEST(DalyFrame, any_filling_is_the_same_request) {
  const Daly any({});
  ProtocolConfig config;
  config.address = 0x41;
  const Daly second(config);
  const Bytes wanted = daly::make_request(0x41, 0x90).tx;
  EXPECT_TRUE(second.same_request(wanted, hex("a54190080000000000000000ce")));
  EXPECT_FALSE(second.same_request(wanted, hex("a54090080000000000000000cd")));
  EXPECT_FALSE(second.same_request(wanted, hex("a54191080000000000000000cf")));
  EXPECT_FALSE(second.same_request(wanted, hex("a5419008")));
  EXPECT_TRUE(any.same_request(daly::make_request(0x40, 0x90).tx, hex("a58090080000000000000000cd")));
}

// -- identification ---------------------------------------------------------------

TEST_F(DalyTest, tells_who_it_is) {
  EXPECT_EQ(identity.protocol, "daly");
  EXPECT_EQ(identity.label, "Daly");
  EXPECT_EQ(identity.hardware_version, "DalyBMS 4S (20240720)");
  EXPECT_EQ(identity.manufacture_date, "2024-07-20");
  EXPECT_EQ(identity.cell_count, 4);
  EXPECT_EQ(identity.capacity_full, 279.808);
  EXPECT_EQ(identity.device_name, "ABC 123");
  EXPECT_EQ(identity.unique_id, "ABC_123");
  EXPECT_EQ(identity.capabilities, Daly::kCapabilities);
}

TEST(Daly, identification_writes_nothing) {
  FakeDaly board;
  Daly protocol({});
  Identity identity;
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  for (const auto& tx : board.heard) {
    EXPECT_TRUE(tx[2] >= 0x50 && tx[2] <= 0x98) << to_hex(tx);
  }
  EXPECT_EQ(identity.capabilities, Capabilities{});
}

TEST(Daly, without_a_code_date_and_capacity_are_the_identity) {
  struct {
    std::set<int> silent;
    double configured;
    std::string_view id;
  } const cases[] = {{{0x57}, 0, "20240720_279"},
                     {{0x57, 0x50}, 100, "20240720_100"},
                     {{0x57, 0x53}, 0, ""},
                     {{0x57, 0x53, 0x50}, 100, ""}};
  for (const auto& one : cases) {
    FakeDaly board;
    board.silent = one.silent;
    ProtocolConfig config;
    config.battery_capacity = one.configured;
    Daly protocol(config);
    Identity identity;
    ASSERT_TRUE(board.run(protocol.identify(identity)));
    EXPECT_EQ(identity.unique_id, one.id);
  }
}

TEST(Daly, unset_values_of_the_factory_are_absent) {
  for (const auto* date : {"0102000000000000", "0102ffffffffffff", "0102180d01000000", "0102180120000000"}) {
    FakeDaly board;
    board.answers[0x53] = {hex(date)};
    board.answers[0x50] = {hex("0000000000000000")};
    Daly protocol({});
    Identity identity;
    ASSERT_TRUE(board.run(protocol.identify(identity)));
    EXPECT_EQ(identity.manufacture_date, "");
    EXPECT_EQ(identity.hardware_version, "DalyBMS 4S");
    EXPECT_FALSE(identity.capacity_full);
  }
}

TEST(Daly, what_cannot_be_true_is_another_device) {
  struct {
    int id;
    const char* data;
  } const cases[] = {{0x94, "0001000000000708"}, {0x94, "2101000000000708"}, {0x90, "0009000074040320"},
                     {0x90, "0fa1000074040320"}, {0x90, "0085000000000320"}, {0x90, "00850000740403e9"},
                     {0x90, "00c9000074040320"}}; // 20.1 V of four cells
  for (const auto& bad : cases) {
    FakeDaly board;
    board.answers[bad.id] = {hex(bad.data)};
    Daly protocol({});
    Identity identity;
    const auto result = board.run(protocol.identify(identity));
    ASSERT_FALSE(result) << bad.data;
    EXPECT_EQ(result.error().fault, Fault::implausible);
  }
}

TEST(Daly, large_packs_are_welcome) {
  FakeDaly board;
  board.answers[0x94] = {hex("1801000000000708")};
  board.answers[0x90] = {hex("0366000074040320")}; // 87.0 V
  Daly protocol({});
  Identity identity;
  EXPECT_TRUE(board.run(protocol.identify(identity)));
}

TEST(Daly, a_lost_request_is_repeated_twice) {
  FakeDaly board;
  Daly protocol({});
  Identity identity;
  board.deaf = 2;
  EXPECT_TRUE(board.run(protocol.identify(identity)));
  board.deaf = 3;
  EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::timeout);
}

TEST(Daly, another_board_is_not_taken_for_the_one_that_was_asked) {
  FakeDaly board;
  board.board = 2;
  Identity identity;
  Daly first({});
  EXPECT_EQ(board.run(first.identify(identity)).error().fault, Fault::framing);
  ProtocolConfig config;
  config.address = 0x41;
  Daly second(config);
  EXPECT_TRUE(board.run(second.identify(identity)));
  config.address = 0x80;
  Daly bluetooth(config);
  EXPECT_FALSE(board.run(bluetooth.identify(identity)));
  board.board = 1;
  EXPECT_TRUE(board.run(bluetooth.identify(identity)));
  EXPECT_EQ(board.heard.back()[1], 0x80);
}

// -- poll -------------------------------------------------------------------------

TEST_F(DalyTest, every_sample_holds_the_slow_values_too) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.capacity_full, 279.808);
    EXPECT_EQ(sample.cycles, 7);
    EXPECT_EQ(sample.cell_count, 4);
    EXPECT_EQ(sample.current, 30.0);
    EXPECT_EQ(sample.cell_voltages.size(), 4u);
  }
  EXPECT_EQ(board.asked(0x50) + board.asked(0x53) + board.asked(0x57) + board.asked(0x94), 0);
}

TEST_F(DalyTest, the_description_is_read_once_a_minute) {
  board.answers[0x94][0][6] = 8;
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(poll());
  }
  EXPECT_EQ(board.asked(0x94), 1);
  EXPECT_EQ(sample.cycles, 8);
}

TEST_F(DalyTest, a_description_that_fails_leaves_the_last_one) {
  board.answers[0x94] = {hex("0009010100006308")};
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(poll());
  }
  EXPECT_EQ(sample.cycles, 7);
  EXPECT_EQ(sample.cell_voltages.size(), 4u);
}

TEST_F(DalyTest, every_answer_is_necessary) {
  for (int id : {0x90, 0x91, 0x92, 0x93, 0x95, 0x97, 0x98}) {
    board.silent = {id};
    const auto result = poll();
    ASSERT_FALSE(result) << id;
    EXPECT_EQ(result.error().fault, Fault::timeout);
  }
}

TEST_F(DalyTest, truncated_answers_are_errors) {
  for (std::size_t cut = 1; cut < 13; ++cut) {
    board.cut = cut;
    const auto result = poll();
    ASSERT_FALSE(result) << cut;
    EXPECT_EQ(result.error().fault, Fault::timeout);
  }
}

TEST_F(DalyTest, a_board_without_single_sensors_is_not_asked_all_the_time) {
  board.silent = {0x96};
  for (int i = 0; i < 59; ++i) {
    ASSERT_TRUE(poll());
  }
  EXPECT_EQ(board.asked(0x96), 3);
  EXPECT_EQ(sample.temperatures.battery[0], 20);
  board.silent.clear();
  ASSERT_TRUE(poll()); // with a new description
  EXPECT_EQ(board.asked(0x96), 4);
}

TEST_F(DalyTest, single_sensors_that_were_told_once_are_necessary) {
  ASSERT_TRUE(poll());
  board.silent = {0x96}; // else an open sensor could hide the coldest one again
  EXPECT_FALSE(poll());
  board.silent.clear();
  EXPECT_TRUE(poll());
}

TEST_F(DalyTest, broken_cell_frames_are_asked_for_again) {
  const auto good = board.answers[0x95];
  for (const auto* second : {"0220000cf10cf208", "0200000cf10cf208"}) {
    board.answers[0x95] = {good[0], hex(second)};
    board.heard.clear();
    const auto result = poll();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().fault, Fault::implausible);
    EXPECT_EQ(board.asked(0x95), 2);
  }
  int looks = 0;
  const auto once_broken = [&](const Bytes& tx) {
    board.answers[0x95][1] = tx[2] == 0x95 && looks++ == 0 ? hex("0200000cf10cf208") : good[1];
    return board.answer(tx);
  };
  sample = {};
  ASSERT_TRUE(test::run(protocol.poll(sample), once_broken));
  EXPECT_EQ(looks, 2);
  EXPECT_EQ(sample.cell_voltages[3], 3.315);
}

TEST_F(DalyTest, absent_sensors) {
  board.answers[0x92] = {hex("ff01000200000000")};
  board.answers[0x96] = {hex("0100000000000008")};
  ASSERT_TRUE(poll());
  EXPECT_FALSE(sample.temperatures.battery[0]);
  EXPECT_FALSE(sample.temperatures.battery[1]);
  EXPECT_FALSE(sample.min_cell_temperature);
}

TEST_F(DalyTest, any_value_but_zero_is_on) {
  board.answers[0x93] = {hex("0002ff070003bd08")};
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.charge_enabled, true);
  EXPECT_EQ(sample.discharge_enabled, true);
  board.answers[0x93] = {hex("000001070003bd08")};
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.charge_enabled, false);
  EXPECT_EQ(sample.discharge_enabled, true);
}

TEST_F(DalyTest, large_discharge_currents_are_not_negative_numbers) {
  board.answers[0x90] = {hex("0085000081ec0320")}; // raw 33260
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.current, -326.0);
}

TEST_F(DalyTest, balancing_bits_behind_the_last_cell_are_leftovers) {
  board.answers[0x97] = {hex("f000000000000000")};
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.balancing, false);
  board.answers[0x97] = {hex("f800000000000000")};
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.balancing, true);
  EXPECT_TRUE(sample.balancing_cells[3]);
  EXPECT_EQ(sample.balancing_cells.size(), 4u);
}

TEST_F(DalyTest, every_failure_bit) {
  const std::map<unsigned, std::pair<Alarm, int>> second = {{0, {Alarm::HighCellVoltage, 0}},
                                                            {1, {Alarm::LowCellVoltage, 0}},
                                                            {2, {Alarm::HighVoltage, 0}},
                                                            {3, {Alarm::LowVoltage, 0}},
                                                            {4, {Alarm::HighChargeTemperature, 0}},
                                                            {5, {Alarm::LowChargeTemperature, 0}},
                                                            {6, {Alarm::HighTemperature, 0}},
                                                            {7, {Alarm::LowTemperature, 0}},
                                                            {8, {Alarm::HighChargeCurrent, 0}},
                                                            {9, {Alarm::HighDischargeCurrent, 0}},
                                                            {11, {Alarm::LowSoc, 0}},
                                                            {12, {Alarm::CellImbalance, 0}}};
  for (unsigned bit = 0; bit < 64; ++bit) {
    std::optional<Alarm> alarm;
    int level = 2;
    if (auto pair = second.find(bit / 2); bit < 32 && pair != second.end()) {
      alarm = pair->second.first;
      level = bit % 2 == 0 ? 1 : 2;
    } else if (bit == 32 || bit == 33) {
      alarm = Alarm::HighInternalTemperature;
      level = 1;
    } else if ((bit >= 34 && bit <= 45) || bit == 48 || bit == 49) {
      alarm = Alarm::InternalFailure;
    } else if (bit == 50) {
      alarm = Alarm::HighDischargeCurrent;
    } else if (bit == 51) {
      alarm = Alarm::LowCellVoltage;
    }
    board.answers[0x98][0] = Bytes(8);
    board.answers[0x98][0][bit / 8] = static_cast<std::uint8_t>(1U << bit % 8);
    ASSERT_TRUE(poll());
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      EXPECT_EQ(sample.alarms.at(i).value_or(0), alarm && i == static_cast<std::size_t>(*alarm) ? level : 0)
          << "bit " << bit << " " << kAlarmNames[i];
    }
  }
}

TEST(Daly, low_soc_is_silent_when_soc_is_counted_elsewhere) {
  FakeDaly board;
  board.answers[0x98] = {hex("0000800000000000")};
  ProtocolConfig config;
  config.soc_alarms = false;
  Daly protocol(config);
  Sample sample;
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_FALSE(sample.alarms[Alarm::LowSoc]);
  EXPECT_EQ(sample.alarms[Alarm::InternalFailure], 0);
}

TEST(Daly, the_current_can_be_inverted_under_both_names) {
  for (const auto& [name, value] :
       {std::pair("invert_current", "true"), std::pair("invert_current_measurement", "-1")}) {
    FakeDaly board;
    ProtocolConfig config;
    config.options[name] = value;
    Daly protocol(config);
    Sample sample;
    ASSERT_TRUE(board.run(protocol.poll(sample)));
    EXPECT_EQ(sample.current, -30.0);
  }
  FakeDaly idle;
  idle.answers[0x90] = {hex("0085000075300320")};
  ProtocolConfig config;
  config.options["invert_current"] = "true";
  Daly protocol(config);
  Sample sample;
  ASSERT_TRUE(idle.run(protocol.poll(sample)));
  EXPECT_FALSE(std::signbit(*sample.current));
}

// -- commands -----------------------------------------------------------------------

TEST(Daly, writes_nothing_unless_allowed) {
  FakeDaly board;
  Daly protocol({});
  for (auto kind : {CommandKind::force_charging_off, CommandKind::force_discharging_off, CommandKind::set_soc}) {
    const auto result = board.run(protocol.command(command(kind, 1)));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().fault, Fault::rejected);
  }
  EXPECT_TRUE(board.heard.empty());
}

TEST_F(DalyTest, values_that_mean_nothing_are_rejected) {
  EXPECT_EQ(fault_of(CommandKind::force_charging_off, 2), Fault::rejected);
  EXPECT_EQ(fault_of(CommandKind::set_soc, 100.1), Fault::rejected);
  EXPECT_EQ(fault_of(CommandKind::set_soc, -1), Fault::rejected);
  EXPECT_EQ(fault_of(CommandKind::set_soc, std::nan("")), Fault::rejected);
  EXPECT_EQ(fault_of(CommandKind::turn_balancing_off, 1), Fault::unsupported);
  EXPECT_EQ(fault_of(CommandKind::turn_heating_off, 1), Fault::unsupported);
  EXPECT_TRUE(board.heard.empty());
}

TEST_F(DalyTest, frames_of_the_switches) {
  ASSERT_EQ(fault_of(CommandKind::force_charging_off, 1), Fault::none);
  ASSERT_EQ(fault_of(CommandKind::force_charging_off, 0), Fault::none);
  ASSERT_EQ(fault_of(CommandKind::force_discharging_off, 1), Fault::none);
  ASSERT_EQ(fault_of(CommandKind::force_discharging_off, 0), Fault::none);
  const std::vector<Bytes> expected = {hex("a540da0800aaaaaaaaaaaaaa6d"), hex("a540da0801aaaaaaaaaaaaaa6e"),
                                       hex("a540d90800aaaaaaaaaaaaaa6c"), hex("a540d90801aaaaaaaaaaaaaa6d")};
  EXPECT_EQ(board.heard, expected);
}

TEST_F(DalyTest, only_an_acknowledged_switch_counts) {
  for (auto [kind, id] : {std::pair(CommandKind::force_charging_off, 0xDA),
                          std::pair(CommandKind::force_discharging_off, 0xD9), std::pair(CommandKind::set_soc, 0x21)}) {
    board.silent = {id};
    EXPECT_EQ(fault_of(kind, 1), Fault::timeout);
    board.silent.clear();
    board.lying = {id};
    EXPECT_EQ(fault_of(kind, 1), Fault::refused);
    EXPECT_EQ(fault_of(kind, 0), Fault::refused);
    board.lying.clear();
    board.cut = 1;
    EXPECT_NE(fault_of(kind, 1), Fault::none);
    board.cut = 0;
  }
}

TEST_F(DalyTest, a_lost_acknowledgement_is_asked_for_again) {
  board.deaf = 2;
  EXPECT_EQ(fault_of(CommandKind::force_charging_off, 1), Fault::none);
  EXPECT_EQ(board.asked(0xDA), 3);
}

TEST_F(DalyTest, a_new_soc_counts_when_it_is_read_back) {
  ASSERT_EQ(fault_of(CommandKind::set_soc, 40.5), Fault::none);
  EXPECT_EQ(board.heard.at(0), hex("a54021080000000000000195a4"));
  board.honest = false;
  EXPECT_EQ(fault_of(CommandKind::set_soc, 90), Fault::unsupported);
  board.silent = {0x90};
  EXPECT_EQ(fault_of(CommandKind::set_soc, 90), Fault::timeout);
}

} // namespace
} // namespace bmsd::protocols
