#include "transports/dbus/bus_address.hpp"
#include "transports/dbus/value.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace bmsd::dbus {
namespace {

TEST(Utf8, clean_text_stays) {
  for (auto* text :
       {"", "plain", "J\xC3\xBCrg", "\xE2\x82\xAC", "\xF0\x9F\x94\x8B", "\xEF\xBF\xBD", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_clean(text)) << text;
    EXPECT_EQ(clean(text), text);
  }
}

TEST(Utf8, wrong_bytes_are_replaced_one_by_one) {
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(clean("a\xFF"
                  "b"),
            "a" + mark + "b");
  EXPECT_EQ(clean("\xC0\x80"), mark + mark);            // overlong
  EXPECT_EQ(clean("\xE0\x80\x80"), mark + mark + mark); // overlong
  EXPECT_EQ(clean("\xED\xA0\x80"), mark + mark + mark); // surrogate
  EXPECT_EQ(clean("\xF4\x90\x80\x80"), mark + mark + mark + mark);
  EXPECT_EQ(clean("\xE2\x82"), mark + mark); // cut off
  EXPECT_EQ(clean(std::string_view("a\0b", 3)), "a" + mark + "b");
}

TEST(ObjectPath, rules) {
  for (auto* path : {"/", "/Soc", "/Dc/0/Voltage", "/_x/9"}) {
    EXPECT_TRUE(is_object_path(path)) << path;
  }
  for (auto* path : {"", "Soc", "//", "/Soc/", "/Dc//0", "/a-b", "/a b", "/\xC3\xBC"}) {
    EXPECT_FALSE(is_object_path(path)) << path;
  }
}

TEST(BusAddress, environment_decides_only_what_was_asked_for) {
  setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/session", 1);
  unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
  EXPECT_EQ(*bus_address("system"), "unix:path=/var/run/dbus/system_bus_socket");
  EXPECT_EQ(*bus_address("session"), "unix:path=/session");
  setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/system", 1);
  EXPECT_EQ(*bus_address("system"), "unix:path=/system");
  unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
  unsetenv("DBUS_SESSION_BUS_ADDRESS");
  setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
  EXPECT_EQ(*bus_address("session"), "unix:path=/run/user/7/bus");
  unsetenv("XDG_RUNTIME_DIR");
  EXPECT_FALSE(bus_address("session"));
  EXPECT_EQ(*bus_address("none"), "");
  EXPECT_EQ(*bus_address("unix:path=/x"), "unix:path=/x");
  EXPECT_FALSE(bus_address("nonsense"));
}

} // namespace
} // namespace bmsd::dbus
