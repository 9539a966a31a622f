#include "protocols/ant_frame.hpp"

#include "protocols/core/checksum.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/core/framing.hpp"

#include <algorithm>
#include <cstdio>

namespace bmsd::protocols {

using namespace std::chrono_literals;

// -- 2019 -----------------------------------------------------------------------

namespace ant2019 {

namespace {

constexpr std::uint8_t kWrite = 0xA5;
constexpr std::size_t kRequest = 6, kAddressAt = 2, kSumAt = 5; // bytes of a request
constexpr std::uint8_t kLockedReply[] = {kWrite, kWrite, kLocked, 0x00, 0x01, 0xF6};

constexpr std::uint8_t kStatusStart[] = {0xAA, 0x55, 0xAA, 0xFF};
constexpr std::size_t kStatus = 140, kData = 4, kStatusSum = 138; // bytes of the status

std::uint8_t sum_of(ByteView request) {
  return static_cast<std::uint8_t>(sum16(request.subspan(kAddressAt, kSumAt - kAddressAt)));
}

struct StatusFormat {
  static constexpr std::size_t kHeader = kStatus;
  static ByteView start(ByteView) { return kStatusStart; }
  static std::size_t size(ByteView, ByteView) { return kStatus; }
  static Verdict check(ByteView, ByteView frame) {
    const bool right = be16(frame, kStatusSum) == sum16(frame.subspan(kData, kStatusSum - kData));
    return right ? accepted() : damaged(Fault::checksum, "wrong checksum");
  }
};

/// The echo, or that the board is locked.
struct WriteFormat {
  static constexpr std::size_t kHeader = kRequest;
  static ByteView start(ByteView tx) { return tx.first(kAddressAt); }
  static std::size_t size(ByteView, ByteView) { return kRequest; }
  static Verdict check(ByteView tx, ByteView frame) {
    if (frame[kSumAt] != sum_of(frame)) {
      return damaged(Fault::checksum, "wrong checksum");
    }
    const bool echo = std::equal(frame.begin(), frame.end(), tx.begin(), tx.end());
    const bool locked = std::equal(frame.begin(), frame.end(), std::begin(kLockedReply));
    return echo || locked ? accepted() : foreign("answer to another write");
  }
};

bool is_read(std::uint8_t function) {
  return std::find(std::begin(kReads), std::end(kReads), function) != std::end(kReads);
}

Request make_request(std::uint8_t function, std::uint8_t address, std::uint16_t value) {
  Bytes tx = {function, function, address, static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
  tx.push_back(static_cast<std::uint8_t>(sum16(ByteView(tx).subspan(kAddressAt))));
  return raw(std::move(tx));
}

} // namespace

Request read_status(std::uint8_t read) {
  return make_request(read, 0, read == kReads[0] ? 1 : 0); // the values that boards were seen to answer
}

Request write(std::uint8_t address, std::uint16_t value) {
  return make_request(kWrite, address, value);
}

Request raw(Bytes tx) {
  Request request;
  request.scan = tx[0] == kWrite ? scan_frames<WriteFormat> : scan_frames<StatusFormat>;
  request.tx = std::move(tx);
  request.first_byte = 250ms;
  request.between = 100ms;
  request.gap = 10ms;
  return request;
}

bool is_request(ByteView tx) {
  return tx.size() == kRequest && tx[0] == tx[1] && (is_read(tx[0]) || tx[0] == kWrite) && tx[kSumAt] == sum_of(tx);
}

bool is_status_request(ByteView tx) {
  return is_request(tx) && is_read(tx[0]) && tx[kAddressAt] == 0;
}

bool is_write(ByteView tx) {
  return is_request(tx) && tx[0] == kWrite;
}

std::uint8_t address_of(ByteView frame) {
  return frame[kAddressAt];
}

Result<void> obeyed(const Bytes& reply) {
  return address_of(reply) == kLocked ? Result<void>(Error{Fault::refused, "locked by a password"}) : Result<void>();
}

} // namespace ant2019

// -- 2021 -----------------------------------------------------------------------

namespace ant2021 {

namespace {

constexpr std::uint8_t kStart[] = {0x7E, 0xA1}, kEnd[] = {0xAA, 0x55};
constexpr std::size_t kFunctionAt = 2, kAddressAt = 3, kLengthAt = 5, kData = 6;
constexpr std::size_t kOverhead = kData + 2 + sizeof kEnd;
constexpr std::size_t kMostSurplus = 8;       // bytes between CRC and end
constexpr std::uint8_t kStatusLength = 190;   // with 32 cells and 10 sensors; the answer is as long as it needs
constexpr std::uint16_t kPasswordAt = 0x016A; // address of Function::kAuthenticate
constexpr std::uint8_t kDone[] = {0x01, 0x00};

/// 0: nothing that a request can be.
constexpr std::uint8_t reply_to(std::uint8_t function) {
  switch (function) {
  case kReadStatus: return 0x11;
  case kRead: return 0x12;
  case kReadPermission: return 0x14;
  case kWrite: return 0x42;
  case kAuthenticate: return 0x43;
  case kCommand: return 0x61;
  default: return 0;
  }
}

bool is_reply(std::uint8_t function) {
  constexpr Function kAll[] = {kReadStatus, kRead, kReadPermission, kWrite, kAuthenticate, kCommand};
  return std::any_of(std::begin(kAll), std::end(kAll), [=](auto request) { return reply_to(request) == function; });
}

bool carries_data(std::uint8_t function) {
  return function == kWrite || function == kAuthenticate;
}

struct ReplyFormat {
  static constexpr std::size_t kHeader = kData;
  static ByteView start(ByteView) { return kStart; }
  static std::size_t size(ByteView, ByteView rest) {
    if (!is_reply(rest[kFunctionAt])) {
      return 0;
    }
    const std::size_t least = rest[kLengthAt] + kOverhead;
    for (std::size_t size = least; size <= least + kMostSurplus; ++size) {
      if (rest.size() < size || std::equal(std::begin(kEnd), std::end(kEnd), rest.first(size).end() - sizeof kEnd)) {
        return size;
      }
    }
    return 0;
  }
  static Verdict check(ByteView tx, ByteView frame) {
    const std::size_t crc = kData + frame[kLengthAt];
    if (le16(frame, crc) != crc16_modbus(frame.subspan(1, crc - 1))) {
      return damaged(Fault::checksum, "wrong CRC");
    }
    if (frame[kFunctionAt] != reply_to(tx[kFunctionAt]) || address_of(frame) != address_of(tx)) {
      return foreign("answer to another request");
    }
    if (tx[kFunctionAt] == kRead && frame[kLengthAt] != tx[kLengthAt]) {
      return foreign("answer of another length");
    }
    return accepted();
  }
};

Request make_request(std::uint8_t function, std::uint16_t address, std::uint8_t length, std::string_view data = {}) {
  Bytes tx = {
      kStart[0], kStart[1], function, static_cast<std::uint8_t>(address), static_cast<std::uint8_t>(address >> 8),
      length};
  for (const char c : data) {
    tx.push_back(static_cast<std::uint8_t>(c));
  }
  const std::uint16_t crc = crc16_modbus(ByteView(tx).subspan(1));
  tx.push_back(static_cast<std::uint8_t>(crc));
  tx.push_back(static_cast<std::uint8_t>(crc >> 8));
  tx.push_back(kEnd[0]);
  tx.push_back(kEnd[1]);
  return raw(std::move(tx));
}

} // namespace

Request read_status() {
  return make_request(kReadStatus, 0, kStatusLength);
}

Request read(std::uint16_t address, std::uint8_t size) {
  return make_request(kRead, address, size);
}

Request command(std::uint8_t number) {
  return make_request(kCommand, number, 0);
}

Request authenticate(std::string_view password) {
  return make_request(kAuthenticate, kPasswordAt, static_cast<std::uint8_t>(password.size()), password);
}

Request raw(Bytes tx) {
  Request request;
  request.tx = std::move(tx);
  request.scan = scan_frames<ReplyFormat>;
  request.first_byte = 500ms;
  request.between = 150ms;
  request.gap = 10ms;
  return request;
}

bool is_request(ByteView tx) {
  return tx.size() >= kOverhead && std::equal(std::begin(kStart), std::end(kStart), tx.begin()) &&
         std::equal(std::begin(kEnd), std::end(kEnd), tx.end() - sizeof kEnd) && reply_to(tx[kFunctionAt]) != 0 &&
         tx.size() == kOverhead + (carries_data(tx[kFunctionAt]) ? tx[kLengthAt] : 0U);
}

Function function_of(ByteView frame) {
  return static_cast<Function>(frame[kFunctionAt]);
}

std::uint16_t address_of(ByteView frame) {
  return le16(frame, kAddressAt);
}

ByteView data_of(const Bytes& reply) {
  return ByteView(reply).subspan(kData, reply[kLengthAt]);
}

Result<void> obeyed(const Bytes& reply) {
  const ByteView data = data_of(reply);
  if (std::equal(data.begin(), data.end(), std::begin(kDone), std::end(kDone))) {
    return {};
  }
  char text[24];
  std::snprintf(text, sizeof text, "answer 0x%02x", data.empty() ? 0U : data[0]);
  return Error{Fault::refused, text};
}

} // namespace ant2021

} // namespace bmsd::protocols
