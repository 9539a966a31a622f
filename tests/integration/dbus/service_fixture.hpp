// A service on a private bus, and a client to look at it.
#pragma once

#include "support/dbus_client.hpp"
#include "support/dbus_daemon.hpp"
#include "support/dbus_io_thread.hpp"
#include "transports/dbus/service.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace bmsd::test {

inline constexpr const char* kBattery = "com.victronenergy.battery.ttyUSB0";

/// Short times, so that a test of waiting does not wait.
inline dbus::Service::Timing quick() {
  dbus::Service::Timing timing;
  timing.connection = {std::chrono::milliseconds(20), std::chrono::milliseconds(100), std::chrono::milliseconds(300)};
  timing.name_retry = std::chrono::milliseconds(20);
  timing.name_patience = std::chrono::milliseconds(200);
  timing.name_slow_retry = std::chrono::milliseconds(50);
  timing.write_patience = std::chrono::milliseconds(300);
  return timing;
}

inline std::shared_ptr<const dbus::WriteLimits> writable(dbus::WriteLimits limits) {
  return std::make_shared<const dbus::WriteLimits>(std::move(limits));
}

inline std::vector<dbus::Item> some_items() {
  using dbus::Item;
  using dbus::Type;
  using dbus::Value;
  return {
      {"/DeviceInstance", Type::integer, 1, "1"},
      {"/Dc/0/Voltage", Type::real, 13.25, "13.25V"},
      {"/Dc/0/Current", Type::real, Value(), ""},
      {"/CustomName", Type::text, std::string("House"), "House", writable({})},
      {"/Settings/ResetSocTo", Type::integer, 100, "100", writable({0, 100, 100})},
      {"/Settings/Ratio", Type::real, 0.5, "0.5", writable({})},
  };
}

class ServiceTest : public ::testing::Test {
protected:
  void SetUp() override {
    io.run([&] {
      service = std::make_unique<dbus::Service>(io.io, daemon.address(), kBattery, quick());
      service->on_state([this](dbus::ServiceState state, const std::string& reason) {
        states.push_back(state);
        reasons.push_back(reason);
      });
      EXPECT_TRUE(service->add(some_items()));
    });
  }
  void TearDown() override {
    io.run([&] { service.reset(); });
  }

  void start() {
    io.run([&] { service->start(); });
    ASSERT_TRUE(reaches(dbus::ServiceState::online));
  }
  bool reaches(dbus::ServiceState state) {
    return io.wait([&] { return service->state() == state; });
  }
  void update(std::string_view path, dbus::ValueView value, std::string_view text) {
    io.run([&] {
      dbus::Change change{path, value, text};
      service->update({&change, 1});
    });
  }

  DbusDaemon daemon;
  IoThread io;
  std::unique_ptr<dbus::Service> service;
  std::vector<dbus::ServiceState> states;
  std::vector<std::string> reasons;
};

} // namespace bmsd::test
