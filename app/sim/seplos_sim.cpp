#include "app/sim/seplos_sim.hpp"

#include "app/sim/encode.hpp"

#include <algorithm>
#include <array>

namespace bmsd::sim {

namespace {

constexpr protocols::yd1363::Dialect kDialect{.version = 0x20, .device = 0x46};
constexpr std::uint8_t kTelemetry = 0x42, kAlarms = 0x44, kParameters = 0x47, kVersionNumber = 0x4F, kVendor = 0x51;
constexpr int kTemperatures = 6;
constexpr double kKelvin = 273.1; // 0.1 K: 2731 is 0 °C
constexpr double kCellHigh = 3.5, kCellLow = 2.9, kLowSocWarning = 15, kLowSocAlarm = 5;

// What trips, bit 0 first. Where a warning and a protection are a pair, this is the protection.
constexpr std::array kVoltageBits = {Alarm::HighCellVoltage, Alarm::LowCellVoltage, Alarm::HighVoltage,
                                     Alarm::LowVoltage};
constexpr std::array kTemperatureBits = {Alarm::HighChargeTemperature, Alarm::LowChargeTemperature,
                                         Alarm::HighTemperature, Alarm::LowTemperature};
constexpr std::array kCurrentBits = {Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent};

template <std::size_t N>
unsigned protections(const std::array<Alarm, N>& alarms, const Reading& reading) {
  unsigned bits = 0;
  for (std::size_t i = 0; i < N; ++i) {
    bits |= (reading.alarm(alarms[i]) ? 2U : 0U) << 2 * i;
  }
  return bits;
}

double sensor(const Reading& reading, std::size_t index) {
  return reading.cell_temperatures[index % reading.cell_temperatures.size()];
}

std::uint8_t cell_code(double volts) {
  return volts > kCellHigh ? 2 : volts < kCellLow ? 1 : 0;
}

unsigned any_cell(const Reading& reading, std::uint8_t code) {
  return std::any_of(reading.cells.begin(), reading.cells.end(), [&](double v) { return cell_code(v) == code; }) ? 1
                                                                                                                 : 0;
}

unsigned system_state(const Reading& reading) {
  return reading.current > 0 ? 1U << 1 : reading.current < 0 ? 1U : 1U << 4;
}

} // namespace

Bytes seplos_telemetry(const Reading& reading, double environment, std::uint8_t group) {
  Encoder out;
  out.u8(0).u8(group).u8(static_cast<double>(reading.cells.size()));
  for (double volts : reading.cells) {
    out.u16be(volts, 0.001);
  }
  out.u8(kTemperatures);
  for (std::size_t i = 0; i < 4; ++i) {
    out.u16be(sensor(reading, i) + kKelvin, 0.1);
  }
  out.u16be(environment + kKelvin, 0.1).u16be(reading.mos_temperature + kKelvin, 0.1);
  out.s16be(reading.current, 0.01).u16be(reading.voltage, 0.01).u16be(reading.remaining, 0.01);
  out.u8(10).u16be(reading.capacity, 0.01).u16be(reading.soc, 0.1).u16be(reading.capacity, 0.01);
  out.u16be(reading.cycles).u16be(100, 0.1).u16be(reading.voltage, 0.01).zeros(8);
  return out.bytes;
}

Bytes seplos_alarms(const Reading& reading, std::uint8_t group) {
  Encoder out;
  out.u8(0).u8(group).u8(static_cast<double>(reading.cells.size()));
  for (double volts : reading.cells) {
    out.u8(cell_code(volts));
  }
  out.u8(kTemperatures).zeros(kTemperatures).zeros(2);
  out.u8(20);
  out.u8(reading.alarm(Alarm::InternalFailure) ? 1 : 0);
  out.u8(protections(kVoltageBits, reading) | any_cell(reading, 2) | any_cell(reading, 1) << 2);
  out.u8(protections(kTemperatureBits, reading));
  out.u8(reading.alarm(Alarm::HighInternalTemperature) ? 0x30 : 0);
  out.u8(protections(kCurrentBits, reading));
  out.u8((reading.soc < kLowSocWarning ? 4 : 0) | (reading.soc < kLowSocAlarm ? 8 : 0));
  out.u8((reading.discharge_on ? 1 : 0) | (reading.charge_on ? 2 : 0));
  out.u16le(reading.balancing & 0xFFFFU);
  out.u8(system_state(reading));
  out.zeros(2).u8(0).u8(2); // the clock has an error bit, as on real boards
  return out.zeros(6).bytes;
}

Bytes seplos_parameters(const BatteryConfig& config, const Reading& reading, std::string_view model) {
  const auto& limits = config.protections;
  const double cells = config.cells;
  Encoder out;
  const auto volts = [&](double factor, double unit) {
    for (double v : {kCellHigh, 3.4, kCellLow, 3.0, limits.cell_high.trip, limits.cell_high.release,
                     limits.cell_low.trip, limits.cell_low.release}) {
      out.u16be(v * factor, unit);
    }
  };
  const auto kelvins = [&](std::initializer_list<double> list) {
    for (double celsius : list) {
      out.u16be(celsius + kKelvin, 0.1);
    }
  };
  const auto temperatures = [&](const Threshold& hot, const Threshold& cold) {
    kelvins({hot.trip - 5, hot.release, cold.trip + 5, cold.release, hot.trip, hot.release, cold.trip, cold.release});
  };
  out.u8(1).u8(60);
  volts(1, 0.001);
  out.u16be(3.35, 0.001).u16be(1.5, 0.001);
  volts(cells, 0.01);
  out.u16be(63, 0.01).u16be(61, 0.01);
  temperatures(limits.charge_hot, limits.charge_cold);
  temperatures(limits.discharge_hot, limits.discharge_cold);
  kelvins({0, 10});
  temperatures(limits.discharge_hot, limits.discharge_cold);
  kelvins({90, 85, 100, 85});
  const double charge = config.max_charge_current(), discharge = config.max_discharge_current();
  for (double ampere : {charge, charge * 0.95, -discharge, -discharge * 0.95, charge * 1.1, -discharge * 1.1, -300.0}) {
    out.s16be(ampere, 0.01);
  }
  out.u16be(2000).u16be(config.capacity, 0.01).u16be(reading.remaining, 0.01);
  out.u8(27).u8(50).u8(30).u8(30).u8(20).u8(10).u8(cells).zeros(12, 10).u8(kLowSocWarning).u8(kLowSocAlarm);
  out.zeros(7).u8(8).zeros(8, 0xFF).text(model, 10, ' ');
  return out.bytes;
}

SeplosSim::SeplosSim(Battery& battery, const DeviceOptions& options)
    : Yd1363Slave(kDialect, static_cast<std::uint8_t>(options.address)), battery_(battery),
      group_(options.dialect == "group1" ? std::uint8_t{1} : address()), name_(options.name) {}

Bytes SeplosSim::answer_to(const protocols::yd1363::Frame& request) {
  const std::uint8_t said = std::max<std::uint8_t>(group_, 1);
  switch (request.command) {
  case kTelemetry:
  case kAlarms: {
    if (request.info.size() != 1) {
      return reply(kWrongFormat);
    }
    if (request.info[0] != group_) {
      return {}; // another pack's
    }
    const Reading now = battery_.reading();
    return reply(0, request.command == kTelemetry ? seplos_telemetry(now, battery_.config().temperature, said)
                                                  : seplos_alarms(now, said));
  }
  case kParameters: return reply(0, seplos_parameters(battery_.config(), battery_.reading(), name_));
  case kVersionNumber: return reply(0);
  case kVendor: {
    Encoder out;
    out.text(name_, 10, ' ').u8(2).u8(7).text("CANProtocol:bmssim", 20, ' ');
    return reply(0, out.bytes);
  }
  default: return reply(kUnknownCommand);
  }
}

namespace {
constexpr std::string_view kDialects[] = {"own_group", "group1"};
} // namespace

constinit const SimulatorInfo SeplosSim::kInfo = {
    .key = "seplos",
    .about = "Seplos BMS 2.x (serial, 19200 baud)",
    .baud = 19200,
    .max_capacity = 655.35,
    .addressed = true,
    .dialects = kDialects,
    .stream = make_stream<SeplosSim>,
};

} // namespace bmsd::sim
