// A tty in raw mode: 8 data bits, 1 stop bit, no flow control, modem lines ignored, not shared.
//
// I/O thread; nothing here blocks longer than the driver's own ioctl. Facts: termios(3),
// ioctl_tty(2), tty_ioctl of Linux.
#pragma once

#include "messages/frame.hpp"
#include "transports/unique_fd.hpp"

#include <chrono>
#include <cstddef>
#include <string>

namespace bmsd::transports {

/// `error` (an errno value) in words: "/dev/ttyUSB0: Permission denied".
Error system_error(const std::string& subject, int error);

class SerialPort {
public:
  /// Opens `path` for this process alone and drops what was received before. Fault::link when
  /// there is no such tty or another program uses it, Fault::unsupported when it can't do `line`.
  Result<void> open(const std::string& path, LineSettings line);
  void close() { fd_.reset(); }
  int fd() const { return fd_.get(); }
  /// For the next bytes; remembered while the port is closed.
  Result<void> set_line(LineSettings line);
  LineSettings line() const { return line_; }

  /// Asks the kernel to report the port readable only when `bytes` are there (1 to 255), or at a
  /// hang-up. A read takes whatever is there all the same.
  void wake_at(std::size_t bytes);

  std::chrono::nanoseconds wire_time(std::size_t bytes) const;

private:
  Result<void> apply();

  UniqueFd fd_;
  std::string path_;
  LineSettings line_;
  std::size_t wake_at_ = 1;
};

} // namespace bmsd::transports
