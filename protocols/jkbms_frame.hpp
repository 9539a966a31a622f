// Frames of the JK protocol "4E 57", the same in both directions, big-endian:
//
//   4E 57 length[2] terminal[4] command source type information[n] record[4] 68 00 00 sum[2]
//
// length counts everything behind 4E 57. The sum is that of all bytes from 4E to 68. The information of a
// reply is a list of values, each behind its tag and as wide as the tag demands. Pure; any thread.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace bmsd::protocols::jk {

/// Asks for all values, after a pause; the vendor demands 100 ms. Boards answer within 100 ms.
Request read_all(std::chrono::milliseconds pause = std::chrono::milliseconds(100));
/// What has to be said before a write. Boards take it in silence.
Request unlock();
/// A setting of one byte; acknowledged with its tag.
Request write(std::uint8_t tag, std::uint8_t value);
/// A request as another program has sent it; see is_request().
Request raw(Bytes tx);

/// Whether these bytes are a request of this protocol (its sum apart).
bool is_request(ByteView tx);
/// Whether `tx` asks for all values; some programs name another source, or command 3.
bool is_read_all(ByteView tx);
bool is_unlock(ByteView tx);
bool is_write(ByteView tx);

inline constexpr std::uint8_t kFirstTag = 0x79, kLastTag = 0xC0;

/// The values of a reply by their tags; empty: not told. Views into the reply.
class Values {
public:
  /// What stands behind an unknown tag cannot be read: its width is not known.
  static Result<Values> of(ByteView reply);
  ByteView operator[](std::uint8_t tag) const { return values_.at(tag - kFirstTag); }
  bool complete() const { return complete_; }

private:
  std::array<ByteView, kLastTag - kFirstTag + 1> values_{};
  bool complete_ = true;
};

} // namespace bmsd::protocols::jk
