// LLT Power / JBD serial protocol from the BMS's side.
//
// Source: docs/protocols/lltjbd.md (vendor document "JBD General Protocol V4" and captures).
// Request DD A5|5A reg n data sum sum 77, reply DD reg status n data sum sum 77, big-endian.
#pragma once

#include "app/sim/device.hpp"

#include <map>

namespace bmsd::sim {

/// Data of register 0x03 and 0x04 for a reading.
Bytes lltjbd_basic_info(const Reading& reading);
Bytes lltjbd_cell_voltages(const Reading& reading);
/// A whole reply with its checksum.
Bytes lltjbd_reply(std::uint8_t reg, std::uint8_t status, ByteView data);

class LltJbdSim : public StreamDevice {
public:
  static const SimulatorInfo kInfo;

  LltJbdSim(Battery& battery, const DeviceOptions& options);
  Answer answer(ByteView line) override;

private:
  Bytes read(std::uint8_t reg) const;
  Bytes write(std::uint8_t reg, ByteView data);
  Bytes error_counts() const;

  Battery& battery_;
  std::string name_;
  std::string serial_;
  bool factory_mode_ = false;
  std::map<std::uint8_t, std::uint16_t> settings_; ///< 0x10-0x3F: answer in factory mode only
};

} // namespace bmsd::sim
