#include "app/sim/device.hpp"
#include "app/sim/lltjbd_sim.hpp"
#include "app/sim/mqtt_json_sim.hpp"
#include "app/sim/pylontech_can_sim.hpp"

#include <algorithm>
#include <array>

namespace bmsd::sim {

namespace {

template <class Base, class Device>
std::unique_ptr<Base> make(Battery& battery, const DeviceOptions& options) {
  return std::make_unique<Device>(battery, options);
}

constexpr std::array<std::string_view, 2> kPylontechDialects = {"pylon", "victron"};
constexpr std::array<std::string_view, 3> kMqttDialects = {"m1", "m2", "m3"};

constexpr std::array kSimulators = {
    SimulatorInfo{.key = "lltjbd",
                  .about = "LLT Power, JBD, Overkill Solar (serial, 9600 baud)",
                  .baud = 9600,
                  .max_capacity = 655.35,
                  .stream = make<StreamDevice, LltJbdSim>},
    SimulatorInfo{.key = "pylontech_can",
                  .about = "Pylontech low voltage and relatives (CAN, 500 kbit/s); address = hub group",
                  .can_bitrate = 500'000,
                  .max_capacity = 6500.0,
                  .addressed = true,
                  .dialects = kPylontechDialects,
                  .broadcast = make<BroadcastDevice, PylontechCanSim>},
    SimulatorInfo{.key = "mqtt_json",
                  .about = "JSON over MQTT, as the two peer drivers read it",
                  .max_capacity = 100'000.0,
                  .dialects = kMqttDialects,
                  .document = make<DocumentDevice, MqttJsonSim>},
};

} // namespace

std::span<const SimulatorInfo> simulators() {
  return kSimulators;
}

const SimulatorInfo* find_simulator(std::string_view key) {
  const auto found = std::find_if(kSimulators.begin(), kSimulators.end(),
                                  [key](const SimulatorInfo& info) { return info.key == key; });
  return found == kSimulators.end() ? nullptr : &*found;
}

} // namespace bmsd::sim
