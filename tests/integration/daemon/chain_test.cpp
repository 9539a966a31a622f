// Several batteries on one line, each with an address.
#include "daemon_fixture.hpp"

#include <map>

namespace bmsd {
namespace {

using namespace std::chrono_literals;
using test::DaemonTest;
using test::wait_until;

class Chain : public DaemonTest {
protected:
  void SetUp() override { start_bus(); }

  static std::string name(int address) {
    char text[16];
    std::snprintf(text, sizeof text, "ttyA__0x%02x", address);
    return text;
  }
  bool published(test::DbusClient& client, int first, int last) {
    for (int address = first; address <= last; ++address) {
      if (client.owner(service(name(address))).empty()) {
        return false;
      }
    }
    return true;
  }
  /// Samples so far, by address.
  std::map<int, std::uint64_t> samples() {
    std::map<int, std::uint64_t> out;
    for (const auto& item : status().value("batteries", Json::array())) {
      out[item.value("address", 0)] = item.value("samples", std::uint64_t{0});
    }
    return out;
  }
};

TEST_F(Chain, EveryAddressIsFoundByItself) {
  auto sim = simulate("jkbms_pb", tty("ttyA"), {"--chain", "4"});
  start({tty("ttyA") + ",address=auto"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return published(client, 1, 4); }, 20s)) << daemon.output();
  EXPECT_EQ(value(client, name(3), "/Serial"), "v <s \"SIM1-3\">") << daemon.output();
  EXPECT_TRUE(client.owner(service(name(5))).empty());
}

TEST_F(Chain, ASilentOneDoesNotHoldUpTheOthers) {
  auto sim = simulate("jkbms_pb", tty("ttyA"), {"--chain", "3"});
  start({tty("ttyA") + ",protocol=jkbms_pb,address=1-4"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return published(client, 1, 3); }, 20s)) << daemon.output();
  // While address 4 is looked for again and again, the others are polled once a second.
  const auto before = samples();
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(wait_until([&] { return samples().at(1) >= before.at(1) + 8; }, 30s));
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const auto after = samples();
  EXPECT_EQ(after.size(), 3U);
  EXPECT_LT(seconds, 10.0);
  for (int address = 2; address <= 3; ++address) {
    EXPECT_GE(after.at(address) + 2, before.at(address) + 8) << address; // both looks may fall into a beat
  }
}

TEST_F(Chain, ABatteryWithoutAnAddressIsOneBatteryAndPolledSteadily) {
  auto sim = simulate("lltjbd", tty("ttyA"));
  start({tty("ttyA") + ",address=1-15"});
  ASSERT_TRUE(wait_until([&] { return samples().size() == 1; }, 60s)) << daemon.output();
  const auto polled = [&] { return samples().begin()->second; };
  const auto before = polled();
  const auto began = std::chrono::steady_clock::now();
  ASSERT_TRUE(wait_until([&] { return polled() >= before + 8; }, 60s)) << daemon.output();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 12s) << "nobody else has the line";
  EXPECT_EQ(samples().size(), 1U);
}

TEST_F(Chain, AddressesOfAProtocolThatIsNotNamed) {
  auto sim = simulate("jkbms_pb", tty("ttyA"), {"--chain", "3"});
  start({tty("ttyA") + ",address=1-4"});
  test::DbusClient client(bus->address());
  EXPECT_TRUE(wait_until([&] { return published(client, 1, 3); }, 60s)) << daemon.output();
}

TEST_F(Chain, SixteenPacksAtASteadyRate) {
  auto sim = simulate("jkbms_pb", tty("ttyA"), {"--chain", "15"});
  auto second = simulate("seplos", tty("ttyB"), {"--chain", "16"});
  start({tty("ttyA") + ",protocol=jkbms_pb,address=1-15", tty("ttyB") + ",protocol=seplos,address=0-15,poll=10"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return published(client, 1, 15); }, 30s)) << daemon.output();
  ASSERT_TRUE(wait_until(
      [&] {
        const auto all = status().value("batteries", Json::array());
        return std::count_if(all.begin(), all.end(), [](const Json& b) { return b.value("link", "") == "up"; }) == 31;
      },
      60s))
      << daemon.output();
  const auto failures = [&] {
    std::uint64_t sum = 0;
    for (const auto& item : status().value("batteries", Json::array())) {
      sum += item.value("failures", std::uint64_t{0});
    }
    return sum;
  };
  const auto failed = failures();
  const auto polls = counter("polls");
  ASSERT_TRUE(wait_until([&] { return counter("polls") >= polls + 60; }, 30s));
  EXPECT_EQ(failures(), failed) << "collisions";
}

} // namespace
} // namespace bmsd
