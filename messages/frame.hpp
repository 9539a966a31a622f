// Bytes, CAN frames and documents as on the wire, and the request for one exchange.
#pragma once

#include "messages/error.hpp"
#include "messages/inline_vector.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bmsd {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// One CAN 2.0 data frame. Remote and error frames never get this far.
struct CanFrame {
  std::uint32_t id = 0;
  bool extended = false; ///< 29-bit id
  InlineVector<std::uint8_t, 8> data;
  friend bool operator==(const CanFrame&, const CanFrame&) = default;
};

struct Document {
  std::string topic;
  std::string payload;
  bool retained = false; ///< delivered from the broker's store: of unknown age
  friend bool operator==(const Document&, const Document&) = default;
};

enum class Parity : std::uint8_t { none, even, odd };

/// Line settings of a serial port: 8 data bits, 1 stop bit.
struct LineSettings {
  int baud = 9600;
  Parity parity = Parity::none;
  friend bool operator==(const LineSettings&, const LineSettings&) = default;
};

// -- one exchange: ask, get an answer ---------------------------------------

/// What a scanner says about the bytes received so far.
struct FrameScan {
  enum class State : std::uint8_t {
    incomplete, ///< needs `need` more bytes at least
    complete,   ///< the reply is rx[begin, begin + size)
    failed,     ///< can't become valid any more (only for framings that end by silence)
  };
  State state = State::incomplete;
  std::size_t begin = 0;
  std::size_t size = 0;
  std::size_t need = 1;
  Fault fault = Fault::none;    ///< incomplete: what was wrong with what was skipped; failed: why
  std::string_view detail = {}; ///< a string literal
};

/// Looks for the reply to `tx` in `rx`. Pure; called again with all bytes as more arrive.
/// `silence` is true when the line has been quiet for the request's `between` time.
using FrameScanner = FrameScan (*)(ByteView tx, ByteView rx, bool silence);

struct Request {
  Bytes tx;
  FrameScanner scan = nullptr;
  std::chrono::milliseconds first_byte{300}; ///< from the last byte sent to the first received
  std::chrono::milliseconds between{150};    ///< between two received bytes
  std::chrono::milliseconds gap{0};          ///< line quiet for so long before sending, at least
  std::size_t max_reply = 1024;              ///< bytes kept while looking for the reply
  int retries = 1;                           ///< further attempts after a failure
};

/// Outcome of one attempt. `rx` holds all bytes received, `begin`/`size` mark the reply in it.
struct Reply {
  Error error; ///< Fault::none: `reply()` is valid
  Bytes rx;
  std::size_t begin = 0;
  std::size_t size = 0;
  ByteView view() const { return ByteView(rx).subspan(begin, size); }
};

// -- for people who watch -----------------------------------------------------

enum class Direction : std::uint8_t { tx, rx };

/// A copy of what went over a wire, for trace and capture.
struct Frame {
  std::string port;
  Direction direction = Direction::rx;
  std::int64_t wall_us = 0; ///< microseconds since the epoch
  std::variant<Bytes, CanFrame, Document> content;
};

} // namespace bmsd
