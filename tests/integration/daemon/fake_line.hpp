// A pty at whose other end the test itself plays a JBD board, well or badly.
#pragma once

#include "unit/protocols/fake_jbd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

namespace bmsd::test {

class FakeLine {
public:
  enum class Mood {
    well,
    silent,
    endless,
    interleaved,
    other_register,
    truncated,
    corrupted,
    oversized,
    few_cells,
    no_volts,
    stray
  };

  /// `path`: a symlink to the pty.
  explicit FakeLine(const std::string& path) {
    int slave = -1;
    char name[128];
    EXPECT_EQ(::openpty(&master_, &slave, name, nullptr, nullptr), 0);
    termios raw{};
    ::tcgetattr(slave, &raw);
    ::cfmakeraw(&raw);
    ::tcsetattr(slave, TCSANOW, &raw);
    ::fcntl(master_, F_SETFL, O_NONBLOCK);
    keeper_ = slave;
    std::filesystem::create_symlink(name, path);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeLine() {
    end_ = true;
    thread_.join();
    ::close(keeper_);
    ::close(master_);
  }
  FakeLine(const FakeLine&) = delete;
  FakeLine& operator=(const FakeLine&) = delete;

  std::atomic<Mood> mood{Mood::well};

private:
  void serve() {
    Bytes heard;
    while (!end_) {
      pollfd waiting{master_, static_cast<short>(mood == Mood::endless ? POLLIN | POLLOUT : POLLIN), 0};
      ::poll(&waiting, 1, 20);
      std::uint8_t buffer[256];
      if (const auto count = ::read(master_, buffer, sizeof buffer); count > 0) {
        heard.insert(heard.end(), buffer, buffer + count);
      }
      if (mood == Mood::endless) {
        heard.clear();
        send(Bytes(512, 0xDD)); // as fast as the kernel takes them
        continue;
      }
      while (heard.size() >= 7 && heard.size() >= heard[3] + 7U) {
        const Bytes request(heard.begin(), heard.begin() + heard[3] + 7);
        heard.erase(heard.begin(), heard.begin() + heard[3] + 7);
        send(answer(request));
      }
    }
  }

  void send(const Bytes& bytes) const {
    [[maybe_unused]] const auto written = ::write(master_, bytes.data(), bytes.size());
  }

  Bytes answer(const Bytes& request) {
    auto reply = board_.answer(request);
    switch (mood) {
    case Mood::silent: return {};
    case Mood::interleaved: { // bytes of two replies in turn
      const auto other = protocols::test::FakeJbd::reply(0x05, 0, Bytes(reply.size() - 7, 'x'));
      Bytes mixed;
      for (std::size_t i = 0; i < reply.size(); ++i) {
        mixed.insert(mixed.end(), {reply[i], other[i]});
      }
      return mixed;
    }
    case Mood::other_register: {
      auto other = request;
      other[2] = request[2] == 3 ? 4 : 3;
      return board_.answer(other);
    }
    case Mood::truncated: reply.resize(reply.size() / 2); return reply;
    case Mood::corrupted: reply[reply.size() / 2] ^= 0x10; return reply;
    case Mood::oversized:
      reply[3] = 0xFF;
      reply.resize(2000, 0xDD);
      return reply;
    case Mood::few_cells:
      return request[2] == 4 ? protocols::test::FakeJbd::reply(4, 0, {0x0F, 0x45, 0x0F, 0x3D}) : reply;
    case Mood::stray: reply.insert(reply.begin(), 30, 0x55); return reply;
    case Mood::no_volts: return request[2] == 4 ? protocols::test::FakeJbd::reply(4, 0, Bytes(8, 0)) : reply;
    default: return reply;
    }
  }

  int master_ = -1, keeper_ = -1;
  protocols::test::FakeJbd board_;
  std::atomic<bool> end_{false};
  std::thread thread_;
};

} // namespace bmsd::test
