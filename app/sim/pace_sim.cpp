#include "app/sim/pace_sim.hpp"

#include "app/sim/encode.hpp"

#include <array>

namespace bmsd::sim {

namespace {

constexpr protocols::yd1363::Dialect kDialect{.version = 0x25, .device = 0x46};
constexpr std::uint8_t kAllPacks = 0xFF, kOperationError = 0x09;
constexpr double kKelvin = 273.0; // 0.1 K: 2730 is 0 °C
constexpr double kCellHigh = 3.5, kCellLow = 2.9, kLowSoc = 15;
constexpr int kSensors = 6;

// What trips, bit 0 first.
constexpr std::array kProtect1 = {Alarm::HighCellVoltage, Alarm::LowCellVoltage,    Alarm::HighVoltage,
                                  Alarm::LowVoltage,      Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent};
constexpr std::array kProtect2 = {Alarm::HighChargeTemperature, Alarm::HighTemperature, Alarm::LowChargeTemperature,
                                  Alarm::LowTemperature, Alarm::HighInternalTemperature};

template <std::size_t N>
unsigned tripped(const std::array<Alarm, N>& alarms, const Reading& reading) {
  unsigned bits = 0;
  for (std::size_t i = 0; i < N; ++i) {
    bits |= (reading.alarm(alarms[i]) ? 1U : 0U) << i;
  }
  return bits;
}

std::uint8_t cell_code(double volts) {
  return volts > kCellHigh ? 2 : volts < kCellLow ? 1 : 0;
}

unsigned any_cell(const Reading& reading, std::uint8_t code) {
  unsigned any = 0;
  for (double volts : reading.cells) {
    any |= cell_code(volts) == code ? 1U : 0U;
  }
  return any;
}

std::uint8_t instruction(const Reading& reading) {
  return static_cast<std::uint8_t>((reading.charge_on ? 0x02 : 0) | (reading.discharge_on ? 0x04 : 0) |
                                   (reading.current < 0 ? 0x08 : 0) | (reading.current > 0 ? 0x20 : 0));
}

} // namespace

Bytes pace_analog(const Reading& reading, double environment, std::uint8_t command) {
  Encoder out;
  out.u8(0).u8(command == kAllPacks ? 1 : command).u8(static_cast<double>(reading.cells.size()));
  for (double volts : reading.cells) {
    out.u16be(volts, 0.001);
  }
  out.u8(kSensors);
  for (std::size_t i = 0; i < 4; ++i) {
    out.u16be(reading.cell_temperatures[i % reading.cell_temperatures.size()] + kKelvin, 0.1);
  }
  out.u16be(reading.mos_temperature + kKelvin, 0.1).u16be(environment + kKelvin, 0.1);
  out.s16be(reading.current, 0.01).u16be(reading.voltage, 0.001).u16be(reading.remaining, 0.01).u8(3);
  out.u16be(reading.capacity, 0.01).u16be(reading.cycles).u16be(reading.capacity, 0.01);
  return out.bytes;
}

Bytes pace_warnings(const Reading& reading, std::uint8_t command) {
  Encoder out;
  out.u8(0).u8(command == kAllPacks ? 1 : command).u8(static_cast<double>(reading.cells.size()));
  for (double volts : reading.cells) {
    out.u8(cell_code(volts));
  }
  out.u8(kSensors).zeros(kSensors).zeros(3);
  out.u8(tripped(kProtect1, reading)).u8(tripped(kProtect2, reading)).u8(instruction(reading));
  out.u8(0).u8(reading.alarm(Alarm::InternalFailure) ? 0x20 : 0);
  out.u8(reading.balancing & 0xFFU).u8(reading.balancing >> 8 & 0xFFU);
  out.u8(any_cell(reading, 2) | any_cell(reading, 1) << 1).u8(reading.soc < kLowSoc ? 0x80 : 0);
  return out.bytes;
}

PaceSim::PaceSim(Battery& battery, const DeviceOptions& options)
    : Yd1363Slave(kDialect, static_cast<std::uint8_t>(options.address)), battery_(battery),
      number_(options.dialect == "number1" ? std::uint8_t{1} : address()), long_replies_(options.dialect == "long"),
      name_(options.name), serial_(options.serial) {}

Bytes PaceSim::answer_to(const protocols::yd1363::Frame& request) {
  constexpr std::uint8_t kPackCount = 0x90, kVersion = 0xC1, kProduct = 0xC2;
  Encoder out;
  switch (request.command) {
  case 0x42:
  case 0x44: return pack_values(request);
  case 0x9A:
  case 0x9B: return switched(request);
  case kPackCount: return reply(0, out.u8(1).bytes);
  case kVersion: return reply(0, out.text(name_, 20, ' ').bytes);
  case kProduct: return reply(0, out.text(serial_, 40, ' ').bytes);
  default: const Bytes info = setting(request.command); return info.empty() ? reply(kUnknownCommand) : reply(0, info);
  }
}

Bytes PaceSim::pack_values(const protocols::yd1363::Frame& request) const {
  if (request.info.size() != 1) {
    return reply(kWrongFormat);
  }
  const std::uint8_t command = request.info[0];
  if (command != number_ && command != kAllPacks) {
    return {}; // another pack's
  }
  const Reading now = battery_.reading();
  const bool analog = request.command == 0x42;
  Encoder out;
  out.raw(analog ? pace_analog(now, battery_.config().temperature, command) : pace_warnings(now, command));
  if (long_replies_ && analog) {
    out.u8(now.soc).u16be(now.capacity, 0.01).u16be(now.remaining, 0.01).u16be(now.capacity, 0.01);
    out.u16be(now.capacity, 0.01).u8(100).u16be(now.voltage, 0.001).zeros(2);
  } else if (long_replies_) {
    out.zeros(1);
  }
  return reply(0, out.bytes);
}

/// The paper does not let both be off.
Bytes PaceSim::switched(const protocols::yd1363::Frame& request) {
  if (request.info.size() != 1 || request.info[0] > 1) {
    return reply(kWrongFormat);
  }
  const bool on = request.info[0] == 0, charge = request.command == 0x9A;
  if (!on && !(charge ? discharge_allowed_ : charge_allowed_)) {
    return reply(kOperationError);
  }
  (charge ? charge_allowed_ : discharge_allowed_) = on;
  charge ? battery_.allow_charge(on) : battery_.allow_discharge(on);
  Encoder out;
  return reply(0, out.u8(instruction(battery_.reading())).bytes);
}

/// Empty: there is no such setting.
Bytes PaceSim::setting(std::uint8_t command) const {
  const auto& config = battery_.config();
  const auto& limits = config.protections;
  const double cells = config.cells;
  const double charge = config.max_charge_current(), discharge = config.max_discharge_current();
  Encoder out;
  const auto thresholds = [&](double alarm, const Threshold& limit, double factor) {
    out.u8(1)
        .u16be(alarm * factor, 0.001)
        .u16be(limit.trip * factor, 0.001)
        .u16be(limit.release * factor, 0.001)
        .u8(10);
  };
  switch (command) {
  case 0xD1: thresholds(kCellHigh, limits.cell_high, 1); break;
  case 0xD3: thresholds(kCellLow, limits.cell_low, 1); break;
  case 0xD5: thresholds(kCellHigh, limits.cell_high, cells); break;
  case 0xD7: thresholds(kCellLow, limits.cell_low, cells); break;
  case 0xD9: out.u8(1).u16be(charge).u16be(charge * 1.1).u8(10); break;
  case 0xDB: out.u8(1).s16be(-discharge).s16be(-discharge * 1.1).u8(10); break;
  case 0xA6: {
    const Reading now = battery_.reading();
    out.u16be(now.remaining, 0.01).u16be(now.capacity, 0.01).u16be(now.capacity, 0.01);
    break;
  }
  case 0xAF: out.u8(1).u16be(config.charge_voltage * cells, 0.001).u16be(2, 0.001).u8(kLowSoc); break;
  case 0xB6: out.u16be(3.4, 0.001).u16be(0.03, 0.001); break;
  default: break;
  }
  return out.bytes;
}

namespace {
constexpr std::string_view kDialects[] = {"own_number", "number1", "long"};
} // namespace

constinit const SimulatorInfo PaceSim::kInfo = {
    .key = "pace",
    .about = "PACE BMS, protocol 2.5 (serial, 9600 baud)",
    .baud = 9600,
    .max_capacity = 655.35,
    .addressed = true,
    .dialects = kDialects,
    .stream = make_stream<PaceSim>,
};

} // namespace bmsd::sim
