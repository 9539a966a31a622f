#include "messages/json.hpp"
#include "protocols/pylontech_can.hpp"

#include <gtest/gtest.h>

#include <random>

namespace bmsd::protocols {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

CanFrame frame(std::uint32_t id, std::string_view data) {
  CanFrame out;
  out.id = id;
  out.extended = id > 0x7FF;
  const auto bytes = from_hex(data).value();
  for (auto byte : bytes) {
    out.data.push_back(byte);
  }
  return out;
}

/// The US5000 stack of the vendor's example.
const std::vector<CanFrame> kClassic = {
    frame(0x351, "1402c012c012c201"), frame(0x355, "58005e00"), frame(0x356, "7a13f2fe6b01"),
    frame(0x359, "0000000006504e"),   frame(0x35C, "c000"),     frame(0x35E, "50594c4f4e202020")};

void feed(PylontechCan& battery, const std::vector<CanFrame>& frames, milliseconds now) {
  for (const auto& item : frames) {
    battery.on_frame(item, now);
  }
}

PylontechCan classic(milliseconds now) {
  PylontechCan battery({});
  feed(battery, kClassic, now);
  return battery;
}

ProtocolConfig with(std::string key, std::string value) {
  ProtocolConfig config;
  config.options[key] = value;
  return config;
}

TEST(PylontechCan, the_vendors_example) {
  auto battery = classic(0ms);
  ASSERT_TRUE(battery.identified(0ms));
  const auto sample = battery.snapshot(0ms);
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->max_charge_voltage, 53.2);
  EXPECT_EQ(sample->max_charge_current, 480.0);
  EXPECT_EQ(sample->current, -27.0);
  EXPECT_EQ(sample->temperatures.battery[0], 36.3);
  EXPECT_EQ(sample->modules_online, 6);
  EXPECT_EQ(sample->charge_enabled, true);
  EXPECT_EQ(sample->alarms[Alarm::HighVoltage], 0);
  EXPECT_EQ(battery.identity().manufacturer, "PYLON");
}

TEST(PylontechCan, limits_alone_are_no_battery) {
  PylontechCan battery({});
  battery.on_frame(kClassic[0], 0ms);
  EXPECT_FALSE(battery.identified(0ms));
  battery.on_frame(kClassic[1], 0ms);
  EXPECT_FALSE(battery.identified(0ms));
  EXPECT_EQ(battery.snapshot(0ms).error().fault, Fault::timeout);
  EXPECT_FALSE(battery.take_complete());
}

TEST(PylontechCan, frames_that_cannot_be_its_own_are_told) {
  PylontechCan battery({});
  EXPECT_EQ(battery.on_frame(kClassic[1], 0ms).fault, Fault::none);
  EXPECT_EQ(battery.on_frame(frame(0x355, "58"), 0ms).fault, Fault::truncated);
  EXPECT_EQ(battery.on_frame(frame(0x356, ""), 0ms).fault, Fault::truncated);
  EXPECT_EQ(battery.on_frame(frame(0x351, "1402c012c0"), 0ms).fault, Fault::truncated);
  EXPECT_EQ(battery.on_frame(frame(0x359, "00"), 0ms).fault, Fault::none) << "makers differ";
  EXPECT_EQ(battery.on_frame(frame(0x123, ""), 0ms).fault, Fault::none) << "somebody else's";
  auto wide = kClassic[1];
  wide.extended = true;
  EXPECT_EQ(battery.on_frame(wide, 0ms).fault, Fault::framing);
  PylontechCan grouped(with("group", "1"));
  EXPECT_EQ(grouped.on_frame(frame(0x1355, "58005e00"), 0ms).fault, Fault::none);
  wide.id = 0x1355;
  wide.extended = false;
  EXPECT_EQ(grouped.on_frame(wide, 0ms).fault, Fault::framing);
}

TEST(PylontechCan, no_part_of_the_core_may_be_older_than_three_seconds) {
  for (std::size_t silent : {0u, 1u, 2u}) {
    auto battery = classic(0ms);
    auto rest = kClassic;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(silent));
    feed(battery, rest, 2000ms);
    EXPECT_TRUE(battery.snapshot(3000ms));
    feed(battery, rest, 3000ms);
    const auto late = battery.snapshot(3001ms);
    ASSERT_FALSE(late) << silent;
    EXPECT_EQ(late.error().fault, Fault::timeout);
  }
}

TEST(PylontechCan, alarms_and_switches_that_were_there_must_stay) {
  for (std::size_t silent : {3u, 4u}) {
    auto battery = classic(0ms);
    auto rest = kClassic;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(silent));
    feed(battery, rest, 4900ms);
    EXPECT_TRUE(battery.snapshot(5000ms));
    EXPECT_FALSE(battery.snapshot(5001ms)) << silent;
  }
}

TEST(PylontechCan, a_set_is_complete_once_with_alarms_and_switches) {
  PylontechCan battery({});
  for (int cycle = 0; cycle < 3; ++cycle) {
    for (std::size_t i = 0; i < 4; ++i) {
      battery.on_frame(kClassic[i], milliseconds(1000 * cycle));
      EXPECT_FALSE(battery.take_complete()) << i;
    }
    battery.on_frame(kClassic[4], milliseconds(1000 * cycle));
    EXPECT_TRUE(battery.take_complete());
    EXPECT_FALSE(battery.take_complete());
  }
}

TEST(PylontechCan, the_order_of_the_set_does_not_matter) {
  PylontechCan battery({});
  feed(battery, {frame(0x35A, "aaaaaaaaaaaaaaaa"), kClassic[0], kClassic[1]}, 0ms);
  EXPECT_FALSE(battery.take_complete());
  battery.on_frame(kClassic[2], 0ms);
  EXPECT_TRUE(battery.take_complete());
}

TEST(PylontechCan, a_sender_without_alarm_frames_is_known_by_its_second_cycle) {
  PylontechCan battery({});
  const std::vector<CanFrame> core(kClassic.begin(), kClassic.begin() + 3);
  feed(battery, core, 0ms);
  EXPECT_FALSE(battery.take_complete());
  feed(battery, core, 1000ms);
  EXPECT_TRUE(battery.take_complete());
  const auto sample = battery.snapshot(1000ms);
  ASSERT_TRUE(sample);
  EXPECT_FALSE(sample->alarms.any_known());
  EXPECT_EQ(sample->charge_enabled, true); // no 0x35C: allowed as long as there is a limit
}

TEST(PylontechCan, without_switch_frame_a_zero_limit_forbids) {
  PylontechCan battery({});
  feed(battery, {frame(0x351, "140200006400"), kClassic[1], kClassic[2]}, 0ms);
  const auto sample = battery.snapshot(0ms);
  ASSERT_TRUE(sample);
  EXPECT_EQ(sample->charge_enabled, false);
  EXPECT_EQ(sample->discharge_enabled, true);
}

TEST(PylontechCan, values_that_cannot_be_true) {
  const CanFrame bad[] = {
      frame(0x351, "e803c012c012"), // 100 V
      frame(0x351, "0000c012c012"), // 0 V
      frame(0x351, "1402ffffc012"), // charge current limit -0.1 A
      frame(0x355, "65005e00"),     // 101 %
      frame(0x356, "00000000"),     // 0 V
      frame(0x356, "7a93f2fe6b01"), // negative
      frame(0x356, "7a13f2fe0070"), // 2867 degrees
      frame(0x373, "ffff8813"),     // cells: absent, 5.000 V is the limit
      frame(0x373, "89130000"),
  };
  for (const auto& item : bad) {
    auto battery = classic(0ms);
    battery.on_frame(item, 0ms);
    const auto sample = battery.snapshot(0ms);
    if (to_hex(item.data.view()) == "ffff8813") {
      EXPECT_TRUE(sample);
      EXPECT_FALSE(sample->min_cell_voltage);
      continue;
    }
    ASSERT_FALSE(sample) << to_hex(item.data.view());
    EXPECT_EQ(sample.error().fault, Fault::implausible);
  }
}

TEST(PylontechCan, short_core_frames_give_no_snapshot) {
  for (const auto& item : {frame(0x351, "1402c012"), frame(0x355, "58"), frame(0x356, "7a13f2")}) {
    auto battery = classic(0ms);
    battery.on_frame(item, 0ms);
    ASSERT_FALSE(battery.snapshot(0ms));
    EXPECT_EQ(battery.snapshot(0ms).error().fault, Fault::truncated);
  }
}

TEST(PylontechCan, valence_ubms_uses_the_same_ids) {
  auto battery = classic(0ms);
  battery.on_frame(frame(0x0C0, "00"), 0ms);
  EXPECT_TRUE(battery.identified(0ms));
  battery.on_frame(frame(0x180, "00"), 0ms);
  EXPECT_FALSE(battery.identified(0ms));
}

TEST(PylontechCan, groups_behind_a_hub_are_29_bit_ids) {
  PylontechCan single({}), fourth(with("group", "4"));
  for (auto item : kClassic) {
    item.id += 0x4000;
    item.extended = true;
    single.on_frame(item, 0ms);
    fourth.on_frame(item, 0ms);
  }
  EXPECT_FALSE(single.identified(0ms));
  EXPECT_TRUE(fourth.identified(0ms));
  PylontechCan standard(with("group", "4"));
  feed(standard, kClassic, 0ms);
  EXPECT_FALSE(standard.identified(0ms));
}

TEST(PylontechCan, zero_degrees_need_a_witness) {
  const auto zero = frame(0x356, "7a13f2fe0000");
  auto battery = classic(0ms);
  battery.on_frame(zero, 0ms);
  EXPECT_FALSE(battery.snapshot(0ms)->temperatures.battery[0]);
  battery.on_frame(frame(0x373, "d80cda0c10011201"), 0ms); // 272 K to 274 K
  EXPECT_EQ(battery.snapshot(0ms)->temperatures.battery[0], 0.0);
  PylontechCan believing(with("temperature_zero", "true"));
  feed(believing, kClassic, 0ms);
  believing.on_frame(zero, 0ms);
  EXPECT_EQ(believing.snapshot(0ms)->temperatures.battery[0], 0.0);
}

TEST(PylontechCan, each_pair_of_0x35a_has_its_alarm) {
  const std::pair<int, Alarm> pairs[] = {{0, Alarm::InternalFailure},
                                         {1, Alarm::HighVoltage},
                                         {2, Alarm::LowVoltage},
                                         {3, Alarm::HighTemperature},
                                         {4, Alarm::LowTemperature},
                                         {5, Alarm::HighChargeTemperature},
                                         {6, Alarm::LowChargeTemperature},
                                         {7, Alarm::HighDischargeCurrent},
                                         {8, Alarm::HighChargeCurrent},
                                         {9, Alarm::Contactor},
                                         {10, Alarm::HighDischargeCurrent},
                                         {11, Alarm::InternalFailure},
                                         {12, Alarm::CellImbalance}};
  for (const auto& [pair, alarm] : pairs) {
    for (int half : {0, 4}) {
      Bytes data(8, 0xAA);
      auto& byte = data[static_cast<std::size_t>(pair / 4 + half)];
      byte = static_cast<std::uint8_t>((byte & ~(3 << pair % 4 * 2)) | 1 << pair % 4 * 2);
      PylontechCan battery({});
      battery.on_frame(frame(0x35A, to_hex(data)), 0ms);
      const auto sample = battery.partial(0ms);
      ASSERT_TRUE(sample);
      for (std::size_t i = 0; i < kAlarmCount; ++i) {
        const int expected = static_cast<Alarm>(i) == alarm ? (half == 0 ? 2 : 1) : 0;
        EXPECT_EQ(sample->alarms.at(i).value_or(0), expected) << kAlarmNames[i] << " pair " << pair;
      }
    }
  }
}

TEST(PylontechCan, the_reported_capacity_is_told_apart) {
  auto battery = classic(0ms);
  battery.on_frame(frame(0x35F, "4c4900003c02aa00"), 0ms);
  auto sample = battery.snapshot(0ms);
  EXPECT_EQ(sample->capacity_full, 572); // Pylontech reports the full capacity
  EXPECT_FALSE(sample->capacity_remaining);
  battery.on_frame(frame(0x379, "3c02"), 0ms); // installed: the same, at 88 %
  EXPECT_FALSE(battery.snapshot(0ms)->capacity_remaining);
  battery.on_frame(frame(0x35F, "4c490000f701aa00"), 0ms); // 503 of 572 Ah
  EXPECT_EQ(battery.snapshot(0ms)->capacity_remaining, 503);
}

TEST(PylontechCan, texts_in_halves) {
  auto battery = classic(0ms);
  feed(battery,
       {frame(0x370, "4142434445464748"), frame(0x371, "4900"), frame(0x380, "3132333435363738"),
        frame(0x381, "3920202020202020")},
       0ms);
  EXPECT_EQ(battery.identity().model, "ABCDEFGHI");
  EXPECT_EQ(battery.identity().serial, "123456789");
  EXPECT_EQ(battery.identity().unique_id, "123456789");
}

TEST(PylontechCan, keep_alive_only_when_wanted) {
  EXPECT_TRUE(PylontechCan({}).keep_alive().empty());
  PylontechCan talking(with("keep_alive", "true"));
  ASSERT_EQ(talking.keep_alive().size(), 1u);
  EXPECT_EQ(talking.keep_alive()[0], frame(0x305, "0000000000000000"));
}

TEST(PylontechCan, any_frames_leave_it_alive_and_plausible) {
  std::mt19937 random(7);
  PylontechCan battery({});
  for (int i = 0; i < 100'000; ++i) {
    CanFrame item;
    item.id = random() % 8 == 0 ? random() & 0x1FFFFFFF : 0x350 + random() % 0x34;
    item.extended = item.id > 0x7FF;
    for (auto n = random() % 9; n > 0; --n) {
      item.data.push_back(static_cast<std::uint8_t>(random() % 3 == 0 ? random() : random() % 4));
    }
    const milliseconds now(i);
    battery.on_frame(item, now);
    battery.take_complete();
    if (const auto sample = battery.snapshot(now)) {
      ASSERT_TRUE(*sample->soc >= 0 && *sample->soc <= 100);
      ASSERT_TRUE(*sample->voltage >= 8 && *sample->voltage <= 70);
      ASSERT_GE(*sample->max_charge_current, 0);
      ASSERT_GE(*sample->max_discharge_current, 0);
    }
    (void)battery.identity();
  }
}

} // namespace
} // namespace bmsd::protocols
