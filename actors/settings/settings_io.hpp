// The adapter between the settings actor and the bus. Lives on the I/O thread.
#pragma once

#include "actors/core.hpp"
#include "transports/dbus/connection.hpp"
#include "transports/dbus/settings_client.hpp"

#include <memory>
#include <string>

namespace bmsd::actors {

/// Every member runs on the I/O thread.
class SettingsIo : public std::enable_shared_from_this<SettingsIo> {
public:
  SettingsIo(CorePtr core, std::string bus) : core_(std::move(core)), bus_(std::move(bus)) {}

  void start();
  void stop();
  /// Reserves an instance (the preferred one if it is free) and reads the name. Answered as often as
  /// the service comes back.
  void add_battery(const std::string& id, int preferred_instance, const std::string& custom_name);
  void store_name(const std::string& id, const std::string& name);

private:
  CorePtr core_;
  std::string bus_;
  std::unique_ptr<dbus::Connection> connection_;
  std::unique_ptr<dbus::SettingsClient> client_;
};

} // namespace bmsd::actors
