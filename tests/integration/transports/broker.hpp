// A real mosquitto on a free port of this machine, with its files in a folder of its own.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace bmsd::transports::test {

class Broker {
public:
  /// `settings`: lines of mosquitto.conf; %DIR% stands for its folder.
  explicit Broker(std::string settings = "allow_anonymous true\n") : settings_(std::move(settings)) {
    std::string pattern = (std::filesystem::temp_directory_path() / "bmsd-mqtt-XXXXXX").string();
    dir = ::mkdtemp(pattern.data());
    port = free_port();
  }
  ~Broker() {
    stop();
    std::filesystem::remove_all(dir);
  }
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  void start() {
    auto settings = settings_;
    for (auto at = settings.find("%DIR%"); at != std::string::npos; at = settings.find("%DIR%")) {
      settings.replace(at, 5, dir);
    }
    std::ofstream(dir + "/mosquitto.conf") << "user root\nlistener " << port << " 127.0.0.1\n" << settings;
    pid_ = ::fork();
    if (pid_ == 0) {
      int log = ::open((dir + "/log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      ::dup2(log, 1);
      ::dup2(log, 2);
      auto config = dir + "/mosquitto.conf";
      for (const char* program : {"/usr/sbin/mosquitto", "/usr/bin/mosquitto"}) {
        ::execl(program, program, "-c", config.c_str(), nullptr);
      }
      ::_exit(127);
    }
    for (int i = 0; i < 500 && !reachable(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ASSERT_TRUE(reachable()) << "mosquitto did not start, see " << dir << "/log";
  }

  void stop() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      pid_ = -1;
    }
  }

  void run(const std::string& command) const {
    ASSERT_EQ(std::system(("cd " + dir + " && { " + command + "; } >>setup.log 2>&1").c_str()), 0) << command;
  }

  /// Connections accepted so far from clients whose id begins like that.
  int clients_seen(const std::string& id) const {
    std::ifstream log(dir + "/log");
    int count = 0;
    for (std::string line; std::getline(log, line);) {
      count += line.find("New client connected") != std::string::npos && line.find(" as " + id) != std::string::npos;
    }
    return count;
  }

  std::string dir;
  std::uint16_t port = 0;

private:
  static sockaddr_in address(std::uint16_t port) {
    sockaddr_in result{};
    result.sin_family = AF_INET;
    result.sin_port = htons(port);
    result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return result;
  }
  static std::uint16_t free_port() {
    int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    auto any = address(0);
    socklen_t size = sizeof any;
    ::bind(fd, reinterpret_cast<sockaddr*>(&any), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&any), &size);
    ::close(fd);
    return ntohs(any.sin_port);
  }
  bool reachable() const {
    int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    auto there = address(port);
    bool result = ::connect(fd, reinterpret_cast<sockaddr*>(&there), sizeof there) == 0;
    ::close(fd);
    return result;
  }

  std::string settings_;
  pid_t pid_ = -1;
};

} // namespace bmsd::transports::test
