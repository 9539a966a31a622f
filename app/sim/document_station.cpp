#include "app/sim/keep_open.hpp"
#include "app/sim/pack.hpp"
#include "app/sim/station.hpp"
#include "app/sim/ticker.hpp"

namespace bmsd::sim {

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kUnused = "/bmssim"; // a link listens to some topic; not to its own documents

class DocumentStation : public Station {
public:
  DocumentStation(asio::io_context& io, const StationOptions& options, const transports::MqttAddress& address,
                  const Ready& ready)
      : io_(io), topic_(address.topic), pack_(options.battery, options.faults, options.speed),
        device_(options.simulator->document(pack_.battery, options.device)),
        link_(transports::make_mqtt_link(io, broker(options, address), {address.topic + kUnused, {}})),
        keep_open_(io, *link_, [ready, name = to_string(options.link)] { ready(name); }),
        ticker_(io, options.interval, [this] { publish(Clock::now()); }) {}

private:
  static transports::MqttOptions broker(const StationOptions& options, const transports::MqttAddress& address) {
    auto out = options.mqtt;
    out.host = address.host;
    out.port = address.port;
    return out;
  }

  void publish(Clock::time_point now) {
    pack_.live(now);
    const auto fate = pack_.faults.next(now);
    if (fate.lost) {
      return;
    }
    const std::string text = device_->document();
    Bytes bytes(text.begin(), text.end());
    pack_.faults.damage(bytes, fate);
    call_later(io_, fate.delay, life_, [this, payload = std::string(bytes.begin(), bytes.end())] {
      if (keep_open_.is_open()) {
        // A document that the broker doesn't take is lost; the next one follows.
        static_cast<void>(link_->publish(topic_, payload));
      }
    });
  }

  asio::io_context& io_;
  std::string topic_;
  Pack pack_;
  std::unique_ptr<DocumentDevice> device_;
  std::unique_ptr<transports::DocumentLink> link_;
  KeepOpen keep_open_;
  Ticker ticker_;
  transports::Lifetime life_;
};

} // namespace

Result<std::unique_ptr<Station>> make_document_station(asio::io_context& io, const StationOptions& options,
                                                       const Station::Ready& ready) {
  const auto* address = std::get_if<transports::MqttAddress>(&options.link);
  if (address == nullptr) {
    return Error{Fault::unsupported, "this battery speaks MQTT: --link mqtt:HOST[:PORT]/TOPIC"};
  }
  return std::unique_ptr<Station>(std::make_unique<DocumentStation>(io, options, *address, ready));
}

} // namespace bmsd::sim
