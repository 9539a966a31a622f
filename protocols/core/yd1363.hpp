// Frames of YD/T 1363.3 (Chinese telecom standard for power monitoring), which many rack batteries speak:
//
//   SOI VER ADR CID1 CID2 LENGTH INFO CHKSUM EOI      every byte between SOI and EOI as two hex digits
//
// SOI is '~' (seldom '>'), EOI a carriage return. CID2 is the command, in a reply the return code RTN.
// LENGTH: checksum of the length (4 bits) and number of INFO's characters (12 bits). CHKSUM: negated
// 16-bit sum of the characters from VER to the end of INFO.
//
//   const Bytes reply = co_await ask(yd1363::ask(kSeplos, address, kTelemetry, info));
//   const Bytes info = co_await yd1363::info_of(reply);
//
// A reply counts if lengths and checksums are right and VER, ADR and CID1 are those asked for; it does
// not say which command it answers, so its content must be checked against what was asked. The request itself,
// as an adapter may echo it, is no answer. Pure; any thread.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"
#include "messages/sample.hpp"

#include <cstdint>

namespace bmsd::protocols::yd1363 {

/// What tells the dialects apart.
struct Dialect {
  std::uint8_t version = 0x20; ///< VER
  std::uint8_t device = 0x46;  ///< CID1
  char start = '~';            ///< SOI of requests
};

/// `info`: bytes, not yet as digits; at most 2047.
Request ask(const Dialect& dialect, std::uint8_t address, std::uint8_t command, ByteView info = {});

/// A request as it stands on the line taken apart.
struct Frame {
  std::uint8_t version = 0, address = 0, device = 0, command = 0;
  Bytes info;
  friend bool operator==(const Frame&, const Frame&) = default;
};
/// Fault::framing or Fault::checksum if this is no frame, whatever its SOI.
Result<Frame> parse(ByteView characters);

/// The bytes of INFO. Fault::refused with the return code's name if it is not 0.
Result<Bytes> info_of(const Bytes& reply);

// -- for Request::scan ----------------------------------------------------------

/// The answering ADR may be another one's (a master that answers for all).
FrameScan scan_any_address(ByteView tx, ByteView rx, bool silence);
/// The first frame, from whatever ADR, for which `answers(asked, reply)`, both a Frame, is true; late answers to other
/// commands are passed over.
template <auto answers>
FrameScan scan_answering(ByteView tx, ByteView rx, bool silence);
/// Only a refusal or a reply whose INFO is laid out like the answer asked for, from the ADR asked. `fits(info)` is a
/// Result or bool.
template <auto fits>
FrameScan scan_fitting(ByteView tx, ByteView rx, bool silence);
/// As `scan`, but the reply may begin with '~' or '>', whatever the request began with.
template <FrameScanner scan>
FrameScan scan_any_start(ByteView tx, ByteView rx, bool silence);

// -- for captures ---------------------------------------------------------------

/// For ExchangeProtocol::same_request(): the same command to the same device, whatever its INFO.
bool same_command(ByteView wanted, ByteView recorded);
/// For ExchangeProtocol::replay(): whether this is a refusal. That is no lost link: its return code becomes the extra
/// value error_code.
bool tell_refusal(const Frame& reply, Sample& out);

// -- implementation -------------------------------------------------------------

template <auto answers>
FrameScan scan_answering(ByteView tx, ByteView rx, bool silence) {
  const auto asked = parse(tx);
  std::size_t from = 0;
  while (true) {
    FrameScan scan = scan_any_address(tx, rx.subspan(from), silence);
    scan.begin += from;
    if (scan.state != FrameScan::State::complete) {
      if (from > 0) {
        scan.fault = Fault::framing;
        scan.detail = "answer to another command or of another battery";
      }
      return scan;
    }
    if (const auto reply = parse(rx.subspan(scan.begin, scan.size)); asked && reply && answers(*asked, *reply)) {
      return scan;
    }
    from = scan.begin + scan.size;
  }
}

namespace detail {
template <auto fits>
bool answers_fitting(const Frame& asked, const Frame& reply) {
  return reply.address == asked.address && (reply.command != 0 || fits(reply.info));
}
} // namespace detail

template <auto fits>
FrameScan scan_fitting(ByteView tx, ByteView rx, bool silence) {
  return scan_answering<detail::answers_fitting<fits>>(tx, rx, silence);
}

template <FrameScanner scan>
FrameScan scan_any_start(ByteView tx, ByteView rx, bool silence) {
  const FrameScan own = scan(tx, rx, silence);
  Bytes turned(tx.begin(), tx.end());
  turned[0] = tx[0] == '~' ? '>' : '~';
  const FrameScan other = scan(turned, rx, silence);
  const bool own_tells_more = other.state != FrameScan::State::complete && other.fault == Fault::none;
  return own.state == FrameScan::State::complete || own_tells_more ? own : other;
}

} // namespace bmsd::protocols::yd1363
