// What the kernel says about a CAN interface, read through rtnetlink (rtnetlink(7), linux/can/netlink.h).
#pragma once

#include "messages/error.hpp"

#include <string>

namespace bmsd::transports {

struct CanInterface {
  int index = 0;
  bool up = false;
  bool virtual_bus = false; ///< vcan: all senders are on this host
  int bitrate = 0;          ///< bit/s; 0: none (vcan) or not told
};

/// Asks the kernel; does not wait for anything. Fault::link when there is no such interface,
/// Fault::rejected when it is not a CAN interface. Any thread.
Result<CanInterface> query_can_interface(const std::string& name);

} // namespace bmsd::transports
