// The examples E1 to E9 are in data/captures/mqtt_json.jsonl.
#include "messages/json.hpp"
#include "protocols/mqtt_json.hpp"

#include <gtest/gtest.h>

#include <random>

namespace bmsd::protocols {
namespace {

const std::string kTree = R"({"Dc":{"Power":-100,"Voltage":50.0,"Current":-2},"Soc":63,"InstalledCapacity":200})";
const std::string kWrapped = Json{{"value", kTree}}.dump();
const std::string kGeneric =
    R"({"cell_count":4,"capacity":100,"serial_number":"SN1","voltage":13.2,"current":5.2,"soc":45.87,)"
    R"("temperature_1":25.5,"charge_fet":true,"discharge_fet":false,)"
    R"("cells":[{"voltage":3.3,"balance":true},{"voltage":3.31},{"voltage":3.29},{"voltage":3.3}]})";

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

struct Topic {
  MqttJson protocol;
  Identity identity;
  Sample sample;

  Topic() : protocol({}) {}
  Topic(std::string option, std::string value) : protocol(with(std::move(option), std::move(value))) {}
  static ProtocolConfig with(std::string option, std::string value) {
    ProtocolConfig config;
    config.options[std::move(option)] = std::move(value);
    return config;
  }
  Result<void> take(const std::string& payload, bool retained = false) {
    return protocol.on_document({"topic", payload, retained}, identity, sample);
  }
};

TEST(MqttJson, the_three_kinds_are_told_apart) {
  for (const auto& payload : {kTree, kWrapped}) {
    Topic topic;
    ASSERT_TRUE(topic.take(payload));
    EXPECT_EQ(topic.sample.soc, 63);
    EXPECT_EQ(topic.sample.current, -2);
    EXPECT_EQ(topic.sample.capacity_remaining, 126);
    EXPECT_EQ(topic.sample.consumed_ah, -74);
    EXPECT_EQ(topic.identity.capacity_full, 200);
  }
  Topic topic;
  ASSERT_TRUE(topic.take(kGeneric));
  EXPECT_EQ(topic.identity.unique_id, "SN1");
  EXPECT_EQ(topic.identity.cell_count, 4);
  EXPECT_EQ(topic.sample.discharge_enabled, false);
  EXPECT_EQ(topic.sample.balancing, true);
  EXPECT_TRUE(topic.sample.balancing_cells[0]);
  EXPECT_NEAR(*topic.sample.power, 68.64, 1e-9);
}

TEST(MqttJson, the_first_valid_document_settles_the_kind) {
  Topic topic;
  EXPECT_FALSE(topic.take("{\"cell_count\":4}"));
  ASSERT_TRUE(topic.take(kTree));
  EXPECT_EQ(topic.take(kGeneric).error().fault, Fault::framing);
  EXPECT_EQ(topic.take(kWrapped).error().fault, Fault::framing);
  Topic fixed("dialect", "generic");
  EXPECT_FALSE(fixed.take(kTree));
  EXPECT_TRUE(fixed.take(kGeneric));
}

TEST(MqttJson, an_error_changes_nothing) {
  const std::string bad[] = {
      "",
      "{not json",
      "[]",
      "7",
      "null",
      R"({"value":null})",
      R"({"value":true})",
      R"({"value":"{not json"})",
      R"({"value":"[1]"})",
      R"({"Soc":50})",
      R"({"Dc":7,"Soc":50})",
      R"({"Dc":{"0":7},"Soc":50})",
      replaced(kTree, "63", "\"63\""),
      replaced(kTree, "63", "101"),
      replaced(kTree, "63", "-1"),
      replaced(kTree, "63", "true"),
      replaced(kTree, "63", "NaN"),
      replaced(kTree, "63", "1e999"),
      replaced(kTree, "63", "null"),
      replaced(kTree, "50.0", "-50.0"),
      replaced(kTree, "50.0", "1e300"),
      replaced(kTree, "\"Current\":-2", "\"Current\":2001"),
      replaced(kTree, "200}", "200,\"Voltages\":{\"Cell1\":5.1}}"),
      replaced(kTree, "200}", "200,\"Voltages\":{\"Cell1\":0}}"),
      replaced(kTree, "200}", "200,\"Voltages\":{\"Cell33\":3.3}}"),
      replaced(kTree, "200}", "200,\"Voltages\":[3.3]}"),
      replaced(kTree, "200}", "200,\"Balancing\":2}"),
      replaced(kTree, "200}", "200,\"Alarms\":{\"LowVoltage\":3}}"),
      replaced(kTree, "200}", "200,\"Alarms\":{\"LowVoltage\":0.5}}"),
      replaced(kTree, "200}", "200,\"System\":{\"Temperature1\":151}}"),
      replaced(kTree, "200}", "200,\"Info\":{\"MaxChargeCurrent\":-1}}"),
      replaced(kTree, "200}", "200,\"x\":" + std::string(9, '[') + std::string(9, ']') + "}"),
      replaced(kTree, "200}", "200,\"x\":\"" + std::string(70000, 'x') + "\"}"),
  };
  Topic topic;
  ASSERT_TRUE(topic.take(kTree));
  const auto identity = topic.identity;
  const auto sample = topic.sample;
  for (const auto& payload : bad) {
    EXPECT_FALSE(topic.take(payload)) << payload.substr(0, 100);
    EXPECT_EQ(topic.identity, identity);
    EXPECT_EQ(topic.sample, sample);
  }
  EXPECT_TRUE(topic.take(kTree));
}

TEST(MqttJson, a_generic_document_is_taken_whole_or_not_at_all) {
  const std::string bad[] = {
      replaced(kGeneric, "5.2", "\"5.2\""),
      replaced(kGeneric, "5.2", "true"),
      replaced(kGeneric, "\"cell_count\":4", "\"cell_count\":5"),
      replaced(kGeneric, "\"cell_count\":4", "\"cell_count\":0"),
      replaced(kGeneric, "\"cell_count\":4", "\"cell_count\":4.5"),
      replaced(kGeneric, "\"cell_count\":4", "\"cell_count\":1e9"),
      replaced(kGeneric, "\"charge_fet\":true", "\"charge_fet\":1"),
      replaced(kGeneric, "\"SN1\"", "7"),
      replaced(kGeneric, "\"SN1\"", "\"\""),
      replaced(kGeneric, "\"temperature_1\"", "\"temperature_2\""),
      replaced(kGeneric, "{\"voltage\":3.31}", "3.31"),
      replaced(kGeneric, "{\"voltage\":3.31}", "{}"),
      replaced(kGeneric, "\"balance\":true", "\"balance\":1"),
      replaced(kGeneric, "4,", "4,\"protection\":{\"low_soc\":7},"),
  };
  Topic topic;
  ASSERT_TRUE(topic.take(kGeneric));
  const auto sample = topic.sample;
  for (const auto& payload : bad) {
    EXPECT_FALSE(topic.take(payload)) << payload;
    EXPECT_EQ(topic.sample, sample);
  }
}

TEST(MqttJson, the_cell_count_of_a_generic_bms_is_fixed) {
  Topic topic;
  ASSERT_TRUE(topic.take(kGeneric));
  const auto three = replaced(replaced(kGeneric, "\"cell_count\":4", "\"cell_count\":3"), ",{\"voltage\":3.31}", "");
  EXPECT_FALSE(topic.take(three));
  EXPECT_TRUE(Topic().take(three));
}

TEST(MqttJson, each_document_replaces_the_one_before) {
  Topic topic;
  ASSERT_TRUE(topic.take(replaced(kTree, "200}", "200,\"Soh\":97}")));
  EXPECT_EQ(topic.sample.soh, 97);
  ASSERT_TRUE(topic.take(kTree));
  EXPECT_FALSE(topic.sample.soh);
}

TEST(MqttJson, a_retained_document_is_applied) {
  Topic topic;
  ASSERT_TRUE(topic.take(kTree, true));
  EXPECT_EQ(topic.sample.soc, 63);
}

TEST(MqttJson, protections_and_alarms) {
  Topic tree;
  ASSERT_TRUE(tree.take(
      replaced(kTree, "200}", "200,\"Alarms\":{\"LowVoltage\":null,\"HighCellVoltage\":2,\"HighCurrent\":2}}")));
  EXPECT_EQ(tree.sample.alarms[Alarm::LowVoltage], 0);
  EXPECT_EQ(tree.sample.alarms[Alarm::HighCellVoltage], 2);
  EXPECT_FALSE(tree.sample.alarms[Alarm::InternalFailure]);
  Topic generic;
  ASSERT_TRUE(
      generic.take(replaced(kGeneric, "4,", "4,\"protection\":{\"high_cell_voltage\":1,\"x\":9,\"fuse_blown\":2},")));
  EXPECT_EQ(generic.sample.alarms[Alarm::HighCellVoltage], 1);
  EXPECT_EQ(generic.sample.alarms[Alarm::FuseBlown], 2);
  EXPECT_FALSE(generic.sample.alarms[Alarm::LowVoltage]);
}

TEST(MqttJson, cells_without_a_value_keep_their_place) {
  Topic topic;
  ASSERT_TRUE(topic.take(replaced(
      kTree, "200}", "200,\"Voltages\":{\"Cell3\":3.3,\"Cell1\":3.2,\"Cell2\":null},\"Balances\":{\"Cell2\":1}}")));
  ASSERT_EQ(topic.sample.cell_voltages.size(), 3u);
  EXPECT_FALSE(topic.sample.cell_voltages[1]);
  EXPECT_EQ(topic.sample.cell_count, 3);
  EXPECT_TRUE(topic.sample.balancing_cells[1]);
}

TEST(MqttJson, consumed_ah_are_negative_whatever_the_sign) {
  for (const auto* consumed : {"56.0", "-56.0"}) {
    Topic topic;
    ASSERT_TRUE(topic.take(replaced(kTree, "200}", std::string("200,\"ConsumedAmphours\":") + consumed + "}")));
    EXPECT_EQ(topic.sample.consumed_ah, -56);
    EXPECT_EQ(topic.sample.capacity_remaining, 144);
  }
}

TEST(MqttJson, limits_can_be_ignored) {
  const auto payload = replaced(kTree, "200}", "200,\"Info\":{\"MaxChargeVoltage\":55.2,\"MaxChargeCurrent\":80}}");
  Topic used, ignored("use_limits", "false");
  ASSERT_TRUE(used.take(payload));
  ASSERT_TRUE(ignored.take(payload));
  EXPECT_EQ(used.sample.max_charge_voltage, 55.2);
  EXPECT_FALSE(ignored.sample.max_charge_voltage);
  EXPECT_FALSE(ignored.sample.max_charge_current);
}

TEST(MqttJson, damaged_documents_are_refused_or_plausible) {
  std::mt19937 random(3);
  const std::string originals[] = {kTree, kWrapped, kGeneric};
  int taken = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string payload = originals[random() % 3];
    for (auto n = random() % 4; n > 0; --n) {
      payload[random() % payload.size()] = static_cast<char>(random() % 2 ? 0x20 + random() % 0x5F : random());
    }
    Topic topic;
    if (topic.take(payload)) {
      ++taken;
      ASSERT_TRUE(*topic.sample.soc >= 0 && *topic.sample.soc <= 100);
      ASSERT_LE(std::abs(*topic.sample.current), 2000);
      ASSERT_TRUE(std::isfinite(*topic.sample.voltage));
    }
  }
  EXPECT_GT(taken, 1000);
}

} // namespace
} // namespace bmsd::protocols
