// Lines that are no captures, and what a line's own settings do.
#include "protocols/capture.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bmsd::protocols {
namespace {

using nlohmann::json;

std::string error_of(std::string_view line, std::string_view protocol = {}) {
  const auto result = decode_capture(line, protocol);
  return result ? "decoded " + *result : to_string(result.error());
}

TEST(Capture, lines_that_are_none_say_why) {
  EXPECT_EQ(error_of("{not json"), "rejected: not JSON");
  EXPECT_EQ(error_of(""), "rejected: not JSON");
  EXPECT_EQ(error_of("[1,2]"), "rejected: the line names no protocol");
  EXPECT_EQ(error_of(R"({"protocol":"nothing","exchanges":[]})"), "rejected: unknown protocol nothing");
  EXPECT_EQ(error_of(R"({"protocol":"lltjbd"})"), "rejected: the line has no exchanges");
  EXPECT_EQ(error_of(R"({"protocol":"lltjbd","exchanges":[{"tx":"dd","rx":"d"}]})"),
            "rejected: tx and rx are hexadecimal text");
  EXPECT_EQ(error_of(R"({"protocol":"lltjbd","exchanges":[{"tx":"dd","rx":7}]})"),
            "rejected: tx and rx are hexadecimal text");
  EXPECT_EQ(error_of(R"({"protocol":"pylontech_can","exchanges":[{"rx":[{"id":"xyz","data":""}]}]})"),
            "rejected: \"xyz\" is no CAN id");
  EXPECT_EQ(error_of(R"({"protocol":"pylontech_can","exchanges":[{"rx":[{"id":"351","data":"001122334455667788"}]}]})"),
            "rejected: a frame needs id and at most 8 bytes of data");
  EXPECT_EQ(error_of(std::string(1000, '[')), "rejected: JSON nested too deeply");
}

TEST(Capture, the_named_protocol_comes_first_and_aliases_count) {
  const auto* line = R"({"protocol":"nothing","exchanges":[{"tx":"dda50400fffc77",
                         "rx":"dd0400080f450f3d0f370f3dfec677"}]})";
  const auto decoded = decode_capture(line, "LltJbd");
  ASSERT_TRUE(decoded);
  EXPECT_EQ(json::parse(*decoded)["cell_voltages"].size(), 4u);
}

TEST(Capture, the_line_overrides_the_defaults) {
  auto decode = [](std::string config, const ProtocolConfig& defaults) {
    const auto decoded = decode_capture(R"({"protocol":"lltjbd","config":)" + config +
                                            R"(,"exchanges":[{"tx":"dda50300fffd77",
                "rx":"dd03001d14c000000ed84e2000052c7c00000000000021130310030ba50b870b91fae677"}]})",
                                        {}, defaults);
    return decoded ? json::parse(*decoded)["alarms"].value("LowSoc", -1) : -2;
  };
  ProtocolConfig defaults;
  EXPECT_EQ(decode("{}", defaults), 1);
  EXPECT_EQ(decode(R"({"soc_low_alarm":25})", defaults), 2);
  defaults.soc_low_warning = 15;
  EXPECT_EQ(decode("{}", defaults), 0);
  EXPECT_EQ(decode(R"({"soc_alarms":false})", defaults), -1);
}

TEST(Capture, ids_of_more_than_three_digits_are_extended) {
  const auto decoded = decode_capture(
      R"({"protocol":"pylontech_can","config":{"group":4},"exchanges":[{"rx":[{"id":"0x00004355","data":"3200"},
          {"id":"355","data":"0a00"}]}]})");
  ASSERT_TRUE(decoded);
  EXPECT_EQ(json::parse(*decoded)["soc"], 50);
}

} // namespace
} // namespace bmsd::protocols
