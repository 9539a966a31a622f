#include "transports/hotplug.hpp"

#include "transports/lifetime.hpp"

#include <asio/posix/stream_descriptor.hpp>
#include <libudev.h>
#include <unistd.h>

namespace bmsd::transports {

class HotplugMonitor::Impl {
public:
  Impl(asio::io_context& io, Handler handler) : handler_(std::move(handler)), descriptor_(io) {
    udev_ = udev_new();
    bool daemon = ::access("/run/udev/control", F_OK) == 0;
    monitor_ = udev_ == nullptr ? nullptr : udev_monitor_new_from_netlink(udev_, daemon ? "udev" : "kernel");
    if (monitor_ == nullptr || udev_monitor_filter_add_match_subsystem_devtype(monitor_, "tty", nullptr) < 0 ||
        udev_monitor_enable_receiving(monitor_) < 0) {
      return;
    }
    std::error_code error;
    descriptor_.assign(udev_monitor_get_fd(monitor_), error);
    active_ = !error;
    if (active_) {
      watch();
    }
  }

  ~Impl() {
    if (descriptor_.is_open()) {
      descriptor_.release(); // the monitor closes it
    }
    udev_monitor_unref(monitor_);
    udev_unref(udev_);
  }

  bool active() const { return active_; }

private:
  void watch() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read, life_.guard([this](const std::error_code& error) {
      if (!error) {
        receive();
      }
    }));
  }

  void receive() {
    watch();
    while (auto* device = udev_monitor_receive_device(monitor_)) {
      auto* action = udev_device_get_action(device);
      auto* node = udev_device_get_devnode(device);
      std::string what = action == nullptr ? "" : action;
      std::string tty = node == nullptr ? "" : node;
      udev_device_unref(device);
      if (!tty.empty() && handler_) {
        handler_(what, tty);
      }
    }
  }

  Handler handler_;
  udev* udev_ = nullptr;
  udev_monitor* monitor_ = nullptr;
  asio::posix::stream_descriptor descriptor_;
  bool active_ = false;
  Lifetime life_;
};

HotplugMonitor::HotplugMonitor(asio::io_context& io, Handler handler)
    : impl_(std::make_unique<Impl>(io, std::move(handler))) {}

HotplugMonitor::~HotplugMonitor() = default;

bool HotplugMonitor::active() const {
  return impl_->active();
}

} // namespace bmsd::transports
