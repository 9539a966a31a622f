// A client made of plain sd-bus calls, independent of the code under test. Blocks; for the test's own thread.
#pragma once

#include <systemd/sd-bus.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bmsd::test {

/// The contents of a message with all types: `v <d 13.25>`, `a{sv} {"Value": <i 1>}`.
std::string describe(sd_bus_message* message);

class DbusClient {
public:
  /// Throws std::runtime_error without a bus.
  explicit DbusClient(const std::string& address);
  ~DbusClient();
  DbusClient(const DbusClient&) = delete;
  DbusClient& operator=(const DbusClient&) = delete;

  using Fill = std::function<void(sd_bus_message*)>;
  /// describe() of the reply, or "error NAME". `interface` may be nullptr.
  std::string call(const std::string& destination, const std::string& path, const char* interface, const char* member,
                   const Fill& fill = nullptr);
  /// com.victronenergy.BusItem.
  std::string item(const std::string& destination, const std::string& path, const char* member,
                   const Fill& fill = nullptr);
  /// SetValue with a variant of a basic type; the arguments as for sd_bus_message_append.
  template <class T>
  std::string set(const std::string& destination, const std::string& path, const char* type, T value) {
    return item(destination, path, "SetValue", [&](sd_bus_message* m) { sd_bus_message_append(m, "v", type, value); });
  }
  /// Sends without waiting for the reply.
  void post(const std::string& destination, const std::string& path, const char* interface, const char* member,
            const Fill& fill = nullptr);

  std::string unique_name() const;
  /// "" when nobody owns it.
  std::string owner(const std::string& name);
  /// The answer of RequestName (1: owner, 3: exists).
  int request_name(const std::string& name);
  void release_name(const std::string& name);

  /// From now on, BusItem signals of that service are kept in `signals`.
  void listen(const std::string& sender);
  /// Runs until `done` says so. False: not within the time.
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds limit = std::chrono::seconds(10));
  /// Takes in all that `service` has sent so far, by a round trip to it: signals and replies keep their order.
  void settle(const std::string& service = "org.freedesktop.DBus");
  /// Calls `seen(name, new_owner)` from within run_until.
  void on_owner_change(std::function<void(const std::string& name, const std::string& owner)> seen);

  struct Signal {
    std::string path, member, content;
  };
  std::vector<Signal> signals;
  sd_bus* bus() const { return bus_; }

private:
  static int on_signal(sd_bus_message* message, void* user, sd_bus_error*);
  static int on_owner(sd_bus_message* message, void* user, sd_bus_error*);

  sd_bus* bus_ = nullptr;
  std::function<void(const std::string&, const std::string&)> owner_seen_;
};

} // namespace bmsd::test
