// Finds the reply to a request in what a line delivered: garbage in front, false starts, late
// answers to an earlier request. Written once; a protocol describes its frames by a Format:
//
//   struct Format {
//     static ByteView start(ByteView tx);                // bytes that every reply begins with
//     static constexpr std::size_t kHeader = 4;          // bytes needed to know the length
//     static std::size_t size(ByteView tx, ByteView header); // of the whole frame; 0: no such frame
//     static Verdict check(ByteView tx, ByteView frame); // is it valid, is it the answer to tx
//   };
//   request.scan = scan_frames<Format>;
//
// Pure; any thread. Frames are never split on byte values: a payload may hold the start bytes.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace bmsd::protocols {

struct Verdict {
  enum class Kind : unsigned char {
    accepted,
    damaged, ///< no frame after all: the search goes on behind its first byte
    foreign, ///< a good frame, but no answer to this request: the search goes on behind it
  };
  Kind kind = Kind::accepted;
  Fault fault = Fault::none;
  std::string_view detail = {}; ///< a string literal
};

inline Verdict accepted() {
  return {};
}
inline Verdict damaged(Fault fault, std::string_view detail) {
  return {Verdict::Kind::damaged, fault, detail};
}
inline Verdict foreign(std::string_view detail) {
  return {Verdict::Kind::foreign, Fault::framing, detail};
}

namespace detail {
/// How much a fault tells: a good frame of another request more than a wrong checksum, that more
/// than a wrong end byte.
constexpr int weight(const Verdict& verdict) {
  if (verdict.kind == Verdict::Kind::foreign) {
    return 3;
  }
  return verdict.fault == Fault::checksum ? 2 : 1;
}
} // namespace detail

template <class Format>
FrameScan scan_frames(ByteView tx, ByteView rx, bool silence) {
  FrameScan scan;
  int worst = 0;
  const ByteView start = Format::start(tx);
  auto found = rx.begin();
  while ((found = std::search(found, rx.end(), start.begin(), start.end())) != rx.end()) {
    const auto begin = static_cast<std::size_t>(found - rx.begin());
    const ByteView rest = rx.subspan(begin);
    const std::size_t size = rest.size() < Format::kHeader ? Format::kHeader : Format::size(tx, rest);
    if (size != 0 && rest.size() < size) {
      if (!silence) { // a frame that looks complete inside this one may be its payload
        scan.need = size - rest.size();
        return scan;
      }
      ++found;
      continue;
    }
    const Verdict verdict =
        size == 0 ? damaged(Fault::framing, "length out of range") : Format::check(tx, rest.first(size));
    if (verdict.kind == Verdict::Kind::accepted) {
      scan.state = FrameScan::State::complete;
      scan.begin = begin;
      scan.size = size;
      scan.fault = Fault::none;
      scan.detail = {};
      return scan;
    }
    if (const int weight = detail::weight(verdict); weight > worst) {
      worst = weight;
      scan.fault = verdict.fault;
      scan.detail = verdict.detail;
    }
    found += verdict.kind == Verdict::Kind::foreign ? static_cast<std::ptrdiff_t>(size) : 1;
  }
  return scan;
}

} // namespace bmsd::protocols
