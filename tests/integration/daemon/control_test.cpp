// The control socket with clients that behave badly.
#include "daemon_fixture.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace bmsd {
namespace {

using namespace std::chrono_literals;
using test::DaemonTest;
using test::wait_until;
using ::testing::HasSubstr;

class Control : public DaemonTest {
protected:
  /// A client that only writes.
  class Deaf {
  public:
    explicit Deaf(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      path.copy(address.sun_path, sizeof address.sun_path - 1);
      EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    ~Deaf() { ::close(fd_); }
    Deaf(const Deaf&) = delete;
    Deaf& operator=(const Deaf&) = delete;
    /// False: the daemon takes no more.
    bool say(const std::string& text) const {
      return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
    }
    void ask_no_more() const { ::shutdown(fd_, SHUT_WR); }
    std::string hear() const {
      std::string text;
      char buffer[4096];
      wait_until([&] {
        const auto count = ::recv(fd_, buffer, sizeof buffer, 0);
        text.append(buffer, count > 0 ? static_cast<std::size_t>(count) : 0);
        return count == 0 || text.ends_with('\n');
      });
      return text;
    }

  private:
    int fd_;
  };

  int times_logged(const std::string& text) const {
    const auto log = daemon.output();
    int count = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) {
      ++count;
    }
    return count;
  }

  std::size_t resident_kb() const {
    std::ifstream stream("/proc/" + std::to_string(daemon.pid()) + "/status");
    for (std::string line; std::getline(stream, line);) {
      if (line.starts_with("VmRSS:")) {
        return std::stoul(line.substr(6));
      }
    }
    return 0;
  }
};

TEST_F(Control, BelongsToTheUserOfTheDaemonAlone) {
  start({});
  struct stat info {};
  ASSERT_EQ(::stat((directory / "sock").c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 07777, 0600U);
}

TEST_F(Control, ClientsThatNeverReadCostLittleAndDelayNobody) {
  auto sim = simulate("lltjbd", tty("ttyA"), {"--noise", "--baud", "0"});
  start({tty("ttyA") + ",protocol=lltjbd,poll=0.1"});
  ASSERT_TRUE(wait_for_link("ttyA", "up"));
  Deaf watcher(directory / "sock");
  ASSERT_TRUE(watcher.say("{\"cmd\":\"trace\"}\n")); // fills the ring
  ASSERT_TRUE(wait_until([&] { return counter("samples") > 20; }, 20s));
  const auto before = resident_kb();

  std::vector<std::unique_ptr<Deaf>> clients;
  std::string many;
  for (int i = 0; i < 1000; ++i) {
    many += "{\"cmd\":\"ring\"}\n";
  }
  for (int i = 0; i < 12; ++i) {
    clients.push_back(std::make_unique<Deaf>(directory / "sock"));
    clients.back()->say("{\"cmd\":\"trace\"}\n");
    // The daemon stops taking requests from who does not take answers.
    EXPECT_TRUE(wait_until([&] { return !clients.back()->say(many); })) << i;
  }
  ASSERT_TRUE(wait_until([&] { return daemon.output().find("does not read; lines are lost") != std::string::npos; }));
  const auto samples = counter("samples");
  for (int i = 0; i < 5; ++i) {
    const auto asked = std::chrono::steady_clock::now();
    EXPECT_FALSE(status().empty());
    EXPECT_LT(std::chrono::steady_clock::now() - asked, 1s);
  }
  ASSERT_TRUE(wait_until([&] { return counter("samples") >= samples + 10; }, 5s)) << "polls go on";
#ifndef BMSD_SANITIZED
  // Each may hold one answer, the whole ring, which is about a megabyte; beyond that 3 MB are for all.
  EXPECT_LT(resident_kb(), before + 24 * 1024);
#else
  static_cast<void>(before);
#endif
  clients.clear();
  EXPECT_TRUE(wait_until([&] { return !status().empty(); }));
}

TEST_F(Control, AClientThatHasSaidItAllGetsItsAnswer) {
  start({});
  for (const char* command : {"status", "fly"}) {
    Deaf client(directory / "sock");
    ASSERT_TRUE(client.say(std::string(R"({"cmd":")") + command + "\"}\n"));
    client.ask_no_more();
    EXPECT_THAT(client.hear(), ::testing::EndsWith("\n")) << command;
    EXPECT_EQ(client.hear(), "") << "closed afterwards";
  }
  {
    std::vector<std::unique_ptr<Deaf>> watchers; // of something that never comes
    for (int i = 0; i < 40; ++i) {
      watchers.push_back(std::make_unique<Deaf>(directory / "sock"));
      watchers.back()->say("{\"cmd\":\"trace\",\"only\":[\"command\"]}\n");
      watchers.back()->ask_no_more();
    }
  }
  EXPECT_TRUE(wait_until([&] { return !status().empty(); })) << "those that left still hold their places";
}

TEST_F(Control, RequestsThatAreNoneAreAnsweredAndHarmNobody) {
  auto sim = simulate("lltjbd", tty("ttyA"), {"--capacity", "280"});
  start({tty("ttyA") + ",protocol=lltjbd"});
  ASSERT_TRUE(wait_for_link("ttyA", "up"));
  const auto id = battery("ttyA").value("id", std::string());
  for (const std::string& line :
       {std::string("{"), std::string("[]"), std::string("5"), std::string("\xff\xfe"), std::string(60000, '['),
        std::string("{}"), std::string(R"({"cmd":5})"), std::string(R"({"cmd":"fly"})"),
        std::string(R"({"cmd":"trace","only":5})"), std::string(R"({"cmd":"trace","only":[{}]})"),
        std::string(R"({"cmd":"restart","actor":{}})"), std::string(R"({"cmd":"restart","actor":"nobody"})"),
        std::string(R"({"cmd":"set"})"), std::string(R"({"cmd":"set","battery":5,"path":[],"value":1})"),
        R"({"cmd":"set","battery":")" + id + R"(","path":"/CustomName","value":{}})"}) {
    Deaf client(directory / "sock");
    ASSERT_TRUE(client.say(line + "\n"));
    EXPECT_THAT(client.hear(), HasSubstr("\"error\"")) << line.substr(0, 80);
  }
  Deaf client(directory / "sock");
  client.say(std::string(100'000, 'x'));
  EXPECT_THAT(client.hear(), HasSubstr("longer than 64 kB"));

  const auto set = [&](const Json& value, const std::string& path = "/CustomName") {
    return ask({{"cmd", "set"}, {"battery", id}, {"path", path}, {"value", value}}).value("code", -1);
  };
  EXPECT_EQ(set("Cellar"), 0);
  EXPECT_EQ(set(std::string(5000, 'x')), 2);
  EXPECT_EQ(set(Json::object()), -1);
  EXPECT_EQ(set(1, "/Nothing"), 1);
  EXPECT_EQ(set(99, "/Soc"), 1);
  EXPECT_TRUE(wait_until([&] { return battery("ttyA").value("custom_name", std::string()) == "Cellar"; }));
  EXPECT_EQ(actor("debug").value("restarts", -1), 0);
  EXPECT_EQ(actor("publisher/" + id).value("restarts", -1), 0);
  EXPECT_TRUE(fresh("ttyA"));
}

TEST_F(Control, NonsenseIsCountedAndTold) {
  start({});
  for (int i = 0; i < 3; ++i) {
    Deaf client(directory / "sock");
    ASSERT_TRUE(client.say("nonsense\n"));
    client.hear();
    Deaf talker(directory / "sock");
    talker.say(std::string(100'000, 'x'));
    talker.hear();
  }
  EXPECT_EQ(failures("rejected"), 6U);
  EXPECT_EQ(times_logged("sends what is no request"), 1) << daemon.output();
  EXPECT_EQ(times_logged("longer than 64 kB"), 1) << daemon.output();
}

TEST_F(Control, IdleClientsMakeRoomAndWatchersKeepTheirs) {
  start({});
  std::vector<std::unique_ptr<Deaf>> idle;
  for (int i = 0; i < 40; ++i) {
    idle.push_back(std::make_unique<Deaf>(directory / "sock"));
  }
  EXPECT_FALSE(status().empty());
  EXPECT_EQ(idle.front()->hear(), "") << "closed: it has asked nothing for longest";
  EXPECT_GE(failures("rejected"), 9U);
  EXPECT_EQ(times_logged("one that asks nothing is closed"), 1) << daemon.output();
  idle.clear();

  std::vector<std::unique_ptr<Deaf>> watchers;
  for (int i = 0; i < 32; ++i) {
    watchers.push_back(std::make_unique<Deaf>(directory / "sock"));
    ASSERT_TRUE(watchers.back()->say("{\"cmd\":\"trace\",\"only\":[\"command\"]}\n"));
    ASSERT_THAT(watchers.back()->hear(), HasSubstr("watching"));
  }
  const auto refused = test::run({program("bmsctl"), "--socket", directory / "sock", "status"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.output, HasSubstr("too many clients"));
  watchers.pop_back();
  EXPECT_TRUE(wait_until([&] { return !status().value("batteries", Json()).is_null(); }));
}

TEST_F(Control, ASocketThatCannotBeMadeIsSaid) {
  configure("");
  const auto run = [&](const std::string& socket) {
    return test::run({program("bmsd"), "--config", directory / "bmsd.ini", "--state-dir", directory / "state", "--bus",
                      "none", "--port", tty("none"), "--socket", socket});
  };
  const auto long_path = run(directory / std::string(150, 'x'));
  EXPECT_EQ(long_path.status, 1);
  EXPECT_THAT(long_path.output, HasSubstr("the path is longer than 107 characters"));
  const auto nowhere = run(directory / "no/such/directory/sock");
  EXPECT_EQ(nowhere.status, 1);
  EXPECT_THAT(nowhere.output, HasSubstr("No such file"));
  std::ofstream(directory / "precious") << "data";
  const auto file = run(directory / "precious");
  EXPECT_EQ(file.status, 1);
  EXPECT_THAT(file.output, HasSubstr("there is something that is no socket"));
  EXPECT_EQ(std::filesystem::file_size(directory / "precious"), 4U);
}

#ifndef BMSD_SANITIZED // UBSan looks at memory through a pipe: without file descriptors it takes all for wrong
TEST_F(Control, WithoutFileDescriptorsItWaits) {
  auto sim = simulate("lltjbd", tty("ttyA"));
  start({tty("ttyA") + ",protocol=lltjbd"});
  ASSERT_TRUE(wait_for_link("ttyA", "up"));
  rlimit old{};
  ASSERT_EQ(::prlimit(daemon.pid(), RLIMIT_NOFILE, nullptr, &old), 0);
  const rlimit few{1, old.rlim_max};
  ASSERT_EQ(::prlimit(daemon.pid(), RLIMIT_NOFILE, &few, nullptr), 0);
  const auto cpu = [&] {
    std::ifstream stream("/proc/" + std::to_string(daemon.pid()) + "/stat");
    std::string word;
    long ticks = 0;
    for (int i = 1; stream >> word && i <= 15; ++i) {
      ticks += i >= 14 ? std::stol(word) : 0;
    }
    return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  };
  const auto used = cpu();
  Deaf waiting(directory / "sock");
  ASSERT_TRUE(waiting.say("{\"cmd\":\"status\"}\n"));
  struct timespec pause {
    1, 0
  };
  ::nanosleep(&pause, nullptr); // the time over which its CPU time is measured
  EXPECT_LT(cpu() - used, 0.5) << "it spins";
  ASSERT_EQ(::prlimit(daemon.pid(), RLIMIT_NOFILE, &old, nullptr), 0);
  EXPECT_THAT(waiting.hear(), HasSubstr("batteries")) << daemon.output();
}
#endif

} // namespace
} // namespace bmsd
