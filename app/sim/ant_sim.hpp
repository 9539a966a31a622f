// ANT BMS on UART from the BMS's side, boards of 2021 and of 2019.
//
// Source: vendor document "ANT communication protocol" and serial traffic of the vendor's apps, see
// docs/protocols/ant.md. 2021: 7E A1 function address length data crc AA 55, little-endian; 2019: requests of
// six bytes, a status of 140, big-endian.
#pragma once

#include "app/sim/device.hpp"

#include <map>

namespace bmsd::sim {

/// Whole replies to the status requests.
Bytes ant_status_2021(const Reading& reading);
Bytes ant_status_2019(const Reading& reading);

class AntSim : public StreamDevice {
public:
  static const SimulatorInfo kInfo;

  AntSim(Battery& battery, const DeviceOptions& options);
  Answer answer(ByteView line) override;

private:
  Answer answer_2021(ByteView line);
  Bytes execute(ByteView request);
  Bytes read(std::uint16_t address, std::size_t size) const;
  /// Whether there is such a command.
  bool obey(std::uint16_t command);

  Answer answer_2019(ByteView line);
  Bytes write(std::uint8_t address, ByteView value);

  Battery& battery_;
  bool old_;                                     ///< a board of 2019; those of 2021 tell the old status as well
  std::map<std::uint16_t, std::uint8_t> memory_; ///< 2021: settings and names, byte by byte
  bool locked_ = true;                           ///< 2019
  std::string password_ = "        ";            ///< 2019: as heard so far
};

} // namespace bmsd::sim
