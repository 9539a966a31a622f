// The device side of slcan (Lawicel ASCII): a CAN adapter on a serial line. Pure.
//
// Lines end with CR; CR alone answers well, BEL badly; `z` and `Z` confirm a sent frame.
#pragma once

#include "messages/frame.hpp"

#include <string>

namespace bmsd::sim {

class SlcanAdapter {
public:
  /// A bus of `bitrate`: with another setting the adapter hears nothing.
  explicit SlcanAdapter(int bitrate) : bus_bitrate_(bitrate) {}

  /// Takes what the host writes, in any pieces; gives the answers.
  std::string take(ByteView bytes);
  /// The channel is open at the bitrate of the bus: received frames go to the host.
  bool hears() const { return open_ && bitrate_ == bus_bitrate_; }
  /// A received frame as a line. `milliseconds` is used when the host asked for time stamps.
  std::string line(const CanFrame& frame, unsigned milliseconds) const;

private:
  std::string command(const std::string& text);
  std::string setting(bool allowed);

  int bus_bitrate_;
  int bitrate_ = 0;
  bool open_ = false;
  bool listen_only_ = false;
  bool stamps_ = false;
  std::string pending_;
};

} // namespace bmsd::sim
