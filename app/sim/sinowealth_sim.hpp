// BMS with a Sinowealth chip from the BMS's side.
//
// Source: the register list of the vendor's program BMSTool, see docs/protocols/sinowealth.md. Request
// 0A register n, reply data[n] and a CRC-8 of request and data, big-endian.
#pragma once

#include "app/sim/device.hpp"

namespace bmsd::sim {

/// Knows 3 to 10 cells: further ones of the battery are not told.
class SinowealthSim : public StreamDevice {
public:
  static const SimulatorInfo kInfo;

  SinowealthSim(Battery& battery, const DeviceOptions&) : battery_(battery) {}
  Answer answer(ByteView line) override;

private:
  Battery& battery_;
};

} // namespace bmsd::sim
