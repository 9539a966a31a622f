#include "app/sim/dr1363_sim.hpp"

#include "app/sim/encode.hpp"

#include <numeric>

namespace bmsd::sim {

namespace {

constexpr protocols::yd1363::Dialect kDaren{.version = 0x22, .device = 0x4A};
constexpr protocols::yd1363::Dialect kKs48100{.version = 0x22, .device = 0x42, .start = '>'};
constexpr std::uint8_t kTelemetry = 0x42, kParameters = 0x47, kProtocolVersion = 0x4F, kVersions = 0x51, kModule = 0xB0;
constexpr std::uint8_t kWrongData = 0x06;
constexpr double kCellHigh = 3.5, kCellLow = 2.9, kLowSoc = 10;

struct Bit {
  unsigned bit;
  Alarm alarm;
};
constexpr Bit kVoltageBits[] = {{0, Alarm::HighCellVoltage}, {1, Alarm::LowCellVoltage}, {2, Alarm::HighVoltage},
                                {3, Alarm::LowVoltage},      {13, Alarm::FuseBlown},     {14, Alarm::CellImbalance}};
constexpr Bit kCurrentBits[] = {{2, Alarm::HighChargeCurrent}, {4, Alarm::HighDischargeCurrent}};
constexpr Bit kTemperatureBits[] = {{0, Alarm::HighChargeTemperature},
                                    {1, Alarm::LowChargeTemperature},
                                    {2, Alarm::HighTemperature},
                                    {3, Alarm::LowTemperature},
                                    {6, Alarm::HighInternalTemperature}};
constexpr Bit kAlarmBits[] = {{11, Alarm::InternalFailure}};

template <std::size_t N>
unsigned word(const Bit (&bits)[N], const Reading& reading) {
  unsigned out = 0;
  for (const auto& [bit, alarm] : bits) {
    out |= (reading.alarm(alarm) ? 1U : 0U) << bit;
  }
  return out;
}

/// Cells for which `high` is the warning; 1 is bit 0.
unsigned cells(const Reading& reading, bool high) {
  unsigned out = 0;
  for (std::size_t i = 0; i < reading.cells.size(); ++i) {
    out |= ((high ? reading.cells[i] > kCellHigh : reading.cells[i] < kCellLow) ? 1U : 0U) << i;
  }
  return out;
}

double average(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

} // namespace

Bytes dr1363_telemetry(const Reading& reading, double environment) {
  const unsigned high = cells(reading, true), low = cells(reading, false);
  const bool charging = reading.current > 0, discharging = reading.current < 0;
  Encoder out;
  out.u8(0).u16be(reading.soc, 0.01).u16be(reading.voltage, 0.01).u8(static_cast<double>(reading.cells.size()));
  for (double volts : reading.cells) {
    out.u16be(volts, 0.001);
  }
  out.s16be(environment, 0.1).s16be(average(reading.cell_temperatures), 0.1).s16be(reading.mos_temperature, 0.1);
  out.u8(4);
  for (std::size_t i = 0; i < 4; ++i) {
    out.s16be(reading.cell_temperatures[i % reading.cell_temperatures.size()], 0.1);
  }
  out.s16be(reading.current, 0.01).u16be(8, 0.1).u16be(100).u8(6);
  out.u16be(reading.capacity, 0.01).u16be(reading.remaining, 0.01).u16be(reading.cycles);
  out.u16be(word(kVoltageBits, reading) | (high != 0 ? 1U << 4 : 0) | (low != 0 ? 1U << 5 : 0));
  out.u16be(word(kCurrentBits, reading) | (charging ? 1 : 0) | (discharging ? 2 : 0));
  out.u16be(word(kTemperatureBits, reading));
  out.u16be(word(kAlarmBits, reading) | (reading.soc < kLowSoc ? 1U << 7 : 0) | 3U << 5); // LED and buzzer enabled
  out.u16be((reading.discharge_on ? 1 : 0) | (reading.charge_on ? 2 : 0) | 2U << 4);
  out.zeros(4).u16be(high & 0xFFFFU).u16be(low & 0xFFFFU);
  out.u16be(reading.balancing & 0xFFFFU).u16be(reading.balancing >> 16);
  out.zeros(4).u16be(high >> 16).u16be(low >> 16);
  out.u8(charging ? 1U << 4 : discharging ? 1U << 3 : 1U << 2).zeros(2);
  return out.bytes;
}

Bytes dr1363_parameters(const BatteryConfig& config, std::string_view serial) {
  const auto& limits = config.protections;
  const double charge = config.max_charge_current();
  Encoder out;
  const auto cell_limits = [&] { out.u16be(limits.cell_high.trip, 0.001).u16be(limits.cell_low.trip, 0.001); };
  out.u8(0);
  cell_limits();
  out.u16be(limits.charge_hot.trip + 50).u16be(limits.discharge_cold.trip + 50).u16be(charge, 0.01);
  cell_limits(); // in the place of the pack's
  out.u16be(config.cells).u16be(charge, 0.01).u16be(config.capacity, 0.01).u16be(1440).zeros(2);
  return out.zeros(20, 0xFF).text(serial, 20, ' ').bytes;
}

Dr1363Sim::Dr1363Sim(const protocols::yd1363::Dialect& dialect, Battery& battery, const DeviceOptions& options)
    : Yd1363Slave(dialect, options.address != 0 ? static_cast<std::uint8_t>(options.address) : std::uint8_t{1}),
      battery_(battery), name_(options.name), serial_(options.serial) {}

Bytes Dr1363Sim::answer_to(const protocols::yd1363::Frame& request) {
  Encoder out;
  switch (request.command) {
  case kTelemetry:
    return has_group(request)
               ? reply_of(request, 0, dr1363_telemetry(battery_.reading(), battery_.config().temperature))
               : reply_of(request, kWrongData);
  case kParameters:
    return request.info.size() == 1 ? reply_of(request, 0, dr1363_parameters(battery_.config(), serial_))
                                    : reply_of(request, kWrongFormat);
  case kProtocolVersion: return reply_of(request, 0, out.u8(200).bytes);
  case kVersions:
    out.text("T1_G", 10, ' ').text(name_, 10, ' ').text("16S100A", 10, ' ');
    return reply_of(request, 0, out.u8(1).u8(0).u8(2).u8(1).u8(1).bytes);
  case kModule: return module(request);
  default: return reply_of(request, kUnknownCommand);
  }
}

Bytes Dr1363Sim::module(const protocols::yd1363::Frame& request) const {
  constexpr std::uint8_t kRead = 1, kSerial = 3, kTotals = 4;
  const auto& info = request.info; // group, operation, module, function, length
  if (info.size() != 5 || info[1] != kRead) {
    return reply_of(request, kWrongFormat);
  }
  Encoder out;
  out.u8(kModule).raw(info);
  if (info[2] == kSerial) {
    out.text(serial_, 30, ' ').zeros(60, 0xFF).zeros(3, 0xFF).text("bmssim", 20, ' ');
  } else if (info[2] == kTotals) {
    const Reading now = battery_.reading();
    const double nominal = now.voltage > 0 ? 1000 / now.voltage : 0; // kWh to Ah
    out.u16be(now.remaining, 0.01).u16be(now.capacity, 0.01).u16be(now.capacity, 0.01);
    out.u32be(now.charged_energy * nominal).u32be(now.discharged_energy * nominal);
    out.u16be(now.charged_energy, 0.01).u16be(now.discharged_energy, 0.01);
  } else {
    return reply_of(request, kWrongData);
  }
  return reply_of(request, 0, out.bytes);
}

Daren485Sim::Daren485Sim(Battery& battery, const DeviceOptions& options)
    : Dr1363Sim(kDaren, battery, options), group_(options.dialect == "group1" ? std::uint8_t{1} : address()) {}

bool Daren485Sim::has_group(const protocols::yd1363::Frame& request) const {
  return request.info.size() == 1 && request.info[0] == group_;
}

Ks48100Sim::Ks48100Sim(Battery& battery, const DeviceOptions& options) : Dr1363Sim(kKs48100, battery, options) {}

std::uint8_t Ks48100Sim::accepts(const protocols::yd1363::Frame& request) const {
  const std::uint8_t device = request.command == kModule ? kDaren.device : kKs48100.device;
  return request.version != kKs48100.version ? kWrongVersion
         : request.device != device          ? kUnknownDevice
                                             : std::uint8_t{0};
}

bool Ks48100Sim::has_group(const protocols::yd1363::Frame& request) const {
  return request.info.empty();
}

namespace {
constexpr std::string_view kGroups[] = {"own_group", "group1"};
} // namespace

constinit const SimulatorInfo Daren485Sim::kInfo = {
    .key = "daren_485",
    .about = "Daren DR-JC03, Basen (serial, 19200 baud)",
    .baud = 19200,
    .max_capacity = 655.35,
    .addressed = true,
    .dialects = kGroups,
    .stream = make_stream<Daren485Sim>,
};

constinit const SimulatorInfo Ks48100Sim::kInfo = {
    .key = "ks48100",
    .about = "KS48100, second generation of Daren (serial, 9600 baud)",
    .baud = 9600,
    .max_capacity = 655.35,
    .addressed = true,
    .stream = make_stream<Ks48100Sim>,
};

} // namespace bmsd::sim
