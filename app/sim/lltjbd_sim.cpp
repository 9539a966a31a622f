#include "app/sim/lltjbd_sim.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>

namespace bmsd::sim {

namespace {

constexpr std::uint8_t kStart = 0xDD;
constexpr std::uint8_t kEnd = 0x77;
constexpr std::uint8_t kRead = 0xA5;
constexpr std::uint8_t kWrite = 0x5A;
constexpr std::size_t kFraming = 7; // bytes around the data

constexpr std::uint8_t kOk = 0x00;
constexpr std::uint8_t kUnknown = 0x80;
constexpr std::uint8_t kNeedsFactoryMode = 0x81;

constexpr std::uint8_t kEnterFactory = 0x00, kLeaveFactory = 0x01, kPassword = 0x06, kAction = 0x0A;
constexpr std::uint8_t kBasicInfo = 0x03, kCellVoltages = 0x04, kDeviceName = 0x05, kErrorCounts = 0xAA;
constexpr std::uint8_t kFunctions = 0x2D;
constexpr std::uint8_t kFirstSetting = 0x10, kLastSetting = 0x3F;
constexpr std::uint8_t kManufacturer = 0xA0, kModel = 0xA1, kBarcode = 0xA2;
constexpr std::uint8_t kRemaining = 0xE0, kMosfets = 0xE1;

constexpr std::uint16_t kFactoryKey = 0x5678, kSaveAndClear = 0x2828;
constexpr std::uint16_t kFullSoc = 0x0100;
constexpr std::uint16_t kBalancerBit = 1U << 2;

constexpr std::uint8_t kVersion = 0x80;     // shown as 8.0
constexpr std::uint16_t kProduced = 0x2C7C; // 2022-03-28

// Bits of register 0x03 offset 16; the error counters of 0xAA follow the same events in another order.
constexpr std::array kProtectionBits = {
    Alarm::HighCellVoltage,       Alarm::LowCellVoltage,       Alarm::HighVoltage,     Alarm::LowVoltage,
    Alarm::HighChargeTemperature, Alarm::LowChargeTemperature, Alarm::HighTemperature, Alarm::LowTemperature,
    Alarm::HighChargeCurrent,     Alarm::HighDischargeCurrent,
};
constexpr unsigned kInternalFailureBit = 11, kSwitchedOffBit = 12;
constexpr std::array kCountedAfterShortCircuit = {
    Alarm::HighChargeCurrent,     Alarm::HighDischargeCurrent, Alarm::HighCellVoltage, Alarm::LowCellVoltage,
    Alarm::HighChargeTemperature, Alarm::LowChargeTemperature, Alarm::HighTemperature, Alarm::LowTemperature,
    Alarm::HighVoltage,           Alarm::LowVoltage,
};

/// value / unit as a 16 bit number; what doesn't fit is cut to the end of the range.
std::uint16_t unsigned_word(double value, double unit) {
  return static_cast<std::uint16_t>(std::clamp(std::round(value / unit), 0.0, 65535.0));
}
std::uint16_t signed_word(double value, double unit) {
  return static_cast<std::uint16_t>(static_cast<std::int16_t>(std::clamp(std::round(value / unit), -32768.0, 32767.0)));
}
std::uint16_t kelvin(double celsius) {
  return unsigned_word(celsius + 273.1, 0.1);
}

void put(Bytes& out, std::uint16_t word) {
  out.push_back(static_cast<std::uint8_t>(word >> 8));
  out.push_back(static_cast<std::uint8_t>(word));
}

std::uint16_t word_at(ByteView bytes, std::size_t offset) {
  return static_cast<std::uint16_t>(bytes[offset] << 8 | bytes[offset + 1]);
}

std::uint16_t checksum(ByteView summed) {
  std::uint32_t sum = 0;
  for (auto byte : summed) {
    sum += byte;
  }
  return static_cast<std::uint16_t>(0x10000U - sum);
}

Bytes text(std::string_view characters) {
  return {characters.begin(), characters.end()};
}

Bytes counted_text(std::string_view characters) {
  Bytes out = text(characters);
  out.insert(out.begin(), static_cast<std::uint8_t>(out.size()));
  return out;
}

std::uint16_t protection_word(const Reading& reading) {
  unsigned bits = 0;
  for (unsigned bit = 0; bit < kProtectionBits.size(); ++bit) {
    bits |= static_cast<unsigned>(reading.alarm(kProtectionBits[bit])) << bit;
  }
  bits |= static_cast<unsigned>(reading.alarm(Alarm::InternalFailure)) << kInternalFailureBit;
  bits |= static_cast<unsigned>(reading.switched_off) << kSwitchedOffBit;
  return static_cast<std::uint16_t>(bits);
}

std::map<std::uint8_t, std::uint16_t> settings_of(const BatteryConfig& config) {
  const auto& limits = config.protections;
  const double cells = config.cells;
  const auto pair = [](const Threshold& threshold, double factor, double unit) {
    return std::pair(unsigned_word(threshold.trip * factor, unit), unsigned_word(threshold.release * factor, unit));
  };
  std::map<std::uint8_t, std::uint16_t> out = {
      {0x10, unsigned_word(config.capacity, 0.01)},
      {0x11, unsigned_word(config.capacity * 0.8, 0.01)},
      {0x12, unsigned_word(config.charge_voltage, 0.001)},
      {0x13, 2800},
      {0x14, 2},
      {0x15, kProduced},
      {0x16, 0},
      {0x17, 0},
      {0x18, kelvin(limits.charge_hot.trip)},
      {0x19, kelvin(limits.charge_hot.release)},
      {0x1A, kelvin(limits.charge_cold.trip)},
      {0x1B, kelvin(limits.charge_cold.release)},
      {0x1C, kelvin(limits.discharge_hot.trip)},
      {0x1D, kelvin(limits.discharge_hot.release)},
      {0x1E, kelvin(limits.discharge_cold.trip)},
      {0x1F, kelvin(limits.discharge_cold.release)},
      {0x28, signed_word(config.max_charge_current(), 0.01)},
      {0x29, signed_word(-config.max_discharge_current(), 0.01)},
      {0x2A, 3400},
      {0x2B, 5},
      {0x2C, 1},
      {kFunctions, 0x0006},
      {0x2E, 0x0007},
      {0x2F, static_cast<std::uint16_t>(config.cells)},
  };
  std::tie(out[0x20], out[0x21]) = pair(limits.cell_high, cells, 0.01);
  std::tie(out[0x22], out[0x23]) = pair(limits.cell_low, cells, 0.01);
  std::tie(out[0x24], out[0x25]) = pair(limits.cell_high, 1.0, 0.001);
  std::tie(out[0x26], out[0x27]) = pair(limits.cell_low, 1.0, 0.001);
  return out;
}

bool is_setting(std::uint8_t reg) {
  return reg >= kFirstSetting && reg <= kLastSetting;
}

Bytes refusal(std::uint8_t reg, std::uint8_t status) {
  return lltjbd_reply(reg, status, {});
}

} // namespace

Bytes lltjbd_reply(std::uint8_t reg, std::uint8_t status, ByteView data) {
  Bytes out(data.size() + 4);
  out[0] = kStart;
  out[1] = reg;
  out[2] = status;
  out[3] = static_cast<std::uint8_t>(data.size());
  std::copy(data.begin(), data.end(), out.begin() + 4);
  put(out, checksum(ByteView(out).subspan(2)));
  out.push_back(kEnd);
  return out;
}

Bytes lltjbd_basic_info(const Reading& reading) {
  Bytes out;
  put(out, unsigned_word(reading.voltage, 0.01));
  put(out, signed_word(reading.current, 0.01));
  put(out, unsigned_word(reading.remaining, 0.01));
  put(out, unsigned_word(reading.capacity, 0.01));
  put(out, static_cast<std::uint16_t>(reading.cycles));
  put(out, kProduced);
  put(out, static_cast<std::uint16_t>(reading.balancing));
  put(out, static_cast<std::uint16_t>(reading.balancing >> 16));
  put(out, protection_word(reading));
  out.push_back(kVersion);
  out.push_back(static_cast<std::uint8_t>(std::lround(reading.soc)));
  out.push_back(static_cast<std::uint8_t>(reading.charge_on ? 1 : 0) |
                static_cast<std::uint8_t>(reading.discharge_on ? 2 : 0));
  out.push_back(static_cast<std::uint8_t>(reading.cells.size()));
  out.push_back(static_cast<std::uint8_t>(reading.cell_temperatures.size() + 1));
  put(out, kelvin(reading.mos_temperature));
  for (double celsius : reading.cell_temperatures) {
    put(out, kelvin(celsius));
  }
  return out;
}

Bytes lltjbd_cell_voltages(const Reading& reading) {
  Bytes out;
  for (double volts : reading.cells) {
    put(out, unsigned_word(volts, 0.001));
  }
  return out;
}

LltJbdSim::LltJbdSim(Battery& battery, const DeviceOptions& options)
    : battery_(battery), name_(options.name), serial_(options.serial), settings_(settings_of(battery.config())) {
  name_.resize(std::min<std::size_t>(name_.size(), 31));
  serial_.resize(std::min<std::size_t>(serial_.size(), 31));
}

StreamDevice::Answer LltJbdSim::answer(ByteView line) {
  if (line.empty()) {
    return {};
  }
  if (line[0] != kStart || (line.size() > 1 && line[1] != kRead && line[1] != kWrite)) {
    return {1, {}};
  }
  if (line.size() < 4 || line.size() < line[3] + kFraming) {
    return {};
  }
  const std::size_t size = line[3] + kFraming;
  const std::uint8_t reg = line[2];
  const ByteView data = line.subspan(4, line[3]);
  if (line[size - 1] != kEnd || word_at(line, size - 3) != checksum(line.subspan(2, data.size() + 2))) {
    return {1, {}};
  }
  return {size, line[1] == kRead ? read(reg) : write(reg, data)};
}

Bytes LltJbdSim::read(std::uint8_t reg) const {
  const auto ok = [reg](const Bytes& data) { return lltjbd_reply(reg, kOk, data); };
  switch (reg) {
  case kBasicInfo: return ok(lltjbd_basic_info(battery_.reading()));
  case kCellVoltages: return ok(lltjbd_cell_voltages(battery_.reading()));
  case kDeviceName: return ok(text(name_));
  case kErrorCounts: return ok(error_counts());
  default: break;
  }
  if (!is_setting(reg) && reg != kManufacturer && reg != kModel && reg != kBarcode) {
    return refusal(reg, kUnknown);
  }
  if (!factory_mode_) {
    return refusal(reg, kNeedsFactoryMode);
  }
  switch (reg) {
  case kManufacturer: return ok(counted_text("bmssim"));
  case kModel: return ok(counted_text(name_));
  case kBarcode: return ok(counted_text(serial_));
  default: break;
  }
  const auto setting = settings_.find(reg);
  if (setting == settings_.end()) {
    return refusal(reg, kUnknown);
  }
  Bytes data;
  put(data, setting->second);
  return ok(data);
}

Bytes LltJbdSim::write(std::uint8_t reg, ByteView data) {
  const Bytes done = lltjbd_reply(reg, kOk, {});
  if (reg == kPassword) {
    return done;
  }
  if (data.size() != 2) {
    return refusal(reg, kUnknown);
  }
  const std::uint16_t value = word_at(data, 0);
  switch (reg) {
  case kEnterFactory:
    if (value != kFactoryKey) {
      return refusal(reg, kUnknown);
    }
    factory_mode_ = true;
    return done;
  case kLeaveFactory:
    if (value == kSaveAndClear && factory_mode_) {
      battery_.clear_trips();
    }
    factory_mode_ = false;
    return done;
  case kAction:
    if (value == kFullSoc) {
      battery_.set_remaining(battery_.config().capacity);
    }
    return done;
  case kMosfets:
    if (value > 3) {
      return refusal(reg, kUnknown);
    }
    battery_.allow_charge((value & 1) == 0);
    battery_.allow_discharge((value & 2) == 0);
    return done;
  default: break;
  }
  const auto setting = settings_.find(reg);
  if (reg != kRemaining && setting == settings_.end()) {
    return refusal(reg, kUnknown);
  }
  if (!factory_mode_) {
    return refusal(reg, kNeedsFactoryMode);
  }
  if (reg == kRemaining) {
    battery_.set_remaining(value * 0.01);
    return done;
  }
  setting->second = value;
  if (reg == kFunctions) {
    battery_.enable_balancer((value & kBalancerBit) != 0);
  }
  return done;
}

Bytes LltJbdSim::error_counts() const {
  Bytes out;
  put(out, 0);
  for (auto alarm : kCountedAfterShortCircuit) {
    put(out, static_cast<std::uint16_t>(battery_.trips(alarm)));
  }
  put(out, 1);
  return out;
}

constinit const SimulatorInfo LltJbdSim::kInfo = {
    .key = "lltjbd",
    .about = "LLT Power, JBD, Overkill Solar (serial, 9600 baud)",
    .baud = 9600,
    .max_capacity = 655.35,
    .stream = make_stream<LltJbdSim>,
};

} // namespace bmsd::sim
