// JK PB inverter BMS on RS485 from the BMS's side.
//
// Source: vendor documents "BMS RS485 Modbus" V1.0 and V1.1 and docs/protocols/jkbms_pb.md.
// A write of 0 to 0x161C, 0x161E or 0x1620 is answered by a payload of 300 bytes and the acknowledgement.
#pragma once

#include "app/sim/modbus_slave.hpp"

namespace bmsd::sim {

/// Dialects: firmware v15 (a zero byte on both sides of the acknowledgement), v19 (other model name, own heater
/// limits), v14 (no zero bytes, no requested voltages).
class JkbmsPbSim : public ModbusSlave {
public:
  static const SimulatorInfo kInfo;

  JkbmsPbSim(Battery& battery, const DeviceOptions& options);

private:
  struct Firmware;

  Data read(std::uint8_t function, unsigned first, unsigned count) override;
  std::uint8_t write(std::uint8_t function, unsigned first, ByteView data) override;
  std::optional<Bytes> special(ByteView request) override;
  Bytes settings() const;
  Bytes status() const;
  Bytes about() const;
  Bytes with_payload(Bytes payload, std::uint16_t reg) const;

  Battery& battery_;
  DeviceOptions options_;
  const Firmware& firmware_;
  bool charge_switch_ = true, discharge_switch_ = true;
  std::uint8_t counter_ = 0;
};

} // namespace bmsd::sim
