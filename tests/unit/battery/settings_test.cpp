#include "battery_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace bmsd::battery {

namespace {

using namespace testing;
using ::testing::HasSubstr;

std::string error_of(const char* key, const char* value) {
  BatterySettings settings;
  const auto result = apply_key(settings, key, value);
  return result ? "" : result.error().detail;
}

TEST(Settings, SayWhatIsWrong) {
  EXPECT_EQ(error_of("MAX_CELL_VOLTAGE", "9.0"), "MAX_CELL_VOLTAGE: 9.0 is out of range, allowed 2..4.3 V");
  EXPECT_EQ(error_of("max_cell_voltage", "3.5"), "");
  EXPECT_THAT(error_of("MAX_CELL_VOLTAGE", "three"), HasSubstr("is not a number"));
  EXPECT_THAT(error_of("MAX_CELL_VOLTAGE", "nan"), HasSubstr("is not a number"));
  EXPECT_THAT(error_of("MAX_CELL_VOLTAGE", ""), HasSubstr("empty"));
  EXPECT_THAT(error_of("CHARGE_MODE", "1.5"), HasSubstr("whole number"));
  EXPECT_THAT(error_of("MAX_CHARGE_CURRENT_CV_FRACTION", "0, 1.5"), HasSubstr("out of range"));
  EXPECT_THAT(error_of("NO_SUCH_KEY", "1"), HasSubstr("unknown key"));
  EXPECT_THAT(error_of("PRESET", "modern"), HasSubstr("no preset"));
  for (const char* key : {"CVCM_ENABLE", "MONITOR_ONLY", "LINEAR_LIMITATION_ENABLE"}) {
    EXPECT_THAT(error_of(key, "perhaps"), HasSubstr("is neither True nor False")) << key;
    EXPECT_EQ(error_of(key, "true"), "") << key;
    EXPECT_EQ(error_of(key, "False"), "") << key;
  }
}

TEST(Settings, ARefusedValueChangesNothing) {
  BatterySettings settings;
  EXPECT_FALSE(apply_key(settings, "TEMPERATURES_WHILE_CHARGING", "1, 2, x"));
  EXPECT_EQ(settings.charge.temperature.in.size(), 8U);
  EXPECT_FALSE(apply_key(settings, "TEMPERATURE_SOURCE_BATTERY", "1, 5"));
  EXPECT_TRUE(settings.temperature_source[3]);
}

TEST(Settings, EmptyNumbersMeanTheirFallback) {
  const auto settings = settings_with({{"SWITCH_TO_FLOAT_CELL_VOLTAGE_DIFF", ""},
                                       {"SWITCH_TO_BULK_CELL_VOLTAGE_DIFF", ""},
                                       {"SWITCH_TO_BULK_SOC_THRESHOLD", ""},
                                       {"SOC_RESET_AFTER_DAYS", ""},
                                       {"POLL_INTERVAL", ""}});
  EXPECT_EQ(settings.float_cell_diff, 10.0);
  EXPECT_EQ(settings.bulk_cell_diff, 10.0);
  EXPECT_EQ(settings.bulk_soc_threshold, 0.0);
  EXPECT_EQ(settings.soc_reset_after_days, 0);
  EXPECT_FALSE(settings.poll_interval);
}

TEST(Settings, FormerNamesStillWork) {
  BatterySettings settings;
  EXPECT_TRUE(apply_key(settings, "MAX_VOLTAGE_TIME_SEC", "120"));
  EXPECT_EQ(settings.float_wait, 120);
  EXPECT_EQ(renamed("max_voltage_time_sec"), "SWITCH_TO_FLOAT_WAIT_FOR_SEC");
  EXPECT_TRUE(apply_key(settings, "LINEAR_LIMITATION_ENABLE", "False"));
  EXPECT_EQ(settings.table_mode, TableMode::step);
  EXPECT_TRUE(apply_key(settings, "TEMP_BATTERY", "2"));
  EXPECT_FALSE(settings.temperature_source[0]);
  EXPECT_TRUE(settings.temperature_source[1]);
  EXPECT_TRUE(is_battery_key("TEMP_1_NAME"));
  EXPECT_FALSE(is_battery_key("CAN_PORT"));
}

TEST(Settings, EveryKeyPrintsWhatItReads) {
  std::set<std::string_view> names;
  for (const auto& key : keys()) {
    EXPECT_TRUE(names.insert(key.name).second) << key.name;
    EXPECT_FALSE(key.text.empty()) << key.name;
    BatterySettings settings;
    const std::string value = key.print(settings);
    if (value.empty()) {
      continue;
    }
    const auto result = apply_key(settings, key.name, value);
    EXPECT_TRUE(result) << (result ? "" : result.error().detail);
    EXPECT_EQ(key.print(settings), value) << key.name;
  }
}

TEST(Settings, DefaultsHaveNoProblem) {
  BatterySettings settings;
  EXPECT_TRUE(check(settings).empty());
  EXPECT_FALSE(settings.faulty);
  auto classic = settings_with({{"PRESET", "classic"}});
  EXPECT_TRUE(check(classic).empty());
}

TEST(Settings, ProblemsAreCorrectedTowardsTheSafeSide) {
  BatterySettings settings;
  settings.float_cell_voltage = 3.6;
  settings.charge.cell_voltage.in[1] = 3.9;
  settings.block_voltage_min = 3.4;
  const auto problems = check(settings);
  EXPECT_EQ(problems.size(), 3U);
  EXPECT_TRUE(settings.faulty);
  EXPECT_EQ(settings.float_cell_voltage, settings.max_cell_voltage);
  EXPECT_EQ(settings.charge.cell_voltage.in[1], 3.45);
  EXPECT_TRUE(settings.block_on_disconnect);
  EXPECT_TRUE(check(settings).empty());
}

TEST(Settings, ThatAreRightAgainEndTheErrorState) {
  BatterySettings faulty;
  faulty.faulty = true;
  Controller wrong(faulty, std::nullopt, at(0));
  EXPECT_EQ(wrong.on_sample(sample(), {}, at(1)).state, 10);
  Controller right(BatterySettings(), wrong.saved_state(at(2)), at(2));
  const Status& status = right.on_sample(sample(), {}, at(3));
  EXPECT_EQ(status.state, 9);
  EXPECT_EQ(status.error_code, 0);
}

TEST(Settings, ATableThatNeverLetsTheBatteryGetFullIsReported) {
  BatterySettings settings;
  ASSERT_TRUE(apply_key(settings, "SOC_RESET_AFTER_DAYS", "10"));
  const auto problems = check(settings);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].key, "CELL_VOLTAGES_WHILE_CHARGING");
}

} // namespace

} // namespace bmsd::battery
