// Batteries that publish JSON over MQTT, in the three shapes that are in use.
//
// Source: docs/protocols/mqtt_json.md. Dialect `m1`: nested keys named like D-Bus paths (dbus-mqtt-battery);
// `m2`: the same inside {"value": "..."} as a Venus broker delivers it; `m3`: flat keys in snake case
// (dbus-serialbattery).
#pragma once

#include "app/sim/device.hpp"

namespace bmsd::sim {

class MqttJsonSim : public DocumentDevice {
public:
  static const SimulatorInfo kInfo;

  MqttJsonSim(Battery& battery, const DeviceOptions& options) : battery_(battery), options_(options) {}
  std::string document() override { return encode(battery_.reading()); }
  std::string encode(const Reading& reading) const;

private:
  Battery& battery_;
  DeviceOptions options_;
};

} // namespace bmsd::sim
