// Renogy smart lithium battery from its own side: a Modbus RTU slave.
//
// Source: docs/protocols/renogy.md (register scans of real batteries, vendor document V1.7). Function 3
// reads 5000-5033, 5035-5052, 5100-5141 and 5200-5223, function 6 writes the address 5223. A read that
// leaves these is refused as a whole.
#pragma once

#include "app/sim/device.hpp"

#include <array>
#include <map>
#include <optional>

namespace bmsd::sim {

/// Registers by their number. `current_unit`: A per count.
using RenogyRegisters = std::map<unsigned, std::uint16_t>;
RenogyRegisters renogy_registers(const Reading& reading, double current_unit);

/// Dialects: classic (current in 0.01 A), pro (0.1 A, another kind of model name).
class RenogySim : public StreamDevice {
public:
  static const SimulatorInfo kInfo;

  RenogySim(Battery& battery, const DeviceOptions& options);
  Answer answer(ByteView line) override;

private:
  Bytes respond(ByteView request);
  Bytes read(unsigned first, unsigned count) const;
  RenogyRegisters registers() const;

  Battery& battery_;
  bool pro_;
  std::uint8_t address_;
  std::string model_;
  std::string serial_;
};

} // namespace bmsd::sim
