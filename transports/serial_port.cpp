#include "transports/serial_port.hpp"

// <termios.h> knows neither termios2 nor BOTHER and clashes with the header that does.
#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <linux/tty_flags.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace bmsd::transports {

namespace {

constexpr int kInputSpeedShift = 16; // IBSHIFT
/// A UART tolerates about 5 % in all; the other end has its own error.
constexpr int kBaudTolerancePercent = 3;

/// Replies reach us as they come in and not when the adapter's buffer is full. A matter of
/// milliseconds, so it is not reported where driver or rights do not allow it.
void ask_for_low_latency(int fd, const std::string& path) {
  serial_struct settings{};
  if (::ioctl(fd, TIOCGSERIAL, &settings) == 0 && (settings.flags & ASYNC_LOW_LATENCY) == 0) {
    settings.flags |= ASYNC_LOW_LATENCY;
    ::ioctl(fd, TIOCSSERIAL, &settings);
  }
  char* real = ::realpath(path.c_str(), nullptr);
  if (real != nullptr) {
    auto name = std::string(real).substr(std::string(real).rfind('/') + 1);
    std::free(real);
    // FTDI: waits 16 ms for more unless told otherwise.
    std::string timer = "/sys/class/tty/" + name + "/device/latency_timer";
    struct stat exists {};
    if (::stat(timer.c_str(), &exists) == 0) {
      std::ofstream(timer) << "1";
    }
  }
}

} // namespace

Error system_error(const std::string& subject, int error) {
  return {Fault::link, subject + ": " + std::strerror(error)};
}

Result<void> SerialPort::open(const std::string& path, LineSettings line) {
  path_ = path;
  line_ = line;
  wake_at_ = 1;
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) {
    // EBUSY: somebody else has set TIOCEXCL.
    return errno == EBUSY ? Error{Fault::link, path + ": used by another program"} : system_error(path, errno);
  }
  // TIOCEXCL does not stop root, flock only those who ask: each covers what the other lets pass.
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return Error{Fault::link, path + ": used by another program"};
  }
  fd_ = std::move(fd);
  if (auto applied = apply(); !applied) {
    fd_.reset();
    return applied.error();
  }
  ::ioctl(fd_.get(), TIOCEXCL);
  ask_for_low_latency(fd_.get(), path);
  ::ioctl(fd_.get(), TCFLSH, TCIOFLUSH);
  return {};
}

Result<void> SerialPort::set_line(LineSettings line) {
  if (line == line_) {
    return {};
  }
  auto old = std::exchange(line_, line);
  if (!fd_) {
    return {};
  }
  auto applied = apply();
  if (!applied) {
    line_ = old;
  }
  return applied;
}

Result<void> SerialPort::apply() {
  if (line_.baud <= 0) {
    return Error{Fault::rejected, "baud rate " + std::to_string(line_.baud)};
  }
  termios2 settings{};
  if (::ioctl(fd_.get(), TCGETS2, &settings) != 0) {
    return errno == ENOTTY ? Error{Fault::link, path_ + ": not a serial port"} : system_error(path_, errno);
  }
  settings.c_iflag = line_.parity == Parity::none ? 0 : INPCK;
  settings.c_oflag = 0;
  settings.c_lflag = 0;
  // Without HUPCL: closing the port leaves the modem lines alone, which power some BMS adapters.
  settings.c_cflag = BOTHER | (BOTHER << kInputSpeedShift) | CS8 | CREAD | CLOCAL;
  if (line_.parity != Parity::none) {
    settings.c_cflag |= PARENB | (line_.parity == Parity::odd ? PARODD : 0U);
  }
  settings.c_ispeed = static_cast<speed_t>(line_.baud);
  settings.c_ospeed = static_cast<speed_t>(line_.baud);
  settings.c_cc[VTIME] = 0;
  settings.c_cc[VMIN] = static_cast<cc_t>(wake_at_);
  termios2 actual{};
  if (::ioctl(fd_.get(), TCSETS2, &settings) != 0 || ::ioctl(fd_.get(), TCGETS2, &actual) != 0) {
    return system_error(path_, errno);
  }
  auto difference = std::abs(static_cast<long>(actual.c_ospeed) - line_.baud);
  if (difference * 100 > static_cast<long>(line_.baud) * kBaudTolerancePercent) {
    return Error{Fault::unsupported, path_ + ": the adapter makes " + std::to_string(actual.c_ospeed) + " baud of " +
                                         std::to_string(line_.baud)};
  }
  return {};
}

void SerialPort::wake_at(std::size_t bytes) {
  bytes = std::clamp<std::size_t>(bytes, 1, 255);
  // Each change is a system call, with some adapters a USB transfer too: wake up early now and then
  // rather than change it for little.
  constexpr std::size_t kWorthIt = 2;
  if (bytes == wake_at_ || (bytes > wake_at_ && bytes < wake_at_ + kWorthIt) || !fd_) {
    return;
  }
  termios2 settings{};
  if (::ioctl(fd_.get(), TCGETS2, &settings) == 0) {
    settings.c_cc[VMIN] = static_cast<cc_t>(bytes);
    if (::ioctl(fd_.get(), TCSETS2, &settings) == 0) {
      wake_at_ = bytes;
    }
  }
}

std::chrono::nanoseconds SerialPort::wire_time(std::size_t bytes) const {
  // Start bit, 8 data bits, parity, stop bit.
  auto bits = static_cast<std::int64_t>(bytes) * (line_.parity == Parity::none ? 10 : 11);
  return std::chrono::nanoseconds(bits * 1'000'000'000 / line_.baud);
}

} // namespace bmsd::transports
