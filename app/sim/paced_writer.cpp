#include "app/sim/paced_writer.hpp"

#include <algorithm>

namespace bmsd::sim {

namespace {

constexpr int kBitsPerByte = 10;
constexpr int kChunksPerSecond = 120; // about 8 ms each

} // namespace

PacedWriter::PacedWriter(asio::io_context& io, int baud, Write write)
    : baud_(baud), write_(std::move(write)), timer_(io) {}

PacedWriter::Clock::duration PacedWriter::wire_time(std::size_t bytes) const {
  if (baud_ == 0) {
    return {};
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(bytes) * kBitsPerByte * 1'000'000'000 / baud_);
}

void PacedWriter::send(Bytes bytes, Clock::time_point start) {
  start = std::max(start, free_at_);
  free_at_ = start + wire_time(bytes.size());
  if (queue_.empty() && free_at_ <= Clock::now()) {
    write_(bytes);
    return;
  }
  queue_.push_back({std::move(bytes), start});
  if (queue_.size() == 1) {
    wait();
  }
}

std::size_t PacedWriter::chunk_end() const {
  const auto& burst = queue_.front();
  const std::size_t chunk =
      baud_ == 0 ? burst.bytes.size()
                 : std::max<std::size_t>(1, static_cast<std::size_t>(baud_ / kBitsPerByte / kChunksPerSecond));
  return std::min(burst.sent + chunk, burst.bytes.size());
}

void PacedWriter::wait() {
  timer_.expires_at(queue_.front().start + wire_time(chunk_end()));
  timer_.async_wait(life_.guard([this](const asio::error_code&) { write_due(); }));
}

void PacedWriter::write_due() {
  auto& burst = queue_.front();
  const std::size_t end = chunk_end();
  write_(ByteView(burst.bytes).subspan(burst.sent, end - burst.sent));
  burst.sent = end;
  if (burst.sent == burst.bytes.size()) {
    queue_.pop_front();
  }
  if (!queue_.empty()) {
    wait();
  }
}

} // namespace bmsd::sim
