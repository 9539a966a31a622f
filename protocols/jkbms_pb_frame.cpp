#include "protocols/jkbms_pb_frame.hpp"

#include "protocols/core/checksum.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/core/framing.hpp"
#include "protocols/core/modbus.hpp"

#include <algorithm>
#include <optional>

namespace bmsd::protocols::jkpb {

using namespace std::chrono_literals;

namespace {

constexpr std::uint8_t kStart[] = {0x55, 0xAA, 0xEB, 0x90};
constexpr std::uint8_t kWrite = 0x10;
constexpr std::size_t kTypeAt = 4, kAck = 8, kAckEcho = 6, kMostPadding = 4;

/// What a request triggers; nullopt: nothing that we know.
std::optional<Type> triggered(ByteView tx) {
  switch (static_cast<Trigger>(be16(tx, 2))) {
  case Trigger::about: return Type::about;
  case Trigger::settings: return Type::settings;
  case Trigger::status: return Type::status;
  }
  return std::nullopt;
}

bool sum_fits(ByteView payload) {
  return (sum16(payload.first(kPayload - 1)) & 0xFF) == payload[kPayload - 1];
}

/// Where the acknowledgement begins. Address 0 looks like padding, but the function code follows it.
std::size_t ack_at(ByteView bytes) {
  std::size_t at = kPayload;
  while (at < kPayload + kMostPadding && at + 1 < bytes.size() && bytes[at] == 0 && bytes[at + 1] != kWrite) {
    ++at;
  }
  return at;
}

bool is_ack(ByteView bytes) {
  return bytes[1] == kWrite && le16(bytes, kAckEcho) == crc16_modbus(bytes.first(kAckEcho));
}

struct ReplyFormat {
  static constexpr std::size_t kHeader = kPayload + kAck;
  static ByteView start(ByteView) { return kStart; }
  static std::size_t size(ByteView, ByteView rest) { return ack_at(rest) + kAck; }
  static Verdict check(ByteView tx, ByteView frame) {
    const ByteView ack = frame.last(kAck);
    if (!sum_fits(frame)) {
      return damaged(Fault::checksum, "wrong sum of the payload");
    }
    if (!is_ack(ack)) { // a bus master broadcasts without; the answer may follow at once
      return damaged(Fault::framing, "payload without acknowledgement");
    }
    if (ack[0] != tx[0]) {
      return foreign("wrong address in the acknowledgement");
    }
    const bool ours = std::equal(ack.begin(), ack.begin() + kAckEcho, tx.begin()) && type_of(frame) == triggered(tx);
    return ours ? accepted() : foreign("answer to another request");
  }
};

struct HeardFormat {
  static constexpr std::size_t kHeader = kPayload;
  static ByteView start(ByteView) { return kStart; }
  static std::size_t size(ByteView, ByteView rest) {
    const std::size_t ack = ack_at(rest);
    return ack + kAck <= rest.size() && is_ack(rest.subspan(ack, kAck)) ? ack + kAck : kPayload;
  }
  static Verdict check(ByteView, ByteView frame) {
    return sum_fits(frame) ? accepted() : damaged(Fault::checksum, "wrong sum of the payload");
  }
};

} // namespace

Request ask_for(Trigger what, std::uint32_t address, int retries) {
  constexpr std::uint16_t kValue[] = {0};
  Request request =
      raw(modbus::write_multiple(static_cast<std::uint8_t>(address), static_cast<std::uint16_t>(what), kValue).tx);
  request.retries = retries;
  return request;
}

/// Boards answer within 50 ms. With 50 ms between two requests several of them answer at once; 75 ms are enough.
Request raw(Bytes tx) {
  Request request;
  request.tx = std::move(tx);
  request.scan = scan_frames<ReplyFormat>;
  request.first_byte = 500ms;
  request.between = 100ms;
  request.gap = 100ms;
  return request;
}

bool is_trigger(ByteView tx) {
  return modbus::is_request(tx) && tx[1] == kWrite && triggered(tx);
}

Request listen() {
  Request request;
  request.scan = scan_frames<HeardFormat>;
  return request;
}

Type type_of(ByteView reply) {
  return static_cast<Type>(reply[kTypeAt]);
}

bool is_from_other(ByteView reply, std::uint32_t address) {
  return reply.size() > kPayload && reply[reply.size() - kAck] != address;
}

} // namespace bmsd::protocols::jkpb
