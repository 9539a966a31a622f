#include "app/sim/daly_sim.hpp"
#include "app/sim/device.hpp"
#include "app/sim/ecs_sim.hpp"
#include "app/sim/hlpdatabms4s_sim.hpp"
#include "app/sim/jkbms_pb_sim.hpp"
#include "app/sim/lltjbd_sim.hpp"
#include "app/sim/mqtt_json_sim.hpp"
#include "app/sim/pylontech_can_sim.hpp"
#include "app/sim/renogy_sim.hpp"
#include "app/sim/seplos_sim.hpp"

namespace bmsd::sim {

namespace {

constexpr std::reference_wrapper<const SimulatorInfo> kSimulators[] = {
    // clang-format off
    DalySim::kInfo,
    EcsSim::kInfo,
    HlpdataBms4sSim::kInfo,
    JkbmsPbSim::kInfo,
    LltJbdSim::kInfo,
    MqttJsonSim::kInfo,
    PylontechCanSim::kInfo,
    RenogySim::kInfo,
    SeplosSim::kInfo,
    // clang-format on
};

} // namespace

std::span<const std::reference_wrapper<const SimulatorInfo>> simulators() {
  return kSimulators;
}

const SimulatorInfo* find_simulator(std::string_view key) {
  for (const SimulatorInfo& info : kSimulators) {
    if (info.key == key) {
      return &info;
    }
  }
  return nullptr;
}

} // namespace bmsd::sim
