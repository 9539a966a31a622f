// A com.victronenergy service: one bus connection, one name, one tree of BusItem values.
//
// Threads: I/O thread only, callbacks too; a WriteReply alone may be called and destroyed anywhere, as long as the
// io_context lives. What the bus does to us is told by the state handler; nothing throws. docs/dbus.md has the
// contract.
//
// Order, as clients demand it: connect, all paths, then the name. After a loss of the bus all of it again, by itself.
#pragma once

#include "messages/error.hpp"
#include "transports/dbus/connection.hpp"
#include "transports/dbus/value.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace bmsd::dbus {

enum class ServiceState : std::uint8_t {
  stopped,
  connecting, ///< no bus, or not yet
  naming,     ///< on the bus, asks for the name
  online,     ///< name owned: clients see us
  name_taken, ///< another process has had the name for 20 s; tried again every 30 s
};

std::string_view to_string(ServiceState state);

class Service {
public:
  struct Timing {
    Connection::Timing connection;
    std::chrono::milliseconds name_retry{500};
    std::chrono::milliseconds name_patience{20'000}; ///< an old process may take that long to die
    std::chrono::milliseconds name_slow_retry{30'000};
    std::chrono::milliseconds write_patience{5'000}; ///< then a SetValue is answered 2
    std::chrono::milliseconds flush_retry{200};      ///< after the bus has not taken a signal
  };
  /// 0: it took effect; the service then stores the value and signals it, before the answer goes out. 1: can't be
  /// written. 2: refused. Later calls are ignored.
  using WriteReply = std::function<void(int code)>;
  using WriteHandler = std::function<void(const std::string& path, const Value& value, WriteReply reply)>;
  using RefusalHandler = std::function<void(const std::string& path, int code)>;
  using StateHandler = std::function<void(ServiceState state, const std::string& reason)>;

  /// `address` as from bus_address(); `name` must be a legal bus name.
  Service(asio::io_context& io, std::string address, std::string name);
  Service(asio::io_context& io, std::string address, std::string name, Timing timing);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// New paths, or new definitions. While online they are announced. A path that is not a legal object path is left
  /// out: Fault::rejected names it; the others count.
  Result<void> add(std::vector<Item> items);
  void start();
  /// Leaves the bus at once; clients see the name vanish. start() comes back, with the values of then.
  void stop();
  /// Compares, stores, then sends at most one ItemsChanged with what is new; later if the bus is busy. An unknown path
  /// becomes a read-only one.
  void update(std::span<const Change> changes);
  /// nullptr: no such path. Valid until the next call.
  const Item* find(std::string_view path) const;

  /// Gets writes that passed all checks: writable, type, limits, a new value. Without a handler all are refused.
  void set_write_handler(WriteHandler handler);
  /// Hears of the others, which have been answered 1 or 2.
  void on_refusal(RefusalHandler handler);
  void on_state(StateHandler handler);
  ServiceState state() const;
  const std::string& name() const;

private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

} // namespace bmsd::dbus
