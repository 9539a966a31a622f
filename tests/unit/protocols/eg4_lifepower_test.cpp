#include "protocols/eg4_lifepower.hpp"
#include "protocols/revov.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace bmsd::protocols {
namespace {

using test::hex;

std::uint8_t checksum(const Bytes& bytes) {
  unsigned sum = 0, exclusive = 0;
  for (auto byte : bytes) {
    sum += byte;
    exclusive ^= byte;
  }
  return static_cast<std::uint8_t>((sum & 0xFF) ^ exclusive);
}

using Words = std::vector<unsigned>;

/// A pack of four cells, and whatever it is told to do wrong.
class FakeLifepower {
public:
  std::map<int, Words> groups = {
      {1, {0x0CE4, 0x0CE5, 0x0CE6, 0x0CE7}}, // 3.300 to 3.303 V
      {2, {31234}},                          // -12.34 A
      {3, {7550}},
      {4, {10000}},
      {5, {70, 71, 72, 73, 0x804C, 0x204D}},
      {6, {0, 0, 0, 0, 0}},
      {7, {88}},
      {8, {1320}},
      {9, {9900}},
      {10, {0}},
  };
  Bytes firmware = hex("51542d595330302d31365356313030412d56332e3430");
  Bytes hardware = hex("483120ff412e3100"); // "H1 A.1" with two bytes that are no text
  std::set<int> silent;
  int deaf = 0; ///< requests that go unanswered
  std::uint8_t start = 0x7E, address = 1;
  std::size_t cut = 0; ///< bytes missing at the end of every answer
  std::vector<Bytes> heard;

  Bytes answer(const Bytes& tx) {
    heard.push_back(tx);
    if (tx[0] != start || tx[1] != address || silent.count(tx[2]) != 0 || (deaf > 0 && deaf-- > 0)) {
      return {};
    }
    Bytes out = frame(tx[2], tx[2] == 0x01 ? status() : tx[2] == 0x33 ? firmware : hardware);
    out.erase(out.end() - static_cast<std::ptrdiff_t>(std::min(cut, out.size())), out.end());
    return out;
  }

  Bytes status() const {
    Bytes out;
    for (const auto& [id, words] : groups) {
      out.push_back(static_cast<std::uint8_t>(id));
      out.push_back(static_cast<std::uint8_t>(words.size()));
      for (auto word : words) {
        out.push_back(static_cast<std::uint8_t>(word >> 8));
        out.push_back(static_cast<std::uint8_t>(word));
      }
    }
    return out;
  }

  Bytes frame(int command, const Bytes& data) const {
    Bytes out = {start, address, static_cast<std::uint8_t>(command), static_cast<std::uint8_t>(data.size())};
    out.insert(out.end(), data.begin(), data.end());
    out.push_back(checksum(out));
    out.push_back(0x0D);
    return out;
  }

  Result<void> run(Script script) {
    return test::run(std::move(script), [this](const Bytes& tx) { return answer(tx); });
  }
};

ProtocolConfig at(std::uint32_t address) {
  ProtocolConfig config;
  config.address = address;
  config.allow_writes = true;
  return config;
}

struct Eg4LifepowerTest : testing::Test {
  FakeLifepower board;
  Eg4Lifepower protocol{at(1)};
  Identity identity;
  Sample sample;

  Result<void> poll() {
    sample = {};
    return board.run(protocol.poll(sample));
  }
  Fault fault() {
    const auto result = poll();
    return result ? Fault::none : result.error().fault;
  }
};

// -- frames ---------------------------------------------------------------------

TEST(Eg4LifepowerFrame, requests_have_a_real_checksum_at_every_address) {
  const std::map<unsigned, std::string_view> checksums = {{0x0, "00fcfc"}, {0x1, "fefefc"}, {0x2, "fcfcfc"},
                                                          {0x3, "fefafc"}, {0x4, "f8fcfc"}, {0x7, "fef2fc"},
                                                          {0x8, "f0fcfc"}, {0xF, "fe82fc"}};
  for (const auto& [address, sums] : checksums) {
    FakeLifepower board;
    board.address = static_cast<std::uint8_t>(address);
    Eg4Lifepower protocol(at(address));
    Identity identity;
    ASSERT_TRUE(board.run(protocol.identify(identity)));
    ASSERT_EQ(board.heard.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto command = std::array{0x01, 0x33, 0x42}[i];
      EXPECT_EQ(board.heard[i],
                (Bytes{0x7E, board.address, static_cast<std::uint8_t>(command), 0, hex(sums)[i], 0x0D}));
    }
  }
}

/// A flipped bit changes sum and exclusive-or alike, unless it makes a carry. What gets through is plausible, and
/// never an answer to something else.
TEST_F(Eg4LifepowerTest, flipped_bits_that_the_checksum_cannot_see) {
  const Bytes good = board.answer(hex("7e010100fe0d"));
  int refused = 0, unseen = 0;
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes flipped = good;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << bit % 8);
    sample = {};
    const auto result = test::run(protocol.poll(sample), [&](const Bytes&) { return flipped; });
    if (!result) {
      ++refused;
      continue;
    }
    ++unseen;
    EXPECT_GE(bit / 8, 4u) << "start, address, command and length";
    double sum = 0;
    for (const auto& volts : sample.cell_voltages) {
      sum += *volts;
    }
    EXPECT_NEAR(sum, *sample.voltage, 4 * 0.15);
  }
  EXPECT_GT(refused, unseen);
  EXPECT_GT(unseen, 0);
}

TEST_F(Eg4LifepowerTest, end_bytes_inside_the_data) {
  board.groups[4] = {0x0D0D};
  board.groups[7] = {0x7E01};
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.capacity_full, 33.41);
  EXPECT_EQ(sample.cycles, 0x7E01);
}

TEST_F(Eg4LifepowerTest, an_echo_is_no_answer) {
  const auto echo = [](const Bytes& tx) { return tx; };
  EXPECT_EQ(test::run(protocol.poll(sample), echo).error().fault, Fault::framing);
  EXPECT_TRUE(test::run(protocol.poll(sample), [&](const Bytes& tx) {
    Bytes both = tx;
    const Bytes reply = board.answer(tx);
    both.insert(both.end(), reply.begin(), reply.end());
    return both;
  }));
}

TEST_F(Eg4LifepowerTest, answers_to_another_command_or_of_another_pack) {
  EXPECT_EQ(
      test::run(protocol.poll(sample), [&](const Bytes&) { return board.frame(0x33, board.status()); }).error().fault,
      Fault::framing);
  board.address = 2;
  EXPECT_NE(
      test::run(protocol.poll(sample), [&](const Bytes&) { return board.frame(0x01, board.status()); }).error().fault,
      Fault::none);
}

// -- identification ---------------------------------------------------------------

TEST_F(Eg4LifepowerTest, tells_who_it_is) {
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  EXPECT_EQ(identity.protocol, "eg4_lifepower");
  EXPECT_EQ(identity.label, "EG4 Lifepower");
  EXPECT_EQ(identity.firmware_version, "QT-YS00-16SV100A-V3.40");
  EXPECT_EQ(identity.hardware_version, "H1 A.1");
  EXPECT_EQ(identity.cell_count, 4);
  EXPECT_EQ(identity.capacity_full, 100.0);
  EXPECT_EQ(identity.unique_id, ""); // its place
  EXPECT_EQ(identity.capabilities, Capabilities{});
}

TEST_F(Eg4LifepowerTest, not_every_board_tells_its_versions) {
  board.silent = {0x33, 0x42};
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  EXPECT_EQ(identity.firmware_version + identity.hardware_version, "");
  board.silent = {0x01};
  EXPECT_EQ(board.run(protocol.identify(identity)).error().fault, Fault::timeout);
}

TEST_F(Eg4LifepowerTest, a_lost_request_is_repeated_twice) {
  board.deaf = 2;
  EXPECT_TRUE(poll());
  board.deaf = 3;
  EXPECT_EQ(fault(), Fault::timeout);
}

TEST(Revov, is_the_same_with_another_first_byte) {
  FakeLifepower board;
  board.start = 0x7C;
  Identity identity;
  Sample sample;
  Eg4Lifepower other(at(1));
  EXPECT_FALSE(board.run(other.identify(identity)));
  Revov protocol(at(1));
  ASSERT_TRUE(board.run(protocol.identify(identity)));
  EXPECT_EQ(identity.protocol, "revov");
  EXPECT_EQ(identity.label, "Revov");
  EXPECT_EQ(board.heard.back(), hex("7c014200800d"));
  ASSERT_TRUE(board.run(protocol.poll(sample)));
  EXPECT_EQ(sample.voltage, 13.2);
  board.start = 0x7E;
  EXPECT_FALSE(board.run(protocol.identify(identity)));
}

TEST(Revov, is_looked_for_behind_eg4_lifepower) {
  EXPECT_EQ(Revov::kInfo.detect_order, Eg4Lifepower::kInfo.detect_order + 1);
}

// -- poll -------------------------------------------------------------------------

TEST_F(Eg4LifepowerTest, reads_all_groups) {
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.voltage, 13.2);
  EXPECT_EQ(sample.current, -12.34);
  EXPECT_EQ(sample.soc, 75.5);
  EXPECT_EQ(sample.soh, 99.0);
  EXPECT_EQ(sample.capacity_full, 100.0);
  EXPECT_EQ(sample.cycles, 88);
  EXPECT_EQ(sample.cell_count, 4);
  EXPECT_EQ(sample.cell_voltages[3], 3.303);
  EXPECT_EQ(sample.temperatures.battery[3], 23);
  EXPECT_EQ(sample.temperatures.mos, 26);
  EXPECT_EQ(sample.temperatures.env, 27);
  EXPECT_FALSE(sample.charge_enabled);
  EXPECT_FALSE(sample.balancing);
  EXPECT_EQ(board.heard.size(), 1u);
}

TEST_F(Eg4LifepowerTest, sensors_as_many_as_there_are) {
  for (std::size_t count = 0; count <= 8; ++count) {
    board.groups[5] = Words(count, 0x3300 + 75);
    ASSERT_TRUE(poll());
    for (std::size_t i = 0; i < kMaxTemperatures; ++i) {
      EXPECT_EQ(sample.temperatures.battery[i].has_value(), i < std::min<std::size_t>(count, 4));
    }
    EXPECT_EQ(sample.temperatures.mos.has_value(), count >= 5);
    EXPECT_EQ(sample.temperatures.env.has_value(), count >= 6);
  }
  board.groups[5] = {0, 0xFF, 50, 10, 0x8000, 0x20FF};
  ASSERT_TRUE(poll());
  EXPECT_FALSE(sample.temperatures.battery[0]);
  EXPECT_FALSE(sample.temperatures.battery[1]);
  EXPECT_EQ(sample.temperatures.battery[2], 0);
  EXPECT_FALSE(sample.temperatures.battery[3]); // -40 °C
  EXPECT_FALSE(sample.temperatures.mos);
  EXPECT_FALSE(sample.temperatures.env);
}

TEST_F(Eg4LifepowerTest, flags_of_a_cell_are_no_voltage) {
  board.groups[1] = {0x8CE4, 0x4CE5, 0xCCE6, 0x0CE7};
  ASSERT_TRUE(poll());
  EXPECT_EQ(sample.cell_voltages[0], 3.3);
  EXPECT_EQ(sample.cell_voltages[1], 3.301);
  EXPECT_EQ(sample.cell_voltages[2], 3.302);
}

TEST_F(Eg4LifepowerTest, bits_of_the_state) {
  const std::map<unsigned, Alarm> bits = {{2, Alarm::HighDischargeCurrent},  {3, Alarm::HighChargeCurrent},
                                          {4, Alarm::HighVoltage},           {5, Alarm::LowVoltage},
                                          {6, Alarm::HighChargeTemperature}, {7, Alarm::LowChargeTemperature}};
  for (unsigned bit = 0; bit < 16; ++bit) {
    board.groups[6][1] = 1U << bit;
    ASSERT_TRUE(poll());
    const auto raised = bits.find(bit);
    for (std::size_t i = 0; i < kAlarmCount; ++i) {
      const bool expected = raised != bits.end() && i == static_cast<std::size_t>(raised->second);
      EXPECT_EQ(sample.alarms.at(i).value_or(0), expected ? 2 : 0) << bit << " " << kAlarmNames[i];
    }
  }
  EXPECT_EQ(sample.alarms[Alarm::InternalFailure], std::nullopt);
}

TEST_F(Eg4LifepowerTest, groups_that_are_necessary) {
  for (int id = 2; id <= 10; ++id) {
    FakeLifepower without;
    without.groups.erase(id);
    sample = {};
    const auto result = without.run(protocol.poll(sample));
    const bool necessary = id == 2 || id == 3 || id == 6 || id == 8;
    EXPECT_EQ(result.has_value(), !necessary) << id;
    if (!result) {
      EXPECT_EQ(result.error().fault, Fault::truncated);
    }
  }
  board.groups.erase(1);
  EXPECT_EQ(fault(), Fault::framing);
}

TEST_F(Eg4LifepowerTest, new_groups_are_passed_over) {
  board.groups[11] = {1, 2, 3};
  board.groups[255] = {1};
  EXPECT_EQ(fault(), Fault::none);
}

TEST_F(Eg4LifepowerTest, a_group_that_comes_twice) {
  Bytes data = board.status();
  data.insert(data.end(), {3, 1, 0x20, 0x00});
  const auto twice = [&](const Bytes&) { return board.frame(0x01, data); };
  EXPECT_EQ(test::run(protocol.poll(sample), twice).error().fault, Fault::framing);
}

TEST_F(Eg4LifepowerTest, impossible_values_refuse_the_whole_sample) {
  struct {
    int group;
    Words words;
  } const cases[] = {{1, {0x0CE4, 0x0CE5, 0x0CE6, 5001}},
                     {1, {}},
                     {1, Words(33, 400)},
                     {3, {10001}},
                     {9, {10001}},
                     {8, {1390}},
                     {8, {1250}}};
  for (const auto& one : cases) {
    board = {};
    board.groups[one.group] = one.words;
    EXPECT_EQ(fault(), Fault::implausible) << one.group;
  }
}

TEST_F(Eg4LifepowerTest, a_status_of_every_length) {
  board.groups.erase(10);
  const Bytes whole = board.status();
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    sample = {};
    const auto result = test::run(protocol.poll(sample), [&](const Bytes&) { return board.frame(0x01, part); });
    const bool without_soh = size == whole.size() - 4; // ends with a whole group that may lack
    EXPECT_EQ(result.has_value(), without_soh) << size;
  }
}

TEST_F(Eg4LifepowerTest, truncated_answers_are_errors) {
  const std::size_t size = board.answer(hex("7e010100fe0d")).size();
  for (board.cut = 1; board.cut <= size; ++board.cut) {
    EXPECT_EQ(fault(), Fault::timeout) << board.cut;
  }
}

TEST_F(Eg4LifepowerTest, takes_no_commands) {
  for (auto kind : {CommandKind::force_charging_off, CommandKind::set_soc}) {
    Command command;
    command.kind = kind;
    command.value = 1;
    EXPECT_EQ(board.run(protocol.command(command)).error().fault, Fault::unsupported);
  }
  EXPECT_TRUE(board.heard.empty());
}

// -- captures ---------------------------------------------------------------------

TEST(Eg4Lifepower, requests_with_a_wrong_checksum_ask_for_the_same) {
  const Eg4Lifepower any({}), third(at(3));
  const Revov revov(at(3));
  const Bytes wanted = hex("7e033300fa0d");
  EXPECT_TRUE(third.same_request(wanted, hex("7e033300fe0d")));
  EXPECT_FALSE(third.same_request(wanted, hex("7e043300fe0d")));
  EXPECT_TRUE(any.same_request(wanted, hex("7e043300fe0d")));
  EXPECT_FALSE(third.same_request(wanted, hex("7e034200fe0d")));
  EXPECT_FALSE(revov.same_request(hex("7c033300fa0d"), wanted));
  EXPECT_FALSE(third.same_request(wanted, hex("7e0333")));
}

} // namespace
} // namespace bmsd::protocols
