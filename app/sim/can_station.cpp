#include "app/sim/byte_line.hpp"
#include "app/sim/keep_open.hpp"
#include "app/sim/paced_writer.hpp"
#include "app/sim/pack.hpp"
#include "app/sim/slcan_adapter.hpp"
#include "app/sim/station.hpp"
#include "app/sim/ticker.hpp"

namespace bmsd::sim {

namespace {

using Clock = std::chrono::steady_clock;

/// The BMS without its bus: a set of frames every interval, less what the faults take.
class CanBms {
public:
  using Send = std::function<void(std::span<const CanFrame>)>;

  CanBms(asio::io_context& io, const StationOptions& options, Send send)
      : io_(io), pack_(options.battery, options.faults, options.speed),
        device_(options.simulator->broadcast(pack_.battery, options.device)), send_(std::move(send)),
        ticker_(io, options.interval, [this] { broadcast(Clock::now()); }) {}

private:
  void broadcast(Clock::time_point now) {
    pack_.live(now);
    std::vector<CanFrame> in_time;
    for (auto& frame : device_->frames()) {
      const auto fate = pack_.faults.next(now);
      if (fate.lost) {
        continue;
      }
      if (fate.garbage) {
        in_time.push_back(foreign_frame());
      }
      damage(frame, fate);
      if (fate.delay.count() > 0) {
        call_later(io_, fate.delay, life_, [this, frame] { send_(std::span(&frame, 1)); });
      } else {
        in_time.push_back(frame);
      }
    }
    if (!in_time.empty()) {
      send_(in_time);
    }
  }

  void damage(CanFrame& frame, FaultInjector::Fate fate) {
    fate.garbage = false;
    Bytes data(frame.data.begin(), frame.data.end());
    pack_.faults.damage(data, fate);
    frame.data.clear();
    for (auto byte : data) {
      frame.data.push_back(byte);
    }
  }

  CanFrame foreign_frame() {
    CanFrame frame;
    frame.id = static_cast<std::uint32_t>(pack_.faults.below(0x800));
    frame.data.resize(pack_.faults.below(9));
    for (auto& byte : frame.data) {
      byte = static_cast<std::uint8_t>(pack_.faults.below(256));
    }
    return frame;
  }

  asio::io_context& io_;
  Pack pack_;
  std::unique_ptr<BroadcastDevice> device_;
  Send send_;
  Ticker ticker_;
  transports::Lifetime life_;
};

/// On a pty or TCP port that behaves like a CAN adapter with slcan firmware.
class SlcanStation : public Station {
public:
  SlcanStation(asio::io_context& io, const StationOptions& options, std::unique_ptr<ByteLine> line)
      : adapter_(options.simulator->can_bitrate), line_(std::move(line)),
        writer_(io, options.baud, [this](ByteView bytes) { line_->write(bytes); }),
        bms_(io, options, [this](std::span<const CanFrame> frames) { hand_on(frames); }) {
    line_->on_bytes = [this](ByteView bytes) { write(adapter_.take(bytes)); };
  }

private:
  void hand_on(std::span<const CanFrame> frames) {
    if (!adapter_.hears()) {
      return;
    }
    const auto uptime = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_);
    std::string lines;
    for (const auto& frame : frames) {
      lines += adapter_.line(frame, static_cast<unsigned>(uptime.count()));
    }
    write(lines);
  }

  void write(const std::string& text) {
    if (!text.empty()) {
      writer_.send(Bytes(text.begin(), text.end()), Clock::now());
    }
  }

  Clock::time_point started_ = Clock::now();
  SlcanAdapter adapter_;
  std::unique_ptr<ByteLine> line_;
  PacedWriter writer_;
  CanBms bms_;
};

/// On a SocketCAN interface.
class SocketCanStation : public Station {
public:
  SocketCanStation(asio::io_context& io, const StationOptions& options, transports::CanOptions can, const Ready& ready)
      : link_(transports::make_socketcan_link(io, std::move(can))),
        keep_open_(io, *link_, [ready, name = to_string(options.link)] { ready(name); }),
        bms_(io, options, [this](std::span<const CanFrame> frames) { send(frames); }) {}

private:
  void send(std::span<const CanFrame> frames) {
    for (const auto& frame : frames) {
      if (!keep_open_.is_open() || !link_->send(frame)) {
        return; // a bus that is down swallows frames
      }
    }
  }

  std::unique_ptr<transports::FrameLink> link_;
  KeepOpen keep_open_;
  CanBms bms_;
};

} // namespace

Result<std::unique_ptr<Station>> make_can_station(asio::io_context& io, const StationOptions& options,
                                                  const Station::Ready& ready) {
  if (const auto* can = std::get_if<transports::CanAddress>(&options.link)) {
    transports::CanOptions bus;
    bus.interface = can->interface;
    return std::unique_ptr<Station>(std::make_unique<SocketCanStation>(io, options, std::move(bus), ready));
  }
  auto line = open_byte_line(io, options.link);
  if (!line) {
    return line.error();
  }
  const std::string link = (*line)->link();
  auto station = std::make_unique<SlcanStation>(io, options, std::move(*line));
  ready(link);
  return std::unique_ptr<Station>(std::move(station));
}

} // namespace bmsd::sim
