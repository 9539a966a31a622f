// Seplos BMS 2.x from the BMS's side: frames of YD/T 1363.3, telemetry, alarms, parameters, vendor.
//
// Source: vendor PDF "SEPLOS BMS Communication Protocol V2.0", tables 5 and 8 to 13; the order of the
// parameters from the vendor's Bluetooth paper. Dialects: what the BMS takes as COMMAND GROUP.
#pragma once

#include "app/sim/yd1363_slave.hpp"

namespace bmsd::sim {

/// INFO of the replies; `group`: as the BMS says it, 1 for address 0.
Bytes seplos_telemetry(const Reading& reading, double environment, std::uint8_t group);
Bytes seplos_alarms(const Reading& reading, std::uint8_t group);
Bytes seplos_parameters(const BatteryConfig& config, const Reading& reading, std::string_view model);

class SeplosSim : public Yd1363Slave {
public:
  static const SimulatorInfo kInfo;

  SeplosSim(Battery& battery, const DeviceOptions& options);

private:
  Bytes answer_to(const protocols::yd1363::Frame& request) override;

  Battery& battery_;
  std::uint8_t group_;
  std::string name_;
};

} // namespace bmsd::sim
