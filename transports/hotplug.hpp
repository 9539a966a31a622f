// Tells when a tty comes or goes, so that nobody has to look again and again.
#pragma once

#include <asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace bmsd::transports {

/// udev's events on the io_context. Where udev runs they come after its rules, so that the node and
/// its properties are there; else the kernel's own. I/O thread; the handler may destroy nothing.
class HotplugMonitor {
public:
  /// `action`: "add", "remove", "change"; `tty`: "/dev/ttyUSB0".
  using Handler = std::function<void(const std::string& action, const std::string& tty)>;

  HotplugMonitor(asio::io_context& io, Handler handler);
  HotplugMonitor(const HotplugMonitor&) = delete;
  HotplugMonitor& operator=(const HotplugMonitor&) = delete;
  ~HotplugMonitor();

  /// False: this system has no such events; ports are then found again by trying.
  bool active() const;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace bmsd::transports
