// EG4 LL battery from its own side: a Modbus RTU slave.
//
// Source: vendor document "EG4-LL MODBUS Communication Protocol" V01.06; the settings as docs/protocols/eg4_ll.md
// says. Function 3 reads registers 0-38 and 45-135. Writes are refused: nobody needs them.
#pragma once

#include "app/sim/modbus_slave.hpp"

namespace bmsd::sim {

/// Registers 0 to 38.
Registers eg4_ll_registers(const Reading& reading);

class Eg4LlSim : public ModbusSlave {
public:
  static const SimulatorInfo kInfo;

  Eg4LlSim(Battery& battery, const DeviceOptions& options);

private:
  Data read(std::uint8_t function, unsigned first, unsigned count) override;
  Registers registers() const;

  Battery& battery_;
  std::string model_;
  std::string serial_;
};

} // namespace bmsd::sim
