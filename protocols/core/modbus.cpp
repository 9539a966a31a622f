#include "protocols/core/modbus.hpp"

#include "protocols/core/checksum.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/core/framing.hpp"

#include <algorithm>
#include <string>

namespace bmsd::protocols::modbus {

using namespace std::chrono_literals;

namespace {

constexpr std::uint8_t kReadCoils = 1, kReadDiscrete = 2, kReadHolding = 3, kReadInput = 4, kWriteSingle = 6,
                       kWriteMultiple = 16;
constexpr std::uint8_t kException = 0x80;
constexpr std::size_t kReadOverhead = 5, kWriteReply = 8, kExceptionReply = 5, kRequest = 8;

bool is_read(std::uint8_t function) {
  return function >= kReadCoils && function <= kReadInput;
}

/// Bytes of data that answer a read request.
std::size_t answer_size(ByteView tx) {
  const std::size_t count = be16(tx, 4);
  return tx[1] == kReadCoils || tx[1] == kReadDiscrete ? (count + 7) / 8 : 2 * count;
}

bool crc_fits(ByteView frame) {
  return frame.size() > 2 && le16(frame, frame.size() - 2) == crc16_modbus(frame.first(frame.size() - 2));
}

struct ReplyFormat {
  static constexpr std::size_t kHeader = 3;
  static ByteView start(ByteView tx) { return tx.first(1); }
  static std::size_t size(ByteView tx, ByteView header) {
    if (header[1] == (tx[1] | kException)) {
      return kExceptionReply;
    }
    if (header[1] != tx[1]) {
      return 0;
    }
    return is_read(tx[1]) ? header[2] + kReadOverhead : kWriteReply;
  }
  static Verdict check(ByteView tx, ByteView frame) {
    if (!crc_fits(frame)) {
      return damaged(Fault::checksum, "wrong CRC");
    }
    if ((frame[1] & kException) != 0) {
      return accepted();
    }
    if (is_read(tx[1])) {
      return frame[2] == answer_size(tx) ? accepted() : foreign("answer of another length");
    }
    return std::equal(frame.begin() + 2, frame.begin() + 6, tx.begin() + 2) ? accepted()
                                                                            : foreign("answer to another write");
  }
};

void put(Bytes& out, std::uint16_t word) {
  out.push_back(static_cast<std::uint8_t>(word >> 8));
  out.push_back(static_cast<std::uint8_t>(word));
}

Request make_request(std::uint8_t address, std::uint8_t function, std::uint16_t first, std::uint16_t second) {
  Bytes tx = {address, function};
  put(tx, first);
  put(tx, second);
  return raw(with_crc(std::move(tx)));
}

std::string_view exception_name(std::uint8_t code) {
  switch (code) {
  case 1: return "illegal function";
  case 2: return "illegal data address";
  case 3: return "illegal data value";
  case 4: return "device failure";
  case 5: return "acknowledge, not done yet";
  case 6: return "device busy";
  case 8: return "memory parity error";
  case 10: return "gateway path unavailable";
  case 11: return "gateway target does not respond";
  default: return "unknown";
  }
}

} // namespace

Request read_coils(std::uint8_t address, std::uint16_t first, std::uint16_t count) {
  return make_request(address, kReadCoils, first, count);
}

Request read_holding(std::uint8_t address, std::uint16_t first, std::uint16_t count) {
  return make_request(address, kReadHolding, first, count);
}

Request read_input(std::uint8_t address, std::uint16_t first, std::uint16_t count) {
  return make_request(address, kReadInput, first, count);
}

Request write_single(std::uint8_t address, std::uint16_t reg, std::uint16_t value) {
  return make_request(address, kWriteSingle, reg, value);
}

Request write_multiple(std::uint8_t address, std::uint16_t first, std::span<const std::uint16_t> values) {
  Bytes tx = {address, kWriteMultiple};
  put(tx, first);
  put(tx, static_cast<std::uint16_t>(values.size()));
  tx.push_back(static_cast<std::uint8_t>(2 * values.size()));
  for (auto value : values) {
    put(tx, value);
  }
  return raw(with_crc(std::move(tx)));
}

Bytes with_crc(Bytes frame) {
  const std::uint16_t crc = crc16_modbus(frame);
  frame.push_back(static_cast<std::uint8_t>(crc));
  frame.push_back(static_cast<std::uint8_t>(crc >> 8));
  return frame;
}

Request raw(Bytes tx) {
  Request request;
  request.tx = std::move(tx);
  request.scan = scan_frames<ReplyFormat>;
  request.first_byte = 300ms;
  request.between = 50ms;
  request.gap = 5ms; // 3.5 characters at 9600 baud are 4 ms
  return request;
}

bool is_request(ByteView tx) {
  if (tx.size() < kRequest || !crc_fits(tx)) {
    return false;
  }
  if (tx[1] == kWriteMultiple) {
    return tx.size() == 9U + tx[6] && tx[6] == 2 * be16(tx, 4);
  }
  return tx.size() == kRequest && (is_read(tx[1]) || tx[1] == kWriteSingle);
}

Result<ByteView> data_of(const Bytes& reply) {
  if ((reply[1] & kException) != 0) {
    return Error{Fault::refused,
                 "exception " + std::to_string(reply[2]) + ", " + std::string(exception_name(reply[2]))};
  }
  return is_read(reply[1]) ? ByteView(reply).subspan(3, reply[2]) : ByteView();
}

} // namespace bmsd::protocols::modbus
