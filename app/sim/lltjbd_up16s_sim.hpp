// JBD UP series from the BMS's side.
//
// Source: docs/protocols/lltjbd_up16s.md (recordings of two chained batteries, register maps of users).
// Request and reply: address function first[2] end[2] n[2] data[n] crc[2], big-endian, CRC of Modbus.
#pragma once

#include "app/sim/device.hpp"

namespace bmsd::sim {

/// Address 1 is the master of a chain of two batteries that are alike. With another address it is the other
/// battery, as the master answers for it: pack status only. Dialect `direct`: a cable of its own, at any address.
class LltJbdUp16sSim : public StreamDevice {
public:
  static const SimulatorInfo kInfo;

  LltJbdUp16sSim(Battery& battery, const DeviceOptions& options);
  Answer answer(ByteView line) override;

private:
  bool is_slave() const { return address_ != 1 && !direct_; }
  Bytes respond(ByteView request);
  Bytes read(unsigned first, unsigned end) const;
  Bytes pack_status() const;
  Bytes own_status() const;
  Bytes parameters() const;
  Bytes product() const;
  Bytes memory() const;
  bool write(unsigned first, ByteView data);

  Battery& battery_;
  std::uint8_t address_;
  bool direct_;
  std::string name_, serial_;
};

} // namespace bmsd::sim
