// A pty of which the test plays the device.
#pragma once

#include "messages/frame.hpp"
#include "transports/links.hpp"
#include "unit/transports/run_io.hpp"

#include <asio/io_context.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace bmsd::transports::test {

class Pty {
public:
  Pty() { renew(); }
  ~Pty() { hang_up(); }
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;

  void renew() {
    hang_up();
    int slave = -1;
    char name[128];
    ASSERT_EQ(::openpty(&master_, &slave, name, nullptr, nullptr), 0);
    path_ = name;
    termios raw{};
    ::tcgetattr(slave, &raw);
    ::cfmakeraw(&raw);
    ::tcsetattr(slave, TCSANOW, &raw);
    ::fcntl(master_, F_SETFL, O_NONBLOCK);
    ::fcntl(master_, F_SETFD, FD_CLOEXEC); // a program that the test starts must not keep the line open
    ::fcntl(slave, F_SETFD, FD_CLOEXEC);
    keeper_ = slave; // without any open slave the master would read EIO
  }
  /// As if the adapter had been pulled out.
  void hang_up() {
    release_slave();
    if (master_ >= 0) {
      ::close(master_);
      master_ = -1;
    }
  }
  void release_slave() {
    if (keeper_ >= 0) {
      ::close(keeper_);
      keeper_ = -1;
    }
  }

  const std::string& path() const { return path_; }
  int master() const { return master_; }

  void write(ByteView bytes) { ASSERT_EQ(::write(master_, bytes.data(), bytes.size()), ssize_t(bytes.size())); }
  void write(const std::string& text) {
    write(ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }

  /// All that the other side has sent and nobody has read yet.
  Bytes read() {
    Bytes all(4096);
    auto count = ::read(master_, all.data(), all.size());
    all.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return all;
  }

  Bytes read_at_least(asio::io_context& io, std::size_t size) {
    Bytes all;
    run_until(io, [&] {
      auto more = read();
      all.insert(all.end(), more.begin(), more.end());
      return all.size() >= size;
    });
    return all;
  }

private:
  int master_ = -1;
  int keeper_ = -1;
  std::string path_;
};

} // namespace bmsd::transports::test
