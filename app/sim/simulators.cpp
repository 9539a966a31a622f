#include "app/sim/ant_sim.hpp"
#include "app/sim/daly_sim.hpp"
#include "app/sim/device.hpp"
#include "app/sim/dr1363_sim.hpp"
#include "app/sim/ecs_sim.hpp"
#include "app/sim/eg4_lifepower_sim.hpp"
#include "app/sim/eg4_ll_sim.hpp"
#include "app/sim/felicity_sim.hpp"
#include "app/sim/heltec_modbus_sim.hpp"
#include "app/sim/hlpdatabms4s_sim.hpp"
#include "app/sim/jkbms_pb_sim.hpp"
#include "app/sim/jkbms_sim.hpp"
#include "app/sim/lltjbd_sim.hpp"
#include "app/sim/lltjbd_up16s_sim.hpp"
#include "app/sim/mqtt_json_sim.hpp"
#include "app/sim/pace_sim.hpp"
#include "app/sim/pylontech_can_sim.hpp"
#include "app/sim/renogy_sim.hpp"
#include "app/sim/seplos_sim.hpp"
#include "app/sim/seplosv3_sim.hpp"
#include "app/sim/sinowealth_sim.hpp"

namespace bmsd::sim {

namespace {

constexpr std::reference_wrapper<const SimulatorInfo> kSimulators[] = {
    // clang-format off
    AntSim::kInfo,
    DalySim::kInfo,
    Daren485Sim::kInfo,
    EcsSim::kInfo,
    Eg4LifepowerSim::kInfo,
    Eg4LlSim::kInfo,
    FelicitySim::kInfo,
    HeltecModbusSim::kInfo,
    HlpdataBms4sSim::kInfo,
    JkbmsSim::kInfo,
    JkbmsPbSim::kInfo,
    Ks48100Sim::kInfo,
    LltJbdSim::kInfo,
    LltJbdUp16sSim::kInfo,
    MqttJsonSim::kInfo,
    PaceSim::kInfo,
    PylontechCanSim::kInfo,
    RenogySim::kInfo,
    RevovSim::kInfo,
    SeplosSim::kInfo,
    SeplosV3Sim::kInfo,
    SinowealthSim::kInfo,
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
