// Every recorded series of the reference driver runs through the Controller and comes out the same.
#include "app/limits.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace bmsd::app {

namespace {

/// Voltages to 5 mV, times to 1 s, the rest to 2 of the third decimal.
double tolerance(const std::string& name) {
  const bool volts = name == "cvl" || name.find("voltage") != std::string::npos ||
                     name.find("Voltage") != std::string::npos || name == "cell_sum" || name == "cell_diff";
  return (name == "time_to_go" || name == "power") ? 1.0 : volts ? 0.0051 : 0.0021;
}

bool close(const std::string& name, const Json& a, const Json& b) {
  if (a.is_boolean() || b.is_boolean()) {
    return a == b;
  }
  if (a.is_number() && b.is_number()) {
    return std::abs(a.get<double>() - b.get<double>()) <= tolerance(name) + 1e-9;
  }
  if (a.is_object() && b.is_object()) {
    return a.size() == b.size() && std::all_of(a.items().begin(), a.items().end(), [&](const auto& item) {
             return b.contains(item.key()) && close(item.key(), item.value(), b.at(item.key()));
           });
  }
  return a == b;
}

/// Reductions apply at once here (docs/charge-control.md), so series that show the reference
/// driver waiting with them do not apply.
bool applies(const Json& series) {
  for (const auto& tag : series.at("tags")) {
    if (tag == "throttle") {
      return false;
    }
  }
  return true;
}

class Golden : public ::testing::TestWithParam<const char*> {};

TEST_P(Golden, EverySeriesComesOutTheSame) {
  std::ifstream file(std::string(BMSD_TEST_DATA "/charge-control/") + GetParam() + ".jsonl");
  ASSERT_TRUE(file.is_open());
  int compared = 0;
  for (std::string line; std::getline(file, line);) {
    const Json series = Json::parse(line);
    if (!applies(series)) {
      continue;
    }
    SCOPED_TRACE(series.at("name").get<std::string>());
    std::vector<std::string> problems;
    SeriesRunner runner(series, problems);
    for (const auto& step : series.at("steps")) {
      const Json out = runner.step(step);
      for (const auto& [name, expected] : step.at("out").items()) {
        ASSERT_TRUE(out.contains(name)) << name;
        ASSERT_TRUE(close(name, expected, out.at(name)))
            << "t " << step.at("t") << ", " << name << ": expected " << expected << ", got " << out.at(name);
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 100);
}

INSTANTIATE_TEST_SUITE_P(ChargeControl, Golden,
                         ::testing::Values("cvl", "limits", "soc", "telemetry", "long", "corrected"),
                         [](const auto& info) { return std::string(info.param); });

constexpr const char* kSeries =
    R"({"name":"a","config":{"MAX_CELL_VOLTAGE":9},"t0":1700000000,"fields":["cvl","charge_mode"],"steps":[)"
    R"({"t":0,"in":{"cell_count":4,"capacity":100,"cell_voltages":[3.3,3.3,3.3,3.3],"current":1,"soc":50}},)"
    R"({"t":60,"in":{"soc":51}}]})";

TEST(Limits, PrintsTheSeriesWithItsOutputs) {
  std::istringstream in(kSeries);
  std::ostringstream out, log;
  LimitsOptions options;
  options.log = &log;
  EXPECT_EQ(run_limits(in, out, options), 0);
  const Json series = Json::parse(out.str());
  EXPECT_EQ(series["steps"][1]["out"]["cvl"], 13.8);
  EXPECT_EQ(series["steps"][1]["out"]["charge_mode"], "Bulk │ Linear Mode");
  EXPECT_NE(log.str().find("MAX_CELL_VOLTAGE: 9 is out of range, allowed 2..4.3 V"), std::string::npos);
}

TEST(Limits, APresetIsWhatTheOtherKeysChangeWhereverItStands) {
  for (const char* order :
       {R"("MAX_CELL_VOLTAGE":3.5,"PRESET":"classic")", R"("PRESET":"classic","MAX_CELL_VOLTAGE":3.5)"}) {
    std::string line = kSeries;
    line.replace(line.find("\"MAX_CELL_VOLTAGE\":9"), 20, order);
    std::vector<std::string> problems;
    SeriesRunner runner(Json::parse(line), problems);
    const Json out = runner.step(Json::parse(line)["steps"][0]);
    EXPECT_EQ(out["cvl"], 14.0);
    EXPECT_EQ(out["charge_mode"], "Keep always max voltage");
  }
}

TEST(Limits, PrintsTables) {
  std::istringstream in(kSeries);
  std::ostringstream out, log;
  LimitsOptions options;
  options.csv = true;
  options.log = &log;
  EXPECT_EQ(run_limits(in, out, options), 0);
  EXPECT_EQ(out.str(), "series,t,cvl,charge_mode\na,0,13.8,Bulk │ Linear Mode\na,60,13.8,Bulk │ Linear Mode\n");
}

TEST(Limits, ReportsBadLinesAndGoesOn) {
  std::istringstream in(std::string("{nonsense\n") + kSeries + "\n{\"steps\":[{}]}\n");
  std::ostringstream out, log;
  LimitsOptions options;
  options.log = &log;
  EXPECT_EQ(run_limits(in, out, options), 1);
  EXPECT_NE(out.str().find("\"cvl\":13.8"), std::string::npos);
  EXPECT_NE(log.str().find("line 1"), std::string::npos);
  EXPECT_NE(log.str().find("line 3"), std::string::npos);
}

TEST(Limits, DrawsAPlot) {
  std::istringstream in(kSeries);
  std::ostringstream out, log;
  LimitsOptions options;
  options.log = &log;
  options.plot = ::testing::TempDir() + "bmsd_limits.svg";
  EXPECT_EQ(run_limits(in, out, options), 0);
  std::ifstream file(options.plot);
  std::stringstream svg;
  svg << file.rdbuf();
  EXPECT_EQ(svg.str().rfind("<svg", 0), 0U);
  for (const char* part : {"CVL", "CCL", "-DCL", "SoC", "highest cell", "</svg>"}) {
    EXPECT_NE(svg.str().find(part), std::string::npos) << part;
  }
}

} // namespace

} // namespace bmsd::app
