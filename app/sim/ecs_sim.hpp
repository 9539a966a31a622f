// ECS GreenMeter and LiPro boards from their own side: Modbus RTU slaves on one line.
//
// Source: docs/protocols/ecs.md. The GreenMeter has one address, the boards of cells 1, 2, ... those behind it.
// All answer function 3 alone.
#pragma once

#include "app/sim/modbus_slave.hpp"

namespace bmsd::sim {

/// Dialects: rows (reads of many registers are answered), single (no more than one value; below 65.535 % the high
/// word of the SoC is FFFF).
class EcsSim : public ModbusSlave {
public:
  static const SimulatorInfo kInfo;

  EcsSim(Battery& battery, const DeviceOptions& options);

private:
  bool is_mine(std::uint8_t address) const override;
  Data read(std::uint8_t function, unsigned first, unsigned count) override;
  Registers meter(const Reading& reading) const;
  Registers board(const Reading& reading, std::size_t cell) const;

  Battery& battery_;
  bool single_;
};

} // namespace bmsd::sim
