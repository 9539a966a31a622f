// What the settings service keeps, in the forms of dbus-serialbattery.
#include "actors/battery/kept_values.hpp"

#include <gtest/gtest.h>

namespace bmsd::actors {
namespace {

battery::SavedState a_state() {
  battery::SavedState state;
  state.allow_max_voltage = false;
  state.max_voltage_start_time = 1'760'000'000;
  state.soc_calc = 53.1239;
  state.soc_reset_last_reached = 1'750'000'000;
  state.history.values.total_ah_drawn = -1234.5;
  state.history.values.full_discharges = 3;
  state.history.last_full.stored = 1'749'000'000;
  return state;
}

const dbus::Value& value_of(const KeptValues& kept, std::string_view name) {
  for (const auto& [key, value] : kept.values) {
    if (key == name) {
      return value;
    }
  }
  throw std::out_of_range("no such value");
}

TEST(KeptValues, names_and_types) {
  const auto kept = kept_values(a_state());
  EXPECT_EQ(value_of(kept, "AllowMaxVoltage"), dbus::Value(0));
  EXPECT_EQ(value_of(kept, "MaxVoltageStartTime"), dbus::Value(1'760'000'000));
  EXPECT_EQ(value_of(kept, "SocCalc"), dbus::Value("53.124"));
  EXPECT_EQ(value_of(kept, "SocResetLastReached"), dbus::Value(1'750'000'000));
  EXPECT_EQ(value_of(kept, "HistoryValues"),
            dbus::Value(R"({"TotalAhDrawn":-1234.5,"FullDischarges":3,"LastFullCharge":1749000000})"));
}

TEST(KeptValues, there_and_back) {
  const auto state = state_of(kept_values(a_state()));
  ASSERT_TRUE(state);
  EXPECT_FALSE(state->allow_max_voltage);
  EXPECT_EQ(state->max_voltage_start_time, 1'760'000'000);
  EXPECT_EQ(state->soc_calc, 53.124);
  EXPECT_EQ(state->soc_reset_last_reached, 1'750'000'000);
  EXPECT_EQ(state->history.values, a_state().history.values);
  EXPECT_EQ(state->history.last_full.stored, 1'749'000'000);
}

TEST(KeptValues, of_a_battery_without_memory_are_not_worth_taking) {
  EXPECT_FALSE(state_of(kept_values({})));
  EXPECT_FALSE(state_of({}));
}

TEST(KeptValues, other_spellings_and_types_are_understood) {
  const auto state = state_of({{{"AllowMaxVoltage", 1},
                                {"MaxVoltageStartTime", std::string("1760000000")},
                                {"SocCalc", 41.5},
                                {"HistoryValues", std::string(R"({"total_ah_drawn": -7.0, "charge_cycles": 12.0})")}}});
  ASSERT_TRUE(state);
  EXPECT_EQ(state->max_voltage_start_time, 1'760'000'000);
  EXPECT_EQ(state->soc_calc, 41.5);
  EXPECT_EQ(state->history.values.total_ah_drawn, -7.0);
  EXPECT_EQ(state->history.values.charge_cycles, 12.0);
}

TEST(KeptValues, garbage_is_left_out) {
  for (const auto* history : {"", "{", "[1,2]", "{\"TotalAhDrawn\":\"x\"}", "{\"TotalAhDrawn\":1e300}",
                              "{\"FullDischarges\":1e15}", "null"}) {
    EXPECT_FALSE(state_of({{{"AllowMaxVoltage", 1},
                            {"MaxVoltageStartTime", std::string("soon")},
                            {"SocCalc", 255.0},
                            {"SocResetLastReached", -5},
                            {"HistoryValues", std::string(history)}}}))
        << history;
  }
}

TEST(KeptValues, a_setting_keeps_the_type_it_was_made_with) {
  EXPECT_EQ(in_type_of(std::string(), 1'760'000'000), dbus::Value("1760000000"));
  EXPECT_EQ(in_type_of(std::string("1"), 0), dbus::Value(""));
  EXPECT_EQ(in_type_of(1.5, std::string("53.124")), dbus::Value(53.124));
  EXPECT_EQ(in_type_of(1, std::string("")), dbus::Value(0));
  EXPECT_EQ(in_type_of(1, 2), dbus::Value(2));
}

} // namespace
} // namespace bmsd::actors
