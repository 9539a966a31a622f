// Seplos BMS 3.0 from its own side: a Modbus RTU slave that has coils, too, and may have address 0.
//
// Source: vendor paper "XZH BMS Modbus-RTU Protocol" V0.3: blocks PIA, PIB, SPA, VIA (function 4), PIC, SFA
// (function 1) and the FET controls of SCA (function 16). A read that leaves its block is refused.
// Dialects: 200a (a board of 200 A), 300a (one of 300 A, which counts its current in 0.1 A).
#pragma once

#include "app/sim/modbus_slave.hpp"

namespace bmsd::sim {

/// PIA and PIB. `current_unit`: A per count.
Registers seplosv3_measurements(const Reading& reading, double environment, double current_unit);
/// PIC, eight coils in a byte.
Bytes seplosv3_events(const Reading& reading);

class SeplosV3Sim : public ModbusSlave {
public:
  static const SimulatorInfo kInfo;

  SeplosV3Sim(Battery& battery, const DeviceOptions& options);

private:
  Data read(std::uint8_t function, unsigned first, unsigned count) override;
  std::uint8_t write(std::uint8_t function, unsigned first, ByteView data) override;
  Data read_coils(unsigned first, unsigned count) const;
  Bytes switches() const;
  Registers registers() const;

  Battery& battery_;
  bool large_;
  std::string name_;
  std::string serial_;
};

} // namespace bmsd::sim
