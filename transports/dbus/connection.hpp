// One connection to a message bus, served by the I/O thread; comes back by itself.
//
// Threads: I/O thread only, callbacks too. Nothing here waits: connecting, the handshake and all calls are
// asynchronous, and whatever the bus does (gone, hung, not reading) is told by the state handler. (tcp: addresses with
// a host name are the exception: libsystemd resolves the name on the spot.)
//
// libsystemd's sd-bus is used directly. The C++ wrapper around it finishes the handshake and flushes on closing with
// blocking calls, has no handler for a whole tree, and packs a variant by building a message for it.
#pragma once

#include <asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

struct sd_bus;

namespace bmsd::dbus {

class Connection {
public:
  struct Timing {
    std::chrono::milliseconds first_retry{1'000}; ///< doubles with each failure
    std::chrono::milliseconds last_retry{30'000};
    std::chrono::milliseconds handshake{10'000};
    std::chrono::milliseconds unread{60'000}; ///< so long it may take nothing of write()
  };
  /// Down comes with the reason. Objects of sd-bus that belong to the old connection must be let go in it.
  using StateHandler = std::function<void(bool up, const std::string& reason)>;
  /// Keeps a handler registered.
  using Observation = std::shared_ptr<StateHandler>;

  /// `address`: as from bus_address(), not empty. Does nothing before start().
  Connection(asio::io_context& io, std::string address);
  Connection(asio::io_context& io, std::string address, Timing timing);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start();
  /// Closes at once; messages the bus has not taken yet are dropped. The handlers are told.
  void stop();
  /// The bus has accepted us.
  bool up() const;
  /// ":1.42"; empty while down.
  std::string unique_name() const;
  [[nodiscard]] Observation observe(StateHandler handler);

  // -- for this folder ----------------------------------------------------------
  /// nullptr while down. After using it, call touch().
  sd_bus* bus() const;
  /// Sends a whole message past sd-bus, if all before it has been taken. False: not now, or the bus is lost.
  bool write(std::span<const std::uint8_t> message);
  /// Looks again at what sd-bus waits for. Gives up a bus that has stopped reading.
  void touch();

private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

} // namespace bmsd::dbus
