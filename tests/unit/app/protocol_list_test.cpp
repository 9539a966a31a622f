#include "app/ctl/protocol_list.hpp"
#include "app/sim/rehearsal.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace bmsd::app {
namespace {

TEST(ProtocolList, the_readme_has_the_table_of_today) {
  std::ifstream file(BMSD_SOURCE_DIR "/README.md");
  const std::string readme(std::istreambuf_iterator<char>(file), {});
  EXPECT_NE(readme.find(protocols_markdown()), std::string::npos)
      << "put the output of `build/bmsctl protocols --markdown` into README.md";
  EXPECT_NE(readme.find(readings_markdown()), std::string::npos)
      << "put the output of `build/bmsctl protocols --markdown` into README.md";
}

TEST(ProtocolList, every_protocol_reads_its_simulator) {
  for (const protocols::ProtocolInfo& info : protocols::registry()) {
    const auto sample = sim::rehearse(info);
    ASSERT_TRUE(sample) << info.key;
    EXPECT_TRUE(sample->voltage) << info.key;
    EXPECT_TRUE(sample->current) << info.key;
  }
}

TEST(ProtocolList, json_names_every_protocol_once) {
  const auto json = protocols_json();
  ASSERT_GE(json.size(), 3U);
  for (const auto& entry : json) {
    EXPECT_NE(protocols_markdown().find("`" + entry["key"].get<std::string>() + "`"), std::string::npos);
    EXPECT_NE(protocols_table().find(entry["key"].get<std::string>()), std::string::npos);
  }
}

} // namespace
} // namespace bmsd::app
