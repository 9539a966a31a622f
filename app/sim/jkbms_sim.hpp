// JK BMS with the "4E 57" protocol from the BMS's side.
//
// Source: vendor document "Communication protocol between monitoring platform and BMS" V2.5, see
// docs/protocols/jkbms.md. Frames 4E 57 length[2] terminal[4] command source type information record[4] 68
// sum[4], big-endian; the information is a list of tags and values.
#pragma once

#include "app/sim/device.hpp"

namespace bmsd::sim {

class JkbmsSim : public StreamDevice {
public:
  static const SimulatorInfo kInfo;

  JkbmsSim(Battery& battery, const DeviceOptions& options);
  Answer answer(ByteView line) override;

private:
  Bytes respond(std::uint8_t command, ByteView information);
  Bytes all_values() const;
  Bytes write(std::uint8_t tag, std::uint8_t value);

  Battery& battery_;
  std::string device_id_, user_data_;
  bool old_;              ///< firmware without protocol version
  bool unlocked_ = false; ///< a password was sent; the real one is never asked for
  bool charge_switch_ = true, discharge_switch_ = true;
};

} // namespace bmsd::sim
