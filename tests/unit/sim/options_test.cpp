#include "app/sim/options.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bmsd::sim {
namespace {

CommandLine parse(std::vector<std::string> words) {
  CLI::App app;
  CommandLine out;
  describe(app, out);
  std::reverse(words.begin(), words.end()); // CLI11 takes them from the back
  app.parse(words);
  return out;
}

Result<std::vector<StationOptions>> plan(std::vector<std::string> words) {
  return stations_of(parse(std::move(words)));
}

TEST(Options, Defaults) {
  const auto stations = plan({"--protocol", "lltjbd"});
  ASSERT_TRUE(stations);
  ASSERT_EQ(stations->size(), 1U);
  const auto& one = stations->front();
  EXPECT_EQ(one.baud, 9600);
  EXPECT_EQ(one.battery.cells, 16);
  EXPECT_EQ(std::get<transports::SerialAddress>(one.link).path, "");
}

TEST(Options, TheBattery) {
  const auto stations = plan({"--protocol",
                              "lltjbd",
                              "--link",
                              "/tmp/x",
                              "--cells",
                              "8",
                              "--capacity",
                              "100",
                              "--soc",
                              "33",
                              "--current",
                              "-12.5",
                              "--speed",
                              "60",
                              "--baud",
                              "0",
                              "--fault",
                              "drop=0.1",
                              "--fault",
                              "corrupt=0.2",
                              "--load-profile",
                              "day",
                              "--temperature",
                              "-3",
                              "--imbalance",
                              "20",
                              "--internal-resistance",
                              "2",
                              "--alarm",
                              "LowVoltage",
                              "--noise",
                              "--answer-delay",
                              "30"});
  ASSERT_TRUE(stations);
  const auto& one = stations->front();
  EXPECT_EQ(one.battery.cells, 8);
  EXPECT_DOUBLE_EQ(one.battery.current, -12.5);
  EXPECT_DOUBLE_EQ(one.battery.temperature, -3.0);
  EXPECT_DOUBLE_EQ(one.battery.imbalance, 0.020);
  EXPECT_DOUBLE_EQ(one.battery.resistance, 0.002);
  EXPECT_EQ(one.battery.profile, LoadProfile::day);
  EXPECT_TRUE(one.battery.raised[static_cast<std::size_t>(Alarm::LowVoltage)]);
  EXPECT_TRUE(one.battery.noise);
  EXPECT_DOUBLE_EQ(one.speed, 60.0);
  EXPECT_EQ(one.baud, 0);
  EXPECT_EQ(one.answer_delay, std::chrono::milliseconds(30));
  EXPECT_DOUBLE_EQ(one.faults[FaultKind::drop], 0.1);
  EXPECT_DOUBLE_EQ(one.faults[FaultKind::corrupt], 0.2);
}

TEST(Options, ManyPacksCanBeToldApart) {
  const auto stations = plan({"--protocol", "lltjbd", "--link", "/tmp/pack", "--count", "3"});
  ASSERT_TRUE(stations);
  ASSERT_EQ(stations->size(), 3U);
  EXPECT_EQ(std::get<transports::SerialAddress>((*stations)[2].link).path, "/tmp/pack2");
  EXPECT_DOUBLE_EQ((*stations)[2].battery.capacity, 280.02);
  EXPECT_NE((*stations)[0].device.serial, (*stations)[1].device.serial);
  EXPECT_NE((*stations)[0].battery.seed, (*stations)[1].battery.seed);

  const auto tcp = plan({"--protocol", "lltjbd", "--link", "tcp:127.0.0.1:4000", "--count", "2"});
  ASSERT_TRUE(tcp);
  EXPECT_EQ(std::get<transports::TcpAddress>((*tcp)[1].link).port, 4001);
  const auto mqtt =
      plan({"--protocol", "mqtt_json", "--link", "mqtt:localhost/batt", "--count", "2", "--dialect", "m3"});
  ASSERT_TRUE(mqtt);
  EXPECT_EQ(std::get<transports::MqttAddress>((*mqtt)[1].link).topic, "batt1");
}

TEST(Options, WhatDoesNotGoTogetherIsRefused) {
  EXPECT_FALSE(plan({"--protocol", "lltjbd", "--address", "1"}));
  EXPECT_FALSE(plan({"--protocol", "lltjbd", "--capacity", "700"}));
  EXPECT_FALSE(plan({"--protocol", "lltjbd", "--capacity", "655.35", "--count", "2"}));
  EXPECT_FALSE(plan({"--protocol", "lltjbd", "--fault", "drop=7"}));
  EXPECT_FALSE(plan({"--protocol", "lltjbd", "--dialect", "m1"}));
  EXPECT_FALSE(plan({"--protocol", "pylontech_can", "--link", "can:vcan0", "--count", "2"}));
  EXPECT_FALSE(plan({"--protocol", "lltjbd", "--link", "tcp:h:65535", "--count", "2"}));
  EXPECT_FALSE(plan({"--protocol", "mqtt_json", "--link", "mqtt:localhost/batt/#"}));
  EXPECT_THROW(parse({"--protocol", "nonsense"}), CLI::ParseError);
  EXPECT_THROW(parse({"--protocol", "lltjbd", "--alarm", "TooMuchFun"}), CLI::ParseError);
  EXPECT_THROW(parse({"--protocol", "lltjbd", "--cells", "0"}), CLI::ParseError);
}

TEST(Simulators, EveryLineOfTheTableIsComplete) {
  for (const SimulatorInfo& info : simulators()) {
    const int kinds = (info.stream != nullptr) + (info.broadcast != nullptr) + (info.document != nullptr);
    EXPECT_EQ(kinds, 1) << info.key;
    EXPECT_EQ(find_simulator(info.key), &info);
    EXPECT_EQ(info.stream != nullptr, info.baud > 0) << info.key;
    EXPECT_EQ(info.broadcast != nullptr, info.can_bitrate > 0) << info.key;
    EXPECT_GT(info.max_capacity, 0.0) << info.key;
  }
  EXPECT_EQ(find_simulator("nonsense"), nullptr);
}

} // namespace
} // namespace bmsd::sim
