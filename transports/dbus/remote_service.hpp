// Somebody else's service: is it there, and calls to it. Internal to transports/dbus.
#pragma once

#include "transports/dbus/connection.hpp"
#include "transports/dbus/wire.hpp"

#include <functional>
#include <memory>
#include <string>

namespace bmsd::dbus {

/// Watches one bus name. I/O thread only.
class RemoteService {
public:
  using PresenceHandler = std::function<void(bool present)>;
  using SignalHandler = std::function<void(sd_bus_message* signal)>;
  using Fill = std::function<void(sd_bus_message* call)>;

  /// `on_presence` is told each change, and an owner that replaces another one as leaving and coming.
  RemoteService(Connection& connection, std::string name, PresenceHandler on_presence);
  ~RemoteService();
  RemoteService(const RemoteService&) = delete;
  RemoteService& operator=(const RemoteService&) = delete;

  /// Begins to watch; presence is told later.
  void start();
  bool present() const;
  const std::string& name() const;
  /// Signals of the present owner. `filter`: further terms of the match rule, "member='ItemsChanged',path='/'".
  void subscribe(std::string filter, SignalHandler handler);
  /// The handler runs once, unless this object is destroyed first. Service absent: Fault::link, inside the call.
  void call(const std::string& path, const char* interface, const char* member, const Fill& fill, ReplyHandler handler);

private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

/// Feeds each value of an ItemsChanged or PropertiesChanged signal to visit(path, value).
void visit_changes(sd_bus_message* signal, const std::function<void(std::string_view path, const Value& value)>& visit);

} // namespace bmsd::dbus
