#include "app/sim/byte_line.hpp"
#include "transports/lifetime.hpp"

#include <asio/buffer.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace bmsd::sim {

namespace {

constexpr int kMostUnread = 2048; // bytes; the kernel's buffer is 4096, and a full one would keep the oldest

Error system_error(const std::string& what) {
  return {Fault::link, what + ": " + std::strerror(errno)};
}

class PtyLine : public ByteLine {
public:
  explicit PtyLine(asio::io_context& io) : master_(io), slave_(io) {}
  ~PtyLine() override {
    std::error_code ignored;
    if (!path_.empty() && std::filesystem::read_symlink(path_, ignored) == name_) {
      std::filesystem::remove(path_, ignored);
    }
  }

  Result<void> open(const std::string& path) {
    const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    std::array<char, PATH_MAX> name{};
    if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0 ||
        ::ptsname_r(master, name.data(), name.size()) != 0) {
      return system_error("no pseudo-terminal");
    }
    master_.assign(master);
    name_ = name.data();
    // Held open: without any reader the master would report a hang-up again and again.
    const int slave = ::open(name_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (slave < 0) {
      return system_error(name_);
    }
    slave_.assign(slave);
    termios settings{};
    ::tcgetattr(slave, &settings);
    ::cfmakeraw(&settings);
    ::tcsetattr(slave, TCSANOW, &settings);
    if (!path.empty()) {
      std::error_code error;
      if (std::filesystem::is_symlink(path, error)) {
        std::filesystem::remove(path, error);
      }
      std::filesystem::create_symlink(name_, path, error);
      if (error) {
        return Error{Fault::link, path + ": " + error.message()};
      }
      path_ = path;
    }
    receive();
    return {};
  }

  void write(ByteView bytes) override {
    int unread = 0;
    if (::ioctl(slave_.native_handle(), FIONREAD, &unread) == 0 && unread > kMostUnread) {
      ::tcflush(slave_.native_handle(), TCIFLUSH);
    }
    asio::error_code lost;
    master_.write_some(asio::buffer(bytes.data(), bytes.size()), lost);
  }

  std::string link() const override { return path_.empty() ? name_ : path_; }

private:
  void receive() {
    const auto received = [this](const asio::error_code& error, std::size_t size) {
      if (!error) {
        on_bytes(ByteView(buffer_).first(size));
        receive();
      }
    };
    master_.async_read_some(asio::buffer(buffer_), life_.guard(received));
  }

  asio::posix::stream_descriptor master_;
  asio::posix::stream_descriptor slave_;
  std::string name_;
  std::string path_;
  std::array<std::uint8_t, 512> buffer_{};
  transports::Lifetime life_;
};

} // namespace

Result<std::unique_ptr<ByteLine>> open_pty_line(asio::io_context& io, const std::string& path) {
  auto line = std::make_unique<PtyLine>(io);
  if (auto opened = line->open(path); !opened) {
    return opened.error();
  }
  return std::unique_ptr<ByteLine>(std::move(line));
}

} // namespace bmsd::sim
