#include "protocols/daly_frame.hpp"

#include "protocols/core/checksum.hpp"
#include "protocols/core/framing.hpp"

#include <utility>

namespace bmsd::protocols::daly {

using namespace std::chrono_literals;

namespace {

constexpr std::uint8_t kStart = 0xA5;
constexpr std::size_t kHost = 1, kId = 2, kLength = 3, kData = 4, kSum = 12;
constexpr std::size_t kFrameSize = 13;

std::uint8_t checksum(ByteView frame) {
  return static_cast<std::uint8_t>(sum16(frame.first(kSum)));
}

/// Numbered frames count only in a row and complete: one that is missing or broken is asked for again.
template <std::size_t kFrames>
struct ReplyFormat {
  static constexpr std::size_t kHeader = kData;
  static ByteView start(ByteView tx) { return tx.first(1); }
  static std::size_t size(ByteView, ByteView header) {
    return header[kLength] == Data().size() ? kFrames * kFrameSize : 0;
  }
  static Verdict check(ByteView tx, ByteView frames) {
    for (std::size_t i = 0; i < kFrames; ++i) {
      const ByteView frame = frames.subspan(i * kFrameSize, kFrameSize);
      if (frame[0] != kStart || frame[kLength] != Data().size()) {
        return damaged(Fault::framing, "the frames are not in a row");
      }
      if (frame[kSum] != checksum(frame)) {
        return damaged(Fault::checksum, "wrong checksum");
      }
      if (frame[kHost] != board_of(tx[kHost])) {
        return other("answer of another board");
      }
      if (frame[kId] != tx[kId]) {
        return other("answer to another request");
      }
      if (is_numbered(tx[kId]) && frame[kData] != i + 1) {
        return other("frame number out of order");
      }
    }
    return accepted();
  }
  /// Of several frames only the first may be foreign, so only that one is skipped.
  static Verdict other(std::string_view detail) {
    return kFrames == 1 ? foreign(detail) : damaged(Fault::framing, detail);
  }
};

template <std::size_t... kIndex>
constexpr std::array<FrameScanner, sizeof...(kIndex)> scanners(std::index_sequence<kIndex...>) {
  return {scan_frames<ReplyFormat<kIndex + 1>>...};
}
constexpr auto kScanners = scanners(std::make_index_sequence<kMostFrames>());

} // namespace

Request make_request(std::uint8_t host, std::uint8_t id, const Data& data, std::size_t frames) {
  Bytes tx = {kStart, host, id, static_cast<std::uint8_t>(data.size())};
  tx.insert(tx.end(), data.begin(), data.end());
  tx.push_back(checksum(tx));
  return raw(std::move(tx), frames);
}

/// A board overhears what comes within 20 ms of the last frame, and loses answers at other times too.
Request raw(Bytes tx, std::size_t frames) {
  Request request;
  request.tx = std::move(tx);
  request.scan = kScanners.at(frames - 1);
  request.first_byte = 250ms;
  request.between = 150ms;
  request.gap = 20ms;
  request.retries = 2;
  return request;
}

bool is_request(ByteView tx) {
  return tx.size() == kFrameSize && tx[0] == kStart && tx[kLength] == Data().size();
}

bool is_numbered(std::uint8_t id) {
  return id == kCellVoltages || id == kSensors || id == kBatteryCode;
}

ByteView data_of(const Bytes& reply) {
  return ByteView(reply).subspan(kData, Data().size());
}

Bytes joined(const Bytes& reply, std::size_t width) {
  Bytes out;
  for (std::size_t frame = 0; frame + kFrameSize <= reply.size(); frame += kFrameSize) {
    const ByteView part = ByteView(reply).subspan(frame + kData + 1, width);
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

} // namespace bmsd::protocols::daly
