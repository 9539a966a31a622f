// How bytes move: what a port actor needs from serial, TCP, slcan, SocketCAN and MQTT.
//
// Threads: every call and every callback runs on the I/O thread, the one that runs the
// io_context. A callback never runs inside the call that caused it (it is posted), and none
// comes after the destructor. Errors are values; nothing here throws for what hardware does.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace bmsd::transports {

/// What all links share: they open, and they can break. After `on_lost` the link is closed and
/// may be opened again. open() answers exactly once.
class Link {
public:
  using OpenHandler = std::function<void(Result<void>)>;
  using LostHandler = std::function<void(std::string reason)>;

  virtual ~Link() = default;
  virtual void open(OpenHandler handler) = 0;
  virtual void close() = 0; ///< no on_lost follows; pending requests end with Fault::link
  /// For people: "Serial /dev/ttyUSB0", "CAN vecan0 (SocketCAN)". Shown as /Mgmt/Connection.
  virtual std::string describe() const = 0;

  LostHandler on_lost;
  /// Something that people should know and that does not break the link: "vecan0 is down".
  std::function<void(std::string)> on_notice;
};

/// A line on which one side asks and the other answers. One exchange at a time.
class ExchangeLink : public Link {
public:
  using ReplyHandler = std::function<void(Reply)>;

  /// Line settings for the next exchange; does nothing where there are none (TCP).
  virtual Result<void> set_line(LineSettings line) = 0;
  /// One attempt: stale input is dropped, the request sent, the reply looked for. The handler is
  /// called exactly once. An exchange while another one runs is a bug of the caller.
  virtual void exchange(Request request, ReplyHandler handler) = 0;
};

/// Why a CAN frame goes no further than its link.
enum class FrameLoss : std::uint8_t {
  overrun, ///< the kernel had no room for it
  damaged, ///< a line of an slcan adapter that began like a frame and was none
  remote,  ///< a request for data: no BMS says anything in one
};

constexpr std::string_view to_string(FrameLoss loss) {
  switch (loss) {
  case FrameLoss::overrun: return "lost: more than can be taken";
  case FrameLoss::damaged: return "damaged";
  case FrameLoss::remote: return "remote, without data";
  }
  return "unknown";
}

/// A bus of CAN frames. Own frames are not reported, nor those of this host unless the bus is virtual.
class FrameLink : public Link {
public:
  std::function<void(const CanFrame&)> on_frame;
  /// Fault::link when the frame could not be queued (interface down, queue full).
  virtual Result<void> send(const CanFrame& frame) = 0;
  /// Of the bus, bit/s; 0 where it cannot be known (vcan, closed).
  virtual int bitrate() const { return 0; }
  std::function<void(FrameLoss, std::uint64_t frames)> on_loss;
};

/// A broker that delivers documents.
class DocumentLink : public Link {
public:
  std::function<void(const Document&)> on_document;
  /// The device behind the documents says that it has left, or is back (availability topic).
  std::function<void(bool available)> on_available;
  virtual Result<void> publish(const std::string& topic, const std::string& payload) = 0;
};

} // namespace bmsd::transports
