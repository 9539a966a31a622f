// What a line can bring that is no answer: each is counted and told, nothing wrong is published, and the
// battery on the next port notices nothing.
#include "daemon_fixture.hpp"
#include "fake_line.hpp"
#include "unit/transports/pty.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <sstream>

namespace bmsd {
namespace {

using namespace std::chrono_literals;
using test::DaemonTest;
using test::FakeLine;
using test::wait_until;
using Mood = FakeLine::Mood;

int lines_with(const std::string& text, const std::string& word) {
  std::istringstream stream(text);
  int count = 0;
  for (std::string line; std::getline(stream, line);) {
    count += line.find(word) != std::string::npos ? 1 : 0;
  }
  return count;
}

class BadLine : public DaemonTest {
protected:
  void SetUp() override { start_bus(); }

  std::uint64_t failures_of_data() {
    const auto failures = status()["counters"]["failures"];
    std::uint64_t sum = 0;
    for (const auto* kind : {"framing", "checksum", "truncated", "implausible", "timeout"}) {
      sum += failures.value(kind, std::uint64_t{0});
    }
    return sum;
  }
  std::uint64_t samples(const std::string& port) { return battery(port).value("samples", std::uint64_t{0}); }
};

TEST_F(BadLine, EveryKindOfBadReplyIsCountedAndNothingWrongIsPublished) {
  FakeLine line(tty("ttyA"));
  auto good = simulate("lltjbd", tty("ttyB"), {"--soc", "60"});
  start({tty("ttyA") + ",protocol=lltjbd,poll=0.2", tty("ttyB") + ",protocol=lltjbd"});
  test::DbusClient client(bus->address());
  const std::string truth = "v <d 15.6>";
  ASSERT_TRUE(wait_until([&] { return value(client, "ttyA", "/Dc/0/Voltage") == truth; })) << daemon.output();
  ASSERT_TRUE(wait_for_link("ttyB", "up"));

  const auto began = std::chrono::steady_clock::now();
  const auto others = samples("ttyB");
  struct Case {
    Mood mood;
    const char* name;
  };
  for (const auto& one :
       {Case{Mood::endless, "endless"}, Case{Mood::interleaved, "interleaved"}, Case{Mood::corrupted, "corrupted"},
        Case{Mood::other_register, "other register"}, Case{Mood::truncated, "truncated"},
        Case{Mood::oversized, "oversized"}, Case{Mood::few_cells, "few cells"}, Case{Mood::no_volts, "cells of 0 V"},
        Case{Mood::stray, "stray bytes"}, Case{Mood::silent, "silent"}}) {
    const char* name = one.name;
    const auto before = failures_of_data();
    line.mood = one.mood;
    EXPECT_TRUE(wait_until([&] {
      const auto voltage = value(client, "ttyA", "/Dc/0/Voltage");
      EXPECT_TRUE(voltage == truth || voltage == "v <ai []>") << name << ": " << voltage;
      const auto cells = value(client, "ttyA", "/System/NrOfCellsPerBattery");
      EXPECT_EQ(cells, "v <i 4>") << name;
      return failures_of_data() >= before + 2;
    })) << name
        << status().dump();
    EXPECT_TRUE(fresh("ttyB")) << name;
    line.mood = Mood::well;
    const auto good_before = samples("ttyA");
    EXPECT_TRUE(wait_until([&] { return samples("ttyA") > good_before; })) << name << daemon.output();
  }
  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  EXPECT_GE(static_cast<double>(samples("ttyB") - others), seconds - 2) << "one poll a second, whatever ttyA does";
  EXPECT_EQ(actor("session/ttyA").value("restarts", -1), 0);
  const auto log = daemon.output();
  for (const auto* kind : {"framing", "checksum", "truncated"}) {
    EXPECT_LE(lines_with(log, std::string("wrong data: ") + kind), 1) << log;
  }
  EXPECT_GE(lines_with(log, "wrong data"), 2) << "none hides the others\n" << log;
  EXPECT_LE(lines_with(log, "no good answer"), 2) << log;
  EXPECT_LT(lines_with(log, "80_5_0Ah") + lines_with(log, "ttyA"), 20) << log;
}

TEST_F(BadLine, ABatteryWithoutASingleGoodPollIsNotShown) {
  FakeLine line(tty("ttyA"));
  line.mood = Mood::few_cells; // it says who it is, and no poll succeeds
  start({tty("ttyA") + ",protocol=lltjbd,poll=0.2"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return battery("ttyA").value("failures", 0) >= 10; }, 20s)) << status().dump();
  EXPECT_EQ(client.owner(service("ttyA")), "");
  line.mood = Mood::well;
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/Dc/0/Voltage") == "v <d 15.6>"; })) << daemon.output();
}

TEST_F(BadLine, AServerThatHangsUpAtOnceIsReportedOnce) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 5), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::atomic<int> taken{0};
  std::thread server([&] {
    for (int fd = 0; (fd = ::accept(listener, nullptr, nullptr)) >= 0; ++taken) {
      ::close(fd); // as a serial server whose port is in use
    }
  });
  start({"tcp:127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + ",protocol=lltjbd"});
  EXPECT_TRUE(wait_until([&] { return taken >= 4; }, 15s)) << "it goes on trying";
  ::shutdown(listener, SHUT_RDWR);
  server.join();
  ::close(listener);
  EXPECT_LE(lines_with(daemon.output(), "tcp_127_0_0_1"), 6) << daemon.output();
}

TEST_F(BadLine, APortInUseIsSaidClearlyAndTakenOnceItIsFree) {
  auto sim = simulate("lltjbd", tty("ttyA"), {"--soc", "33"});
  start({tty("ttyA") + ",protocol=lltjbd"});
  ASSERT_TRUE(wait_for_link("ttyA", "up"));
  test::Process second({program("bmsd"), "--config", directory / "bmsd.ini", "--state-dir", directory / "state2",
                        "--socket", directory / "sock2", "--bus", bus->address(), "--port",
                        tty("ttyA") + ",protocol=lltjbd"},
                       directory / "second.log");
  ASSERT_TRUE(wait_until([&] { return second.output().find("used by another program") != std::string::npos; }))
      << second.output();
  EXPECT_TRUE(second.running());
  EXPECT_TRUE(fresh("ttyA")) << "the first one is not disturbed";
  EXPECT_EQ(lines_with(second.output(), "used by another program"), 1) << second.output();
  daemon.signal(SIGTERM);
  ASSERT_EQ(daemon.wait(), 0);
  test::DbusClient client(bus->address());
  EXPECT_TRUE(wait_until([&] { return value(client, "ttyA", "/Soc") == "v <d 33>"; }, 20s)) << second.output();
}

TEST_F(BadLine, ALinkThatPointsToAnotherTtyIsFollowed) {
  auto sim = simulate("lltjbd", tty("tty0"), {"--soc", "33"});
  std::filesystem::create_symlink(tty("tty0"), tty("by-path"));
  start({tty("by-path") + ",protocol=lltjbd"});
  ASSERT_TRUE(wait_for_link("by_path", "up")) << daemon.output();
  const auto id = battery("by_path").value("id", std::string());
  sim.kill();
  std::filesystem::remove(tty("by-path"));
  ASSERT_TRUE(wait_for_link("by_path", "gone"));
  sim = simulate("lltjbd", tty("tty1"), {"--soc", "34"});
  std::filesystem::create_symlink(tty("tty1"), tty("by-path"));
  ASSERT_TRUE(wait_for_link("by_path", "up", 20s)) << daemon.output();
  EXPECT_EQ(battery("by_path").value("id", std::string()), id);
  test::DbusClient client(bus->address());
  EXPECT_TRUE(wait_until([&] { return value(client, "by_path", "/Soc") == "v <d 34>"; }));
}

TEST_F(BadLine, DamagedCanFramesDisturbNobody) {
  auto sim =
      simulate("pylontech_can", tty("can0"),
               {"--soc", "81", "--fault", "garbage=0.3", "--fault", "corrupt=0.1", "--seed", "7", "--interval", "100"});
  start({"slcan:" + tty("can0") + ",protocol=pylontech_can"});
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] { return value(client, "slcan_can0", "/Soc") == "v <d 81>"; }, 15s)) << daemon.output();
  const auto taken = samples("slcan_can0");
  EXPECT_TRUE(wait_until([&] { return samples("slcan_can0") > taken + 20; }, 15s)) << status().dump();
  EXPECT_TRUE(daemon.running());
  EXPECT_LE(lines_with(daemon.output(), "found Pylontech"), 2) << daemon.output();
}

/// A CAN battery of which the test sends the frames.
struct FakeCanBattery {
  static std::string set(const std::string& volts, const std::string& serial) {
    return "t35181402C012C012C201\rt355458005E00\rt3566" + volts + "F2FE6B01\rt35970000000006504E\rt35C2C000\r" +
           serial;
  }
  static constexpr const char* kFirst = "t38084141414141414141\rt38184141414141414141\r";
  static constexpr const char* kSecond = "t38084242424242424242\rt38184242424242424242\r";
};

TEST_F(BadLine, ACanBatteryInThePlaceOfAnotherDoesNotSpeakForIt) {
  auto first_line = std::make_unique<transports::test::Pty>(), second_line = std::make_unique<transports::test::Pty>();
  std::filesystem::create_symlink(first_line->path(), tty("c0"));
  start({"slcan:" + tty("c0") + ",protocol=pylontech_can", "slcan:" + tty("c1") + ",protocol=pylontech_can"});
  const auto a = FakeCanBattery::set("7A13", FakeCanBattery::kFirst);  // 49.86 V
  const auto b = FakeCanBattery::set("C012", FakeCanBattery::kSecond); // 48.00 V
  test::DbusClient client(bus->address());
  ASSERT_TRUE(wait_until([&] {
    first_line->write(a);
    return value(client, "slcan_c0", "/Serial") == "v <s \"AAAAAAAAAAAAAAAA\">";
  })) << daemon.output();
  // The first battery moves to the second port.
  std::filesystem::remove(tty("c0"));
  first_line->hang_up();
  ASSERT_TRUE(wait_for_link("slcan_c0", "gone"));
  std::filesystem::create_symlink(second_line->path(), tty("c1"));
  ASSERT_TRUE(wait_until(
      [&] {
        second_line->write(a);
        return value(client, "slcan_c1", "/Dc/0/Voltage") == "v <d 49.86>";
      },
      20s))
      << daemon.output();
  // Another one comes into its place; it says who it is some sets later.
  first_line->renew();
  std::filesystem::create_symlink(first_line->path(), tty("c0"));
  int sets = 0;
  EXPECT_TRUE(wait_until(
      [&] {
        second_line->write(a);
        first_line->write(sets < 5 ? FakeCanBattery::set("C012", "") : b);
        sets += entry("ports", "name", "slcan_c0").value("state", std::string()) == "open" ? 1 : 0;
        const auto volts = value(client, "slcan_c1", "/Dc/0/Voltage");
        EXPECT_EQ(volts, "v <d 49.86>");
        EXPECT_LE(status()["batteries"].size(), 2U) << status()["batteries"].dump();
        return value(client, "slcan_c0", "/Dc/0/Voltage") == "v <d 48>";
      },
      20s))
      << daemon.output();
  EXPECT_EQ(value(client, "slcan_c0", "/Serial"), "v <s \"BBBBBBBBBBBBBBBB\">");
  EXPECT_EQ(status()["batteries"].size(), 2U);
  EXPECT_GT(sets, 5);
}

TEST_F(BadLine, ASerialNumberThatComesLateOrDamagedIsNotASecondBattery) {
  transports::test::Pty line;
  std::filesystem::create_symlink(line.path(), tty("can0"));
  start({"slcan:" + tty("can0") + ",protocol=pylontech_can"});
  const auto cycle = [&](const std::string& serial) {
    const auto before = samples("slcan_can0");
    line.write("t35181402C012C012C201\rt355458005E00\rt35667A13F2FE6B01\rt35970000000006504E\rt35C2C000\r" + serial);
    return before;
  };
  const auto batteries = [&] {
    std::string ids;
    for (const auto& each : status().value("batteries", Json::array())) {
      ids += each.value("id", std::string()) + " ";
    }
    return ids;
  };
  const std::string serial = "t38084142434445464748\rt38184A4B4C4D4E4F5051\r";
  cycle(serial); // of the first set it is not known yet
  ASSERT_TRUE(wait_until([&] { return entry("ports", "name", "slcan_can0").value("state", std::string()) == "open"; }));
  ASSERT_TRUE(wait_until([&] {
    cycle(serial);
    return link_is("slcan_can0", "up");
  })) << daemon.output();
  EXPECT_EQ(batteries(), "ABCDEFGHJKLMNOPQ ");
  for (const char* damaged : {"t38084142434445464778\r", "t38184A4B4C4D4E4F5011\r"}) {
    cycle(damaged);
    const auto taken = cycle(serial); // again right before the next set
    EXPECT_TRUE(wait_until([&] {
      cycle(serial);
      return samples("slcan_can0") > taken + 1;
    }));
    EXPECT_EQ(batteries(), "ABCDEFGHJKLMNOPQ ") << damaged;
  }
  const std::string other = "t38084848484848484848\rt38184A4B4C4D4E4F5051\r";
  EXPECT_TRUE(wait_until([&] {
    cycle(other);
    return batteries() == "HHHHHHHHJKLMNOPQ ";
  })) << "what stays is another battery, and the first one has left\n"
      << batteries();
}

TEST_F(BadLine, AStricterLimitDoesNotWaitForTheSecond) {
  transports::test::Pty line;
  std::filesystem::create_symlink(line.path(), tty("can0"));
  start({"slcan:" + tty("can0") + ",protocol=pylontech_can"});
  test::DbusClient client(bus->address());
  const auto limit_is = [&](int amperes) {
    char frame[32];
    std::snprintf(frame, sizeof frame, "t35181402%02X%02XC012C201\r", 10 * amperes & 0xFF, 10 * amperes >> 8);
    line.write(frame + std::string("t355458005E00\rt35667A13F2FE6B01\rt35970000000006504E\rt35C2C000\r"));
    return value(client, "slcan_can0", "/Info/MaxChargeCurrent") == "v <d " + std::to_string(amperes) + ">";
  };
  ASSERT_TRUE(wait_until([&] { return limit_is(40); })) << daemon.output();
  const auto began = std::chrono::steady_clock::now();
  for (int amperes = 39; amperes > 19; --amperes) {
    EXPECT_TRUE(wait_until([&] { return limit_is(amperes); })) << amperes;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s) << "twenty steps";
}

TEST_F(BadLine, CanLinesThatAreNoFramesOfABatteryAreCountedAndTold) {
  transports::test::Pty line;
  std::filesystem::create_symlink(line.path(), tty("can0"));
  start({"slcan:" + tty("can0") + ",protocol=pylontech_can"});
  const auto set = [&] {
    line.write("t35181402C012C012C201\rt355458005E00\rt35667A13F2FE6B01\rt35970000000006504E\rt35C2C000\r");
  };
  ASSERT_TRUE(wait_until([&] {
    set();
    return link_is("slcan_can0", "up");
  })) << daemon.output();
  line.write("r3518\rT00000355451005F00\rt3554510\rt355151\r");
  EXPECT_TRUE(wait_until([&] { return failures("framing") >= 3 && failures("truncated") >= 1; })) << status().dump();
  EXPECT_EQ(lines_with(daemon.output(), "frame 0x355 is too short"), 1) << daemon.output();
  EXPECT_EQ(lines_with(daemon.output(), "CAN frames damaged"), 1) << daemon.output();
  EXPECT_EQ(lines_with(daemon.output(), "CAN frames remote"), 1) << daemon.output();
  EXPECT_EQ(lines_with(daemon.output(), "frame 0x355 has 29 bits"), 1) << daemon.output();
}

} // namespace
} // namespace bmsd
