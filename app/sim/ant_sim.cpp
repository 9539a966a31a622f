#include "app/sim/ant_sim.hpp"

#include "app/sim/encode.hpp"
#include "protocols/core/checksum.hpp"
#include "protocols/core/decode.hpp"

#include <algorithm>
#include <numeric>

namespace bmsd::sim {

using protocols::be16;
using protocols::le16;

namespace {

// -- codes --------------------------------------------------------------------------

constexpr std::uint8_t kOn = 1, kSwitchedOff = 15;
constexpr std::uint8_t kBalancerOff = 0, kBalancerAutomatic = 4;

struct Reason {
  Alarm alarm;
  std::uint8_t charge, discharge; ///< codes of the two FETs; 0: not by this
};
constexpr Reason kReasons[] = {
    {Alarm::HighCellVoltage, 2, 0},         {Alarm::LowCellVoltage, 0, 2},  {Alarm::HighChargeCurrent, 3, 0},
    {Alarm::HighDischargeCurrent, 0, 3},    {Alarm::HighVoltage, 5, 0},     {Alarm::LowVoltage, 0, 5},
    {Alarm::HighChargeTemperature, 6, 0},   {Alarm::HighTemperature, 0, 6}, {Alarm::LowChargeTemperature, 17, 0},
    {Alarm::LowTemperature, 0, 17},         {Alarm::InternalFailure, 8, 8}, {Alarm::CellImbalance, 18, 18},
    {Alarm::HighInternalTemperature, 7, 7},
};

std::uint8_t fet_code(const Reading& reading, bool on, std::uint8_t Reason::*code) {
  if (on) {
    return kOn;
  }
  for (const auto& reason : kReasons) {
    if (reading.alarm(reason.alarm) && reason.*code != 0) {
      return reason.*code;
    }
  }
  return kSwitchedOff;
}

std::uint8_t charge_code(const Reading& reading) {
  return fet_code(reading, reading.charge_on, &Reason::charge);
}
std::uint8_t discharge_code(const Reading& reading) {
  return fet_code(reading, reading.discharge_on, &Reason::discharge);
}
std::uint8_t balancer_code(const Reading& reading) {
  return reading.balancing != 0 ? kBalancerAutomatic : kBalancerOff;
}

/// Ah that went through the pack.
double throughput(const Reading& reading) {
  return reading.cycles * reading.capacity;
}

struct Extreme {
  double volts;
  double number;
};
Extreme cell_at(const Reading& reading, std::vector<double>::const_iterator cell) {
  return {*cell, static_cast<double>(cell - reading.cells.begin() + 1)};
}
Extreme highest(const Reading& reading) {
  return cell_at(reading, std::max_element(reading.cells.begin(), reading.cells.end()));
}
Extreme lowest(const Reading& reading) {
  return cell_at(reading, std::min_element(reading.cells.begin(), reading.cells.end()));
}
double mean(const Reading& reading) {
  return std::accumulate(reading.cells.begin(), reading.cells.end(), 0.0) / static_cast<double>(reading.cells.size());
}

constexpr double kNoSensor = -40;

// -- frames of 2021 -------------------------------------------------------------------

constexpr std::uint8_t kStart = 0x7E, kSecond = 0xA1;
constexpr std::size_t kHead = 6, kAround = 10; // bytes before the data, and in all without it
constexpr std::uint8_t kReadStatus = 0x01, kRead = 0x02, kAuthenticate = 0x23, kCommand = 0x51;
constexpr std::uint16_t kNames = 0x026C;
constexpr std::string_view kPassword = "123456789abc";

bool is_function(std::uint8_t function) {
  return function == kReadStatus || function == kRead || function == kAuthenticate || function == kCommand;
}

Bytes reply(std::uint8_t function, std::uint16_t address, ByteView data, ByteView surplus = {}) {
  Encoder out;
  out.u8(kStart).u8(kSecond).u8(function).u16le(address).u8(static_cast<double>(data.size())).raw(data);
  out.u16le(protocols::crc16_modbus(ByteView(out.bytes).subspan(1))).raw(surplus);
  return out.u8(0xAA).u8(0x55).bytes;
}

std::uint32_t protection_bits(const Reading& reading) {
  const std::uint32_t high_cell = reading.alarm(Alarm::HighCellVoltage) ? 1U << 1 : 0;
  const std::uint32_t discharge = discharge_code(reading) == kSwitchedOff ? 1U << 17 : 0;
  const std::uint32_t charge = charge_code(reading) == kSwitchedOff ? 1U << 21 : 0;
  return high_cell | discharge | charge;
}

std::uint32_t state_bits(const Reading& reading) {
  return (reading.charge_on ? 1U << 23 : 0) | (reading.discharge_on ? 1U << 24 : 0) |
         (reading.balancing != 0 ? 1U << 29 : 0);
}

// -- frames of 2019 -------------------------------------------------------------------

constexpr std::uint8_t kReadOld = 0x5A, kReadBluetooth = 0xDB, kWriteOld = 0xA5;
constexpr std::size_t kRequestOld = 6, kOldTemperatures = 6;
constexpr std::string_view kPasswordOld = "12345678";

std::uint8_t low_sum(ByteView bytes) {
  return static_cast<std::uint8_t>(protocols::sum16(bytes));
}

Bytes frame_2019(std::uint8_t function, std::uint8_t address, ByteView value) {
  Encoder out;
  out.u8(function).u8(function).u8(address).raw(value);
  return out.u8(low_sum(ByteView(out.bytes).subspan(2))).bytes;
}

} // namespace

Bytes ant_status_2021(const Reading& reading) {
  const auto& sensors = reading.cell_temperatures;
  Encoder out;
  out.u8(5).u8(reading.current > 0 ? 2 : reading.current < 0 ? 3 : 1);
  out.u8(static_cast<double>(sensors.size())).u8(static_cast<double>(reading.cells.size()));
  out.u32le(protection_bits(reading)).u32le(0).u32le(state_bits(reading)).u32le(0).zeros(8);
  for (double volts : reading.cells) {
    out.u16le(volts, 0.001);
  }
  for (double celsius : sensors) {
    out.s16le(celsius);
  }
  out.s16le(reading.mos_temperature).s16le(sensors.empty() ? kNoSensor : sensors[0]);
  out.u16le(reading.voltage, 0.01).s16le(-reading.current, 0.1).u16le(reading.soc).u16le(100);
  out.u8(discharge_code(reading)).u8(charge_code(reading)).u8(balancer_code(reading)).u8(0);
  out.u32le(reading.capacity, 1e-6).u32le(reading.remaining, 1e-6).u32le(throughput(reading), 0.001);
  out.s32le(-reading.voltage * reading.current).u32le(0).u32le(reading.balancing);
  const Extreme high = highest(reading), low = lowest(reading);
  out.u16le(high.volts, 0.001).u16le(high.number).u16le(low.volts, 0.001).u16le(low.number);
  out.u16le(high.volts - low.volts, 0.001).u16le(mean(reading), 0.001);
  out.u16le(0).u16le(12.8, 0.1).u16le(12.2, 0.1).u16le(0).u16le(0xFAF2);
  out.u32le(throughput(reading), 0.001).u32le(throughput(reading), 0.001).u32le(0).u32le(0);
  return reply(0x11, 0, out.bytes);
}

Bytes ant_status_2019(const Reading& reading) {
  const Extreme high = highest(reading), low = lowest(reading);
  Encoder out;
  out.u8(0xAA).u8(0x55).u8(0xAA).u8(0xFF).u16be(reading.voltage, 0.1);
  for (double volts : reading.cells) {
    out.u16be(volts, 0.001);
  }
  out.at(70).s32be(-reading.current, 0.1).u8(reading.soc);
  out.u32be(reading.capacity, 1e-6).u32be(reading.remaining, 1e-6).u32be(throughput(reading), 0.001).u32be(0);
  for (std::size_t i = 0; i < kOldTemperatures; ++i) {
    out.s16be(i < reading.cell_temperatures.size() ? reading.cell_temperatures[i] : kNoSensor);
  }
  out.u8(charge_code(reading)).u8(discharge_code(reading)).u8(balancer_code(reading));
  out.u16be(1000).u16be(23).u8(0).s32be(-reading.voltage * reading.current);
  out.u8(high.number).u16be(high.volts, 0.001).u8(low.number).u16be(low.volts, 0.001).u16be(mean(reading), 0.001);
  out.u8(static_cast<double>(reading.cells.size())).u16be(0).u16be(11.2, 0.1).u16be(10.7, 0.1).u16be(684);
  out.u32be(reading.balancing).u16be(0);
  return out.u16be(protocols::sum16(ByteView(out.bytes).subspan(4))).bytes;
}

// -- the line -------------------------------------------------------------------------

AntSim::AntSim(Battery& battery, const DeviceOptions& options) : battery_(battery), old_(options.dialect == "2019") {
  const auto& config = battery.config();
  const auto& limits = config.protections;
  const double cells = config.cells;
  const auto put = [this](unsigned address, const Encoder& values) {
    for (const auto byte : values.bytes) {
      memory_[static_cast<std::uint16_t>(address++)] = byte;
    }
  };
  const auto thresholds = [&](unsigned address, const Threshold& cell) {
    put(address, Encoder().u16le(cell.trip, 0.001).u16le(cell.release, 0.001));
    put(address + 8, Encoder().u16le(cell.trip * cells, 0.1).u16le(cell.release * cells, 0.1));
  };
  thresholds(0x0000, limits.cell_high);
  thresholds(0x000C, limits.cell_low);
  put(0x0068, Encoder().u16le(config.max_charge_current(), 0.1).u16le(5));
  put(0x006C, Encoder().u16le(config.max_discharge_current(), 0.1).u16le(5));
  put(0x009A, Encoder().u16le(cells));
  put(kNames, Encoder().text(options.name, 16).text("16ZMUB00-211026A", 16));
}

StreamDevice::Answer AntSim::answer(ByteView line) {
  if (line.empty()) {
    return {};
  }
  switch (line[0]) {
  case kStart: return old_ ? Answer{1, {}} : answer_2021(line);
  case kReadOld:
  case kReadBluetooth:
  case kWriteOld: return answer_2019(line);
  default: return {1, {}};
  }
}

StreamDevice::Answer AntSim::answer_2021(ByteView line) {
  if ((line.size() > 1 && line[1] != kSecond) || (line.size() > 2 && !is_function(line[2]))) {
    return {1, {}};
  }
  if (line.size() < kHead) {
    return {};
  }
  const std::size_t size = kAround + (line[2] == kAuthenticate ? line[5] : 0U);
  if (line.size() < size) {
    return {};
  }
  const ByteView request = line.first(size);
  const bool whole = le16(request, size - 4) == protocols::crc16_modbus(request.subspan(1, size - 5)) &&
                     request[size - 2] == 0xAA && request[size - 1] == 0x55;
  return whole ? Answer{size, execute(request)} : Answer{1, {}};
}

Bytes AntSim::execute(ByteView request) {
  const std::uint16_t address = le16(request, 3);
  const std::uint8_t done[] = {1, 0}, refused[] = {3, 0}, all[] = {5, 0}, none[] = {0, 0};
  const std::uint8_t surplus[] = {0xFF, 0x0B, 0x00, 0x00, 0x41, 0xF2}; // recorded behind every read
  switch (request[2]) {
  case kReadStatus: return ant_status_2021(battery_.reading());
  case kRead: return reply(0x12, address, read(address, request[5]), surplus);
  case kAuthenticate: {
    const ByteView said = request.subspan(kHead, request[5]);
    const bool right = std::equal(said.begin(), said.end(), kPassword.begin(), kPassword.end());
    return reply(0x43, address, right ? all : none);
  }
  default: return reply(0x61, address, obey(address) ? done : refused);
  }
}

Bytes AntSim::read(std::uint16_t address, std::size_t size) const {
  Bytes out;
  for (; out.size() < size; ++address) {
    const auto byte = memory_.find(address);
    out.push_back(byte == memory_.end() ? std::uint8_t{0xFF} : byte->second);
  }
  return out;
}

bool AntSim::obey(std::uint16_t command) {
  switch (command) {
  case 0x01: battery_.allow_discharge(false); return true;
  case 0x03: battery_.allow_discharge(true); return true;
  case 0x04: battery_.allow_charge(false); return true;
  case 0x06: battery_.allow_charge(true); return true;
  case 0x0D: battery_.enable_balancer(true); return true;
  case 0x0E: battery_.enable_balancer(false); return true;
  default: return false;
  }
}

StreamDevice::Answer AntSim::answer_2019(ByteView line) {
  if (line.size() > 1 && line[1] != line[0]) {
    return {1, {}};
  }
  if (line.size() < kRequestOld) {
    return {};
  }
  if (line[5] != low_sum(line.subspan(2, 3))) {
    return {1, {}};
  }
  const std::uint8_t address = line[2];
  if (line[0] == kWriteOld) {
    return {kRequestOld, old_ ? write(address, line.subspan(3, 2)) : Bytes()};
  }
  return {kRequestOld,
          address == 0 ? ant_status_2019(battery_.reading()) : frame_2019(line[0], address, line.subspan(3, 2))};
}

/// Echoed when accepted, also each part of a password while the board is open.
Bytes AntSim::write(std::uint8_t address, ByteView value) {
  constexpr std::uint8_t kFirstPart = 0xF1, kLastPart = 0xF4, kSayLocked = 0xF5;
  constexpr std::uint8_t kDischarge = 0xF9, kCharge = 0xFA;
  const bool on = be16(value, 0) != 0;
  if (address >= kFirstPart && address <= kLastPart) {
    password_.replace(2U * (address - kFirstPart), 2, std::string(value.begin(), value.end()));
  }
  if (address == kLastPart) {
    locked_ = password_ != kPasswordOld;
  }
  if (locked_) {
    const std::uint8_t one[] = {0, 1};
    return frame_2019(kWriteOld, kSayLocked, one);
  }
  if (address == kDischarge) {
    battery_.allow_discharge(on);
  } else if (address == kCharge) {
    battery_.allow_charge(on);
  }
  return frame_2019(kWriteOld, address, value);
}

namespace {

constexpr std::string_view kDialects[] = {"2021", "2019"};

} // namespace

constinit const SimulatorInfo AntSim::kInfo = {
    .key = "ant",
    .about = "ANT BMS (serial, 19200 baud); dialect 2019 are the older boards",
    .baud = 19200,
    .max_capacity = 4290,
    .dialects = kDialects,
    .stream = make_stream<AntSim>,
};

} // namespace bmsd::sim
