#include "app/sim/lltjbd_up16s_sim.hpp"

#include "app/sim/encode.hpp"
#include "protocols/core/checksum.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/core/modbus.hpp"

#include <algorithm>
#include <cmath>

namespace bmsd::sim {

using protocols::be16;

namespace {

constexpr std::uint8_t kRead = 0x78, kWrite = 0x79, kReadOwn = 0x45;
constexpr std::uint8_t kHighestAddress = 16;
constexpr std::size_t kHead = 8, kCrc = 2, kLongestData = 512;
constexpr unsigned kPackStatus = 0x1000, kParameters = 0x1C00, kMemory = 0x2000, kSoc = 0x2006, kProduct = 0x2810;
constexpr std::uint8_t kSignature[] = {0x11, 'J', 'B', 'D'};

constexpr double kZeroCurrent = 3000; // A, what raw 0 stands for
constexpr double kZeroCelsius = 50;   // below 0 °C
constexpr double kZeroKelvin = 273.1; // of the individual status
constexpr double kNominalVoltage = 51.2;
constexpr double kChained = 2; // batteries
constexpr std::uint8_t kMajor = 12, kMinor = 4;
constexpr std::string_view kPackSerial = "JBD48100000"; // what the factory puts into all of them

struct FaultBit {
  Alarm alarm;
  unsigned bit;
};
constexpr FaultBit kFaultBits[] = {
    {Alarm::HighCellVoltage, 0},
    {Alarm::LowCellVoltage, 1},
    {Alarm::HighVoltage, 2},
    {Alarm::LowVoltage, 3},
    {Alarm::HighChargeCurrent, 4},
    {Alarm::HighDischargeCurrent, 6},
    {Alarm::HighChargeTemperature, 8},
    {Alarm::LowChargeTemperature, 9},
    {Alarm::HighTemperature, 10},
    {Alarm::LowTemperature, 11},
    {Alarm::HighInternalTemperature, 12},
    {Alarm::CellImbalance, 15},
    {Alarm::LowSoc, 17},
    {Alarm::InternalFailure, 26},
};
constexpr std::uint32_t kFullAlarm = 1U << 18;

std::uint32_t fault_word(const Reading& reading) {
  std::uint32_t word = 0;
  for (const auto& entry : kFaultBits) {
    word |= static_cast<std::uint32_t>(reading.alarm(entry.alarm)) << entry.bit;
  }
  return word;
}

bool is_function(std::uint8_t function) {
  return function == kRead || function == kWrite || function == kReadOwn;
}

/// Highest and lowest of `values`, each behind its number from 1 on, then the mean.
void extremes(Encoder& out, const std::vector<double>& values, double zero, double unit) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  double sum = 0;
  for (double value : values) {
    sum += value;
  }
  for (auto which : {high, low}) {
    out.u16be(static_cast<double>(which - values.begin() + 1)).u16be(*which + zero, unit);
  }
  out.u16be(sum / static_cast<double>(values.size()) + zero, unit);
}

} // namespace

LltJbdUp16sSim::LltJbdUp16sSim(Battery& battery, const DeviceOptions& options)
    : battery_(battery), address_(static_cast<std::uint8_t>(options.address != 0 ? options.address : 1)),
      direct_(options.dialect == "direct"), name_(options.name), serial_(options.serial) {}

StreamDevice::Answer LltJbdUp16sSim::answer(ByteView line) {
  if (line.empty()) {
    return {};
  }
  if (line[0] > kHighestAddress || (line.size() > 1 && !is_function(line[1]))) {
    return {1, {}};
  }
  if (line.size() < kHead) {
    return {};
  }
  const std::size_t data = be16(line, 6), size = kHead + data + kCrc;
  if (data > kLongestData) {
    return {1, {}};
  }
  if (line.size() < size) {
    return {};
  }
  const ByteView request = line.first(size);
  if (protocols::le16(request, size - kCrc) != protocols::crc16_modbus(request.first(size - kCrc))) {
    return {1, {}};
  }
  return {size, request[0] == address_ ? respond(request) : Bytes{}};
}

Bytes LltJbdUp16sSim::respond(ByteView request) {
  const unsigned first = be16(request, 2), end = be16(request, 4);
  Bytes data;
  if (request[1] == kWrite) {
    if (is_slave() || !write(first, request.subspan(kHead, request.size() - kHead - kCrc))) {
      return {};
    }
  } else {
    data = request[1] == kRead ? read(first, end) : is_slave() ? Bytes{} : own_status();
    if (data.empty()) {
      return {};
    }
  }
  Encoder out;
  out.raw(request.first(6)).u16be(static_cast<double>(data.size())).raw(data);
  return protocols::modbus::with_crc(std::move(out.bytes));
}

Bytes LltJbdUp16sSim::read(unsigned first, unsigned end) const {
  if (first == kPackStatus) {
    return pack_status();
  }
  if (is_slave()) {
    return {};
  }
  if (first == kParameters) {
    return parameters();
  }
  if (first == kProduct) {
    return product();
  }
  const Bytes all = memory();
  if (first < kMemory || first >= kMemory + all.size() || end <= first) {
    return {};
  }
  const ByteView rest = ByteView(all).subspan(first - kMemory);
  const ByteView part = rest.first(std::min<std::size_t>(rest.size(), end - first));
  return {part.begin(), part.end()};
}

Bytes LltJbdUp16sSim::pack_status() const {
  const Reading now = battery_.reading();
  const bool slave = is_slave();
  const double batteries = slave || direct_ ? 1 : kChained;
  Encoder out;
  out.u16be(now.voltage, 0.01).u16be(slave ? now.voltage : 0, 0.01);
  out.u32be(now.current + kZeroCurrent, 0.01);
  out.u16be(slave ? std::floor(now.soc) : now.soc, 0.01);
  out.u16be(now.remaining, 0.01).u16be(now.capacity, 0.01).u16be(now.capacity, 0.01);
  out.u16be(now.mos_temperature + kZeroCelsius, 0.1).u16be(battery_.config().temperature + kZeroCelsius, 0.1);
  out.u16be(now.current > 0 ? 1 : now.current < 0 ? 2 : 0).u16be(100);
  out.u32be(fault_word(now)).u32be(now.soc >= 100 ? kFullAlarm : 0);
  out.u16be((now.discharge_on ? 1 : 0) + (now.charge_on ? 2 : 0)).u16be(4).u16be(now.cycles);
  extremes(out, now.cells, 0, 0.001);
  extremes(out, now.cell_temperatures, kZeroCelsius, 0.1);
  out.u16be(now.max_charge_voltage, 0.1).u16be(now.max_charge_current * batteries, 0.1);
  out.u16be(now.low_voltage, 0.1).u16be(now.max_discharge_current * batteries, 0.1);
  out.u16be(static_cast<double>(now.cells.size()));
  for (double volts : now.cells) {
    out.u16be(volts, 0.001);
  }
  out.u16be(static_cast<double>(now.cell_temperatures.size()));
  for (double celsius : now.cell_temperatures) {
    out.u16be(celsius + kZeroCelsius, 0.1);
  }
  out.u16be(0).u16be(now.balancing & 0xFFFF).u8(slave ? 0 : kMajor).u8(kMinor).text(kPackSerial, 30);
  out.zeros(slave ? 4 : 12);
  return out.bytes;
}

Bytes LltJbdUp16sSim::own_status() const {
  const Reading now = battery_.reading();
  const auto [low, high] = std::minmax_element(now.cells.begin(), now.cells.end());
  const auto [cold, hot] = std::minmax_element(now.cell_temperatures.begin(), now.cell_temperatures.end());
  Encoder out;
  out.u16be(static_cast<double>(now.cells.size()));
  for (double volts : now.cells) {
    out.u16be(volts, 0.001);
  }
  out.bytes.resize(34); // room for 16 cells
  out.u16be(*high, 0.001).u16be(*low, 0.001).u16be(now.voltage, 0.01).s32be(now.current, 0.01);
  out.u16be(*hot + kZeroKelvin, 0.1).u16be(*cold + kZeroKelvin, 0.1);
  out.u16be(now.capacity, 0.01).u16be(now.remaining, 0.01).u16be(now.cycles).u16be(now.soc).u16be(100);
  out.at(66).text("BJ4D18000000", 30); // the characters of each pair are swapped
  out.u16be(now.max_charge_current, 0.1).u16be(now.max_discharge_current, 0.1).u16be(8);
  out.u16be(now.mos_temperature + kZeroKelvin, 0.1).u16be(battery_.config().temperature + kZeroKelvin, 0.1);
  out.u8(static_cast<double>(now.cell_temperatures.size())).u8(4);
  for (double celsius : now.cell_temperatures) {
    out.u16be(celsius + kZeroKelvin, 0.1);
  }
  return out.at(116).bytes;
}

Bytes LltJbdUp16sSim::parameters() const {
  Encoder out;
  out.at(16).text(serial_, 30).u16be(2025).u16be(5).u16be(7);
  out.text(kPackSerial, 30).u16be(2025).u16be(4).u16be(6).text("bmssim", 30);
  return out.at(134).bytes;
}

Bytes LltJbdUp16sSim::product() const {
  Encoder out;
  return out.u16be(33).u16be(3).u16be(kMajor).u16be(kMinor).u16be(7).u16be(36).text(name_, 16).text("JBD", 16).bytes;
}

Bytes LltJbdUp16sSim::memory() const {
  const Reading now = battery_.reading();
  Encoder out;
  out.u16be(now.capacity, 0.01).u16be(now.capacity, 0.01).u16be(now.remaining, 0.01);
  out.u16be(now.soc, 0.01).u16be(100).u16be(now.cycles).u16be(150).u16be(80);
  out.u32be(now.charged_energy * 1000 / kNominalVoltage, 0.1);
  out.u32be(now.discharged_energy * 1000 / kNominalVoltage, 0.1);
  return out.at(64).bytes;
}

bool LltJbdUp16sSim::write(unsigned first, ByteView data) {
  if (first != kSoc || data.size() != 6 || !std::equal(std::begin(kSignature), std::end(kSignature), data.begin()) ||
      be16(data, 4) > 10000) {
    return false;
  }
  battery_.set_remaining(battery_.config().capacity * be16(data, 4) / 10000);
  return true;
}

namespace {
constexpr std::string_view kDialects[] = {"chain", "direct"};
} // namespace

constinit const SimulatorInfo LltJbdUp16sSim::kInfo = {
    .key = "lltjbd_up16s",
    .about = "JBD UP series (serial, 9600 baud); address 1 = master, others = slaves that it answers for",
    .baud = 9600,
    .max_capacity = 655.35,
    .addressed = true,
    .dialects = kDialects,
    .stream = make_stream<LltJbdUp16sSim>,
};

} // namespace bmsd::sim
