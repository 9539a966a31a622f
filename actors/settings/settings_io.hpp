// The adapter between the settings actor and the bus. Lives on the I/O thread.
#pragma once

#include "actors/core.hpp"
#include "transports/dbus/connection.hpp"
#include "transports/dbus/remote_item.hpp"
#include "transports/dbus/settings_client.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

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
  /// While the service is away the name waits for it.
  void store_name(const std::string& id, const std::string& name);
  /// Stores what changed. A fresh battery is told first what the service has, each time it is fresh.
  void keep(const KeepValues& wish);
  /// RemoteReadings for a battery from now on; replaces what it followed before.
  void follow(const FollowReadings& wish);

private:
  using Items = std::vector<std::unique_ptr<dbus::RemoteItem>>;
  struct Follower {
    BatteryRef battery;
    Items items;
  };
  /// The memory of one battery. `stored` is empty until the service has answered.
  struct Memory {
    KeepValues wish;
    bool asked = false; ///< the service, or has it answered?
    std::map<std::string, dbus::Value> stored;
    std::set<std::string> refused; ///< told to the user once
  };
  void send_name(const std::string& id);
  void add_memory(const std::string& id);
  /// Once the service has answered.
  void tell_or_store(const std::string& id);
  void follow_ess();
  void tell(const BatteryRef& battery, RemoteReading::Kind kind, const dbus::Value& value);

  CorePtr core_;
  std::string bus_;
  std::unique_ptr<dbus::Connection> connection_;
  std::unique_ptr<dbus::SettingsClient> client_;
  std::map<RemoteReading::Kind, std::unique_ptr<dbus::RemoteItem>> ess_;
  std::map<std::string, Follower> followers_;
  std::map<std::string, Memory> memories_;
  std::set<std::string> added_;                     ///< batteries that the service knows
  std::map<std::string, std::string> unsent_names_; ///< by battery
};

} // namespace bmsd::actors
