#include "app/sim/jkbms_sim.hpp"

#include "app/sim/encode.hpp"
#include "protocols/core/checksum.hpp"
#include "protocols/core/decode.hpp"

#include <algorithm>
#include <cmath>

namespace bmsd::sim {

using protocols::be16;
using protocols::sum16;

namespace {

constexpr std::uint8_t kStart1 = 0x4E, kStart2 = 0x57, kEnd = 0x68;
constexpr std::size_t kLengthAt = 2, kTerminalAt = 4, kCommandAt = 8, kTypeAt = 10, kInformation = 11;
constexpr std::size_t kTail = 9, kSummed = 4;        // behind the information; bytes at the end that are not summed
constexpr std::size_t kShortest = 21, kLongest = 64; // of requests
constexpr std::uint8_t kWrite = 2, kPassword = 5, kReadAll = 6;
constexpr std::uint8_t kRequest = 0;

constexpr std::uint8_t kChargeSwitch = 0xAB, kDischargeSwitch = 0xAC;
constexpr std::string_view kModel = "JK_B2A24S15P";

struct WarningBit {
  Alarm alarm;
  unsigned bit;
};
constexpr WarningBit kWarningBits[] = {
    {Alarm::LowSoc, 0},
    {Alarm::HighInternalTemperature, 1},
    {Alarm::HighVoltage, 2},
    {Alarm::LowVoltage, 3},
    {Alarm::HighChargeTemperature, 4},
    {Alarm::HighTemperature, 4},
    {Alarm::HighChargeCurrent, 5},
    {Alarm::HighDischargeCurrent, 6},
    {Alarm::CellImbalance, 7},
    {Alarm::LowChargeTemperature, 9},
    {Alarm::LowTemperature, 9},
    {Alarm::HighCellVoltage, 10},
    {Alarm::LowCellVoltage, 11},
};

Bytes frame(std::uint8_t command, ByteView information) {
  Encoder out;
  out.u8(kStart1).u8(kStart2).u16be(static_cast<double>(information.size() + kInformation + kTail - 2)).zeros(4);
  out.u8(command).u8(0).u8(1).raw(information).zeros(4).u8(kEnd);
  const std::uint16_t sum = sum16(out.bytes);
  return out.zeros(2).u16be(sum).bytes;
}

/// 0 to 100 °C as they are, below zero 100 plus the amount.
double temperature(double celsius) {
  const double rounded = std::clamp(std::round(celsius), -40.0, 100.0);
  return rounded < 0 ? 100 - rounded : rounded;
}

double warnings(const Reading& reading) {
  unsigned bits = 0;
  for (const auto& entry : kWarningBits) {
    bits |= static_cast<unsigned>(reading.alarm(entry.alarm)) << entry.bit;
  }
  return bits;
}

unsigned state(const Reading& reading) {
  return (reading.charge_on ? 1U : 0) | (reading.discharge_on ? 2U : 0) | (reading.balancing != 0 ? 4U : 0);
}

/// Since protocol version 1 bit 15 says charging; before, 10000 was rest and less was charging.
double current(double amperes, bool old) {
  const double hundredths = std::round(amperes * 100);
  return old ? 10000 - hundredths : hundredths > 0 ? 32768 + hundredths : -hundredths;
}

} // namespace

JkbmsSim::JkbmsSim(Battery& battery, const DeviceOptions& options)
    : battery_(battery), device_id_(options.name.empty() ? "Input Us" : options.name),
      user_data_(options.serial.empty() ? "Input Userda" : options.serial), old_(options.dialect == "v0") {}

StreamDevice::Answer JkbmsSim::answer(ByteView line) {
  if (line.empty()) {
    return {};
  }
  if (line[0] != kStart1 || (line.size() > 1 && line[1] != kStart2)) {
    return {1, {}};
  }
  if (line.size() < kTerminalAt) {
    return {};
  }
  const std::size_t size = be16(line, kLengthAt) + 2U;
  if (size < kShortest || size > kLongest) {
    return {1, {}};
  }
  if (line.size() < size) {
    return {};
  }
  const ByteView request = line.first(size);
  if (request[size - kSummed - 1] != kEnd || be16(request, size - 2) != sum16(request.first(size - kSummed))) {
    return {1, {}};
  }
  const ByteView terminal = request.subspan(kTerminalAt, kCommandAt - kTerminalAt);
  const bool mine = request[kTypeAt] == kRequest &&
                    std::all_of(terminal.begin(), terminal.end(), [](auto byte) { return byte == 0; });
  const ByteView information = request.subspan(kInformation, size - kInformation - kTail);
  return {size, mine ? respond(request[kCommandAt], information) : Bytes()};
}

Bytes JkbmsSim::respond(std::uint8_t command, ByteView information) {
  switch (command) {
  case kReadAll: return frame(kReadAll, all_values());
  case kPassword: unlocked_ = true; return {};
  case kWrite: return unlocked_ && information.size() == 2 ? write(information[0], information[1]) : Bytes();
  default: return {};
  }
}

/// Balancer and everything else: firmware 11 keeps quiet and changes nothing.
Bytes JkbmsSim::write(std::uint8_t tag, std::uint8_t value) {
  if ((tag != kChargeSwitch && tag != kDischargeSwitch) || value > 1) {
    return {};
  }
  (tag == kChargeSwitch ? charge_switch_ : discharge_switch_) = value == 1;
  battery_.allow_charge(charge_switch_);
  battery_.allow_discharge(discharge_switch_);
  return frame(kWrite, Bytes{tag});
}

Bytes JkbmsSim::all_values() const {
  const Reading now = battery_.reading();
  const auto& config = battery_.config();
  const auto& limits = config.protections;
  const auto cells = static_cast<double>(now.cells.size());
  Encoder out;
  out.u8(0x79).u8(3 * cells);
  for (std::size_t i = 0; i < now.cells.size(); ++i) {
    out.u8(static_cast<double>(i + 1)).u16be(now.cells[i], 0.001);
  }
  out.u8(0x80).u16be(temperature(now.mos_temperature));
  out.u8(0x81).u16be(temperature(now.cell_temperatures.at(0)));
  out.u8(0x82).u16be(temperature(now.cell_temperatures.at(1)));
  out.u8(0x83).u16be(now.voltage, 0.01).u8(0x84).u16be(current(now.current, old_)).u8(0x85).u8(now.soc);
  out.u8(0x86).u8(2).u8(0x87).u16be(now.cycles).u8(0x89).u32be(now.cycles * now.capacity);
  out.u8(0x8A).u16be(cells).u8(0x8B).u16be(warnings(now)).u8(0x8C).u16be(state(now));
  out.u8(0x8E).u16be(limits.cell_high.trip * cells, 0.01).u8(0x8F).u16be(limits.cell_low.trip * cells, 0.01);
  out.u8(0x90).u16be(limits.cell_high.trip, 0.001).u8(0x91).u16be(limits.cell_high.release, 0.001);
  out.u8(0x92).u16be(5).u8(0x93).u16be(limits.cell_low.trip, 0.001);
  out.u8(0x94).u16be(limits.cell_low.release, 0.001).u8(0x95).u16be(5).u8(0x96).u16be(300);
  out.u8(0x97).u16be(config.max_discharge_current()).u8(0x98).u16be(300);
  out.u8(0x99).u16be(config.max_charge_current()).u8(0x9A).u16be(30);
  out.u8(0x9B).u16be(3400).u8(0x9C).u16be(5).u8(0x9D).u8(now.balancer_enabled);
  out.u8(0x9E).u16be(100).u8(0x9F).u16be(80).u8(0xA0).u16be(100).u8(0xA1).u16be(100).u8(0xA2).u16be(20);
  out.u8(0xA3).u16be(limits.charge_hot.trip).u8(0xA4).u16be(limits.discharge_hot.trip);
  out.u8(0xA5).s16be(limits.charge_cold.trip).u8(0xA6).s16be(limits.charge_cold.release);
  out.u8(0xA7).s16be(limits.discharge_cold.trip).u8(0xA8).s16be(limits.discharge_cold.release);
  out.u8(0xA9).u8(cells).u8(0xAA).u32be(config.capacity);
  out.u8(0xAB).u8(charge_switch_).u8(0xAC).u8(discharge_switch_);
  out.u8(0xAD).u16be(1000).u8(0xAE).u8(1).u8(0xAF).u8(0).u8(0xB0).u16be(10).u8(0xB1).u8(20);
  out.u8(0xB2).text("123456", 10).u8(0xB3).u8(0).u8(0xB4).text(device_id_, 8).u8(0xB5).text("2306", 4);
  out.u8(0xB6).u32be(84675).u8(0xB7).text(old_ ? "NW_1_0_0_200428" : "11.XW_S11.262H_", 15);
  if (!old_) {
    out.u8(0xB8).u8(0).u8(0xB9).u32be(config.capacity);
    out.u8(0xBA).text(user_data_, 12).text(kModel, 12).u8(0xC0).u8(1);
  }
  return out.bytes;
}

namespace {

constexpr std::string_view kDialects[] = {"v1", "v0"};

} // namespace

constinit const SimulatorInfo JkbmsSim::kInfo = {
    .key = "jkbms",
    .about = "JK BMS, RS485/GPS port (serial, 115200 baud); dialect v0 is firmware of before 2021",
    .baud = 115200,
    .max_capacity = 65535,
    .dialects = kDialects,
    .stream = make_stream<JkbmsSim>,
};

} // namespace bmsd::sim
