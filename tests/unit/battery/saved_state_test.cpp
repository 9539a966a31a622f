// State files that are JSON but not what was written.
#include "actors/battery/saved_state.hpp"
#include "messages/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bmsd::battery {
namespace {

TEST(SavedState, IsReadAsItWasWritten) {
  SavedState state;
  state.saved_at = 1'790'000'000;
  state.allow_max_voltage = false;
  state.had_temperature = true;
  std::string ignored;
  const auto again = saved_state_from_json(Json::parse(to_json(state).dump()), &ignored);
  EXPECT_EQ(to_json(again), to_json(state));
  EXPECT_EQ(ignored, "");
}

TEST(SavedState, ValuesOfAnotherKindAreNamedAndNotTakenForNothing) {
  SavedState state;
  state.saved_at = 1'790'000'000;
  auto json = to_json(state);
  const auto reading = [](const Json& changed) {
    std::string ignored;
    const auto read = saved_state_from_json(changed, &ignored);
    return std::pair(to_json(read), ignored);
  };
  const auto as_written = reading(json).first;
  for (const auto& [name, value] : json.items()) {
    for (const Json& wrong : {Json("text"), Json::array({1}), Json(-1e300), Json(true), Json(1e18), Json::object()}) {
      auto changed = json;
      changed[name] = wrong;
      const auto [read, ignored] = reading(changed);
      if (!ignored.empty()) {
        EXPECT_EQ(ignored, name);
        EXPECT_EQ(read, reading([&] {
                          auto without = json;
                          without.erase(name);
                          return without;
                        }())
                            .first)
            << name << " " << wrong;
      }
    }
  }
  auto changed = json;
  changed["history"] = 5;
  changed["saved_at"] = "yesterday";
  EXPECT_EQ(reading(changed).second, "saved_at, history");
  changed = json;
  changed["history"]["charged_energy"] = "much";
  EXPECT_EQ(reading(changed).second.find("saved_at"), std::string::npos);
}

TEST(SavedState, AnOptionalOfAnotherKindIsAbsentNotZero) {
  std::string ignored;
  const auto state = saved_state_from_json(Json{{"soc_calc", "full"}}, &ignored);
  EXPECT_EQ(ignored, "soc_calc");
  EXPECT_EQ(to_json(state), to_json(SavedState()));
}

} // namespace
} // namespace bmsd::battery
