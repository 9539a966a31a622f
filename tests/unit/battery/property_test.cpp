// Random days: whatever happens, no limit is looser than what the battery stands.
#include "battery_fixture.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace bmsd::battery {

namespace {

using namespace testing;

constexpr int kSteps = 120'000;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// A battery that wanders through everything that can happen, reproducibly.
class Wanderer {
public:
  explicit Wanderer(unsigned seed) : random_(seed) {}

  double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }
  bool chance(double p) { return uniform(0.0, 1.0) < p; }

  double seconds() { return chance(0.01) ? uniform(1.0, 600.0) : chance(0.2) ? uniform(0.2, 5.0) : 1.0; }

  Sample next() {
    level_ = std::clamp(level_ + uniform(-0.004, 0.004), 2.7, 3.7);
    if (chance(0.002)) {
      level_ = uniform(2.7, 3.7);
    }
    temperature_ = std::clamp(temperature_ + uniform(-0.5, 0.5), -15.0, 60.0);
    mos_ = std::clamp(mos_ + uniform(-0.5, 0.5), 10.0, 95.0);
    soc_ = std::clamp(soc_ + uniform(-0.5, 0.5), 0.0, 100.0);
    Sample s = sample(level_, soc_, uniform(-60.0, 60.0));
    for (std::size_t i = 0; i < s.cell_voltages.size(); ++i) {
      set_cell(s, i, level_ + uniform(-0.01, 0.01));
    }
    if (chance(0.1)) {
      set_cell(s, 3, level_ + uniform(0.0, 0.15));
    }
    s.temperatures.battery[0] = temperature_;
    s.temperatures.battery[1] = temperature_ + uniform(0.0, 3.0);
    s.temperatures.mos = mos_;
    s.charge_enabled = !chance(0.02);
    s.discharge_enabled = !chance(0.02);
    bms_limit_ = chance(0.02) ? uniform(0.0, 80.0) : bms_limit_;
    s.max_charge_current = s.max_discharge_current = bms_limit_;
    return s;
  }

  /// Something that no BMS should send.
  void spoil(Sample& s) {
    const double absurd[] = {kNan, 0.0, 65.535, -1.0, 1e9, std::numeric_limits<double>::infinity()};
    const double value = absurd[static_cast<std::size_t>(uniform(0.0, 5.999))];
    switch (static_cast<int>(uniform(0.0, 10.999))) {
    case 0: s.cell_voltages[static_cast<std::size_t>(uniform(0.0, 15.999))] = value; break;
    case 1: s.cell_voltages[7].reset(); break;
    case 2: s.cell_voltages.clear(); break;
    case 3: s.voltage = value; break;
    case 4: s.soc = chance(0.5) ? 255.0 : kNan; break;
    case 5:
      for (std::size_t i : {0, 1}) {
        s.temperatures.battery[i] = chance(0.5) ? std::optional(chance(0.5) ? kNan : 1e9) : std::nullopt;
      }
      break;
    case 6: s.cell_count = chance(0.5) ? 32 : 8; break;
    case 7: s.current = value; break;
    case 8:
      s.max_charge_current = chance(0.5) ? std::optional(chance(0.5) ? kNan : 1e9) : std::nullopt;
      s.max_discharge_current.reset();
      break;
    case 9:
      s.charge_enabled.reset();
      s.discharge_enabled.reset();
      break;
    default: s.temperatures.mos = kNan; break;
    }
  }

private:
  std::mt19937 random_;
  double level_ = 3.3, temperature_ = 25.0, mos_ = 30.0, soc_ = 50.0, bms_limit_ = 80.0;
};

double highest(const Sample& s) {
  double result = 0.0;
  for (const auto& cell : s.cell_voltages) {
    result = std::max(result, cell.value_or(0.0));
  }
  return result;
}

double lowest(const Sample& s) {
  double result = 9.0;
  for (const auto& cell : s.cell_voltages) {
    result = std::min(result, cell.value_or(0.0));
  }
  return result;
}

class Property : public ::testing::TestWithParam<int> {};

TEST_P(Property, LimitsStayWithinThePackAndItsCauses) {
  const auto& [mode, table] = std::pair(GetParam() % 4, GetParam() / 4);
  BatterySettings settings;
  settings.controller = static_cast<VoltageController>(mode);
  settings.table_mode = table == 0 ? TableMode::linear : TableMode::step;
  Battery battery(settings);
  Wanderer wanderer(static_cast<unsigned>(GetParam()) + 1);
  std::int64_t wall = 1'700'000'000;
  for (int i = 0; i < kSteps / 8; ++i) {
    Sample s = wanderer.next();
    const Sample truth = s;
    const bool spoiled = wanderer.chance(0.05);
    if (spoiled) {
      wanderer.spoil(s);
    }
    const std::optional<double> ccl_before = battery.controller.status().ccl;
    if (wanderer.chance(0.01)) { // the clock jumps, by seconds or years
      wall = static_cast<std::int64_t>(wanderer.chance(0.5) ? wanderer.uniform(0.0, 4e9)
                                                            : static_cast<double>(wall) + wanderer.uniform(-9.0, 9.0));
    }
    if (wanderer.chance(0.01)) { // the battery is restarted
      battery.controller =
          Controller(settings, battery.controller.saved_state(at(battery.t, wall)), at(battery.t, wall));
    }
    const bool fails = wanderer.chance(0.03);
    battery.t += wanderer.seconds();
    const Now now = at(battery.t, wall);
    const Status& status =
        fails ? battery.controller.on_poll_failed(now) : battery.controller.on_sample(s, battery.identity, now);
    if (!status.cvl) {
      continue;
    }
    ASSERT_GE(*status.cvl, 16 * 2.9 - 0.01) << i;
    ASSERT_LE(*status.cvl, 16 * 3.45 + 0.01) << i;
    ASSERT_GE(*status.ccl, 0.0);
    ASSERT_LE(*status.ccl, settings.charge.maximum);
    ASSERT_GE(*status.dcl, 0.0);
    ASSERT_LE(*status.dcl, settings.discharge.maximum);
    ASSERT_TRUE(std::isfinite(*status.cvl) && std::isfinite(*status.ccl) && std::isfinite(*status.dcl));
    if (fails) {
      continue;
    }
    // Whatever else a sample says: no current over a cell or a temperature that does not stand it.
    if (highest(s) >= 3.5 && highest(s) < 6.9) {
      ASSERT_EQ(*status.ccl, 0.0) << i;
    }
    if (lowest(s) <= 2.8 && lowest(s) > 0.5) {
      ASSERT_EQ(*status.dcl, 0.0) << i;
    }
    if (s.temperatures.battery[0].value_or(9.0) <= 0.0 || s.temperatures.battery[1].value_or(9.0) <= 0.0) {
      ASSERT_EQ(*status.ccl, 0.0) << i;
    }
    if (spoiled || !status.connected) {
      continue;
    }
    if (*truth.temperatures.battery[0] <= 0.0 || *truth.temperatures.battery[1] >= 55.0) {
      ASSERT_EQ(*status.ccl, 0.0) << i;
    }
    if (ccl_before && *truth.temperatures.battery[0] < 2.0) {
      ASSERT_LE(*status.ccl, settings.charge.maximum * 0.25 + 1e-6) << i;
    }
    ASSERT_EQ(status.allow_charge, *status.ccl > 0.0 && *s.charge_enabled) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Property, ::testing::Range(0, 8));

TEST(Property, DoubtfulInputNeverLoosensALimit) {
  Wanderer wanderer(77);
  for (int round = 0; round < 2000; ++round) {
    Battery battery;
    const Sample good = wanderer.next();
    const Status before = battery.polls(good, 3);
    for (int i = 0; i < 70; ++i) {
      Sample bad = good;
      wanderer.spoil(bad);
      const Status& status = battery.poll(bad);
      ASSERT_LE(*status.ccl, *before.ccl) << status.charge_limitation;
      ASSERT_LE(*status.dcl, *before.dcl) << status.discharge_limitation;
      ASSERT_LE(*status.cvl, *before.cvl);
    }
  }
}

TEST(Property, ALimitDoesNotRiseWhileItsCauseLasts) {
  Wanderer wanderer(5);
  for (int round = 0; round < 1200; ++round) {
    BatterySettings settings;
    settings.controller = static_cast<VoltageController>(round % 4);
    Battery battery(settings);
    const Sample s = wanderer.next();
    double ccl = *battery.poll(s).ccl;
    double dcl = *battery.controller.status().dcl;
    double cvl = 1e9;
    for (int i = 0; i < 100; ++i) {
      const Status& status = battery.poll(s, wanderer.seconds());
      ASSERT_LE(*status.ccl, ccl);
      ASSERT_LE(*status.dcl, dcl);
      const bool bulk = status.charge_mode.starts_with("Bulk");
      ASSERT_TRUE(!bulk || *status.cvl <= cvl) << status.charge_mode;
      cvl = bulk ? *status.cvl : 1e9;
      ccl = *status.ccl;
      dcl = *status.dcl;
    }
  }
}

TEST(Property, ClockJumpsChangeNothing) {
  BatterySettings settings = settings_with({{"SOC_CALCULATION", "True"}, {"SOC_RESET_AFTER_DAYS", "5"}});
  Wanderer wanderer(9);
  Battery steady(settings), jumping(settings);
  std::int64_t wall = 1'700'000'000;
  for (int i = 0; i < 20'000; ++i) {
    const Sample s = wanderer.next();
    if (wanderer.chance(0.01)) {
      wall = static_cast<std::int64_t>(wanderer.uniform(0.0, 4e9));
    }
    const double seconds = wanderer.seconds();
    steady.poll(s, seconds);
    jumping.t = steady.t;
    jumping.controller.on_sample(s, jumping.identity, at(jumping.t, wall));
    const Status& a = steady.controller.status();
    const Status& b = jumping.controller.status();
    ASSERT_TRUE(a == b) << i << "\n" << to_json(a).dump() << "\n" << to_json(b).dump();
  }
}

TEST(Property, RestoredAtAnyStepGoesOnTheSame) {
  for (int variant = 0; variant < 8; ++variant) {
    const bool as_text = variant >= 4;
    const std::string controller = std::to_string(variant % 4);
    const BatterySettings settings = settings_with({{"SOC_CALCULATION", "True"},
                                                    {"SWITCH_TO_FLOAT_WAIT_FOR_SEC", "30"},
                                                    {"SOC_RESET_AFTER_DAYS", "1"},
                                                    {"CVL_CONTROLLER_MODE", controller.c_str()},
                                                    {"TIME_TO_SOC_POINTS", "100, 50, 10"}});
    Wanderer wanderer(21);
    Battery whole(settings);
    std::optional<Controller> restored;
    for (int i = 0; i < 5'000; ++i) {
      Sample s = wanderer.next();
      if (wanderer.chance(0.03)) {
        wanderer.spoil(s);
      }
      const bool fails = !as_text && wanderer.chance(0.02);
      const double seconds = wanderer.seconds();
      const Now now = at(whole.t + seconds);
      if (i > 0 && i % 7 == 0) {
        SavedState saved = (restored ? *restored : whole.controller).saved_state(at(whole.t));
        if (as_text) {
          // A status is not stored as text; a good sample brings it back.
          s = wanderer.next();
          saved = saved_state_from_json(Json::parse(to_json(saved).dump()));
        }
        restored.emplace(settings, std::move(saved), now);
      }
      if (fails) {
        whole.fail(1, seconds);
      } else {
        whole.poll(s, seconds);
      }
      if (restored) {
        fails ? restored->on_poll_failed(now) : restored->on_sample(s, whole.identity, now);
        if (!as_text || i % 7 == 0) {
          const Status& a = whole.controller.status();
          const Status& b = restored->status();
          ASSERT_TRUE(a == b) << i << "\n" << to_json(a).dump() << "\n" << to_json(b).dump();
        }
      }
    }
  }
}

} // namespace

} // namespace bmsd::battery
