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
      : answer_delay_(options.answer_delay), pack_(options.battery, options.faults, options.speed),
        device_(options.simulator->stream(pack_.battery, options.device)), line_(std::move(line)),
        writer_(io, options.baud, [this](ByteView bytes) { line_->write(bytes); }) {
    line_->on_bytes = [this](ByteView bytes) { take(bytes, Clock::now()); };
  }

private:
  void take(ByteView bytes, Clock::time_point now) {
    if (now - heard_at_ > kStale) {
      pending_.clear();
    }
    heard_at_ = now;
    // The host's bytes are here at once, but on a wire the last one arrives later.
    heard_until_ = std::max(heard_until_, now) + writer_.wire_time(bytes.size());
    pending_.insert(pending_.end(), bytes.begin(), bytes.end());
    pack_.live(now);

    std::size_t used = 0;
    while (true) {
      auto answer = device_->answer(ByteView(pending_).subspan(used));
      if (answer.used == 0) {
        break;
      }
      used += answer.used;
      if (!answer.reply.empty()) {
        reply(std::move(answer.reply), now);
      }
    }
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(used));
  }

  void reply(Bytes bytes, Clock::time_point now) {
    const auto fate = pack_.faults.next(now);
    if (!fate.lost) {
      pack_.faults.damage(bytes, fate);
      writer_.send(std::move(bytes), heard_until_ + answer_delay_ + fate.delay);
    }
  }

  std::chrono::milliseconds answer_delay_;
  Pack pack_;
  std::unique_ptr<StreamDevice> device_;
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
