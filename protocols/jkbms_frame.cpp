#include "protocols/jkbms_frame.hpp"

#include "protocols/core/checksum.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/core/framing.hpp"
#include "protocols/core/values.hpp"

#include <algorithm>

namespace bmsd::protocols::jk {

using namespace std::chrono_literals;

namespace {

constexpr std::uint8_t kStart[] = {0x4E, 0x57};
constexpr std::uint8_t kEnd = 0x68;
enum Command : std::uint8_t { kWrite = 0x02, kReadOne = 0x03, kUnlock = 0x05, kReadAll = 0x06 };
enum Source : std::uint8_t { kGps = 2, kComputer = 3 };
enum Type : std::uint8_t { kRequest = 0, kReply = 1 };

constexpr std::size_t kLengthAt = 2, kCommandAt = 8, kTypeAt = 10, kInformation = 11;
constexpr std::size_t kTail = 9, kEndMark = 5; // bytes behind the information; the end mark from behind
constexpr std::size_t kShortest = kInformation + 1 + kTail, kLongest = 402;

constexpr std::uint8_t kAllTags = 0x00, kCells = 0x79;

/// Of the values 80 to C0; 0: there is no such tag.
constexpr std::uint8_t kWidths[] = {
    2, 2, 2,  2, 2, 1, 1, 2,  0, 4, 2,  2, 2, 0, 2, 2, // 80
    2, 2, 2,  2, 2, 2, 2, 2,  2, 2, 2,  2, 2, 1, 2, 2, // 90
    2, 2, 2,  2, 2, 2, 2, 2,  2, 1, 4,  1, 1, 2, 1, 1, // A0
    2, 1, 10, 1, 8, 4, 4, 15, 1, 4, 24, 1, 1, 1, 2, 2, // B0
    1,                                                 // C0
};
constexpr std::uint8_t kFirstWidth = 0x80;
static_assert(std::size(kWidths) == kLastTag - kFirstWidth + 1);

std::size_t size_of(ByteView header) {
  return be16(header, kLengthAt) + sizeof kStart;
}

std::uint16_t checksum(ByteView frame) {
  return sum16(frame.first(frame.size() - kEndMark + 1));
}

ByteView information(ByteView frame) {
  return frame.subspan(kInformation, frame.size() - kInformation - kTail);
}

bool is_read(std::uint8_t command) {
  return command == kReadAll || command == kReadOne;
}

struct ReplyFormat {
  static constexpr std::size_t kHeader = 4;
  static ByteView start(ByteView) { return kStart; }
  static std::size_t size(ByteView, ByteView header) {
    const std::size_t size = size_of(header);
    return size >= kShortest && size <= kLongest ? size : 0;
  }
  static Verdict check(ByteView tx, ByteView frame) {
    if (frame[frame.size() - kEndMark] != kEnd) {
      return damaged(Fault::framing, "wrong end byte");
    }
    if (be16(frame, frame.size() - 2) != checksum(frame)) {
      return damaged(Fault::checksum, "wrong checksum");
    }
    if (frame[kTypeAt] != kReply) {
      return foreign("no reply");
    }
    // Firmware 11.26 was seen to answer "read all" with the command of "read one".
    const bool same = is_read_all(tx) ? is_read(frame[kCommandAt]) : frame[kCommandAt] == tx[kCommandAt];
    if (!same) {
      return foreign("answer to another command");
    }
    const std::uint8_t tag = is_read_all(tx) ? kCells : tx[kInformation];
    return frame[kInformation] == tag ? accepted() : foreign("answer about another value");
  }
};

Request make_request(Command command, Source source, ByteView about) {
  Bytes tx = {
      kStart[0], kStart[1], 0,       static_cast<std::uint8_t>(kInformation + about.size() + kTail - sizeof kStart),
      0,         0,         0,       0,
      command,   source,    kRequest};
  tx.insert(tx.end(), about.begin(), about.end());
  tx.insert(tx.end(), {0, 0, 0, 0, kEnd, 0, 0, 0, 0});
  const std::uint16_t sum = checksum(tx);
  tx[tx.size() - 2] = static_cast<std::uint8_t>(sum >> 8);
  tx[tx.size() - 1] = static_cast<std::uint8_t>(sum);
  return raw(std::move(tx));
}

} // namespace

Request read_all(std::chrono::milliseconds pause) {
  Request request = make_request(kReadAll, kComputer, Bytes{kAllTags});
  request.gap = pause;
  return request;
}

Request unlock() {
  Request request = make_request(kUnlock, kGps, Bytes{kAllTags, 0});
  request.first_byte = 150ms; // there will be no answer; so long other programs wait before they write
  request.retries = 0;
  return request;
}

Request write(std::uint8_t tag, std::uint8_t value) {
  return make_request(kWrite, kGps, Bytes{tag, value});
}

Request raw(Bytes tx) {
  Request request;
  request.tx = std::move(tx);
  request.scan = scan_frames<ReplyFormat>;
  request.first_byte = 500ms;
  request.between = 100ms;
  request.gap = 100ms;
  request.retries = 1;
  return request;
}

bool is_request(ByteView tx) {
  return tx.size() >= kShortest && std::equal(std::begin(kStart), std::end(kStart), tx.begin()) &&
         tx.size() == size_of(tx) && tx[kTypeAt] != kReply;
}

bool is_read_all(ByteView tx) {
  return is_request(tx) && is_read(tx[kCommandAt]) && tx[kInformation] == kAllTags;
}

bool is_unlock(ByteView tx) {
  return is_request(tx) && tx[kCommandAt] == kUnlock;
}

bool is_write(ByteView tx) {
  return is_request(tx) && tx[kCommandAt] == kWrite;
}

Result<Values> Values::of(ByteView reply) {
  Values out;
  Walk walk(information(reply));
  while (!walk.rest().empty()) {
    const auto tag = static_cast<std::uint8_t>(walk.count());
    std::size_t width = 0;
    if (tag == kCells) {
      width = walk.count();
    } else if (tag >= kFirstWidth && tag <= kLastTag) {
      width = kWidths[tag - kFirstWidth];
    }
    if (width == 0) {
      out.complete_ = false;
      break;
    }
    out.values_[tag - kFirstTag] = walk.take(width);
  }
  if (const auto whole = walk.check(); !whole) {
    return whole.error();
  }
  return out;
}

} // namespace bmsd::protocols::jk
