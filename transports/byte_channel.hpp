// A stream of bytes in both directions, as the exchange engine needs it: a file descriptor and what
// serial and TCP do differently. Internal to transports/; I/O thread.
#pragma once

#include "messages/frame.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace bmsd::transports {

class ByteChannel {
public:
  /// A non-blocking descriptor, which the channel keeps owning until close().
  using OpenHandler = std::function<void(Result<int> fd)>;

  virtual ~ByteChannel() = default;
  /// The handler may be called before open() returns; never after close().
  virtual void open(OpenHandler handler) = 0;
  virtual void close() = 0;
  virtual Result<void> set_line(LineSettings line) = 0;
  /// A hint: the descriptor need not become readable with fewer bytes.
  virtual void wake_at(std::size_t bytes) = 0;
  /// How long `bytes` take on the wire; 0 where that is unknown.
  virtual std::chrono::nanoseconds wire_time(std::size_t bytes) const = 0;
  virtual std::string describe() const = 0;
};

} // namespace bmsd::transports
