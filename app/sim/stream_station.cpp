#include "app/sim/byte_line.hpp"
#include "app/sim/paced_writer.hpp"
#include "app/sim/pack.hpp"
#include "app/sim/station.hpp"

#include <algorithm>

namespace bmsd::sim {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kStale{500}; // half a request older than this is forgotten

class StreamStation : public Station {
public:
  StreamStation(asio::io_context& io, const StationOptions& options, std::unique_ptr<ByteLine> line)
      : answer_delay_(options.answer_delay), line_(std::move(line)),
        writer_(io, options.baud, [this](ByteView bytes) { line_->write(bytes); }) {
    add(options, options.battery, options.device);
    for (const auto& neighbour : options.neighbours) {
      add(options, neighbour.battery, neighbour.device);
    }
    line_->on_bytes = [this](ByteView bytes) { take(bytes, Clock::now()); };
  }

private:
  struct Member {
    Member(const StationOptions& options, const BatteryConfig& battery, const DeviceOptions& device)
        : pack(battery, options.faults, options.speed), bms(options.simulator->stream(pack.battery, device)) {}
    Pack pack;
    std::unique_ptr<StreamDevice> bms;
  };

  void add(const StationOptions& options, const BatteryConfig& battery, const DeviceOptions& device) {
    members_.push_back(std::make_unique<Member>(options, battery, device));
  }

  void take(ByteView bytes, Clock::time_point now) {
    if (now - heard_at_ > kStale) {
      pending_.clear();
    }
    heard_at_ = now;
    // The host's bytes are here at once, but on a wire the last one arrives later.
    heard_until_ = std::max(heard_until_, now) + writer_.wire_time(bytes.size());
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
    for (auto& member : members_) {
      member->pack.live(now);
    }
    std::size_t used = 0;
    while (const auto step = answer(ByteView(pending_).subspan(used), now)) {
      used += step;
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(used));
  }

  /// All hear the same; how much of it is dealt with.
  std::size_t answer(ByteView heard, Clock::time_point now) {
    std::size_t used = 0;
    for (auto& member : members_) {
      auto answer = member->bms->answer(heard);
      used = std::max(used, answer.used);
      if (!answer.reply.empty()) {
        reply(*member, std::move(answer.reply), now);
      }
    }
    return used;
  }

  void reply(Member& member, Bytes bytes, Clock::time_point now) {
    const auto fate = member.pack.faults.next(now);
    if (!fate.lost) {
      member.pack.faults.damage(bytes, fate);
      writer_.send(std::move(bytes), heard_until_ + answer_delay_ + fate.delay);
    }
  }

  std::chrono::milliseconds answer_delay_;
  std::vector<std::unique_ptr<Member>> members_;
  std::unique_ptr<ByteLine> line_;
  PacedWriter writer_;
  Bytes pending_;
  Clock::time_point heard_at_{};
  Clock::time_point heard_until_{};
};

} // namespace

Result<std::unique_ptr<Station>> make_stream_station(asio::io_context& io, const StationOptions& options,
                                                     const Station::Ready& ready) {
  auto line = open_byte_line(io, options.link);
  if (!line) {
    return line.error();
  }
  const std::string link = (*line)->link();
  auto station = std::make_unique<StreamStation>(io, options, std::move(*line));
  ready(link);
  return std::unique_ptr<Station>(std::move(station));
}

} // namespace bmsd::sim
