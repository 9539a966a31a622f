// Every recorded exchange gives the values that its bytes determine.
#include "protocols/capture.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace bmsd::protocols {
namespace {

using nlohmann::json;

double tolerance(const std::string& key) {
  return key.find("cell") != std::string::npos && key.find("voltage") != std::string::npos ? 0.001 : 0.01;
}

void expect_same(const std::string& key, const json& expected, const json& got) {
  SCOPED_TRACE(key);
  if (expected.is_number() && got.is_number()) {
    EXPECT_NEAR(expected.get<double>(), got.get<double>(), tolerance(key) / 2 + 1e-9);
  } else if (expected.is_array()) {
    ASSERT_TRUE(got.is_array());
    ASSERT_EQ(expected.size(), got.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expect_same(key, expected[i], got[i]);
    }
  } else {
    EXPECT_EQ(expected, got);
  }
}

void expect_members(const std::string& key, const json& expected, const json& got) {
  for (const auto& [name, value] : expected.items()) {
    ASSERT_TRUE(got.contains(name)) << key << "." << name << " is missing";
    expect_same(key + "." + name, value, got[name]);
  }
}

void expect_alarms(const json& expected, const json& got) {
  json all = expected;
  for (const auto& [name, level] : got.items()) {
    all.emplace(name, 0);
  }
  for (const auto& [name, level] : all.items()) {
    EXPECT_EQ(level, got.value(name, 0)) << "alarm " << name;
  }
}

void check(const std::string& line) {
  const json capture = json::parse(line);
  SCOPED_TRACE(capture["name"].get<std::string>());
  const json& expected = capture["expect"];
  const auto decoded = decode_capture(line);
  if (expected.contains("error")) {
    ASSERT_FALSE(decoded) << *decoded;
    auto wording = expected["error"].get<std::string>(); // "wrong_address" as "wrong address"
    std::replace(wording.begin(), wording.end(), '_', ' ');
    EXPECT_NE(to_string(decoded.error()).find(wording), std::string::npos) << to_string(decoded.error());
    return;
  }
  ASSERT_TRUE(decoded) << to_string(decoded.error());
  const json got = json::parse(*decoded);
  for (const auto& [key, value] : expected.items()) {
    if (key == "alarms") {
      expect_alarms(value, got["alarms"]);
    } else if (key == "temperatures") {
      EXPECT_EQ(value.size(), got[key].size());
      expect_members(key, value, got[key]);
    } else if (key == "extra") {
      ASSERT_TRUE(got.contains("extra"));
      expect_members(key, value, got[key]);
    } else {
      ASSERT_TRUE(got.contains(key)) << key << " is missing";
      expect_same(key, value, got[key]);
    }
  }
}

class Captures : public testing::TestWithParam<std::string> {};

TEST_P(Captures, decode_to_what_they_determine) {
  std::ifstream file(GetParam());
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    check(line);
  }
  EXPECT_GT(lines, 0);
}

std::vector<std::string> capture_files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(BMSD_TEST_DATA "/captures")) {
    if (entry.path().extension() == ".jsonl") {
      files.push_back(entry.path());
    }
  }
  return files;
}

INSTANTIATE_TEST_SUITE_P(All, Captures, testing::ValuesIn(capture_files()),
                         [](const auto& info) { return std::filesystem::path(info.param).stem().string(); });

} // namespace
} // namespace bmsd::protocols
