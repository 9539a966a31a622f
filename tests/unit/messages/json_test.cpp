#include "messages/json.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace bmsd {
namespace {

TEST(Json, PrintsOnlyWhatASampleSays) {
  Sample sample;
  EXPECT_EQ(to_json(sample).dump(), "{}");
  sample.voltage = 52.8;
  sample.cell_voltages.push_back(3.301);
  sample.cell_voltages.push_back(std::nullopt);
  sample.temperatures.battery[1] = 21.5;
  sample.temperatures.mos = 30.0;
  sample.alarms.set(Alarm::HighVoltage, 2);
  sample.charge_enabled = false;
  sample.extra.push_back({"error_counts", std::vector<double>{0, 1}});
  EXPECT_EQ(to_json(sample).dump(),
            R"({"voltage":52.8,"cell_voltages":[3.301,null],"temperatures":{"2":21.5,"mos":30.0},)"
            R"("charge_enabled":false,"alarms":{"HighVoltage":2},"extra":{"error_counts":[0.0,1.0]}})");
}

TEST(Json, NotANumberIsNull) {
  Sample sample;
  sample.voltage = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(to_json(sample).dump(), R"({"voltage":null})");
}

TEST(Json, CanFrameIdsShowTheirWidth) {
  CanFrame frame;
  frame.id = 0x351;
  frame.data.push_back(0x14);
  EXPECT_EQ(to_json(frame).dump(), R"({"id":"351","data":"14"})");
  frame.extended = true;
  EXPECT_EQ(to_json(frame)["id"], "00000351");
}

TEST(Hex, RoundTripAndGarbage) {
  EXPECT_EQ(to_hex(*from_hex("DDa5")), "dda5");
  EXPECT_FALSE(from_hex("abc"));
  EXPECT_FALSE(from_hex("zz"));
  EXPECT_EQ(from_hex("")->size(), 0U);
}

TEST(InlineVector, IsBounded) {
  InlineVector<int, 2> v;
  EXPECT_TRUE(v.push_back(1));
  EXPECT_TRUE(v.push_back(2));
  EXPECT_FALSE(v.push_back(3));
  v.resize(9);
  EXPECT_EQ(v.size(), 2U);
}

TEST(Alarms, RaiseKeepsTheHighestLevel) {
  Alarms alarms;
  EXPECT_FALSE(alarms[Alarm::LowSoc].has_value());
  alarms.raise(Alarm::LowSoc, 2);
  alarms.raise(Alarm::LowSoc, 1);
  EXPECT_EQ(alarms[Alarm::LowSoc], 2);
  alarms.raise(Alarm::FuseBlown, 0);
  EXPECT_EQ(alarms[Alarm::FuseBlown], 0);
}

} // namespace
} // namespace bmsd
