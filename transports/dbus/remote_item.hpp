// One value of somebody else's service, followed: an external shunt, a setting of ESS.
//
// Threads: I/O thread only, callbacks too. An absent service is no error: the value is invalid until it comes.
#pragma once

#include "messages/error.hpp"
#include "transports/dbus/connection.hpp"
#include "transports/dbus/value.hpp"

#include <functional>
#include <memory>
#include <string>

namespace bmsd::dbus {

class RemoteItem {
public:
  using ValueHandler = std::function<void(const Value& value)>;
  using AvailableHandler = std::function<void(bool available)>;

  /// `connection` must outlive this. Asks for the value as soon as the service is there, then follows its signals.
  /// Texts, int32 and double come as they are, other integers and flags as int32 or double, the rest as invalid.
  RemoteItem(Connection& connection, std::string service, std::string path, ValueHandler on_value,
             AvailableHandler on_available = nullptr);
  ~RemoteItem();
  RemoteItem(const RemoteItem&) = delete;
  RemoteItem& operator=(const RemoteItem&) = delete;

  /// Invalid while the service is gone, has no such path or has not answered yet.
  const Value& value() const;
  /// The service is on the bus.
  bool available() const;

private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

} // namespace bmsd::dbus
