// Client of com.victronenergy.settings: what Venus OS keeps for us across restarts.
//
// Threads: I/O thread only, callbacks too; a callback may run inside the call when the service is absent. The service
// may come late, leave and come back: what was added is added again by itself. docs/dbus.md has the contract.
#pragma once

#include "messages/error.hpp"
#include "transports/dbus/connection.hpp"
#include "transports/dbus/value.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bmsd::dbus {

/// The type of `def` decides the type of the setting, for ever.
struct SettingSpec {
  std::string path; ///< "/Settings/Devices/serialbattery_X/CustomName"
  Value def{};
  std::optional<Value> min{}, max{};
  bool silent = false; ///< not logged by the service: for what changes often
};

class SettingsClient {
public:
  /// In the order of the specs: the value in force, or why there is none. Fault::refused: the service said no (for
  /// example: exists with another type).
  using AddHandler = std::function<void(const std::vector<Result<Value>>& values)>;
  using DoneHandler = std::function<void(Result<void>)>;
  /// Paths relative to the one asked for, "" for a setting itself.
  using Values = std::vector<std::pair<std::string, Value>>;
  using ReadHandler = std::function<void(Result<Values>)>;
  using ChangeHandler = std::function<void(const std::string& path, const Value& value)>;
  using AvailableHandler = std::function<void(bool available)>;

  /// `connection` must outlive this.
  explicit SettingsClient(Connection& connection, std::string service = "com.victronenergy.settings");
  ~SettingsClient();
  SettingsClient(const SettingsClient&) = delete;
  SettingsClient& operator=(const SettingsClient&) = delete;

  bool available() const;
  void on_available(AvailableHandler handler);
  /// Any new value of an added setting: by others, by set() (with what was really stored), or found after the service
  /// came back.
  void on_changed(ChangeHandler handler);

  /// One round trip for all. Answers once, when the service is there, however long that takes.
  void add(std::vector<SettingSpec> specs, AddHandler handler);
  /// Fault::link: service absent; Fault::rejected: it refuses the value (range, type); Fault::timeout.
  void set(const std::string& path, const Value& value, DoneHandler handler);
  /// A setting, or all below a group ("/Settings/Devices").
  void read(const std::string& path, ReadHandler handler);
  /// Forgets settings. Fault::rejected: one of them did not exist.
  void remove(const std::vector<std::string>& paths, DoneHandler handler);

private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

} // namespace bmsd::dbus
