// Felicity Solar battery from its own side: a Modbus RTU slave.
//
// Source: docs/protocols/felicity.md; there is no vendor document. Function 3 reads registers 0x1302-0x130B,
// 0x131C-0x131F, 0x132A-0x133D, 0xF804-0xF808 and 0xF80B; a read that leaves these is refused as a whole.
#pragma once

#include "app/sim/modbus_slave.hpp"

namespace bmsd::sim {

/// All that changes with the battery.
Registers felicity_registers(const Reading& reading);

class FelicitySim : public ModbusSlave {
public:
  static const SimulatorInfo kInfo;

  FelicitySim(Battery& battery, const DeviceOptions& options);

private:
  Data read(std::uint8_t function, unsigned first, unsigned count) override;

  Battery& battery_;
  std::string serial_;
};

} // namespace bmsd::sim
