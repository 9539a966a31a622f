#include "protocols/lltjbd_frame.hpp"

#include "protocols/core/checksum.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/core/framing.hpp"

#include <cstdio>

namespace bmsd::protocols::jbd {

using namespace std::chrono_literals;

namespace {

constexpr std::uint8_t kStart = 0xDD, kRead = 0xA5, kWrite = 0x5A, kEnd = 0x77;
constexpr std::size_t kOverhead = 7;

std::uint16_t checksum(ByteView frame) {
  return negated_sum16(frame.subspan(2, frame.size() - 5));
}

struct ReplyFormat {
  static constexpr std::size_t kHeader = 4;
  static ByteView start(ByteView tx) { return tx.first(1); }
  static std::size_t size(ByteView, ByteView header) { return header[3] + kOverhead; }
  static Verdict check(ByteView tx, ByteView frame) {
    if (frame.back() != kEnd) {
      return damaged(Fault::framing, "wrong end byte");
    }
    if (be16(frame, frame.size() - 3) != checksum(frame)) {
      return damaged(Fault::checksum, "wrong checksum");
    }
    return frame[1] == tx[2] ? accepted() : foreign("answer to another register");
  }
};

Request make_request(std::uint8_t direction, std::uint8_t reg, ByteView data) {
  Bytes tx = {kStart, direction, reg, static_cast<std::uint8_t>(data.size())};
  tx.insert(tx.end(), data.begin(), data.end());
  tx.insert(tx.end(), {0, 0, kEnd});
  const std::uint16_t sum = checksum(tx);
  tx[tx.size() - 3] = static_cast<std::uint8_t>(sum >> 8);
  tx[tx.size() - 2] = static_cast<std::uint8_t>(sum);
  return raw(std::move(tx));
}

} // namespace

Request read(std::uint8_t reg) {
  return make_request(kRead, reg, {});
}

Request write(std::uint8_t reg, std::uint16_t value) {
  const std::uint8_t data[] = {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
  return make_request(kWrite, reg, data);
}

/// Boards answer 20 to 100 ms after the request; a sleeping one not at all the first time.
Request raw(Bytes tx) {
  Request request;
  request.tx = std::move(tx);
  request.scan = scan_frames<ReplyFormat>;
  request.first_byte = 300ms;
  request.between = 150ms;
  request.gap = 4ms;
  request.retries = 1;
  return request;
}

bool is_request(ByteView tx) {
  return tx.size() >= kOverhead && tx[0] == kStart && (tx[1] == kRead || tx[1] == kWrite) &&
         tx.size() == tx[3] + kOverhead;
}

bool is_write(ByteView tx) {
  return is_request(tx) && tx[1] == kWrite;
}

Result<ByteView> data_of(const Bytes& reply) {
  if (reply[2] != 0) {
    char text[16];
    std::snprintf(text, sizeof text, "status 0x%02x", reply[2]);
    return Error{Fault::refused, text};
  }
  return ByteView(reply).subspan(4, reply[3]);
}

} // namespace bmsd::protocols::jbd
