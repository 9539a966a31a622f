#include "app/sim/sinowealth_sim.hpp"

#include "app/sim/encode.hpp"

#include <algorithm>

namespace bmsd::sim {

namespace {

constexpr std::uint8_t kStart = 0x0A, kLastRegister = 0x18, kMostBytes = 20;
constexpr std::size_t kRequestSize = 3, kMostCells = 10, kFewestCells = 3;
constexpr double kZeroCelsius = 273.15; // K

struct StatusBit {
  Alarm alarm;
  unsigned bit;
};
constexpr StatusBit kStatusBits[] = {
    {Alarm::HighVoltage, 0},           {Alarm::HighCellVoltage, 0},   {Alarm::LowVoltage, 1},
    {Alarm::LowCellVoltage, 1},        {Alarm::HighChargeCurrent, 2}, {Alarm::HighDischargeCurrent, 3},
    {Alarm::HighChargeTemperature, 8}, {Alarm::HighTemperature, 9},   {Alarm::LowChargeTemperature, 10},
    {Alarm::LowTemperature, 11},       {Alarm::InternalFailure, 14},
};

/// As the packet error code of the SMBus.
std::uint8_t packet_error_code(ByteView bytes) {
  unsigned remainder = 0;
  for (auto byte : bytes) {
    remainder ^= byte;
    for (int bit = 0; bit < 8; ++bit) {
      remainder <<= 1;
      remainder = remainder > 0xFF ? remainder ^ 0x107 : remainder;
    }
  }
  return static_cast<std::uint8_t>(remainder);
}

std::size_t cells_of(const Reading& reading) {
  return std::clamp(reading.cells.size(), kFewestCells, kMostCells);
}

unsigned pack_status(const Reading& reading) {
  return (reading.charge_on ? 1U : 0) | (reading.discharge_on ? 2U : 0) | (reading.current > 0 ? 4U : 0) |
         (reading.current < 0 ? 8U : 0) | (reading.soc >= 100 ? 0x100U : 0) | (reading.soc <= 0 ? 0x200U : 0);
}

unsigned battery_status(const Reading& reading) {
  unsigned bits = 0;
  for (const auto& entry : kStatusBits) {
    bits |= static_cast<unsigned>(reading.alarm(entry.alarm)) << entry.bit;
  }
  return bits;
}

void encode(std::uint8_t reg, const Reading& reading, Encoder& out) {
  constexpr unsigned kTwoSensors = 1U << 6;
  if (reg <= kMostCells) {
    out.u16be(reg <= reading.cells.size() ? reading.cells[reg - 1U] : 0, 0.001);
    return;
  }
  switch (reg) {
  case 0x0B: out.u16be(reading.voltage, 0.001); break;
  case 0x0C:
  case 0x0D: out.u16be(reading.cell_temperatures.at(reg - 0x0CU) + kZeroCelsius, 0.1); break;
  case 0x0E: out.u16be(reading.mos_temperature + kZeroCelsius, 0.1); break;
  case 0x0F: out.u16be(7100); break;
  case 0x10: out.s32be(reading.current, 0.001); break;
  case 0x11: out.s32be(reading.capacity, 0.001); break;
  case 0x12: out.s32be(reading.remaining, 0.001); break;
  case 0x13: out.u16be(reading.soc); break;
  case 0x14: out.u16be(reading.cycles); break;
  case 0x15: out.u16be(pack_status(reading)); break;
  case 0x16: out.u16be(battery_status(reading)); break;
  case 0x17: out.u16be(static_cast<double>((cells_of(reading) - kFewestCells) | kTwoSensors)); break;
  default: break; // 18, "manufacture access", is not understood
  }
}

} // namespace

StreamDevice::Answer SinowealthSim::answer(ByteView line) {
  if (line.empty()) {
    return {};
  }
  if (line[0] != kStart || (line.size() > 1 && (line[1] == 0 || line[1] > kLastRegister)) ||
      (line.size() > 2 && (line[2] == 0 || line[2] > kMostBytes))) {
    return {1, {}};
  }
  if (line.size() < kRequestSize) {
    return {};
  }
  Encoder out;
  out.raw(line.first(kRequestSize));
  encode(line[1], battery_.reading(), out);
  out.bytes.resize(kRequestSize + line[2]);
  out.u8(packet_error_code(out.bytes));
  out.bytes.erase(out.bytes.begin(), out.bytes.begin() + kRequestSize);
  return {kRequestSize, out.bytes};
}

constinit const SimulatorInfo SinowealthSim::kInfo = {
    .key = "sinowealth",
    .about = "BMS with a Sinowealth chip (serial, 9600 baud), 3 to 10 cells",
    .baud = 9600,
    .max_capacity = 2147,
    .min_cells = 3,
    .max_cells = 10,
    .stream = make_stream<SinowealthSim>,
};

} // namespace bmsd::sim
