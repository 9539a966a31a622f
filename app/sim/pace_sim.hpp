// PACE BMS from the BMS's side: analog values, warnings, settings, FET switches.
//
// Source: vendor PDF "PACE RS232 Communication Protocol" (2018-07-05), tables A.1 to A.25. Dialects: what it takes as
// COMMAND (its address, 1, or the address with the longer replies of newer boards), and whether it is the master that
// answers for the other packs.
#pragma once

#include "app/sim/yd1363_slave.hpp"

namespace bmsd::sim {

/// INFO of the replies; `command` as it was asked.
Bytes pace_analog(const Reading& reading, double environment, std::uint8_t command);
Bytes pace_warnings(const Reading& reading, std::uint8_t command);

class PaceSim : public Yd1363Slave {
public:
  static const SimulatorInfo kInfo;

  PaceSim(Battery& battery, const DeviceOptions& options);

private:
  Bytes answer_to(const protocols::yd1363::Frame& request) override;
  Bytes pack_values(const protocols::yd1363::Frame& request) const;
  Bytes switched(const protocols::yd1363::Frame& request);
  Bytes setting(std::uint8_t command) const;

  Battery& battery_;
  std::uint8_t number_;
  bool long_replies_;
  bool charge_allowed_ = true, discharge_allowed_ = true;
  std::string name_, serial_;
};

} // namespace bmsd::sim
