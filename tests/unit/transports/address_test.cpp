#include "transports/address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bmsd::transports {
namespace {

using testing::HasSubstr;

template <class Address>
Address parsed(std::string_view text) {
  auto result = parse_address(text);
  EXPECT_TRUE(result) << text << (result ? "" : result.error().detail);
  auto* address = result ? std::get_if<Address>(&*result) : nullptr;
  EXPECT_NE(address, nullptr) << text;
  return address ? *address : Address{};
}

TEST(Address, serial_port) {
  EXPECT_EQ(parsed<SerialAddress>("/dev/ttyUSB0"), (SerialAddress{"/dev/ttyUSB0"}));
  EXPECT_EQ(parsed<SerialAddress>("/dev/serial/by-id/usb-FTDI_A:B-if00").path, "/dev/serial/by-id/usb-FTDI_A:B-if00");
}

TEST(Address, tcp) {
  EXPECT_EQ(parsed<TcpAddress>("tcp:10.0.0.9:5020"), (TcpAddress{"10.0.0.9", 5020}));
  EXPECT_EQ(parsed<TcpAddress>("tcp:moxa.lan:1"), (TcpAddress{"moxa.lan", 1}));
  EXPECT_EQ(parsed<TcpAddress>("tcp:[fe80::1%eth0]:65535"), (TcpAddress{"fe80::1%eth0", 65535}));
}

TEST(Address, can) {
  EXPECT_EQ(parsed<CanAddress>("can:vecan0"), (CanAddress{"vecan0"}));
  EXPECT_EQ(parsed<CanAddress>("can:a23456789012345").interface, "a23456789012345");
}

TEST(Address, slcan) {
  EXPECT_EQ(parsed<SlcanAddress>("slcan:/dev/ttyACM0"), (SlcanAddress{"/dev/ttyACM0", 500000}));
  EXPECT_EQ(parsed<SlcanAddress>("slcan:/dev/ttyACM0@250000"), (SlcanAddress{"/dev/ttyACM0", 250000}));
}

TEST(Address, mqtt) {
  EXPECT_EQ(parsed<MqttAddress>("mqtt:broker/solar/battery"), (MqttAddress{"broker", 1883, "solar/battery"}));
  EXPECT_EQ(parsed<MqttAddress>("mqtt:[::1]:8883/+/bms/#"), (MqttAddress{"::1", 8883, "+/bms/#"}));
  EXPECT_EQ(parsed<MqttAddress>("mqtt:broker/N/c0619ab1/battery/512/#").topic, "N/c0619ab1/battery/512/#");
  EXPECT_EQ(parsed<MqttAddress>("mqtt:broker//leading").topic, "/leading");
}

TEST(Address, round_trip) {
  for (const char* text : {"/dev/ttyUSB0", "tcp:host:5020", "tcp:[::1]:5020", "can:vecan0", "slcan:/dev/ttyACM0",
                           "slcan:/dev/ttyACM0@250000", "slcan:/dev/a@b@500000", "mqtt:host/a/b", "mqtt:host:8883/#",
                           "mqtt:[::1]:1884/x"}) {
    auto first = parse_address(text);
    ASSERT_TRUE(first) << text;
    EXPECT_EQ(to_string(*first), text);
    auto second = parse_address(to_string(*first));
    ASSERT_TRUE(second) << text;
    EXPECT_EQ(*first, *second);
  }
}

TEST(Address, what_is_wrong_and_what_is_allowed) {
  struct Case {
    const char* text;
    const char* expected;
  };
  for (auto [text, expected] : {
           Case{"", "expected /dev/TTY, tcp:HOST:PORT"},
           Case{"ttyUSB0", "expected /dev/TTY, tcp:HOST:PORT"},
           Case{"udp:host:1", "expected /dev/TTY"},
           Case{"tcp:", "tcp:HOST:PORT"},
           Case{"tcp:host", "tcp:HOST:PORT"},
           Case{"tcp:host:", "tcp:HOST:PORT"},
           Case{"tcp:host:0", "1 to 65535"},
           Case{"tcp:host:65536", "1 to 65535"},
           Case{"tcp:host:12x", "1 to 65535"},
           Case{"tcp:host:-1", "1 to 65535"},
           Case{"tcp::502", "tcp:HOST:PORT"},
           Case{"tcp:::1:502", "[ADDRESS]"},
           Case{"tcp:[::1:502", "[ADDRESS]"},
           Case{"tcp:[::1]502", "[ADDRESS]"},
           Case{"tcp:ho st:502", "tcp:HOST:PORT"},
           Case{"tcp:h\xC3\xB6st:502", "tcp:HOST:PORT"},
           Case{"can:c\xE4n0", "can:INTERFACE"},
           Case{"can:", "at most 15"},
           Case{"can:a234567890123456", "at most 15"},
           Case{"can:a/b", "can0 or vecan0"},
           Case{"can:..", "can0 or vecan0"},
           Case{"slcan:ttyACM0", "slcan:/dev/TTY"},
           Case{"slcan:/dev/ttyACM0@", "250000, 500000"},
           Case{"slcan:/dev/ttyACM0@300000", "250000, 500000"},
           Case{"slcan:/dev/ttyACM0@500k", "250000, 500000"},
           Case{"mqtt:host", "mqtt:HOST/TOPIC"},
           Case{"mqtt:/topic", "mqtt:HOST/TOPIC"},
           Case{"mqtt:host:0/topic", "mqtt:HOST/TOPIC"},
           Case{"mqtt:host/", "wildcard"},
           Case{"mqtt:host/a#", "wildcard"},
           Case{"mqtt:host/#/a", "wildcard"},
           Case{"mqtt:host/a+/b", "wildcard"},
       }) {
    auto result = parse_address(text);
    ASSERT_FALSE(result) << text;
    EXPECT_EQ(result.error().fault, Fault::rejected) << text;
    EXPECT_THAT(result.error().detail, HasSubstr(expected)) << text;
    EXPECT_THAT(result.error().detail, HasSubstr(text));
  }
}

TEST(Address, slcan_bitrate_codes) {
  EXPECT_EQ(*slcan_bitrate_code(10000), '0');
  EXPECT_EQ(*slcan_bitrate_code(250000), '5');
  EXPECT_EQ(*slcan_bitrate_code(500000), '6');
  EXPECT_EQ(*slcan_bitrate_code(1000000), '8');
  EXPECT_FALSE(slcan_bitrate_code(0));
}

} // namespace
} // namespace bmsd::transports
