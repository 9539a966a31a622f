#include "protocols/sinowealth_frame.hpp"

namespace bmsd::protocols::sinowealth {

using namespace std::chrono_literals;

namespace {

constexpr std::uint8_t kStart = 0x0A, kFirstRegister = 0x01, kLastRegister = 0x18, kMostBytes = 20;
constexpr std::size_t kRequestSize = 3, kRegisterAt = 1, kCountAt = 2;

std::uint8_t crc8_from(std::uint8_t crc, ByteView bytes) {
  for (auto byte : bytes) {
    crc = static_cast<std::uint8_t>(crc ^ byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = static_cast<std::uint8_t>((crc & 0x80U) != 0 ? crc << 1 ^ 0x07 : crc << 1);
    }
  }
  return crc;
}

/// Nothing marks where a reply begins, so it has to be the first byte: with a search for a place where the CRC
/// fits, noise would pass soon.
FrameScan scan_reply(ByteView tx, ByteView rx, bool) {
  FrameScan scan;
  const std::size_t size = tx[kCountAt] + std::size_t{1};
  if (rx.size() < size) {
    scan.need = size - rx.size();
    return scan;
  }
  if (rx.size() > size) {
    scan.state = FrameScan::State::failed;
    scan.fault = Fault::framing;
    scan.detail = "more bytes than asked for";
  } else if (sinowealth::crc8(tx, rx.first(size - 1)) != rx.back()) {
    scan.state = FrameScan::State::failed;
    scan.fault = Fault::checksum;
    scan.detail = "wrong checksum";
  } else {
    scan.state = FrameScan::State::complete;
    scan.size = size;
  }
  return scan;
}

} // namespace

Request read(std::uint8_t reg, std::uint8_t bytes) {
  return raw({kStart, reg, bytes});
}

/// Boards answer within 50 ms. After a failure the line is left alone for `between`.
Request raw(Bytes tx) {
  Request request;
  request.tx = std::move(tx);
  request.scan = scan_reply;
  request.first_byte = 250ms;
  request.between = 50ms;
  request.retries = 2;
  return request;
}

bool is_request(ByteView tx) {
  return tx.size() == kRequestSize && tx[0] == kStart && tx[kRegisterAt] >= kFirstRegister &&
         tx[kRegisterAt] <= kLastRegister && tx[kCountAt] >= 1 && tx[kCountAt] <= kMostBytes;
}

ByteView data_of(const Bytes& reply) {
  return ByteView(reply).first(reply.size() - 1);
}

std::uint8_t crc8(ByteView request, ByteView data) {
  return crc8_from(crc8_from(0, request), data);
}

} // namespace bmsd::protocols::sinowealth
