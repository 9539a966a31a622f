// HLP Data BMS4S from its own side: a text console.
//
// Source: docs/protocols/hlpdatabms4s.md (manual of software 1.4.55 and 4.x.89). A command is a line; the board
// repeats it and answers with lines that end with CR and LF.
#pragma once

#include "app/sim/device.hpp"

#include <string>

namespace bmsd::sim {

/// What the board says to m1 and to ps, without the repeated command. `decimal`: point or comma of the settings.
std::string hlpdatabms4s_measurement(const Reading& reading, bool tenths);
std::string hlpdatabms4s_settings(const BatteryConfig& config, char decimal);

/// Dialects: 1.4 (settings with a comma, whole degrees), 4.2 (with a point, tenths of a degree).
class HlpdataBms4sSim : public StreamDevice {
public:
  static const SimulatorInfo kInfo;

  HlpdataBms4sSim(Battery& battery, const DeviceOptions& options);
  Answer answer(ByteView line) override;

private:
  std::string respond(std::string_view command) const;

  Battery& battery_;
  bool new_;
};

} // namespace bmsd::sim
