// The service and its bus: order of appearance, names that are taken, restarts, hostile neighbours.
#include "service_fixture.hpp"

namespace bmsd::test {
namespace {

using dbus::ServiceState;

TEST_F(ServiceTest, everything_is_there_when_the_name_appears) {
  DbusClient client(daemon.address());
  std::string items;
  client.on_owner_change([&](const std::string& name, const std::string& owner) {
    if (name == kBattery && !owner.empty()) {
      items = client.item(owner, "/", "GetItems");
    }
  });
  io.run([&] { service->start(); });
  ASSERT_TRUE(client.run_until([&] { return !items.empty(); }));
  for (const auto& item : some_items()) {
    EXPECT_NE(items.find("\"" + item.path + "\""), std::string::npos) << item.path;
  }
  EXPECT_EQ((std::vector{ServiceState::connecting, ServiceState::naming, ServiceState::online}),
            io.run([&] { return states; }));
}

TEST_F(ServiceTest, stop_releases_the_name_and_start_comes_back) {
  DbusClient client(daemon.address());
  start();
  EXPECT_NE(client.owner(kBattery), "");
  io.run([&] { service->stop(); });
  EXPECT_EQ(io.run([&] { return service->state(); }), ServiceState::stopped);
  client.on_owner_change([](auto&, auto&) {});
  EXPECT_TRUE(client.run_until([&] { return client.owner(kBattery).empty(); }));
  update("/Dc/0/Voltage", 12.0, "12.00V");
  start();
  EXPECT_EQ(client.item(kBattery, "/Dc/0/Voltage", "GetValue"), "v <d 12>");
}

TEST_F(ServiceTest, comes_back_after_a_restart_of_the_bus_with_the_values_of_then) {
  start();
  for (int round = 0; round < 3; ++round) {
    daemon.stop();
    ASSERT_TRUE(reaches(ServiceState::connecting));
    update("/Dc/0/Voltage", 20.0 + round, "x");
    daemon.start();
    ASSERT_TRUE(reaches(ServiceState::online));
    DbusClient client(daemon.address());
    EXPECT_EQ(client.item(kBattery, "/Dc/0/Voltage", "GetValue"), "v <d " + std::to_string(20 + round) + ">");
  }
}

TEST_F(ServiceTest, waits_for_a_bus_that_is_not_there_yet) {
  daemon.stop();
  io.run([&] { service->start(); });
  EXPECT_EQ(io.run([&] { return service->state(); }), ServiceState::connecting);
  daemon.start();
  EXPECT_TRUE(reaches(ServiceState::online));
}

TEST_F(ServiceTest, a_bus_that_hangs_blocks_nothing) {
  daemon.freeze();
  io.run([&] { service->start(); });
  // The handshake gets no answer: three attempts end by their own time limit while the thread goes on working.
  using Clock = std::chrono::steady_clock;
  auto slowest = Clock::duration::zero();
  for (const auto end = Clock::now() + 3 * quick().connection.handshake; Clock::now() < end;) {
    const auto asked = Clock::now();
    io.run([] {});
    slowest = std::max(slowest, Clock::now() - asked);
  }
  EXPECT_LT(slowest, quick().connection.handshake) << "a handshake was waited for";
  daemon.thaw();
  EXPECT_TRUE(reaches(ServiceState::online));
}

TEST_F(ServiceTest, a_bus_that_stops_reading_gets_the_newest_value_afterwards) {
  constexpr int kUpdates = 40'000; // 80 MB
  start();
  DbusClient listener(daemon.address());
  listener.listen(kBattery);
  daemon.freeze();
  std::string text;
  for (int n = 0; n < kUpdates; ++n) {
    io.run([&] {
      text = std::string(1'000, 'x') + std::to_string(n);
      dbus::Change change{"/CustomName", std::string_view(text), text};
      service->update({&change, 1});
    });
  }
  EXPECT_EQ(io.run([&] { return service->state(); }), ServiceState::online);
  daemon.thaw();
  EXPECT_TRUE(listener.run_until(
      [&] { return !listener.signals.empty() && listener.signals.back().content.find(text) != std::string::npos; }));
  EXPECT_LT(listener.signals.size(), kUpdates / 2) << "all were kept somewhere";
}

TEST_F(ServiceTest, a_bus_that_reads_nothing_for_long_is_given_up) {
  auto timing = quick();
  timing.connection.unread = std::chrono::milliseconds(300);
  io.run([&] {
    service = std::make_unique<dbus::Service>(io.io, daemon.address(), kBattery, timing);
    service->on_state([this](dbus::ServiceState, const std::string& reason) { reasons.push_back(reason); });
  });
  start();
  daemon.freeze();
  const std::string text(100'000, 'x');
  for (int n = 0; n < 200; ++n) { // 40 MB
    const auto number = text + std::to_string(n);
    update("/CustomName", std::string_view(number), "");
  }
  EXPECT_TRUE(io.wait([&] { return service->state() != ServiceState::online; }));
  EXPECT_TRUE(
      io.run([&] { return std::find(reasons.begin(), reasons.end(), "the bus does not read") != reasons.end(); }));
  daemon.thaw();
  EXPECT_TRUE(reaches(ServiceState::online));
}

TEST_F(ServiceTest, a_taken_name_is_waited_for_then_reported_then_still_taken_when_free) {
  DbusClient other(daemon.address());
  ASSERT_EQ(other.request_name(kBattery), 1);
  io.run([&] { service->start(); });
  ASSERT_TRUE(reaches(ServiceState::name_taken));
  EXPECT_EQ(io.run([&] { return reasons.back(); }), std::string(kBattery) + " belongs to another process");
  other.release_name(kBattery);
  EXPECT_TRUE(reaches(ServiceState::online));
}

TEST_F(ServiceTest, an_old_process_that_dies_in_time_is_not_even_reported) {
  auto other = std::make_unique<DbusClient>(daemon.address());
  ASSERT_EQ(other->request_name(kBattery), 1);
  io.run([&] { service->start(); });
  ASSERT_TRUE(reaches(ServiceState::naming));
  other.reset();
  ASSERT_TRUE(reaches(ServiceState::online));
  EXPECT_EQ(std::count(states.begin(), states.end(), ServiceState::name_taken), 0);
}

TEST_F(ServiceTest, nobody_can_take_the_name_away) {
  start();
  DbusClient other(daemon.address());
  EXPECT_EQ(sd_bus_request_name(other.bus(), kBattery, SD_BUS_NAME_REPLACE_EXISTING), -EEXIST);
}

TEST_F(ServiceTest, two_services_in_one_process_keep_apart) {
  constexpr const char* kSecond = "com.victronenergy.battery.ttyUSB1";
  start();
  auto second = io.run([&] {
    auto made = std::make_unique<dbus::Service>(io.io, daemon.address(), kSecond, quick());
    EXPECT_TRUE(made->add({{"/DeviceInstance", dbus::Type::integer, 2, "2"}}));
    made->start();
    return made;
  });
  ASSERT_TRUE(io.wait([&] { return second->state() == ServiceState::online; }));
  DbusClient client(daemon.address());
  EXPECT_NE(client.owner(kBattery), client.owner(kSecond));
  EXPECT_EQ(client.item(kBattery, "/DeviceInstance", "GetValue"), "v <i 1>");
  EXPECT_EQ(client.item(kSecond, "/DeviceInstance", "GetValue"), "v <i 2>");
  EXPECT_EQ(client.item(kSecond, "/CustomName", "GetValue"), "error org.freedesktop.DBus.Error.UnknownObject");
  io.run([&] { second.reset(); });
  EXPECT_EQ(client.item(kBattery, "/DeviceInstance", "GetValue"), "v <i 1>");
}

TEST_F(ServiceTest, ten_thousand_queued_calls_disturb_nobody) {
  start();
  DbusClient hostile(daemon.address());
  for (int n = 0; n < 10'000; ++n) {
    hostile.post(kBattery, n % 2 == 0 ? "/" : "/no/such/path", "com.victronenergy.BusItem", "GetItems");
  }
  update("/Dc/0/Voltage", 14.0, "14.00V");
  DbusClient client(daemon.address());
  EXPECT_EQ(client.item(kBattery, "/Dc/0/Voltage", "GetValue"), "v <d 14>");
  hostile.settle();
  EXPECT_EQ(client.item(kBattery, "/Dc/0/Voltage", "GetValue"), "v <d 14>");
}

TEST_F(ServiceTest, huge_and_odd_arguments_disturb_nobody) {
  start();
  io.run([&] { service->set_write_handler([](const std::string&, const dbus::Value&, auto reply) { reply(0); }); });
  DbusClient client(daemon.address());
  std::string huge(8U << 20U, 'x');
  EXPECT_EQ(client.set(kBattery, "/CustomName", "s", huge.c_str()), "i 2");
  EXPECT_EQ(client.item(kBattery, "/CustomName", "GetValue"), "v <s \"House\">");
  auto nested = [](sd_bus_message* m) {
    for (int n = 0; n < 20; ++n) {
      sd_bus_message_open_container(m, 'v', "v");
    }
    sd_bus_message_append(m, "v", "i", 1);
    for (int n = 0; n < 20; ++n) {
      sd_bus_message_close_container(m);
    }
  };
  EXPECT_EQ(client.item(kBattery, "/CustomName", "SetValue", nested), "i 1");
  EXPECT_EQ(client.item(kBattery, "/CustomName", "GetValue"), "v <s \"House\">");
}

TEST_F(ServiceTest, more_pending_writes_than_anybody_needs_are_refused_at_once) {
  start();
  io.run([&] { service->set_write_handler([](const std::string&, const dbus::Value&, auto) {}); });
  DbusClient hostile(daemon.address()), client(daemon.address());
  for (int n = 0; n < 64; ++n) {
    hostile.post(kBattery, "/Settings/ResetSocTo", nullptr, "SetValue",
                 [](auto* m) { sd_bus_message_append(m, "v", "i", 5); });
  }
  hostile.settle();
  EXPECT_EQ(client.set(kBattery, "/CustomName", "s", "Boat"), "i 2");
  EXPECT_EQ(client.item(kBattery, "/Dc/0/Voltage", "GetValue"), "v <d 13.25>");
}

TEST_F(ServiceTest, may_be_destroyed_with_writes_pending_and_from_its_own_callback) {
  start();
  dbus::Service::WriteReply kept;
  bool gone = false;
  io.run([&] {
    service->set_write_handler([&](const std::string&, const dbus::Value&, auto reply) {
      kept = reply;
      service.reset();
      gone = true;
    });
  });
  DbusClient client(daemon.address());
  EXPECT_TRUE(client.set(kBattery, "/CustomName", "s", "Boat").starts_with("error "));
  EXPECT_TRUE(io.run([&] { return gone; }));
  kept(0);
  io.run([] {});
}

} // namespace
} // namespace bmsd::test
