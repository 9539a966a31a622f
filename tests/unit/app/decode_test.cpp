// What bmsctl decode prints.
#include "app/decode.hpp"
#include "messages/json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

namespace bmsd::app {
namespace {

struct Decoded {
  bool all = false;
  std::vector<Json> lines;
};

Decoded decode(const std::string& text, const std::string& protocol = {}) {
  std::istringstream in(text);
  std::ostringstream out;
  Decoded result;
  result.all = decode_captures(in, out, protocol, {});
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) {
    result.lines.push_back(Json::parse(line, nullptr, false));
    EXPECT_TRUE(result.lines.back().is_object()) << line;
  }
  return result;
}

std::string capture(const std::string& name) {
  std::ifstream stream(std::string(BMSD_TEST_DATA) + "/captures/" + name + ".jsonl");
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(Decode, EveryRecordedLineGivesOne) {
  for (const std::string name : {"lltjbd", "pylontech_can", "mqtt_json"}) {
    const auto text = capture(name);
    const auto decoded = decode(text);
    EXPECT_EQ(decoded.lines.size(), static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'))) << name;
  }
}

TEST(Decode, OneValueALineForPeople) {
  std::istringstream in(capture("lltjbd") + "nonsense\n");
  std::ostringstream out;
  EXPECT_FALSE(decode_captures(in, out, {}, {}, DecodeOutput::readable));
  EXPECT_THAT(out.str(), ::testing::StartsWith("1:\n"));
  EXPECT_THAT(out.str(), ::testing::ContainsRegex("\n  voltage +[0-9.]+\n"));
  EXPECT_THAT(out.str(), ::testing::ContainsRegex("\n  error +.*JSON"));
}

TEST(Decode, ValuesAreThoseOfTheRecording) {
  std::istringstream lines(capture("lltjbd"));
  int compared = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto recorded = Json::parse(line);
    const auto expected = recorded.value("expect", Json::object());
    if (!expected.contains("voltage")) {
      continue;
    }
    const auto decoded = decode(line + "\n");
    ASSERT_EQ(decoded.lines.size(), 1U);
    EXPECT_EQ(decoded.lines[0]["voltage"], expected["voltage"]) << line;
    ++compared;
  }
  EXPECT_GT(compared, 3);
}

TEST(Decode, ABadLineIsAnErrorInItsPlaceAndTheRestGoesOn) {
  const auto text = capture("lltjbd");
  const auto good = text.substr(0, text.find('\n') + 1);
  const auto decoded = decode("nonsense\n" + good + "\n  \t\r\n[]\n\xff\n" + good);
  EXPECT_FALSE(decoded.all);
  ASSERT_EQ(decoded.lines.size(), 5U) << "blank lines are none";
  EXPECT_EQ(decoded.lines[1], decoded.lines[4]);
  EXPECT_FALSE(decoded.lines[1].contains("error"));
  for (const int i : {0, 2, 3}) {
    EXPECT_TRUE(decoded.lines[static_cast<std::size_t>(i)].contains("error")) << i;
  }
}

TEST(Decode, NothingIsNoError) {
  EXPECT_TRUE(decode("").all);
  EXPECT_TRUE(decode("\n\n").lines.empty());
}

} // namespace
} // namespace bmsd::app
