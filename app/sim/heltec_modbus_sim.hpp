// Heltec Smart BMS from its own side: a Modbus RTU slave whose numbers have the low byte first.
//
// Source: the registers in docs/protocols/heltec_modbus.md. Function 3 alone; a read of anything that is not
// described there is refused.
#pragma once

#include "app/sim/modbus_slave.hpp"

namespace bmsd::sim {

/// What changes with the battery.
Registers heltec_modbus_measurements(const Reading& reading, double rated_capacity);

class HeltecModbusSim : public ModbusSlave {
public:
  static const SimulatorInfo kInfo;

  HeltecModbusSim(Battery& battery, const DeviceOptions& options);

private:
  Data read(std::uint8_t function, unsigned first, unsigned count) override;

  Battery& battery_;
  std::string name_;
  std::string serial_;
};

} // namespace bmsd::sim
