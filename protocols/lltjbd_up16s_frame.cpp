#include "protocols/lltjbd_up16s_frame.hpp"

#include "protocols/core/checksum.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/core/framing.hpp"
#include "protocols/core/modbus.hpp"

#include <algorithm>

namespace bmsd::protocols::up16s {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kDataAt = 8, kOverhead = 10;
constexpr std::size_t kMaxData = 512;                           // the longest known block has 208
constexpr std::uint8_t kSignature[] = {0x11, 0x4A, 0x42, 0x44}; // in front of what is written

bool is_function(std::uint8_t function) {
  return function == kRead || function == kWrite || function == kReadOwn;
}

struct ReplyFormat {
  static constexpr std::size_t kHeader = kDataAt;
  static ByteView start(ByteView tx) { return tx.first(2); }
  static std::size_t size(ByteView, ByteView header) {
    const std::size_t data = be16(header, 6);
    return data <= kMaxData ? data + kOverhead : 0;
  }
  static Verdict check(ByteView tx, ByteView frame) {
    if (le16(frame, frame.size() - 2) != crc16_modbus(frame.first(frame.size() - 2))) {
      return damaged(Fault::checksum, "wrong CRC");
    }
    if (!std::equal(frame.begin(), frame.begin() + 6, tx.begin())) {
      return foreign("answer to another request");
    }
    const bool empty = frame.size() == kOverhead;
    return empty == (frame[1] == kWrite) ? accepted() : foreign("a request, not its answer");
  }
};

void put(Bytes& out, std::size_t word) {
  out.push_back(static_cast<std::uint8_t>(word >> 8));
  out.push_back(static_cast<std::uint8_t>(word));
}

Request make_request(std::uint8_t address, const Block& block, ByteView data) {
  Bytes tx = {address, block.function};
  put(tx, block.first);
  put(tx, block.end);
  put(tx, data.size());
  tx.insert(tx.end(), data.begin(), data.end());
  return raw(modbus::with_crc(std::move(tx)));
}

} // namespace

Request read(std::uint8_t address, const Block& block) {
  return make_request(address, block, {});
}

Request write(std::uint8_t address, const Block& block, std::uint16_t value) {
  Bytes data(std::begin(kSignature), std::end(kSignature));
  put(data, value);
  return make_request(address, block, data);
}

/// Answers take up to 0.6 s. Chained batteries talk to each other in the same frames.
Request raw(Bytes tx) {
  Request request;
  request.tx = std::move(tx);
  request.scan = scan_frames<ReplyFormat>;
  request.first_byte = 1500ms;
  request.between = 150ms;
  request.gap = 20ms;
  request.retries = 1;
  return request;
}

bool is_request(ByteView tx) {
  return tx.size() >= kOverhead && is_function(tx[1]) && tx.size() == be16(tx, 6) + kOverhead &&
         (tx.size() > kOverhead) == (tx[1] == kWrite);
}

Block block_of(ByteView frame) {
  return {frame[1], be16(frame, 2), be16(frame, 4)};
}

ByteView data_of(const Bytes& reply) {
  return ByteView(reply).subspan(kDataAt, reply.size() - kOverhead);
}

} // namespace bmsd::protocols::up16s
