#include "protocols/hlpdatabms4s.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace bmsd::protocols {
namespace {

constexpr std::string_view kLine = "3.283,3.283,3.283,3.284,-1.250,41,1,0,13.1,42,-3,0,7,b1 21";

std::string with_column(std::size_t column, std::string_view text) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t begin = 0; begin <= kLine.size(); ++at) {
    const auto end = std::min(kLine.find(',', begin), kLine.size());
    out += at == 0 ? "" : ",";
    out += at == column ? text : kLine.substr(begin, end - begin);
    begin = end + 1;
  }
  return out;
}

struct HlpdataBms4sTest : testing::Test {
  std::string version = "pv\r\nBMS4S 1.4.55\r\n";
  std::string settings = "ps\r\nBatterySize= 320 VoltHigh= 3,60 VoltLow= 2,80 TempLow= 3\r\n";
  std::string measurement = "m1\r\n" + std::string(kLine) + "\r\n";
  std::vector<std::string> heard;
  HlpdataBms4s protocol{{}};
  Identity identity;
  Sample sample;

  Bytes answer(const Bytes& tx) {
    heard.emplace_back(tx.begin(), tx.end());
    const std::string& text = heard.back();
    const std::string reply = text == "pv\n"   ? version
                              : text == "ps\n" ? settings
                              : text == "m1\n" ? measurement
                              : text == "\n"   ? "\r\n"
                                               : "";
    return {reply.begin(), reply.end()};
  }
  Result<void> run(Script script) {
    heard.clear();
    return test::run(std::move(script), [this](const Bytes& tx) { return answer(tx); });
  }
  Result<void> identify() {
    identity = {};
    return run(protocol.identify(identity));
  }
  Result<void> poll() {
    sample = {};
    return run(protocol.poll(sample));
  }
  Fault fault_of(std::string_view line) {
    measurement = "m1\r\n" + std::string(line) + "\r\n";
    const auto result = poll();
    return result ? Fault::none : result.error().fault;
  }
};

// -- identification ---------------------------------------------------------------

TEST_F(HlpdataBms4sTest, tells_who_it_is) {
  ASSERT_TRUE(identify());
  EXPECT_EQ(identity.protocol, "hlpdatabms4s");
  EXPECT_EQ(identity.label, "HLPdataBMS4S");
  EXPECT_EQ(identity.model, "BMS4S");
  EXPECT_EQ(identity.hardware_version, "BMS4S 1.4.55");
  EXPECT_EQ(identity.firmware_version, "1.4.55");
  EXPECT_EQ(identity.unique_id, "BMS4S_320");
  EXPECT_EQ(identity.capacity_full, 320);
  EXPECT_EQ(identity.cell_count, 4);
  EXPECT_EQ(identity.capabilities, Capabilities{});
  EXPECT_EQ(heard, (std::vector<std::string>{"\n", "pv\n", "ps\n"})) << "and nothing else is ever sent";
  ASSERT_TRUE(poll());
  EXPECT_EQ(heard, (std::vector<std::string>{"m1\n"}));
}

TEST_F(HlpdataBms4sTest, the_echo_of_a_name_is_not_needed) {
  for (const char* text : {"BMS4S 4.2.89\r\n", "> pv\nBMS4S 4.2.89\n", "\xFF\r\npv\r\n\r\nBMS4S 4.2.89 \r"}) {
    version = text;
    ASSERT_TRUE(identify()) << text;
    EXPECT_EQ(identity.hardware_version, "BMS4S 4.2.89");
  }
}

TEST_F(HlpdataBms4sTest, another_console_is_left_alone_for_a_while) {
  for (const char* text : {"", "pv\r\n", "pv\r\nunknown command\r\n", "pv\r\nBMS4S 1.4.55"}) {
    version = text;
    ScriptRunner runner;
    runner.start(protocol.identify(identity));
    std::chrono::milliseconds last{0};
    while (const Request* request = runner.pending()) {
      EXPECT_NE(request->tx, test::hex("70730a")) << "settings of whom?";
      last = request->tx.empty() ? request->first_byte : std::chrono::milliseconds(0);
      runner.answer(receive(*request, answer(request->tx)));
    }
    ASSERT_FALSE(runner.result());
    EXPECT_EQ(runner.result().error().fault, Fault::timeout);
    EXPECT_EQ(last, std::chrono::milliseconds(300));
  }
}

TEST_F(HlpdataBms4sTest, a_version_or_settings_that_break_off_are_not_believed) {
  for (const bool of_version : {true, false}) {
    std::string& text = of_version ? version : settings;
    const std::string whole = text;
    for (std::size_t size = 0; size < whole.size() - 1; ++size) {
      text = whole.substr(0, size);
      protocol = HlpdataBms4s({});
      const auto result = identify();
      if (of_version) {
        EXPECT_FALSE(result) << text;
      } else if (result) {
        ASSERT_TRUE(poll());
        EXPECT_EQ(sample.capacity_full.value_or(320), 320) << text;
        EXPECT_EQ(sample.max_charge_voltage.value_or(14.4), 14.4) << text;
        EXPECT_EQ(sample.battery_low_voltage.value_or(11.2), 11.2) << text;
      }
    }
    text = whole;
  }
}

TEST_F(HlpdataBms4sTest, settings_with_point_or_comma_in_one_or_many_lines) {
  for (const char* text : {"ps\r\nBatterySize= 320 VoltHigh= 3,60 VoltLow= 2,80 \r\n",
                           "BatterySize= 320\r\nVoltHigh= 3.6\r\nVoltLow= 2.8\r\n",
                           "\r\nVoltLow=2.80 VoltHigh=   3,600\rBatterySize= 320\n"}) {
    settings = text;
    ASSERT_TRUE(identify());
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.capacity_full, 320) << text;
    EXPECT_EQ(sample.max_charge_voltage, 14.4);
    EXPECT_EQ(sample.battery_low_voltage, 11.2);
  }
}

TEST_F(HlpdataBms4sTest, settings_that_cannot_be_are_absent) {
  for (const char* text :
       {"BatterySize= x VoltHigh= 3,6,0 VoltLow= \r\n", "BatterySize= 0 VoltHigh= 36 VoltLow= 0.28 \n",
        "BatterySize= -320 VoltHigh= 1.9 VoltLow= 5.1 \n", "BatterySize= 99999 VoltHigh= 2.8 VoltLow= 3.6 \n",
        "BatterySize= "}) {
    settings = text;
    ASSERT_TRUE(identify()) << text;
    EXPECT_EQ(identity.unique_id, "");
    ASSERT_TRUE(poll());
    EXPECT_EQ(sample.capacity_full, std::nullopt) << text;
    EXPECT_EQ(sample.max_charge_voltage, std::nullopt) << text;
    EXPECT_EQ(sample.battery_low_voltage, std::nullopt) << text;
  }
}

// -- measurement ----------------------------------------------------------------------

TEST_F(HlpdataBms4sTest, every_field) {
  ASSERT_TRUE(poll());
  ASSERT_EQ(sample.cell_voltages.size(), 4U);
  EXPECT_EQ(sample.cell_voltages[0], 3.283);
  EXPECT_EQ(sample.cell_voltages[3], 3.284);
  EXPECT_EQ(sample.cell_count, 4);
  EXPECT_EQ(sample.voltage, 13.133);
  EXPECT_EQ(sample.current, -1.25);
  EXPECT_EQ(sample.soc, 41);
  EXPECT_EQ(sample.charge_enabled, true);
  EXPECT_EQ(sample.discharge_enabled, false);
  EXPECT_EQ(sample.temperatures.battery[0], 21);
  EXPECT_EQ(sample.temperatures.battery[1], std::nullopt);
  const std::vector<Extra> extra = {
      {"second_battery_voltage", 13.1}, {"soc_now", 42.0}, {"adjustment", -3.0}, {"beep", 0.0}, {"led", 7.0}};
  EXPECT_EQ(sample.extra, extra);
}

TEST_F(HlpdataBms4sTest, the_echo_on_the_same_line_or_another) {
  const std::string line(kLine);
  for (const std::string& text : {"m1\r\n" + line + "\r\n", "m1 " + line + "\r\n", "\r\n>m1\n\r\n" + line + "\n",
                                  "m1\r\nHVE , 3.599 , 3.600\r\nm1\r\n" + line + "\r"}) {
    measurement = text;
    EXPECT_TRUE(poll()) << text;
    EXPECT_EQ(sample.soc, 41);
  }
}

TEST_F(HlpdataBms4sTest, a_line_that_nobody_asked_for_is_no_answer) {
  measurement = std::string(kLine) + "\r\n";
  EXPECT_FALSE(poll());
  EXPECT_EQ(heard.size(), 3U) << "asked three times";
  EXPECT_EQ(fault_of("HVE , 3.599 , 3.600 , 3.598 , 3.599 , 14.396 , 77.130 ,"), Fault::framing);
}

TEST_F(HlpdataBms4sTest, a_line_that_breaks_off_is_no_answer) {
  const std::string whole = measurement;
  for (std::size_t size = 0; size < whole.size() - 1; ++size) {
    measurement = whole.substr(0, size);
    EXPECT_FALSE(poll()) << measurement;
  }
}

TEST_F(HlpdataBms4sTest, every_field_is_checked) {
  const std::pair<std::size_t, std::vector<const char*>> kUnreadable[] = {
      {0, {"", "3283", "3.28", "3.2x3", "3,283", "3..83", "x.283", "3.283V", "3.28 3"}},
      {3, {"", "3284", "3.28", "+3.284"}},
      {4, {"", "-", "1.2.5", "1.250A", "0130", "-0130", "00.130", ".130", "1.", "1e3", "nan", "inf", "0x10"}},
      {5, {"", "4l", "41.0", "41%", "99999999999999999999x"}},
      {6, {"", "on", "1.0"}},
      {7, {"", "?"}},
      {11, {"", "x", "0.0"}},
      {13, {"", "b1", "b1 x", "b1 2l1", "21", "b1 --", "b1 21 22", "b1 21.5.3"}},
  };
  for (const auto& [column, texts] : kUnreadable) {
    for (const auto* text : texts) {
      const bool end_of_line = column == 13 && *text == '\0'; // a comma at the end is allowed
      EXPECT_EQ(fault_of(with_column(column, text)), end_of_line ? Fault::none : Fault::framing) << column << text;
    }
  }
  const std::pair<std::size_t, std::vector<const char*>> kImpossible[] = {
      {1, {"5.001", "9.999"}}, {4, {"1000.1", "-1250", "77130"}}, {5, {"101", "-1", "410"}}, {6, {"-1"}}, {11, {"-2"}},
  };
  for (const auto& [column, texts] : kImpossible) {
    for (const auto* text : texts) {
      EXPECT_EQ(fault_of(with_column(column, text)), Fault::implausible) << column << " " << text;
    }
  }
}

TEST_F(HlpdataBms4sTest, fields_that_nothing_depends_on_may_be_anything) {
  ASSERT_EQ(fault_of(with_column(8, "--")), Fault::none);
  EXPECT_EQ(sample.extra[0].name, "soc_now");
  ASSERT_EQ(fault_of(with_column(12, "red")), Fault::none);
  ASSERT_EQ(fault_of(kLine.substr(0, kLine.rfind(','))), Fault::none) << "no sensor";
  EXPECT_EQ(sample.temperatures, Temperatures{});
}

TEST_F(HlpdataBms4sTest, zero_has_no_sign) {
  ASSERT_EQ(fault_of(with_column(4, "-0.000")), Fault::none);
  EXPECT_FALSE(std::signbit(*sample.current));
}

TEST_F(HlpdataBms4sTest, temperatures) {
  struct {
    const char* text;
    std::optional<double> first, second;
  } const kCases[] = {
      {"b1 -5", -5.0, std::nullopt},           {"b1 21.5", 21.5, std::nullopt},
      {"b1 21C", 21.0, std::nullopt},          {"b1 21 C", 21.0, std::nullopt},
      {"b  -0.5", -0.5, std::nullopt},         {"b1 25,b2 31", 31.0, 25.0},
      {"b1 -7,b2 -9,b3 -8", -7.0, -9.0},       {"a1 55", std::nullopt, std::nullopt},
      {"a1 55,b2 17,x 3", 17.0, std::nullopt}, {"b1 -40", std::nullopt, std::nullopt},
      {"b1 999,b2 12", 12.0, std::nullopt},    {"b1 12,", 12.0, std::nullopt},
  };
  for (const auto& one : kCases) {
    ASSERT_EQ(fault_of(with_column(13, one.text)), Fault::none) << one.text;
    EXPECT_EQ(sample.temperatures.battery[0], one.first) << one.text;
    EXPECT_EQ(sample.temperatures.battery[1], one.second) << one.text;
    EXPECT_EQ(sample.temperatures.battery[2], std::nullopt);
  }
}

TEST_F(HlpdataBms4sTest, other_sensors_are_shown) {
  ASSERT_EQ(fault_of(with_column(13, "a1 55,b2 17,x 3")), Fault::none);
  EXPECT_EQ(sample.extra.back(), (Extra{"other_temperatures", std::vector<double>{55, 3}}));
}

TEST_F(HlpdataBms4sTest, beeps) {
  for (int code = 0; code < 100; ++code) {
    ASSERT_EQ(fault_of(with_column(11, std::to_string(code))), Fault::none);
    EXPECT_EQ(sample.alarms[Alarm::LowChargeTemperature], code == 2 ? 1 : 0) << code;
    EXPECT_EQ(sample.alarms[Alarm::HighChargeTemperature], code == 3 ? 1 : 0) << code;
    EXPECT_EQ(sample.alarms[Alarm::LowVoltage], code == 4 ? 2 : 0) << code;
    EXPECT_EQ(sample.alarms[Alarm::HighVoltage], code == 5 ? 2 : 0) << code;
    EXPECT_EQ(sample.alarms[Alarm::LowSoc], 0);
    EXPECT_EQ(sample.alarms[Alarm::LowCellVoltage], std::nullopt);
  }
}

TEST_F(HlpdataBms4sTest, only_one_means_on) {
  for (int state : {0, 1, 2, 9}) {
    ASSERT_EQ(fault_of(with_column(6, std::to_string(state))), Fault::none);
    EXPECT_EQ(sample.charge_enabled, state == 1);
    ASSERT_EQ(fault_of(with_column(7, std::to_string(state))), Fault::none);
    EXPECT_EQ(sample.discharge_enabled, state == 1);
  }
}

TEST_F(HlpdataBms4sTest, a_good_answer_may_follow_bad_ones) {
  int asked = 0;
  const auto result = test::run(protocol.poll(sample), [&](const Bytes& tx) {
    ++asked;
    return asked < 3 ? test::hex("6d310d0a332e32") : answer(tx);
  });
  EXPECT_TRUE(result);
  EXPECT_EQ(asked, 3);
}

TEST_F(HlpdataBms4sTest, a_line_that_cannot_be_true_is_asked_for_again) {
  ASSERT_EQ(fault_of(with_column(5, "410")), Fault::implausible);
  EXPECT_EQ(heard.size(), 3U);
  EXPECT_EQ(sample, Sample{});
}

TEST_F(HlpdataBms4sTest, recordings_of_programs_that_end_lines_otherwise) {
  EXPECT_TRUE(protocol.same_request(test::hex("70760a"), test::hex("70760d0a")));
  EXPECT_TRUE(protocol.same_request(test::hex("70760a"), test::hex("0a70760a")));
  EXPECT_FALSE(protocol.same_request(test::hex("70760a"), test::hex("70730a")));
}

TEST_F(HlpdataBms4sTest, takes_no_commands) {
  ProtocolConfig config;
  config.allow_writes = true;
  HlpdataBms4s writer(config);
  Command command;
  command.kind = CommandKind::force_charging_off;
  const auto result = run(writer.command(command));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().fault, Fault::unsupported);
  EXPECT_TRUE(heard.empty());
}

} // namespace
} // namespace bmsd::protocols
