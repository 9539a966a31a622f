#include "fake_jbd.hpp"
#include "protocols/core/checksum.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/core/options.hpp"
#include "protocols/core/replay.hpp"
#include "protocols/lltjbd.hpp"
#include "protocols/lltjbd_frame.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <set>

namespace bmsd::protocols {
namespace {

using test::FakeJbd;
using test::hex;

// -- checksums ----------------------------------------------------------------------

TEST(Checksum, known_values) {
  const std::string_view digits = "123456789";
  const ByteView text(reinterpret_cast<const std::uint8_t*>(digits.data()), digits.size());
  EXPECT_EQ(sum16(text), 0x01DD);
  EXPECT_EQ(negated_sum16(text), 0xFE23);
  EXPECT_EQ(crc16_modbus(text), 0x4B37);
  EXPECT_EQ(negated_sum16({}), 0);
}

// -- field tables -------------------------------------------------------------------

TEST(Decode, integers_of_every_kind) {
  const Bytes bytes = hex("80ff7f01");
  EXPECT_EQ(integer(bytes, 0, Wire::u8), 0x80);
  EXPECT_EQ(integer(bytes, 0, Wire::s8), -128);
  EXPECT_EQ(integer(bytes, 0, Wire::u16be), 0x80FF);
  EXPECT_EQ(integer(bytes, 0, Wire::s16be), -32513);
  EXPECT_EQ(integer(bytes, 0, Wire::u16le), 0xFF80);
  EXPECT_EQ(integer(bytes, 0, Wire::s16le), -128);
  EXPECT_EQ(integer(bytes, 0, Wire::u32be), 0x80FF7F01);
  EXPECT_EQ(integer(bytes, 0, Wire::s32be), -2130739455);
  EXPECT_EQ(integer(bytes, 0, Wire::u32le), 0x017FFF80);
  EXPECT_EQ(integer(bytes, 0, Wire::s32le), 0x017FFF80);
}

TEST(Decode, scale_shift_range_and_sentinel) {
  Sample out;
  constexpr std::array table = {
      field(&Sample::current, 0, Wire::u16be).shift(-30000).per_unit(-10), // 0.1 A, positive = discharging
      field(&Sample::soc, 2, Wire::u8).within(0, 100).absent(0xFF),
      field(&Sample::cycles, 3, Wire::u8),
      field(&Sample::soh, 4, Wire::u8).optional(),
  };
  EXPECT_TRUE(decode(table, hex("7558ff07"), out));
  EXPECT_EQ(out.current, -4.0);
  EXPECT_FALSE(out.soc);
  EXPECT_EQ(out.cycles, 7);
  EXPECT_FALSE(out.soh);
  EXPECT_EQ(decode(table, hex("75586507"), out).error().fault, Fault::implausible);
  EXPECT_EQ(decode(table, hex("755864"), out).error().fault, Fault::truncated);
}

TEST(Decode, scaled_values_are_the_nearest_numbers) {
  constexpr std::array table = {field(&Sample::voltage, 0, Wire::u16be).per_unit(100)};
  Sample out;
  ASSERT_TRUE(decode(table, hex("0536"), out));
  EXPECT_EQ(*out.voltage, 13.34);
}

TEST(Decode, a_turned_sign_leaves_zero_alone) {
  constexpr std::array table = {field(&Sample::current, 0, Wire::u16be).shift(-30000).per_unit(-10)};
  Sample out;
  ASSERT_TRUE(decode(table, hex("7530"), out));
  EXPECT_EQ(*out.current, 0.0);
  EXPECT_FALSE(std::signbit(*out.current));
}

TEST(Decode, sensors_by_number_and_by_name) {
  constexpr std::array kTable = {
      sensor_field(0, 0, Wire::s16be).per_unit(100),
      sensor_field(1, 2, Wire::s16be).per_unit(100),
      sensor_field(&Temperatures::mos, 4, Wire::s16be).per_unit(100),
  };
  Sample out;
  ASSERT_TRUE(decode(kTable, hex("0834fda88000"), out));
  EXPECT_EQ(out.temperatures.battery[0], 21.0);
  EXPECT_EQ(out.temperatures.battery[1], -6.0);
  EXPECT_EQ(out.temperatures.mos, std::nullopt);
}

TEST(Decode, alarms_keep_the_highest_level_and_become_known) {
  constexpr AlarmBit table[] = {
      {0, Alarm::HighVoltage, 2}, {1, Alarm::HighDischargeCurrent, 1}, {2, Alarm::HighDischargeCurrent, 2}};
  Alarms out;
  raise_alarms(table, 0b110, out);
  EXPECT_EQ(out[Alarm::HighVoltage], 0);
  EXPECT_EQ(out[Alarm::HighDischargeCurrent], 2);
  EXPECT_FALSE(out[Alarm::LowSoc]);
}

// -- scripts -------------------------------------------------------------------------

Script one(std::uint8_t reg, int& answered) {
  const Bytes reply = co_await ask(jbd::read(reg));
  co_await jbd::data_of(reply);
  ++answered;
  co_return done();
}

Script two_parts(int& answered, bool& end_reached) {
  co_await part(one(0x03, answered));
  co_await part(one(0x04, answered));
  end_reached = true;
  co_return done();
}

Script nested(int& answered, bool& end_reached) {
  co_await part(two_parts(answered, end_reached));
  co_return Error{Fault::internal, "behind the parts"};
}

TEST(Script, a_failed_part_ends_all_scripts_around_it) {
  FakeJbd board;
  board.silent = {0x03};
  int answered = 0;
  bool end_reached = false;
  const auto result = board.run(nested(answered, end_reached));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::timeout);
  EXPECT_EQ(answered, 0);
  EXPECT_FALSE(end_reached);
  EXPECT_EQ(board.heard.size(), 2u); // one retry, and nothing after it
}

TEST(Script, a_skipped_part_is_passed_over) {
  FakeJbd board;
  ScriptRunner runner;
  int answered = 0;
  bool end_reached = false;
  runner.start(two_parts(answered, end_reached));
  runner.skip();
  ASSERT_NE(runner.pending(), nullptr);
  EXPECT_EQ(runner.pending()->tx, jbd::read(0x04).tx);
  runner.answer(receive(*runner.pending(), board.answer(runner.pending()->tx)));
  EXPECT_TRUE(runner.finished());
  EXPECT_TRUE(runner.result());
  EXPECT_EQ(answered, 1);
  EXPECT_TRUE(end_reached);
}

Script throws(int& answered) {
  co_await part(one(0x03, answered));
  throw std::runtime_error("a bug");
}
Script around(int& answered) {
  co_await part(throws(answered));
  co_return done();
}

TEST(Script, an_exception_inside_a_part_leaves_the_runner) {
  FakeJbd board;
  int answered = 0;
  EXPECT_THROW((void)board.run(around(answered)), std::runtime_error);
}

TEST(Script, cancelling_in_the_middle_of_a_part_is_clean) {
  ScriptRunner runner;
  int answered = 0;
  bool end_reached = false;
  runner.start(nested(answered, end_reached));
  runner.cancel();
  EXPECT_EQ(runner.pending(), nullptr);
  runner.answer({});
  runner.skip();
  EXPECT_EQ(answered, 0);
}

// -- replay --------------------------------------------------------------------------

Exchange heard(FakeJbd& board, Request request) {
  Bytes rx = board.answer(request.tx);
  return {std::move(request.tx), std::move(rx)};
}

TEST(Replay, a_part_of_a_cycle_gives_a_part_of_the_values) {
  FakeJbd board;
  LltJbd protocol({});
  Identity identity;
  Sample sample;
  ASSERT_TRUE(replay(protocol, {heard(board, jbd::read(0x04))}, identity, sample));
  EXPECT_EQ(sample.cell_voltages.size(), 4u);
  EXPECT_FALSE(sample.voltage);
  EXPECT_TRUE(identity.model.empty());
}

TEST(Replay, a_wrongly_summed_request_asks_for_the_same) {
  FakeJbd board;
  LltJbd protocol({});
  Identity identity;
  Sample sample;
  auto exchange = heard(board, jbd::read(0x04));
  exchange.tx[4] = 0x12;
  ASSERT_TRUE(replay(protocol, {exchange}, identity, sample));
  EXPECT_EQ(sample.cell_voltages.size(), 4u);
}

TEST(Replay, a_retry_in_the_recording_is_used) {
  FakeJbd board;
  LltJbd protocol({});
  Identity identity;
  Sample sample;
  auto good = heard(board, jbd::read(0x04));
  auto bad = good;
  bad.rx[5] = 0;
  ASSERT_TRUE(replay(protocol, {bad, good}, identity, sample));
  EXPECT_EQ(replay(protocol, {bad}, identity, sample).error().fault, Fault::checksum);
}

TEST(Replay, the_end_of_a_cycle_is_what_counts) {
  FakeJbd board;
  LltJbd protocol({});
  Identity identity;
  Sample sample;
  auto before = heard(board, jbd::read(0x03));
  auto write = heard(board, jbd::write(0xE1, 1));
  auto after = heard(board, jbd::read(0x03));
  ASSERT_TRUE(replay(protocol, {before, write, after}, identity, sample));
  EXPECT_EQ(sample.charge_enabled, false);
  ASSERT_EQ(sample.extra.size(), 1u);
  EXPECT_EQ(sample.extra[0].name, "writes_ok");
}

TEST(Replay, a_refused_write_is_an_error) {
  FakeJbd board;
  LltJbd protocol({});
  Identity identity;
  Sample sample;
  const auto result = replay(protocol, {heard(board, jbd::write(0x2D, 2))}, identity, sample);
  ASSERT_FALSE(result);
  EXPECT_EQ(to_string(result.error()), "refused: status 0x81");
}

TEST(Replay, foreign_bytes_are_an_error) {
  LltJbd protocol({});
  Identity identity;
  Sample sample;
  EXPECT_EQ(replay(protocol, {{hex("0103"), hex("0103")}}, identity, sample).error().fault, Fault::unsupported);
}

// -- options ---------------------------------------------------------------------------

TEST(Options, only_numbers_are_numbers) {
  ProtocolConfig config;
  EXPECT_EQ(option(config, "n", 7), 7);
  for (const auto& [text, number] : {std::pair("2", 2.0), {"-0.5", -0.5}, {"nan", 7}, {"inf", 7}, {"2x", 7}, {"", 7}}) {
    config.options["n"] = text;
    EXPECT_EQ(option(config, "n", 7), number) << text;
  }
}

// -- registry --------------------------------------------------------------------------

TEST(Registry, every_protocol_is_complete) {
  std::set<std::string_view> names;
  for (const ProtocolInfo& info : registry()) {
    SCOPED_TRACE(info.key);
    EXPECT_TRUE(names.insert(info.key).second);
    EXPECT_FALSE(info.label.empty());
    EXPECT_FALSE(info.about.empty());
    EXPECT_EQ(info.exchange != nullptr, info.medium == Medium::serial);
    EXPECT_EQ(info.broadcast != nullptr, info.medium == Medium::can);
    EXPECT_EQ(info.document != nullptr, info.medium == Medium::document);
    EXPECT_EQ(info.lines.empty(), info.medium != Medium::serial);
    EXPECT_EQ(info.can_bitrate == 0, info.medium != Medium::can);
    EXPECT_EQ(find_protocol(info.key), &info);
    for (auto alias : info.aliases) {
      EXPECT_EQ(find_protocol(alias), &info) << alias;
    }
    const std::string key(info.key);
    EXPECT_TRUE(std::filesystem::exists(BMSD_SOURCE_DIR "/docs/protocols/" + key + ".md"));
    EXPECT_TRUE(std::filesystem::exists(BMSD_TEST_DATA "/captures/" + key + ".jsonl"));
  }
  EXPECT_TRUE(std::is_sorted(registry().begin(), registry().end(),
                             [](const ProtocolInfo& a, const ProtocolInfo& b) { return a.key < b.key; }));
}

TEST(Registry, names_are_found_without_regard_to_case) {
  ASSERT_NE(find_protocol("LLTJBD"), nullptr);
  EXPECT_EQ(find_protocol("LltJbd"), find_protocol("lltjbd"));
  EXPECT_EQ(find_protocol("lltjb"), nullptr);
  EXPECT_EQ(find_protocol(""), nullptr);
}

} // namespace
} // namespace bmsd::protocols
