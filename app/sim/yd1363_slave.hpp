// The side of a simulated BMS that answers frames of YD/T 1363.3. A simulator derives from it and says what
// it answers to each command.
#pragma once

#include "app/sim/device.hpp"
#include "protocols/core/yd1363.hpp"

#include <cstdint>

namespace bmsd::sim {

class Yd1363Slave : public StreamDevice {
public:
  /// Skips what is no frame byte by byte; a frame to another address is taken without a reply.
  Answer answer(ByteView line) final;

protected:
  static constexpr std::uint8_t kWrongVersion = 0x01, kUnknownCommand = 0x04, kWrongFormat = 0x05,
                                kUnknownDevice = 0xE1;

  /// `dialect.start` begins requests, `reply_start` replies.
  Yd1363Slave(const protocols::yd1363::Dialect& dialect, std::uint8_t address, char reply_start = '~')
      : dialect_(dialect), reply_start_(reply_start), address_(address) {}
  std::uint8_t address() const { return address_; }

  /// The whole reply, made with reply(); empty: it keeps quiet. VER and CID1 have been checked by
  /// `accepts()`, the address is its own.
  virtual Bytes answer_to(const protocols::yd1363::Frame& request) = 0;
  /// 0, or the return code for a VER or CID1 that it does not know.
  virtual std::uint8_t accepts(const protocols::yd1363::Frame& request) const;

  Bytes reply(std::uint8_t return_code, ByteView info = {}) const;
  /// With the CID1 of the request, for a BMS that has several.
  Bytes reply_of(const protocols::yd1363::Frame& request, std::uint8_t return_code, ByteView info = {}) const;

private:
  protocols::yd1363::Dialect dialect_;
  char reply_start_;
  std::uint8_t address_;
};

} // namespace bmsd::sim
