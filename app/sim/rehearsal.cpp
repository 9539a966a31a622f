#include "app/sim/rehearsal.hpp"

#include "protocols/core/replay.hpp"

#include <algorithm>
#include <chrono>

namespace bmsd::sim {

namespace {

using std::chrono::milliseconds;

constexpr int kUsualCells = 16;

std::optional<Sample> exchange(const protocols::ProtocolInfo& info, const SimulatorInfo& simulator,
                               std::string_view dialect) {
  const auto addresses = info.addresses.empty()
                             ? std::vector<std::uint32_t>{0}
                             : std::vector<std::uint32_t>(info.addresses.begin(), info.addresses.end());
  Battery battery(usual_battery(simulator));
  const auto device = simulator.stream(battery, {0, "pack", "20240901123", std::string(dialect)});
  DirectLine line(*device);
  for (const auto address : addresses) {
    protocols::ProtocolConfig config;
    config.address = address;
    const auto protocol = info.exchange(config);
    Identity identity;
    Sample sample;
    if (line.run(protocol->identify(identity))) {
      (void)line.run(protocol->settings(identity));
      return line.run(protocol->poll(sample)) ? std::optional(std::move(sample)) : std::nullopt;
    }
  }
  return std::nullopt;
}

std::optional<Sample> broadcast(const protocols::ProtocolInfo& info, const SimulatorInfo& simulator,
                                std::string_view dialect) {
  Battery battery(usual_battery(simulator));
  const auto device = simulator.broadcast(battery, {0, "pack", "20240901123", std::string(dialect)});
  const auto protocol = info.broadcast({});
  milliseconds now(0);
  for (int cycle = 0; cycle < 3; ++cycle) {
    for (const auto& frame : device->frames()) {
      protocol->on_frame(frame, now);
    }
    now += milliseconds(1000);
  }
  auto sample = protocol->snapshot(now);
  return sample ? std::optional(std::move(*sample)) : std::nullopt;
}

std::optional<Sample> document(const protocols::ProtocolInfo& info, const SimulatorInfo& simulator,
                               std::string_view dialect) {
  Battery battery(usual_battery(simulator));
  const auto device = simulator.document(battery, {0, "pack", "20240901123", std::string(dialect)});
  const auto protocol = info.document({});
  Identity identity;
  Sample sample;
  const Document said{"battery", device->document(), false};
  return protocol->on_document(said, identity, sample) ? std::optional(std::move(sample)) : std::nullopt;
}

} // namespace

Result<void> DirectLine::run(protocols::Script script, protocols::Patience patience) {
  protocols::ScriptRunner runner;
  runner.start(std::move(script), patience);
  while (const auto* request = runner.pending()) {
    runner.answer(protocols::receive(*request, answer(request->tx)));
  }
  return runner.result();
}

Bytes DirectLine::answer(ByteView tx) {
  pending_.insert(pending_.end(), tx.begin(), tx.end());
  Bytes rx;
  while (true) {
    auto [used, reply] = device_.answer(pending_);
    rx.insert(rx.end(), reply.begin(), reply.end());
    pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(used));
    if (used == 0) {
      return rx;
    }
  }
}

BatteryConfig usual_battery(const SimulatorInfo& simulator) {
  BatteryConfig config;
  config.cells = std::clamp(kUsualCells, simulator.min_cells, simulator.max_cells);
  config.capacity = std::min(config.capacity, simulator.max_capacity);
  config.current = -23.4;
  config.soc = 63.0;
  config.imbalance = 0.03;
  config.temperature = 21.3;
  return config;
}

std::optional<Sample> rehearse(const protocols::ProtocolInfo& info, std::string_view dialect) {
  const auto* simulator = find_simulator(info.key);
  if (simulator == nullptr) {
    return std::nullopt;
  }
  switch (info.medium) {
  case protocols::Medium::serial: return exchange(info, *simulator, dialect);
  case protocols::Medium::can: return broadcast(info, *simulator, dialect);
  case protocols::Medium::document: return document(info, *simulator, dialect);
  }
  return std::nullopt;
}

} // namespace bmsd::sim
