// Daly "A5" protocol from the BMS's side.
//
// Source: vendor document "Daly RS485+UART Protocol" V1.2, see docs/protocols/daly.md. Requests and
// answers are 13 bytes: A5 host|board id 08 data[8] sum, big-endian.
#pragma once

#include "app/sim/device.hpp"

#include <array>

namespace bmsd::sim {

/// Makes the answers of a board. All of them share eight bytes of data: what an answer does not fill
/// keeps what was there, as recordings of real boards show.
class DalyAnswers {
public:
  DalyAnswers(std::uint8_t board, std::string code, bool all_frames);
  /// Empty for an id that these boards do not answer.
  Bytes read(std::uint8_t id, const Reading& reading);
  Bytes acknowledge(std::uint8_t id, std::uint8_t value);

private:
  Bytes frame(std::uint8_t id, ByteView fields);
  Bytes cell_frames(const Reading& reading);
  Bytes sensor_frames(const Reading& reading);
  Bytes code_frames();

  std::uint8_t board_;
  std::string code_;
  bool all_frames_; ///< also those without data, as over Bluetooth
  std::uint8_t life_ = 0;
  std::array<std::uint8_t, 8> data_{};
};

class DalySim : public StreamDevice {
public:
  static const SimulatorInfo kInfo;

  DalySim(Battery& battery, const DeviceOptions& options);
  Answer answer(ByteView line) override;

private:
  Bytes execute(std::uint8_t id, ByteView data);

  Battery& battery_;
  std::uint8_t host_; ///< the address of the requests that are for this board
  DalyAnswers answers_;
};

} // namespace bmsd::sim
