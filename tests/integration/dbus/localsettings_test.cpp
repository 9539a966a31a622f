// The stand-in must behave as localsettings does, or the other tests prove nothing.
#include "support/dbus_client.hpp"
#include "support/dbus_daemon.hpp"
#include "support/localsettings.hpp"

#include <gtest/gtest.h>

namespace bmsd::test {
namespace {

constexpr const char* kService = "com.victronenergy.settings";
constexpr const char* kInterface = "com.victronenergy.Settings";

class LocalSettingsTest : public ::testing::Test {
protected:
  std::string add(const char* group, const char* name, const char* type, int def, int min, int max) {
    return client.call(kService, "/Settings", kInterface, "AddSetting", [&](sd_bus_message* m) {
      sd_bus_message_append(m, "ssvsvv", group, name, "i", def, type, "i", min, "i", max);
    });
  }
  DbusDaemon daemon;
  LocalSettingsThread settings{daemon.address(), daemon.directory() + "/settings"};
  DbusClient client{daemon.address()};
};

TEST_F(LocalSettingsTest, add_setting_codes) {
  EXPECT_EQ(add("A", "one", "i", 5, 0, 10), "i 0");
  EXPECT_EQ(add("A", "one", "i", 6, 0, 10), "i 0");
  EXPECT_EQ(client.item(kService, "/Settings/A/one", "GetValue"), "v <i 5>");
  EXPECT_EQ(client.item(kService, "/Settings/A/one", "GetDefault"), "v <i 6>");
  EXPECT_EQ(add("_A", "x", "i", 5, 0, 0), "i -2");
  EXPECT_EQ(add("A", "x", "q", 5, 0, 0), "i -3");
  EXPECT_EQ(add("A", "one", "f", 5, 0, 0), "i -5");
  EXPECT_EQ(add("A", "x", "i", 11, 0, 10), "i -7");
  EXPECT_EQ(add("", "A", "i", 1, 0, 0), "i -8");
}

TEST_F(LocalSettingsTest, add_settings_and_items) {
  auto answer = client.call(kService, "/", kInterface, "AddSettings", [](sd_bus_message* m) {
    sd_bus_message_append(m, "aa{sv}", 4, 2, "path", "s", "/Settings/A/b", "default", "s", "text", 2, "path", "s",
                          "/Settings/A/u", "default", "u", 5, 1, "default", "i", 5, 2, "path", "s", "/Other", "default",
                          "i", 1);
  });
  EXPECT_EQ(answer, "aa{sv} [{\"path\": <s \"/Settings/A/b\">, \"error\": <i 0>, \"value\": <s \"text\">}, "
                    "{\"path\": <s \"/Settings/A/u\">, \"error\": <i -6>}, {\"path\": <s \"\">, \"error\": <i -4>}, "
                    "{\"path\": <s \"/Other\">, \"error\": <i -9>}]");
  EXPECT_EQ(client.item(kService, "/", "GetItems"),
            "a{sa{sv}} {\"/Settings/A/b\": {\"Value\": <s \"text\">, \"Text\": <s \"text\">, \"Min\": <i 0>, "
            "\"Max\": <i 0>, \"Default\": <s \"text\">}}");
}

TEST_F(LocalSettingsTest, set_value_signals_and_refuses) {
  add("A", "one", "i", 5, 0, 10);
  client.listen(kService);
  EXPECT_EQ(client.set(kService, "/Settings/A/one", "i", 11), "i -1");
  EXPECT_EQ(client.set(kService, "/Settings/A/one", "i", 5), "i 0");
  EXPECT_EQ(client.set(kService, "/Settings/A/one", "i", 7), "i 0");
  client.settle(kService);
  ASSERT_EQ(client.signals.size(), 1U);
  EXPECT_EQ(client.signals[0].member, "PropertiesChanged");
  EXPECT_EQ(client.signals[0].path, "/Settings/A/one");
  EXPECT_EQ(client.signals[0].content, "a{sv} {\"Value\": <i 7>, \"Text\": <s \"7\">}");
}

TEST_F(LocalSettingsTest, removal_empties_groups_and_the_file_keeps_values) {
  add("A", "one", "i", 5, 0, 10);
  EXPECT_EQ(SettingsStore(daemon.directory() + "/settings").all().size(), 1U);
  auto remove = [&](const char* path) {
    return client.call(kService, "/Settings", kInterface, "RemoveSettings",
                       [&](sd_bus_message* m) { sd_bus_message_append(m, "as", 1, path); });
  };
  EXPECT_EQ(remove("A/one"), "ai [0]");
  EXPECT_EQ(remove("A/one"), "ai [-1]");
  EXPECT_EQ(client.item(kService, "/Settings/A", "GetValue"), "error org.freedesktop.DBus.Error.UnknownObject");
}

} // namespace
} // namespace bmsd::test
