// A small framing for tests of the exchange engine: A5 <echo of the request's second byte>
// <length n> <n bytes> <sum of all before>. Request: 5A <command>.
#pragma once

#include "messages/frame.hpp"

#include <algorithm>
#include <numeric>

namespace bmsd::transports::test {

inline Bytes frame_reply(std::uint8_t command, const Bytes& payload) {
  Bytes reply(payload.size() + 4);
  reply[0] = 0xA5;
  reply[1] = command;
  reply[2] = static_cast<std::uint8_t>(payload.size());
  std::copy(payload.begin(), payload.end(), reply.begin() + 3);
  reply.back() = std::accumulate(reply.begin(), reply.end() - 1, std::uint8_t{0});
  return reply;
}

inline FrameScan scan_frame(ByteView tx, ByteView rx, bool) {
  FrameScan scan;
  scan.need = 4;
  for (std::size_t begin = 0; begin < rx.size(); ++begin) {
    if (rx[begin] != 0xA5) {
      continue;
    }
    auto rest = rx.subspan(begin);
    if (rest.size() < 4) {
      scan.need = std::min<std::size_t>(scan.need, 4 - rest.size());
      continue;
    }
    std::size_t size = rest[2] + 4U;
    if (rest.size() < size) {
      scan.need = std::min(scan.need, size - rest.size());
      scan.need = std::max(scan.need, begin == 0 ? size - rest.size() : std::size_t{1});
      continue;
    }
    auto sum = std::accumulate(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(size) - 1, std::uint8_t{0});
    if (sum != rest[size - 1]) {
      scan.fault = Fault::checksum;
      scan.detail = "sum";
    } else if (rest[1] != tx[1]) {
      scan.fault = Fault::framing;
      scan.detail = "answer to another request";
    } else {
      scan.state = FrameScan::State::complete;
      scan.begin = begin;
      scan.size = size;
      return scan;
    }
  }
  return scan;
}

inline Request frame_request(std::uint8_t command) {
  Request request;
  request.tx = {0x5A, command};
  request.scan = scan_frame;
  request.first_byte = std::chrono::milliseconds(150);
  request.between = std::chrono::milliseconds(40);
  return request;
}

} // namespace bmsd::transports::test
