// EG4 LifePower4 (V1), and Revov, from the BMS's side.
//
// Source: docs/protocols/eg4_lifepower.md (recordings). Request and reply:
// start address command n data[n] checksum 0D, big-endian.
#pragma once

#include "app/sim/device.hpp"

namespace bmsd::sim {

/// The checksum is (sum of all bytes) ^ (exclusive-or of all bytes).
Bytes eg4_lifepower_frame(std::uint8_t start, std::uint8_t address, std::uint8_t command, ByteView data);
/// Data of command 1. `environment` in °C; without one only the cells' sensors are there.
Bytes eg4_lifepower_status(const Reading& reading, const double* environment);

class Eg4LifepowerSim : public StreamDevice {
public:
  static const SimulatorInfo kInfo;

  Eg4LifepowerSim(Battery& battery, const DeviceOptions& options) : Eg4LifepowerSim(battery, options, 0x7E) {}
  Answer answer(ByteView line) final;

protected:
  Eg4LifepowerSim(Battery& battery, const DeviceOptions& options, std::uint8_t start);

private:
  Bytes respond(std::uint8_t command) const;

  Battery& battery_;
  std::uint8_t start_, address_;
  std::string name_, serial_;
};

/// Has no sensors at the MOSFET and in the environment.
class RevovSim final : public Eg4LifepowerSim {
public:
  static const SimulatorInfo kInfo;

  RevovSim(Battery& battery, const DeviceOptions& options) : Eg4LifepowerSim(battery, options, 0x7C) {}
};

} // namespace bmsd::sim
