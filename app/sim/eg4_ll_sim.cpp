#include "app/sim/eg4_ll_sim.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace bmsd::sim {

namespace {

constexpr std::uint8_t kAddress = 0x10;
constexpr std::size_t kCells = 16, kSensors = 4;
constexpr std::pair<unsigned, unsigned> kRegions[] = {{0, 38}, {45, 135}};
constexpr double kMilliampereSeconds = 1 / 3'600'000.0; // Ah

/// The same in warning and protection; two alarms go into other registers.
constexpr std::pair<Alarm, unsigned> kConditionBits[] = {
    {Alarm::HighVoltage, 0x0001},
    {Alarm::HighCellVoltage, 0x0002},
    {Alarm::LowVoltage, 0x0004},
    {Alarm::LowCellVoltage, 0x0008},
    {Alarm::HighChargeCurrent, 0x0010},
    {Alarm::HighDischargeCurrent, 0x0020},
    {Alarm::HighInternalTemperature, 0x0080},
    {Alarm::HighChargeTemperature, 0x0100},
    {Alarm::HighTemperature, 0x0200},
    {Alarm::LowChargeTemperature, 0x0400},
    {Alarm::LowTemperature, 0x0800},
    {Alarm::LowSoc, 0x1000},
};
constexpr std::pair<Alarm, unsigned> kErrorBits[] = {{Alarm::InternalFailure, 0x0001}, {Alarm::CellImbalance, 0x0010}};

template <std::size_t N>
unsigned bits(const std::pair<Alarm, unsigned> (&table)[N], const Reading& reading) {
  unsigned word = 0;
  for (const auto& [alarm, bit] : table) {
    word |= reading.alarm(alarm) ? bit : 0U;
  }
  return word;
}

unsigned status(const Reading& reading, unsigned protections) {
  constexpr unsigned kStandby = 0, kCharging = 1, kDischarging = 2, kProtect = 4;
  if (protections != 0) {
    return kProtect;
  }
  return reading.current > 0 ? kCharging : reading.current < 0 ? kDischarging : kStandby;
}

/// Warn, protect, release.
void voltages(Encoder& out, double warn, const Threshold& limit, double factor, double unit) {
  out.u16be(warn * factor, unit).u16be(limit.trip * factor, unit).u16be(limit.release * factor, unit);
}
void temperatures(Encoder& out, double warn, const Threshold& limit) {
  constexpr double kZero = 50; // °C
  out.s16be(warn + kZero).s16be(limit.trip + kZero).s16be(limit.release + kZero);
}

/// Registers 45 to 104.
Encoder settings(const BatteryConfig& config) {
  const auto& limits = config.protections;
  const double charge = config.max_charge_current(), discharge = config.max_discharge_current();
  Encoder out;
  out.at(22).u16be(3.4, 0.001).u16be(0.04, 0.001).u16be(5); // balancing, low capacity
  out.at(32);
  voltages(out, limits.cell_low.trip + 0.1, limits.cell_low, 1, 0.001);
  voltages(out, limits.cell_low.trip + 0.1, limits.cell_low, config.cells, 0.01);
  voltages(out, limits.cell_high.trip - 0.05, limits.cell_high, 1, 0.001);
  voltages(out, limits.cell_high.trip - 0.05, limits.cell_high, config.cells, 0.01);
  out.at(66).u16be(limits.overcurrent_retry).u16be(limits.overcurrent_retry);
  out.u16be(charge, 0.01).u16be(discharge, 0.01).u16be(discharge * 1.5, 0.01);
  out.u16be(charge * 1.2, 0.01).u16be(discharge * 1.2, 0.01);
  out.u16be(10).u16be(2).u16be(10).u16be(2).u8(3).u8(4); // delays, times
  temperatures(out, limits.charge_cold.trip + 2, limits.charge_cold);
  temperatures(out, limits.charge_hot.trip - 5, limits.charge_hot);
  temperatures(out, limits.discharge_cold.trip + 5, limits.discharge_cold);
  temperatures(out, limits.discharge_hot.trip - 5, limits.discharge_hot);
  temperatures(out, 95, {100, 80});
  return out;
}

} // namespace

Registers eg4_ll_registers(const Reading& reading) {
  const unsigned protections = bits(kConditionBits, reading);
  const auto& sensors = reading.cell_temperatures;
  const double sum = std::accumulate(sensors.begin(), sensors.end(), 0.0);
  const double highest = sensors.empty() ? 0.0 : *std::max_element(sensors.begin(), sensors.end());
  Encoder out;
  out.u16be(reading.voltage, 0.01).s16be(reading.current, 0.01);
  for (std::size_t i = 0; i < kCells; ++i) {
    out.u16be(i < reading.cells.size() ? reading.cells[i] : 0.0, 0.001);
  }
  out.s16be(reading.mos_temperature);
  out.s16be(sensors.empty() ? 0.0 : sum / static_cast<double>(sensors.size())).s16be(highest);
  out.u16be(reading.remaining).u16be(reading.max_charge_current).u16be(100).u16be(reading.soc);
  out.u16be(status(reading, protections)).u16be(protections).u16be(protections).u16be(bits(kErrorBits, reading));
  out.u32be(reading.cycles).u32be(reading.capacity, kMilliampereSeconds);
  for (std::size_t i = 0; i < kSensors; ++i) {
    out.s8(i < sensors.size() ? sensors[i] : 0.0);
  }
  out.u16be(0); // sensors 5 and 6
  out.u16be(static_cast<double>(std::min(reading.cells.size(), kCells))).u16be(reading.capacity, 0.1);
  out.u16be(reading.balancing & 0xFFFF);
  Registers registers;
  place(registers, 0, out);
  return registers;
}

Eg4LlSim::Eg4LlSim(Battery& battery, const DeviceOptions& options)
    : ModbusSlave(options.address != 0 ? static_cast<std::uint8_t>(options.address) : kAddress), battery_(battery),
      model_(options.name), serial_(options.serial) {}

/// What lies in a region but has no meaning reads as 0.
ModbusSlave::Data Eg4LlSim::read(std::uint8_t function, unsigned first, unsigned count) {
  if (function != kReadHolding) {
    return refuse(kIllegalFunction);
  }
  const unsigned last = first + count - 1;
  if (std::none_of(std::begin(kRegions), std::end(kRegions),
                   [&](const auto& region) { return first >= region.first && last <= region.second; })) {
    return refuse(kIllegalAddress);
  }
  Registers all = registers();
  for (unsigned reg = first; reg <= last; ++reg) {
    all.try_emplace(reg, std::uint16_t{0});
  }
  return slice(all, first, count);
}

Registers Eg4LlSim::registers() const {
  Registers out = eg4_ll_registers(battery_.reading());
  place(out, 45, settings(battery_.config()));
  place(out, 105, Encoder().text(model_, 24).text("V03R04", 6).text(serial_, 16));
  return out;
}

constinit const SimulatorInfo Eg4LlSim::kInfo = {
    .key = "eg4_ll",
    .about = "EG4 LL battery (RS485, 9600 baud); up to 16 cells",
    .baud = 9600,
    .max_capacity = 1190.0,
    .max_cells = 16,
    .addressed = true,
    .stream = make_stream<Eg4LlSim>,
};

} // namespace bmsd::sim
