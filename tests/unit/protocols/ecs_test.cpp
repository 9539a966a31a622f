#include "protocols/core/modbus.hpp"
#include "protocols/ecs.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

namespace bmsd::protocols {
namespace {

/// A GreenMeter at address 1 and sixteen boards behind it, and whatever they are told to do wrong.
class FakeEcs {
public:
  std::map<int, std::map<int, int>> devices; ///< registers by address
  int most = 125;                            ///< registers told at once; more is refused
  bool silent_about_more = false;            ///< ... or not answered
  std::set<std::pair<int, int>> silent;      ///< address and register that get no answer
  std::vector<Bytes> heard;

  FakeEcs() {
    auto& meter = devices[1];
    for (int reg = 100; reg < 140; ++reg) {
      meter[reg] = 0;
    }
    meter[0] = 500;
    place(1, 2, 123456);
    meter[30] = 0x10000 - 250;
    meter[31] = 200;
    place(1, 46, 280000);
    meter[102] = 2150;
    meter[103] = 0x10000 - 475;
    place(1, 108, 52800);
    place(1, 114, -35250);
    place(1, 128, 66000);
    for (int address = 2; address < 18; ++address) {
      devices[address] = {{0, 102}, {100, 3300}, {101, 2100}, {102, 0}};
    }
  }
  /// 32 bits, the low word first.
  void place(int address, int reg, std::int64_t value) {
    devices[address][reg] = static_cast<int>(value & 0xFFFF);
    devices[address][reg + 1] = static_cast<int>(value >> 16 & 0xFFFF);
  }

  Bytes answer(const Bytes& tx) {
    heard.push_back(tx);
    const int address = tx[0], first = tx[2] << 8 | tx[3], count = tx[4] << 8 | tx[5];
    const auto device = devices.find(address);
    if (device == devices.end() || silent.count({address, first}) != 0 || (count > most && silent_about_more)) {
      return {};
    }
    Bytes reply = {tx[0], 3, static_cast<std::uint8_t>(2 * count)};
    for (int reg = first; reg < first + count; ++reg) {
      const auto value = device->second.find(reg);
      if (value == device->second.end() || count > most) {
        return modbus::with_crc({tx[0], 0x83, 2});
      }
      reply.push_back(static_cast<std::uint8_t>(value->second >> 8));
      reply.push_back(static_cast<std::uint8_t>(value->second));
    }
    return modbus::with_crc(std::move(reply));
  }
  Result<void> run(Script script) {
    return test::run(std::move(script), [this](const Bytes& tx) { return answer(tx); });
  }
};

ProtocolConfig with(std::map<std::string, std::string, std::less<>> options) {
  ProtocolConfig config;
  config.address = 1;
  config.options = std::move(options);
  return config;
}

struct EcsTest : testing::Test {
  FakeEcs line;
  std::optional<Ecs> protocol{with({})};
  Identity identity;
  Sample sample;

  void configure(std::map<std::string, std::string, std::less<>> options) {
    protocol.emplace(with(std::move(options)));
  }
  Result<void> identify() {
    identity = {};
    return line.run(protocol->identify(identity));
  }
  Result<void> poll() {
    sample = {};
    line.heard.clear();
    return line.run(protocol->poll(sample));
  }
  Fault identify_fault() {
    const auto result = identify();
    return result ? Fault::none : result.error().fault;
  }
  Fault poll_fault() {
    const auto result = poll();
    return result ? Fault::none : result.error().fault;
  }
  Result<void> live() {
    auto result = identify();
    return result ? poll() : result;
  }
};

// -- identification ---------------------------------------------------------------

TEST_F(EcsTest, tells_who_it_is_by_reading_only) {
  for (const auto& [type, model] :
       {std::pair(500, "Greenmeter-500A"), {501, "Greenmeter-250A"}, {502, "Greenmeter-125A"}}) {
    line.devices[1][0] = type;
    ASSERT_TRUE(identify());
    EXPECT_EQ(identity.model, model);
  }
  EXPECT_EQ(identity.protocol, "ecs");
  EXPECT_EQ(identity.label, "ECS LiPro");
  EXPECT_EQ(identity.hardware_version, "Greenmeter-125A");
  EXPECT_EQ(identity.capacity_full, 280);
  EXPECT_EQ(identity.unique_id, "");
  EXPECT_EQ(identity.capabilities, Capabilities{});
  for (const auto& tx : line.heard) {
    EXPECT_EQ(tx[1], 3);
  }
}

TEST_F(EcsTest, speaks_with_even_parity) {
  ASSERT_EQ(Ecs::kInfo.lines.size(), 1U);
  EXPECT_EQ(Ecs::kInfo.lines[0], (LineSettings{19200, Parity::even}));
}

TEST_F(EcsTest, another_device_is_no_green_meter) {
  for (int type : {0, 16, 100, 499, 503, 0xFFFF}) {
    line.devices[1][0] = type;
    EXPECT_EQ(identify_fault(), Fault::implausible) << type;
  }
  EXPECT_EQ(line.heard.size(), 6U) << "and is not asked any further";
}

TEST_F(EcsTest, a_device_that_knows_only_the_type_is_no_green_meter) {
  line.devices[1] = {{0, 500}};
  EXPECT_EQ(identify_fault(), Fault::refused);
  line.devices.erase(1);
  EXPECT_EQ(identify_fault(), Fault::timeout);
}

TEST_F(EcsTest, impossible_values_are_no_proof) {
  line.place(1, 108, 1'000'000);
  EXPECT_EQ(identify_fault(), Fault::implausible);
}

TEST_F(EcsTest, addresses_can_be_configured) {
  line.devices[40] = line.devices[1];
  line.devices.erase(1);
  line.devices[50] = line.devices[2];
  EXPECT_EQ(identify_fault(), Fault::timeout);
  configure({{"greenmeter_address", "40"}, {"lipro_start_address", "3"}, {"lipro_end_address", "50"}});
  line.devices[50][100] = 3301;
  ASSERT_TRUE(live());
  ASSERT_EQ(sample.cell_voltages.size(), 16U);
  EXPECT_EQ(sample.cell_voltages[0], 3.3);
  EXPECT_EQ(sample.cell_voltages[15], 3.301);
}

// -- boards -------------------------------------------------------------------------

TEST_F(EcsTest, a_cell_for_each_board) {
  for (int cell = 0; cell < 16; ++cell) {
    line.devices[2 + cell] = {{0, 100 + cell % 5}, {100, 3300 + cell}, {101, -550 + 200 * cell}, {102, 40 + cell}};
  }
  ASSERT_TRUE(live());
  EXPECT_EQ(sample.cell_count, 16);
  ASSERT_EQ(sample.cell_voltages.size(), 16U);
  ASSERT_EQ(sample.balancing_cells.size(), 16U);
  for (std::size_t cell = 0; cell < 16; ++cell) {
    EXPECT_DOUBLE_EQ(*sample.cell_voltages[cell], 3.3 + 0.001 * static_cast<double>(cell));
    EXPECT_EQ(sample.balancing_cells[cell], cell > 10) << "above 50 %";
  }
  EXPECT_EQ(sample.balancing, true);
  EXPECT_EQ(sample.min_cell_temperature, -5.5);
  EXPECT_EQ(sample.max_cell_temperature, 24.5);
  EXPECT_EQ(sample.temperatures.battery[0], 21.5);
  EXPECT_EQ(sample.temperatures.battery[1], -4.75);
}

TEST_F(EcsTest, other_devices_on_the_line_are_no_boards) {
  line.devices[5][0] = 99;
  line.devices[6][0] = 105;
  line.devices[7].erase(0);
  line.place(1, 108, 13 * 3300);
  ASSERT_TRUE(live());
  EXPECT_EQ(sample.cell_count, 13);
  EXPECT_EQ(sample.cell_voltages.size(), 13U);
}

TEST_F(EcsTest, a_damaged_answer_is_a_board_that_must_not_be_lost) {
  const auto result = test::run(protocol->identify(identity), [this](const Bytes& tx) {
    Bytes reply = line.answer(tx);
    if (tx[0] == 9) {
      reply[3] ^= 1;
    }
    return reply;
  });
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::checksum);
}

TEST_F(EcsTest, a_board_that_falls_silent_fails_the_poll) {
  ASSERT_TRUE(identify());
  line.devices.erase(9);
  EXPECT_EQ(poll_fault(), Fault::timeout);
}

TEST_F(EcsTest, more_cells_than_a_battery_can_have) {
  for (int address = 2; address < 40; ++address) {
    line.devices[address] = line.devices[2];
  }
  configure({{"lipro_end_address", "39"}});
  EXPECT_EQ(identify_fault(), Fault::unsupported);
}

TEST_F(EcsTest, a_cell_voltage_that_cannot_be) {
  line.devices[4][100] = 5001;
  ASSERT_TRUE(identify());
  EXPECT_EQ(poll_fault(), Fault::implausible);
}

// -- number of cells ------------------------------------------------------------------

TEST_F(EcsTest, boards_that_do_not_make_up_the_pack_are_no_battery) {
  configure({{"lipro_end_address", "4"}});
  ASSERT_TRUE(identify());
  const auto result = poll();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{Fault::implausible, "3 LiPro boards do not make up 52.8 V; boards not found?"}));
}

TEST_F(EcsTest, cells_without_a_board_have_no_voltage) {
  configure({{"lipro_end_address", "4"}, {"lipro_cell_count", "16"}});
  ASSERT_TRUE(live());
  EXPECT_EQ(sample.cell_count, 16);
  ASSERT_EQ(sample.cell_voltages.size(), 16U);
  EXPECT_EQ(sample.cell_voltages[2], 3.3);
  EXPECT_EQ(sample.cell_voltages[3], std::nullopt);
}

TEST_F(EcsTest, a_configured_number_that_the_voltage_contradicts_is_refused) {
  for (const char* count : {"4", "8", "15", "17", "32"}) {
    configure({{"lipro_end_address", "4"}, {"lipro_cell_count", count}});
    ASSERT_TRUE(identify());
    EXPECT_EQ(poll_fault(), Fault::implausible) << count;
  }
}

TEST_F(EcsTest, boards_count_more_than_the_configuration) {
  configure({{"lipro_cell_count", "15"}});
  ASSERT_TRUE(live());
  EXPECT_EQ(sample.cell_count, 16);
}

TEST_F(EcsTest, dead_boards_prove_nothing) {
  for (int address = 2; address < 18; ++address) {
    line.devices[address][100] = 0;
  }
  ASSERT_TRUE(identify());
  EXPECT_EQ(poll_fault(), Fault::implausible);
}

TEST_F(EcsTest, a_meter_alone_tells_the_pack) {
  for (int address = 2; address < 18; ++address) {
    line.devices.erase(address);
  }
  ASSERT_TRUE(live());
  EXPECT_EQ(sample.voltage, 52.8);
  EXPECT_EQ(sample.cell_count, std::nullopt);
  EXPECT_TRUE(sample.cell_voltages.empty());
  EXPECT_TRUE(sample.balancing_cells.empty());
  EXPECT_EQ(sample.balancing, std::nullopt);
  configure({{"lipro_cell_count", "16"}});
  ASSERT_TRUE(live());
  EXPECT_EQ(sample.cell_count, 16);
  configure({{"lipro_cell_count", "8"}});
  ASSERT_TRUE(identify());
  EXPECT_EQ(poll_fault(), Fault::implausible);
}

// -- values of the meter ----------------------------------------------------------------

TEST_F(EcsTest, long_numbers_have_the_low_word_first) {
  ASSERT_TRUE(live());
  EXPECT_EQ(sample.voltage, 52.8);
  EXPECT_EQ(sample.current, -35.25);
  EXPECT_EQ(sample.soc, 66.0);
  EXPECT_EQ(sample.capacity_full, 280.0);
  EXPECT_EQ(sample.max_charge_current, 200.0);
  EXPECT_EQ(sample.max_discharge_current, 250.0);
}

TEST_F(EcsTest, the_soc_with_a_high_word_that_is_not_set) {
  ASSERT_TRUE(identify());
  for (const auto& [raw, soc] :
       std::initializer_list<std::pair<std::int64_t, std::optional<double>>>{{0xFFFFC350, 50.0},
                                                                             {0x0000C350, 50.0},
                                                                             {0x0001869F, 99.999},
                                                                             {0x000186A0, 100.0},
                                                                             {0xFFFF0000, 0.0},
                                                                             {0xFFFFFFFE, 65.534},
                                                                             {0xFFFFFFFF, std::nullopt}}) {
    line.place(1, 128, raw);
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.soc, soc) << raw;
  }
  for (std::int64_t raw : {0x186A1LL, 0xFFFE0000LL}) {
    line.place(1, 128, raw);
    EXPECT_EQ(poll_fault(), Fault::implausible) << raw;
  }
}

TEST_F(EcsTest, values_that_cannot_be) {
  ASSERT_TRUE(identify());
  for (const auto& [reg, raw] : std::initializer_list<std::pair<int, std::int64_t>>{
           {108, -1}, {108, 160'001}, {114, 1'000'001}, {114, -1'000'001}, {114, INT32_MIN}}) {
    FakeEcs untouched = line;
    line.place(1, reg, raw);
    EXPECT_EQ(poll_fault(), Fault::implausible) << reg << " " << raw;
    line = untouched;
  }
}

TEST_F(EcsTest, limits_with_either_sign) {
  line.devices[1][30] = 250;
  ASSERT_TRUE(live());
  EXPECT_EQ(sample.max_discharge_current, 250.0);
  line.devices[1][31] = 0xFFFF;
  EXPECT_EQ(identify_fault(), Fault::implausible);
}

TEST_F(EcsTest, settings_that_are_refused_are_absent) {
  for (int reg : {2, 3, 30, 31, 46, 47}) {
    line.devices[1].erase(reg);
  }
  ASSERT_TRUE(live());
  EXPECT_EQ(sample.max_charge_current, std::nullopt);
  EXPECT_EQ(sample.max_discharge_current, std::nullopt);
  EXPECT_EQ(sample.capacity_full, std::nullopt);
  EXPECT_EQ(sample.voltage, 52.8);
}

TEST_F(EcsTest, settings_are_read_again_from_time_to_time) {
  ASSERT_TRUE(identify());
  line.devices[1][31] = 80;
  int polls = 0;
  do {
    ASSERT_TRUE(poll());
    ASSERT_LE(++polls, 60);
  } while (sample.max_charge_current == 200.0);
  EXPECT_EQ(polls, 60);
  EXPECT_EQ(sample.max_charge_current, 80.0);
}

TEST_F(EcsTest, sensors_that_are_not_there) {
  ASSERT_TRUE(identify());
  for (int raw : {0x8000, 0x7FFF, 0x10000 - 4000, 15001}) {
    line.devices[1][102] = raw;
    line.devices[2][101] = raw;
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.temperatures.battery[0], std::nullopt) << raw;
    EXPECT_EQ(sample.temperatures.battery[1], -4.75);
    EXPECT_EQ(sample.min_cell_temperature, 21.0);
    EXPECT_EQ(sample.max_cell_temperature, 21.0);
  }
}

TEST_F(EcsTest, every_state_stops_what_it_stands_for) {
  struct State {
    int reg, state;
    Alarm alarm;
    AlarmLevel level;
  };
  constexpr State kStates[] = {
      {130, 1, Alarm::HighVoltage, 2},
      {130, 2, Alarm::HighChargeCurrent, 1},
      {130, 3, Alarm::HighChargeTemperature, 1},
      {130, 4, Alarm::HighChargeTemperature, 1},
      {130, 5, Alarm::LowChargeTemperature, 1},
      {130, 6, Alarm::LowChargeTemperature, 1},
      {131, 1, Alarm::LowVoltage, 2},
      {131, 2, Alarm::HighDischargeCurrent, 1},
      {131, 3, Alarm::HighTemperature, 1},
      {131, 4, Alarm::HighTemperature, 1},
      {131, 5, Alarm::LowTemperature, 1},
      {131, 6, Alarm::LowTemperature, 1},
  };
  Alarms quiet;
  for (const auto& state : kStates) {
    quiet.set(state.alarm, 0);
  }
  quiet.set(Alarm::LowSoc, 0);
  ASSERT_TRUE(live());
  EXPECT_EQ(sample.alarms, quiet);
  EXPECT_EQ(sample.charge_enabled, true);
  EXPECT_EQ(sample.discharge_enabled, true);
  for (const auto& state : kStates) {
    line.devices[1][130] = line.devices[1][131] = 0;
    line.devices[1][state.reg] = state.state;
    ASSERT_TRUE(poll());
    Alarms raised = quiet;
    raised.set(state.alarm, state.level);
    EXPECT_EQ(sample.alarms, raised) << state.reg << " " << state.state;
    EXPECT_EQ(sample.charge_enabled, state.reg != 130);
    EXPECT_EQ(sample.discharge_enabled, state.reg != 131);
  }
  for (int unknown : {7, 63, 64, 0x8000, 0xFFFF}) {
    line.devices[1][130] = line.devices[1][131] = unknown;
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.alarms, quiet);
    EXPECT_EQ(sample.charge_enabled, false);
    EXPECT_EQ(sample.discharge_enabled, false);
  }
}

// -- reading ------------------------------------------------------------------------

TEST_F(EcsTest, one_read_for_each_device) {
  ASSERT_TRUE(live());
  EXPECT_EQ(line.heard.size(), 17U);
}

TEST_F(EcsTest, devices_that_tell_single_values_only) {
  for (const bool silent : {false, true}) {
    line.most = 2;
    line.silent_about_more = silent;
    configure({});
    ASSERT_TRUE(live());
    EXPECT_EQ(sample.voltage, 52.8);
    EXPECT_EQ(sample.cell_count, 16);
    ASSERT_TRUE(poll());
    EXPECT_EQ(line.heard.size(), 7U + 16 * 3) << "are not asked for more again";
  }
}

TEST_F(EcsTest, no_value_is_older_than_the_poll) {
  line.most = 2;
  ASSERT_TRUE(live());
  for (const auto& [address, reg] : {std::pair(1, 108),
                                     {1, 114},
                                     {1, 128},
                                     {1, 130},
                                     {1, 131},
                                     {1, 102},
                                     {1, 103},
                                     {2, 100},
                                     {2, 101},
                                     {2, 102},
                                     {17, 100}}) {
    line.silent = {{address, reg}};
    EXPECT_EQ(poll_fault(), Fault::timeout) << address << " " << reg;
  }
}

TEST_F(EcsTest, replies_that_break_off) {
  ASSERT_TRUE(identify());
  for (int device : {1, 2, 17}) {
    for (std::size_t size = 0;; ++size) {
      bool whole = false;
      sample = {};
      const auto result = test::run(protocol->poll(sample), [&](const Bytes& tx) {
        Bytes reply = line.answer(tx);
        if (tx[0] == device) {
          whole = whole || size >= reply.size();
          reply.resize(std::min(size, reply.size()));
        }
        return reply;
      });
      if (whole) {
        break;
      }
      ASSERT_FALSE(result) << size;
    }
  }
}

TEST_F(EcsTest, answers_of_others_do_not_count) {
  ASSERT_TRUE(identify());
  const auto poll_with = [&](auto&& change) {
    sample = {};
    return test::run(protocol->poll(sample), [&](const Bytes& tx) {
      Bytes reply = line.answer(tx);
      reply.resize(reply.size() - 2);
      change(reply);
      return modbus::with_crc(reply);
    });
  };
  EXPECT_TRUE(poll_with([](Bytes&) {}));
  EXPECT_FALSE(poll_with([](Bytes& reply) { ++reply[0]; })) << "address";
  EXPECT_FALSE(poll_with([](Bytes& reply) { reply[1] = 4; })) << "function";
  EXPECT_FALSE(poll_with([](Bytes& reply) {
    reply[2] = static_cast<std::uint8_t>(reply[2] + 2);
    reply.insert(reply.end(), 2, 0);
  })) << "length";
}

TEST_F(EcsTest, takes_no_commands) {
  auto config = with({});
  config.allow_writes = true;
  protocol.emplace(config);
  for (auto kind : {CommandKind::force_charging_off, CommandKind::set_soc}) {
    Command command;
    command.kind = kind;
    const auto result = line.run(protocol->command(command));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().fault, Fault::unsupported);
  }
  EXPECT_TRUE(line.heard.empty());
}

} // namespace
} // namespace bmsd::protocols
