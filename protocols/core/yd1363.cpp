#include "protocols/core/yd1363.hpp"

#include "protocols/core/checksum.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/core/framing.hpp"

#include <algorithm>
#include <cstdio>
#include <string>

namespace bmsd::protocols::yd1363 {

using namespace std::chrono_literals;

namespace {

constexpr std::uint8_t kEnd = '\r';
constexpr std::size_t kHeader = 13, kOverhead = 18; // characters
constexpr std::size_t kAddress = 3, kReturnCode = 7, kLength = 9;
constexpr std::size_t kLengthMask = 0x0FFF;

/// -1: no hex digit.
int digit(std::uint8_t c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool all_digits(ByteView characters) {
  return std::all_of(characters.begin(), characters.end(), [](std::uint8_t c) { return digit(c) >= 0; });
}

/// Up to four digits that have been checked before.
unsigned number(ByteView characters, std::size_t offset, std::size_t count) {
  unsigned value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    value = value << 4 | static_cast<unsigned>(digit(characters[offset + i]));
  }
  return value;
}

unsigned with_length_checksum(std::size_t characters) {
  const auto n = static_cast<unsigned>(characters);
  const unsigned sum = (n & 0xF) + (n >> 4 & 0xF) + (n >> 8 & 0xF);
  return ((0U - sum) & 0xF) << 12 | n;
}

void put(Bytes& out, unsigned value, int digits) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out.push_back(static_cast<std::uint8_t>("0123456789ABCDEF"[value >> shift & 0xF]));
  }
}

/// From VER on.
std::uint16_t checksum(ByteView frame) {
  return negated_sum16(frame.subspan(1, frame.size() - 6));
}

Verdict check_frame(ByteView frame) {
  if (frame.back() != kEnd || !all_digits(frame.subspan(1, frame.size() - 2))) {
    return damaged(Fault::framing, "not hex digits up to a carriage return");
  }
  if (number(frame, frame.size() - 5, 4) != checksum(frame)) {
    return damaged(Fault::checksum, "wrong checksum");
  }
  return accepted();
}

template <bool kSameAddress>
struct ReplyFormat {
  static constexpr std::size_t kHeader = yd1363::kHeader;
  static ByteView start(ByteView tx) { return tx.first(1); }
  static std::size_t size(ByteView, ByteView header) {
    if (!all_digits(header.subspan(1, kHeader - 1))) {
      return 0;
    }
    const unsigned length = number(header, kLength, 4);
    const std::size_t characters = length & kLengthMask;
    return with_length_checksum(characters) == length && characters % 2 == 0 ? characters + kOverhead : 0;
  }
  static Verdict check(ByteView tx, ByteView frame) {
    if (auto verdict = check_frame(frame); verdict.kind != Verdict::Kind::accepted) {
      return verdict;
    }
    if (std::equal(frame.begin() + 1, frame.end(), tx.begin() + 1, tx.end())) {
      return foreign("echo of the request");
    }
    const bool same_kind = number(frame, 1, 2) == number(tx, 1, 2) && number(frame, 5, 2) == number(tx, 5, 2);
    if (!same_kind) {
      return foreign("answer of another protocol version");
    }
    if (kSameAddress && number(frame, kAddress, 2) != number(tx, kAddress, 2)) {
      return foreign("answer of another address");
    }
    return accepted();
  }
};

std::string_view return_code_name(unsigned code) {
  switch (code) {
  case 0x01: return "wrong version";
  case 0x02: return "wrong checksum";
  case 0x03: return "wrong length checksum";
  case 0x04: return "command not known";
  case 0x05: return "wrong command format";
  case 0x06: return "data not valid";
  case 0x07: return "no data";
  case 0x09: return "operation or write error";
  case 0x90: return "wrong address";
  case 0x91: return "communication error";
  case 0xE1: return "device not known";
  case 0xE2: return "command failed";
  case 0xE3: return "device fault";
  case 0xE4: return "no permission";
  default: return "unknown";
  }
}

Bytes info_bytes(ByteView frame) {
  Bytes info;
  for (std::size_t i = kHeader; i + 6 < frame.size(); i += 2) {
    info.push_back(static_cast<std::uint8_t>(number(frame, i, 2)));
  }
  return info;
}

} // namespace

Request ask(const Dialect& dialect, std::uint8_t address, std::uint8_t command, ByteView info) {
  Bytes tx = {static_cast<std::uint8_t>(dialect.start)};
  put(tx, dialect.version, 2);
  put(tx, address, 2);
  put(tx, dialect.device, 2);
  put(tx, command, 2);
  put(tx, with_length_checksum(2 * info.size()), 4);
  for (auto byte : info) {
    put(tx, byte, 2);
  }
  put(tx, negated_sum16(ByteView(tx).subspan(1)), 4);
  tx.push_back(kEnd);

  Request request;
  request.tx = std::move(tx);
  request.scan = scan_frames<ReplyFormat<true>>;
  request.first_byte = 500ms;
  request.between = 100ms;
  request.gap = 50ms;
  return request;
}

Result<Frame> parse(ByteView characters) {
  if (characters.size() < kOverhead || ReplyFormat<true>::size({}, characters) != characters.size()) {
    return Error{Fault::framing, "no frame of YD/T 1363.3"};
  }
  if (const auto verdict = check_frame(characters); verdict.kind != Verdict::Kind::accepted) {
    return Error{verdict.fault, std::string(verdict.detail)};
  }
  const auto byte = [&](std::size_t offset) { return static_cast<std::uint8_t>(number(characters, offset, 2)); };
  return Frame{byte(1), byte(kAddress), byte(5), byte(kReturnCode), info_bytes(characters)};
}

Result<Bytes> info_of(const Bytes& reply) {
  if (const unsigned code = number(reply, kReturnCode, 2); code != 0) {
    char text[16];
    std::snprintf(text, sizeof text, "RTN %02X, ", code);
    return Error{Fault::refused, text + std::string(return_code_name(code))};
  }
  return info_bytes(reply);
}

FrameScan scan_any_address(ByteView tx, ByteView rx, bool silence) {
  return scan_frames<ReplyFormat<false>>(tx, rx, silence);
}

bool same_command(ByteView wanted, ByteView recorded) {
  const auto a = parse(wanted), b = parse(recorded);
  return a && b && a->version == b->version && a->address == b->address && a->device == b->device &&
         a->command == b->command;
}

bool tell_refusal(const Frame& reply, Sample& out) {
  if (reply.command != 0) {
    set_extra(out, "error_code", static_cast<double>(reply.command));
  }
  return reply.command != 0;
}

} // namespace bmsd::protocols::yd1363
