// Renogy smart lithium battery from its own side: a Modbus RTU slave.
//
// Source: docs/protocols/renogy.md (register scans of real batteries, vendor document V1.7). Function 3
// reads 5000-5033, 5035-5052, 5100-5141 and 5200-5223, function 6 writes the address 5223. A read that
// leaves these is refused as a whole.
#pragma once

#include "app/sim/modbus_slave.hpp"

namespace bmsd::sim {

/// `current_unit`: A per count.
Registers renogy_registers(const Reading& reading, double current_unit);

/// Dialects: classic (current in 0.01 A), pro (0.1 A, another kind of model name).
class RenogySim : public ModbusSlave {
public:
  static const SimulatorInfo kInfo;

  RenogySim(Battery& battery, const DeviceOptions& options);

private:
  Data read(std::uint8_t function, unsigned first, unsigned count) override;
  std::uint8_t write(std::uint8_t function, unsigned first, ByteView data) override;
  Registers registers() const;

  Battery& battery_;
  bool pro_;
  std::string model_;
  std::string serial_;
};

} // namespace bmsd::sim
