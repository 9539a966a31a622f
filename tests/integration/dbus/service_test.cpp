// The BusItem interface as clients see it: methods, errors, signals.
#include "service_fixture.hpp"

namespace bmsd::test {
namespace {

using dbus::Value;

constexpr const char* kUnknownObject = "error org.freedesktop.DBus.Error.UnknownObject";
constexpr const char* kUnknownMethod = "error org.freedesktop.DBus.Error.UnknownMethod";
constexpr const char* kInvalidArgs = "error org.freedesktop.DBus.Error.InvalidArgs";

class BusItemTest : public ServiceTest {
protected:
  void SetUp() override {
    ServiceTest::SetUp();
    start();
    client = std::make_unique<DbusClient>(daemon.address());
  }
  std::string item(const std::string& path, const char* member, const DbusClient::Fill& fill = nullptr) {
    return client->item(kBattery, path, member, fill);
  }
  template <class T>
  std::string set(const std::string& path, const char* type, T value) {
    return client->set(kBattery, path, type, value);
  }
  /// Answers writes with `code` at once and remembers them.
  void accept_writes(int code) {
    io.run([&] {
      service->set_write_handler([this, code](const std::string& path, const Value& value, auto reply) {
        written.emplace_back(path, value);
        reply(code);
      });
      service->on_refusal([this](const std::string& path, int answer) { refusals.emplace_back(path, answer); });
    });
  }

  std::unique_ptr<DbusClient> client;
  std::vector<std::pair<std::string, Value>> written;
  std::vector<std::pair<std::string, int>> refusals;
};

TEST_F(BusItemTest, leaf_gives_value_and_text) {
  EXPECT_EQ(item("/Dc/0/Voltage", "GetValue"), "v <d 13.25>");
  EXPECT_EQ(item("/Dc/0/Voltage", "GetText"), "s \"13.25V\"");
  EXPECT_EQ(item("/DeviceInstance", "GetValue"), "v <i 1>");
  EXPECT_EQ(item("/CustomName", "GetValue"), "v <s \"House\">");
}

TEST_F(BusItemTest, invalid_is_an_empty_array_of_int32) {
  EXPECT_EQ(item("/Dc/0/Current", "GetValue"), "v <ai []>");
  EXPECT_EQ(item("/Dc/0/Current", "GetText"), "s \"---\"");
}

TEST_F(BusItemTest, node_gives_all_below_with_relative_keys) {
  EXPECT_EQ(item("/Dc", "GetValue"), "v <a{sv} {\"0/Voltage\": <d 13.25>, \"0/Current\": <ai []>}>");
  EXPECT_EQ(item("/Dc/0", "GetValue"), "v <a{sv} {\"Voltage\": <d 13.25>, \"Current\": <ai []>}>");
  EXPECT_EQ(item("/Dc/0", "GetText"), "v <a{ss} {\"Voltage\": \"13.25V\", \"Current\": \"---\"}>");
}

TEST_F(BusItemTest, root_gives_all) {
  EXPECT_EQ(item("/", "GetValue"),
            "v <a{sv} {\"DeviceInstance\": <i 1>, \"Dc/0/Voltage\": <d 13.25>, \"Dc/0/Current\": <ai []>, "
            "\"CustomName\": <s \"House\">, \"Settings/ResetSocTo\": <i 100>, \"Settings/Ratio\": <d 0.5>}>");
  EXPECT_TRUE(item("/", "GetText").starts_with("v <a{ss} {\"DeviceInstance\": \"1\", "));
}

TEST_F(BusItemTest, get_items_has_absolute_paths_and_limits_and_no_variant_around) {
  EXPECT_EQ(item("/", "GetItems"),
            "a{sa{sv}} {\"/DeviceInstance\": {\"Value\": <i 1>, \"Text\": <s \"1\">}, "
            "\"/Dc/0/Voltage\": {\"Value\": <d 13.25>, \"Text\": <s \"13.25V\">}, "
            "\"/Dc/0/Current\": {\"Value\": <ai []>, \"Text\": <s \"---\">}, "
            "\"/CustomName\": {\"Value\": <s \"House\">, \"Text\": <s \"House\">}, "
            "\"/Settings/ResetSocTo\": {\"Value\": <i 100>, \"Text\": <s \"100\">, \"Min\": <i 0>, \"Max\": <i 100>, "
            "\"Default\": <i 100>}, "
            "\"/Settings/Ratio\": {\"Value\": <d 0.5>, \"Text\": <s \"0.5\">}}");
}

TEST_F(BusItemTest, limits) {
  EXPECT_EQ(item("/Settings/ResetSocTo", "GetMin"), "v <i 0>");
  EXPECT_EQ(item("/Settings/ResetSocTo", "GetMax"), "v <i 100>");
  EXPECT_EQ(item("/Settings/ResetSocTo", "GetDefault"), "v <i 100>");
  EXPECT_EQ(item("/Dc/0/Voltage", "GetMax"), "v <ai []>");
}

TEST_F(BusItemTest, errors) {
  EXPECT_EQ(item("/Nothing", "GetValue"), kUnknownObject);
  EXPECT_EQ(item("/Dc/0/Volt", "GetValue"), kUnknownObject);
  EXPECT_EQ(item("/D", "GetValue"), kUnknownObject);
  EXPECT_EQ(item("/Dc/0/Voltage/Deeper", "GetValue"), kUnknownObject);
  EXPECT_EQ(item("/Dc/0/Voltage", "Explode"), kUnknownMethod);
  EXPECT_EQ(item("/Dc/0/Voltage", "GetItems"), kUnknownMethod);
  EXPECT_EQ(item("/Dc", "GetItems"), kUnknownMethod);
  EXPECT_EQ(item("/Dc", "GetMin"), kUnknownMethod);
  EXPECT_EQ(set("/Dc", "i", 1), kUnknownMethod);
  EXPECT_EQ(set("/", "i", 1), kUnknownMethod);
  EXPECT_EQ(client->call(kBattery, "/Soc", "org.freedesktop.DBus.Properties", "GetAll"), kUnknownObject);
  EXPECT_EQ(client->call(kBattery, "/", "org.freedesktop.DBus.Properties", "GetAll"), kUnknownMethod);
  EXPECT_EQ(client->call(kBattery, "/Dc/0/Voltage", "com.example.Other", "GetValue"), kUnknownMethod);
}

TEST_F(BusItemTest, arguments_must_match) {
  EXPECT_EQ(item("/CustomName", "SetValue"), kInvalidArgs);
  EXPECT_EQ(item("/CustomName", "SetValue", [](auto* m) { sd_bus_message_append(m, "s", "bare"); }), kInvalidArgs);
  EXPECT_EQ(item("/CustomName", "SetValue", [](auto* m) { sd_bus_message_append(m, "vi", "s", "two", 2); }),
            kInvalidArgs);
  EXPECT_EQ(item("/CustomName", "GetValue", [](auto* m) { sd_bus_message_append(m, "i", 1); }), kInvalidArgs);
  EXPECT_EQ(item("/", "GetItems", [](auto* m) { sd_bus_message_append(m, "s", "x"); }), kInvalidArgs);
}

TEST_F(BusItemTest, calls_without_interface_go_by_member) {
  EXPECT_EQ(client->call(kBattery, "/Dc/0/Voltage", nullptr, "GetValue"), "v <d 13.25>");
  EXPECT_TRUE(client->call(kBattery, "/", nullptr, "GetItems").starts_with("a{sa{sv}} {"));
  EXPECT_TRUE(client->call(kBattery, "/", nullptr, "Introspect").starts_with("s \"<!DOCTYPE"));
  EXPECT_EQ(client->call(kBattery, "/", nullptr, "Explode"), kUnknownMethod);
}

TEST_F(BusItemTest, introspection_lists_children_and_methods) {
  const char* interface = "org.freedesktop.DBus.Introspectable";
  auto root = client->call(kBattery, "/", interface, "Introspect");
  for (auto* child : {"DeviceInstance", "Dc", "CustomName", "Settings"}) {
    EXPECT_NE(root.find("<node name=\"" + std::string(child) + "\"/>"), std::string::npos) << child;
  }
  EXPECT_EQ(root.find("<node name=\"Voltage\"/>"), std::string::npos);
  EXPECT_NE(root.find("GetItems"), std::string::npos);
  auto node = client->call(kBattery, "/Dc", interface, "Introspect");
  EXPECT_NE(node.find("<node name=\"0\"/>"), std::string::npos);
  EXPECT_EQ(node.find("SetValue"), std::string::npos);
  auto leaf = client->call(kBattery, "/Dc/0/Voltage", interface, "Introspect");
  EXPECT_NE(leaf.find("SetValue"), std::string::npos);
  EXPECT_EQ(leaf.find("<node name"), std::string::npos);
  EXPECT_EQ(client->call(kBattery, "/Nothing", interface, "Introspect"), kUnknownObject);
}

// -- writes ---------------------------------------------------------------------

TEST_F(BusItemTest, any_numeric_type_is_converted) {
  accept_writes(0);
  const std::string path = "/Settings/ResetSocTo";
  EXPECT_EQ(set(path, "i", 10), "i 0");
  EXPECT_EQ(set(path, "u", 11U), "i 0");
  EXPECT_EQ(set(path, "n", 12), "i 0");
  EXPECT_EQ(set(path, "q", 13), "i 0");
  EXPECT_EQ(set(path, "x", std::int64_t{14}), "i 0");
  EXPECT_EQ(set(path, "t", std::uint64_t{15}), "i 0");
  EXPECT_EQ(set(path, "y", 16), "i 0");
  EXPECT_EQ(set(path, "d", 17.0), "i 0");
  EXPECT_EQ(set(path, "b", 1), "i 0");
  ASSERT_EQ(written.size(), 9U);
  for (int n = 0; n < 8; ++n) {
    EXPECT_EQ(written[static_cast<std::size_t>(n)].second, Value(10 + n));
  }
  EXPECT_EQ(written[8].second, Value(1));
  EXPECT_EQ(set("/Settings/Ratio", "i", 2), "i 0");
  EXPECT_EQ(item("/Settings/Ratio", "GetValue"), "v <d 2>");
  EXPECT_EQ(set("/CustomName", "i", 7), "i 0");
  EXPECT_EQ(item("/CustomName", "GetValue"), "v <s \"7\">");
}

TEST_F(BusItemTest, what_cannot_be_converted_is_answered_1) {
  accept_writes(0);
  EXPECT_EQ(set("/Settings/ResetSocTo", "d", 17.5), "i 1");
  EXPECT_EQ(set("/Settings/ResetSocTo", "s", "17"), "i 1");
  EXPECT_EQ(set("/Settings/ResetSocTo", "x", std::int64_t{1} << 40), "i 1");
  EXPECT_EQ(set("/Settings/Ratio", "d", std::numeric_limits<double>::quiet_NaN()), "i 1");
  EXPECT_EQ(set("/Settings/Ratio", "o", "/path"), "i 1");
  EXPECT_EQ(item("/Settings/Ratio", "SetValue", [](auto* m) { sd_bus_message_append(m, "v", "ai", 2, 1, 2); }), "i 1");
  EXPECT_EQ(item("/Settings/Ratio", "SetValue", [](auto* m) { sd_bus_message_append(m, "v", "(is)", 2, "x"); }), "i 1");
  EXPECT_EQ(item("/Settings/Ratio", "SetValue", [](auto* m) { sd_bus_message_append(m, "v", "v", "i", 2); }), "i 1");
  EXPECT_TRUE(written.empty());
}

TEST_F(BusItemTest, read_only_is_answered_1) {
  accept_writes(0);
  EXPECT_EQ(set("/Dc/0/Voltage", "d", 14.0), "i 1");
  EXPECT_EQ(set("/Dc/0/Voltage", "d", 13.25), "i 1");
  EXPECT_EQ(item("/Dc/0/Voltage", "GetValue"), "v <d 13.25>");
  EXPECT_TRUE(written.empty());
  EXPECT_EQ(io.run([&] { return refusals; }), (decltype(refusals){{"/Dc/0/Voltage", 1}, {"/Dc/0/Voltage", 1}}));
}

TEST_F(BusItemTest, equal_value_is_answered_0_without_side_effect) {
  accept_writes(2);
  client->listen(kBattery);
  EXPECT_EQ(set("/CustomName", "s", "House"), "i 0");
  EXPECT_EQ(set("/Settings/ResetSocTo", "d", 100.0), "i 0");
  client->settle(kBattery);
  EXPECT_TRUE(written.empty());
  EXPECT_TRUE(client->signals.empty());
}

TEST_F(BusItemTest, refused_and_out_of_range_are_answered_2) {
  accept_writes(2);
  EXPECT_EQ(set("/CustomName", "s", "Boat"), "i 2");
  EXPECT_EQ(item("/CustomName", "GetValue"), "v <s \"House\">");
  EXPECT_EQ(written.size(), 1U);
  EXPECT_EQ(set("/Settings/ResetSocTo", "i", 101), "i 2");
  EXPECT_EQ(set("/Settings/ResetSocTo", "i", -1), "i 2");
  EXPECT_EQ(written.size(), 1U);
  EXPECT_EQ(io.run([&] { return refusals.size(); }), 2U) << "the first was refused by its handler, which knows";
}

TEST_F(BusItemTest, accepted_write_is_stored_and_signalled_before_the_answer) {
  accept_writes(0);
  client->listen(kBattery);
  EXPECT_EQ(set("/CustomName", "s", "Boat"), "i 0");
  client->settle(kBattery);
  ASSERT_EQ(client->signals.size(), 1U);
  EXPECT_EQ(client->signals[0].content,
            "a{sa{sv}} {\"/CustomName\": {\"Value\": <s \"Boat\">, \"Text\": <s \"Boat\">}}");
  EXPECT_EQ(item("/CustomName", "GetValue"), "v <s \"Boat\">");
}

TEST_F(BusItemTest, empty_array_means_invalid_bare_or_in_a_variant) {
  accept_writes(0);
  EXPECT_EQ(item("/CustomName", "SetValue", [](auto* m) { sd_bus_message_append(m, "ai", 0); }), "i 0");
  EXPECT_EQ(item("/CustomName", "GetValue"), "v <s \"\">");
  EXPECT_EQ(set("/CustomName", "s", "Boat"), "i 0");
  EXPECT_EQ(item("/CustomName", "SetValue", [](auto* m) { sd_bus_message_append(m, "v", "ai", 0); }), "i 0");
  EXPECT_EQ(item("/CustomName", "GetValue"), "v <s \"\">");
  EXPECT_EQ(item("/Settings/Ratio", "SetValue", [](auto* m) { sd_bus_message_append(m, "ai", 0); }), "i 1");
  EXPECT_EQ(item("/Settings/Ratio", "SetValue", [](auto* m) { sd_bus_message_append(m, "ai", 1, 5); }), "i 1");
  EXPECT_EQ(item("/Settings/Ratio", "GetValue"), "v <d 0.5>");
}

TEST_F(BusItemTest, a_write_may_be_answered_later_and_from_another_thread) {
  dbus::Service::WriteReply later;
  io.run([&] { service->set_write_handler([&](const std::string&, const Value&, auto reply) { later = reply; }); });
  std::string answer;
  std::thread writer([&] {
    DbusClient other(daemon.address());
    answer = other.set(kBattery, "/CustomName", "s", "Boat");
  });
  ASSERT_TRUE(io.wait([&] { return later != nullptr; }));
  EXPECT_EQ(item("/CustomName", "GetValue"), "v <s \"House\">");
  later(0);
  later(2); // the second answer is ignored
  writer.join();
  EXPECT_EQ(answer, "i 0");
  EXPECT_EQ(item("/CustomName", "GetValue"), "v <s \"Boat\">");
}

TEST_F(BusItemTest, a_write_that_nobody_answers_is_refused) {
  EXPECT_EQ(set("/CustomName", "s", "Boat"), "i 2"); // no handler
  io.run([&] { service->set_write_handler([](const std::string&, const Value&, auto) {}); });
  EXPECT_EQ(set("/CustomName", "s", "Boat"), "i 2");
}

// -- signals --------------------------------------------------------------------

TEST_F(BusItemTest, update_sends_one_signal_with_what_changed) {
  client->listen(kBattery);
  io.run([&] {
    const dbus::Change changes[] = {{"/DeviceInstance", 1, "1"},
                                    {"/Dc/0/Voltage", 13.3, "13.30V"},
                                    {"/Dc/0/Current", -4.5, "-4.50A"},
                                    {"/CustomName", std::string_view("House"), "House"}};
    service->update(changes);
  });
  client->settle(kBattery);
  ASSERT_EQ(client->signals.size(), 1U);
  EXPECT_EQ(client->signals[0].path, "/");
  EXPECT_EQ(client->signals[0].member, "ItemsChanged");
  EXPECT_EQ(client->signals[0].content,
            "a{sa{sv}} {\"/Dc/0/Voltage\": {\"Value\": <d 13.3>, \"Text\": <s \"13.30V\">}, "
            "\"/Dc/0/Current\": {\"Value\": <d -4.5>, \"Text\": <s \"-4.50A\">}}");
  EXPECT_EQ(item("/Dc/0/Voltage", "GetValue"), "v <d 13.3>");
}

TEST_F(BusItemTest, signals_of_every_shape_arrive_as_they_were_sent) {
  client->listen(kBattery);
  for (int length = 1; length <= 17; ++length) { // each alignment of what follows
    const std::string text(static_cast<std::size_t>(length), 'x');
    const auto path = "/Shape/" + text;
    const std::string spoken = text + " °C", integer = path + "i", string = path + "s", nothing = path + "n";
    io.run([&] {
      const dbus::Change changes[] = {{path, 0.5 * length, spoken},
                                      {integer, -length, text},
                                      {string, std::string_view(spoken), ""},
                                      {nothing, dbus::ValueView(), "ignored"}};
      service->update(changes);
    });
  }
  client->settle(kBattery);
  ASSERT_EQ(client->signals.size(), 17U);
  for (int length = 1; length <= 17; ++length) {
    const std::string text(static_cast<std::size_t>(length), 'x');
    const auto path = "\"/Shape/" + text;
    char real[32];
    std::snprintf(real, sizeof real, "%g", 0.5 * length);
    EXPECT_EQ(client->signals[static_cast<std::size_t>(length) - 1].content,
              "a{sa{sv}} {" + path + "\": {\"Value\": <d " + real + ">, \"Text\": <s \"" + text + " °C\">}, " + path +
                  "i\": {\"Value\": <i -" + std::to_string(length) + ">, \"Text\": <s \"" + text + "\">}, " + path +
                  "s\": {\"Value\": <s \"" + text + " °C\">, \"Text\": <s \"\">}, " + path +
                  "n\": {\"Value\": <ai []>, \"Text\": <s \"---\">}}");
  }
}

TEST_F(BusItemTest, no_signal_without_a_change) {
  client->listen(kBattery);
  update("/Dc/0/Voltage", 13.25, "13.25V");
  update("/Dc/0/Current", std::numeric_limits<double>::quiet_NaN(), "nan");
  update("/Dc/0/Current", std::numeric_limits<double>::infinity(), "inf");
  client->settle(kBattery);
  EXPECT_TRUE(client->signals.empty());
  EXPECT_EQ(item("/Dc/0/Current", "GetText"), "s \"---\"");
}

TEST_F(BusItemTest, becoming_invalid_is_a_change) {
  client->listen(kBattery);
  update("/Dc/0/Voltage", {}, "ignored");
  client->settle(kBattery);
  ASSERT_EQ(client->signals.size(), 1U);
  EXPECT_EQ(client->signals[0].content, "a{sa{sv}} {\"/Dc/0/Voltage\": {\"Value\": <ai []>, \"Text\": <s \"---\">}}");
}

TEST_F(BusItemTest, later_paths_are_announced) {
  client->listen(kBattery);
  io.run([&] {
    dbus::Item cell{"/Voltages/Cell1", dbus::Type::real, 3.3, "3.300V"};
    cell.writable = test::writable({.max = 4.0});
    EXPECT_TRUE(service->add({cell}));
  });
  update("/Voltages/Cell2", 3.4, "3.400V");
  client->settle(kBattery);
  ASSERT_EQ(client->signals.size(), 2U);
  EXPECT_EQ(client->signals[0].content,
            "a{sa{sv}} {\"/Voltages/Cell1\": {\"Value\": <d 3.3>, \"Text\": <s \"3.300V\">, "
            "\"Max\": <d 4>}}");
  EXPECT_EQ(client->signals[1].content,
            "a{sa{sv}} {\"/Voltages/Cell2\": {\"Value\": <d 3.4>, \"Text\": <s \"3.400V\">}}");
  EXPECT_EQ(item("/Voltages", "GetValue"), "v <a{sv} {\"Cell1\": <d 3.3>, \"Cell2\": <d 3.4>}>");
}

TEST_F(BusItemTest, a_wrong_place_finds_the_path_all_the_same) {
  const auto voltage = [&](double value, dbus::Place place) {
    io.run([&] {
      const dbus::Change change{"/Dc/0/Voltage", value, "x", place};
      service->update({&change, 1});
    });
    EXPECT_EQ(item("/Dc/0/Voltage", "GetValue"), "v <d " + std::to_string(static_cast<int>(value)) + ">");
    EXPECT_EQ(item("/Dc/0/Current", "GetValue"), "v <ai []>");
  };
  const auto hash = dbus::path_hash("/Dc/0/Voltage");
  voltage(11, {1, hash});
  voltage(12, {2, hash});
  voltage(13, {99'999, hash});
  voltage(14, {2, dbus::path_hash("/Dc/0/Power")});
}

TEST_F(BusItemTest, illegal_paths_are_left_out) {
  io.run([&] {
    auto result = service->add({{"/bad path", dbus::Type::real, 1.0, "1"},
                                {"/good", dbus::Type::real, 1.0, "1"},
                                {"no", dbus::Type::real, 1.0, "1"},
                                {"/trailing/", dbus::Type::real, 1.0, "1"}});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().detail, "not object paths: /bad path no /trailing/");
  });
  EXPECT_EQ(item("/good", "GetValue"), "v <d 1>");
  update("/also bad", 1.0, "1");
  EXPECT_EQ(item("/good", "GetValue"), "v <d 1>");
}

TEST_F(BusItemTest, texts_are_cleaned) {
  using namespace std::string_view_literals;
  update("/CustomName", "J\xC3\xBCrg\xFF\0x"sv, "J\xC3\xBCrg\xFF\0x"sv);
  EXPECT_EQ(item("/CustomName", "GetValue"), "v <s \"J\xC3\xBCrg\xEF\xBF\xBD\xEF\xBF\xBDx\">");
  EXPECT_EQ(item("/CustomName", "GetText"), "s \"J\xC3\xBCrg\xEF\xBF\xBD\xEF\xBF\xBDx\"");
}

} // namespace
} // namespace bmsd::test
