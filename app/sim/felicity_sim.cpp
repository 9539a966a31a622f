#include "app/sim/felicity_sim.hpp"

#include <algorithm>
#include <utility>

namespace bmsd::sim {

namespace {

constexpr std::size_t kCells = 16, kSensors = 4, kSerialGroups = 5, kDigits = 4;
constexpr int kNotThere = 0x7FFF;
constexpr unsigned kFirmware = 205;
constexpr unsigned kMayCharge = 1U << 0, kMayDischarge = 1U << 2;

constexpr std::pair<Alarm, unsigned> kFaultBits[] = {
    {Alarm::HighCellVoltage, 2},      {Alarm::LowCellVoltage, 3},          {Alarm::HighChargeCurrent, 4},
    {Alarm::HighDischargeCurrent, 5}, {Alarm::HighInternalTemperature, 6}, {Alarm::HighChargeTemperature, 8},
    {Alarm::LowChargeTemperature, 9},
};

/// Twenty digits, four in a register; anything else in the text counts as 0.
Encoder serial_groups(std::string_view serial) {
  Encoder out;
  for (std::size_t group = 0; group < kSerialGroups; ++group) {
    unsigned value = 0;
    for (std::size_t i = 0; i < kDigits; ++i) {
      const std::size_t at = group * kDigits + i;
      const char c = at < serial.size() ? serial[at] : '0';
      value = 10 * value + (c >= '0' && c <= '9' ? static_cast<unsigned>(c - '0') : 0U);
    }
    out.u16be(value);
  }
  return out;
}

} // namespace

Registers felicity_registers(const Reading& reading) {
  unsigned faults = 0;
  for (const auto& [alarm, bit] : kFaultBits) {
    faults |= static_cast<unsigned>(reading.alarm(alarm)) << bit;
  }
  Encoder values;
  values.u16be((reading.charge_on ? kMayCharge : 0U) | (reading.discharge_on ? kMayDischarge : 0U));
  values.u16be(0).u16be(faults).u16be(0);
  values.u16be(reading.voltage, 0.01).s16be(-reading.current, 0.1); // discharging is positive
  values.u16be(0).u16be(0).s16be(reading.mos_temperature).u16be(reading.soc);

  Encoder limits;
  limits.u16be(reading.max_charge_voltage, 0.01).u16be(reading.low_voltage, 0.01);
  limits.u16be(reading.max_charge_current, 0.1).u16be(reading.max_discharge_current, 0.1);

  Encoder cells;
  for (std::size_t i = 0; i < kCells; ++i) {
    cells.u16be(i < reading.cells.size() ? reading.cells[i] : kNotThere * 0.001, 0.001);
  }
  for (std::size_t i = 0; i < kSensors; ++i) {
    cells.s16be(i < reading.cell_temperatures.size() ? reading.cell_temperatures[i] : kNotThere);
  }

  Registers out;
  place(out, 0x1302, values);
  place(out, 0x131C, limits);
  place(out, 0x132A, cells);
  return out;
}

FelicitySim::FelicitySim(Battery& battery, const DeviceOptions& options)
    : ModbusSlave(options.address != 0 ? static_cast<std::uint8_t>(options.address) : std::uint8_t{1}),
      battery_(battery), serial_(options.serial) {}

ModbusSlave::Data FelicitySim::read(std::uint8_t function, unsigned first, unsigned count) {
  if (function != kReadHolding) {
    return refuse(kIllegalFunction);
  }
  Registers all = felicity_registers(battery_.reading());
  place(all, 0xF804, serial_groups(serial_));
  place(all, 0xF80B, Encoder().u16be(kFirmware));
  return slice(all, first, count);
}

constinit const SimulatorInfo FelicitySim::kInfo = {
    .key = "felicity",
    .about = "Felicity Solar battery (RS485, 9600 baud); up to 16 cells",
    .baud = 9600,
    .max_capacity = 1'000'000.0, // never told
    .max_cells = 16,
    .addressed = true,
    .stream = make_stream<FelicitySim>,
};

} // namespace bmsd::sim
