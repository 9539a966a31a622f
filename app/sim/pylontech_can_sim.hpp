// Pylontech low voltage CAN (and Victron-style relatives) from the battery's side.
//
// Source: docs/protocols/pylontech_can.md ("Low Voltage Battery System CANBUS Protocol V1.3", captures).
// One set a second, little-endian. Dialect `pylon`: 351 355 356 359 35C 35E, as in classic packs;
// `victron`: 351 355 356 35A 35E 35F 370 371 372 373 378 379 380 381 382.
#pragma once

#include "app/sim/device.hpp"

namespace bmsd::sim {

class PylontechCanSim : public BroadcastDevice {
public:
  static const SimulatorInfo kInfo;

  PylontechCanSim(Battery& battery, const DeviceOptions& options);
  std::vector<CanFrame> frames() override;
  /// The set for any reading; what frames() sends for the battery's own.
  std::vector<CanFrame> encode(const Reading& reading) const;

private:
  Battery& battery_;
  DeviceOptions options_;
};

} // namespace bmsd::sim
