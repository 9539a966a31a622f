// Daren's DR-1363 from the BMS's side, in both generations: telemetry, parameters, versions, serial number, totals.
//
// Source: vendor PDF "BASEN Energy Storage Communication Protocol", tables 5 to 8; for the second generation, whose
// protocol is not published, what the driver of dbus-serialbattery asks.
#pragma once

#include "app/sim/yd1363_slave.hpp"

namespace bmsd::sim {

/// INFO of the replies.
Bytes dr1363_telemetry(const Reading& reading, double environment);
Bytes dr1363_parameters(const BatteryConfig& config, std::string_view serial);

class Dr1363Sim : public Yd1363Slave {
protected:
  Dr1363Sim(const protocols::yd1363::Dialect& dialect, Battery& battery, const DeviceOptions& options);

  Bytes answer_to(const protocols::yd1363::Frame& request) override;
  virtual bool has_group(const protocols::yd1363::Frame& request) const = 0;

private:
  Bytes module(const protocols::yd1363::Frame& request) const;

  Battery& battery_;
  std::string name_, serial_;
};

/// Daren DR-JC03, Basen. Dialects: what it takes as the group of telemetry.
class Daren485Sim : public Dr1363Sim {
public:
  static const SimulatorInfo kInfo;

  Daren485Sim(Battery& battery, const DeviceOptions& options);

private:
  bool has_group(const protocols::yd1363::Frame& request) const override;

  std::uint8_t group_;
};

/// KS48100: requests begin with '>', and but for service 0xB0 it has a CID1 of its own.
class Ks48100Sim : public Dr1363Sim {
public:
  static const SimulatorInfo kInfo;

  Ks48100Sim(Battery& battery, const DeviceOptions& options);

private:
  std::uint8_t accepts(const protocols::yd1363::Frame& request) const override;
  bool has_group(const protocols::yd1363::Frame& request) const override;
};

} // namespace bmsd::sim
