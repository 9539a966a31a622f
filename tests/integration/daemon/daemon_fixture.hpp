// The real programs: a private bus, simulators, the daemon, and questions to it by bmsctl's socket.
#pragma once

#include "app/ctl/control_client.hpp"
#include "messages/json.hpp"
#include "support/dbus_client.hpp"
#include "support/dbus_daemon.hpp"
#include "support/process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

namespace bmsd::test {

class DaemonTest : public ::testing::Test {
protected:
  static std::string program(const std::string& name) { return std::string(BMSD_BINARY_DIR) + "/" + name; }

  // -- the parts ----------------------------------------------------------------------

  std::string tty(const std::string& name) { return directory / name; }

  Process simulate(const std::string& protocol, const std::string& link, std::vector<std::string> more = {}) {
    std::vector<std::string> command = {program("bmssim"), "--protocol", protocol, "--link", link};
    command.insert(command.end(), more.begin(), more.end());
    Process process(command, directory / ("sim" + std::to_string(++started_) + ".log"));
    if (link.front() == '/') {
      EXPECT_TRUE(wait_until([&] { return std::filesystem::exists(link); })) << process.output();
    }
    return process;
  }

  void start_bus() { bus = std::make_unique<DbusDaemon>(); }

  /// `ports`: SPECs. Without start_bus() it runs without D-Bus.
  void start(const std::vector<std::string>& ports, std::vector<std::string> more = {}) {
    if (!std::filesystem::exists(directory / "bmsd.ini")) {
      configure("");
    }
    std::vector<std::string> command = {
        program("bmsd"),    "--config", directory / "bmsd.ini",       "--state-dir", directory / "state", "--socket",
        directory / "sock", "--bus",    bus ? bus->address() : "none"};
    for (const auto& port : ports) {
      command.insert(command.end(), {"--port", port});
    }
    command.insert(command.end(), more.begin(), more.end());
    daemon = Process(command, directory / "bmsd.log");
    ASSERT_TRUE(wait_until([&] { return std::filesystem::exists(directory / "sock") || !daemon.running(); }));
    ASSERT_TRUE(daemon.running()) << daemon.output();
  }

  /// BMSD_TEST_WORKERS in the environment: the same with so many threads for the actors.
  void configure(const std::string& text) {
    const char* workers = std::getenv("BMSD_TEST_WORKERS");
    std::ofstream(directory / "bmsd.ini")
        << text << (workers ? std::string("\n[bmsd]\nWORKERS = ") + workers : "") << "\n";
  }

  // -- questions -------------------------------------------------------------------------

  Json ask(const Json& request) {
    app::ControlClient client;
    if (!client.connect(directory / "sock")) {
      return Json::object();
    }
    if (!client.send(request)) {
      return Json::object();
    }
    auto answer = client.receive(10);
    return answer ? *answer : Json::object();
  }

  Json status() { return ask({{"cmd", "status"}}); }

  /// The entry of a list in the status whose `key` is `value`; empty object: none.
  Json entry(const std::string& list, const std::string& key, const std::string& value) {
    const auto all = status();
    for (const auto& item : all.value(list, Json::array())) {
      if (item.value(key, std::string()) == value) {
        return item;
      }
    }
    return Json::object();
  }
  Json battery(const std::string& port) { return entry("batteries", "port", port); }
  Json actor(const std::string& name) { return entry("actors", "name", name); }

  bool link_is(const std::string& port, const std::string& link) {
    return battery(port).value("link", std::string()) == link;
  }
  bool wait_for_link(const std::string& port, const std::string& link,
                     std::chrono::milliseconds limit = std::chrono::seconds(15)) {
    return wait_until([&] { return link_is(port, link); }, limit);
  }
  std::uint64_t counter(const std::string& name) { return status()["counters"].value(name, std::uint64_t{0}); }
  std::uint64_t failures(const std::string& kind) {
    return status()["counters"]["failures"].value(kind, std::uint64_t{0});
  }
  /// A battery's age of values below a second: fresh data arrive.
  bool fresh(const std::string& port) { return battery(port).value("age", 1e9) < 1.5; }

  // -- on the bus --------------------------------------------------------------------------

  static std::string service(const std::string& port) { return "com.victronenergy.battery." + port; }
  std::string value(DbusClient& client, const std::string& port, const std::string& path) {
    return client.item(service(port), path, "GetValue");
  }

  TemporaryDirectory directory;
  std::unique_ptr<DbusDaemon> bus;
  Process daemon;

private:
  int started_ = 0;
};

} // namespace bmsd::test
