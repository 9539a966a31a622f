#include "app/sim/renogy_sim.hpp"

#include "protocols/core/decode.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bmsd::sim {

namespace {

constexpr std::uint8_t kAddress = 0x30;

constexpr unsigned kFirstThreshold = 5200, kDeviceAddress = 5223;
constexpr std::pair<unsigned, unsigned> kRegions[] = {{5000, 5033}, {5035, 5052}, {5100, 5141}, {5200, 5223}};

constexpr std::size_t kSlots = 16; // of cells and of their sensors

// Status words. A set bit of the first means that the battery has cut off.
constexpr std::pair<Alarm, unsigned> kProtectionBits[] = {
    {Alarm::HighVoltage, 6},       {Alarm::LowCellVoltage, 7},        {Alarm::HighCellVoltage, 8},
    {Alarm::HighChargeCurrent, 9}, {Alarm::HighDischargeCurrent, 10}, {Alarm::LowTemperature, 11},
    {Alarm::HighTemperature, 12},  {Alarm::LowChargeTemperature, 13}, {Alarm::HighChargeTemperature, 14},
    {Alarm::LowVoltage, 15},
};
constexpr unsigned kChargeFetBit = 1, kDischargeFetBit = 2, kOwnSupplyBit = 3; // 5106
constexpr unsigned kFullBit = 11, kDischargingBit = 14, kChargingBit = 15;     // 5107
constexpr unsigned kMayDischargeBit = 6, kMayChargeBit = 7;                    // 5109

std::uint16_t bit(unsigned number, bool set) {
  return static_cast<std::uint16_t>(set ? 1U << number : 0U);
}

/// `slots` numbers, those that are missing as 0.
void row(Encoder& out, const std::vector<double>& values, double unit, std::size_t slots) {
  for (std::size_t i = 0; i < slots; ++i) {
    out.s16be(i < values.size() ? values[i] : 0.0, unit);
  }
}

Encoder status(const Reading& reading) {
  unsigned first =
      bit(kChargeFetBit, reading.charge_on) | bit(kDischargeFetBit, reading.discharge_on) | bit(kOwnSupplyBit, true);
  for (const auto& [alarm, number] : kProtectionBits) {
    first |= bit(number, reading.alarm(alarm));
  }
  const unsigned second = bit(kFullBit, reading.soc >= 100.0) | bit(kDischargingBit, reading.current < 0.0) |
                          bit(kChargingBit, reading.current > 0.0);
  const unsigned requests = bit(kMayChargeBit, reading.charge_on) | bit(kMayDischargeBit, reading.discharge_on);
  Encoder out;
  out.u16be(first).u16be(second).u16be(bit(0, reading.alarm(Alarm::InternalFailure))).u16be(requests);
  return out;
}

/// A model as Renogy writes it; the voltage behind the capacity, or in front of it.
std::string model_of(const BatteryConfig& config, bool pro) {
  const auto volts = std::to_string(config.cells * 3);
  const auto capacity = std::to_string(std::lround(config.capacity));
  return pro ? "RBT" + volts + capacity + "LFP-BT" : "RBT" + capacity + "LFP" + volts + "S";
}

/// Cell and pack voltages 0.1 V, temperatures 0.1 °C, currents 0.01 A.
Encoder thresholds(const BatteryConfig& config, std::uint8_t address) {
  const auto& limits = config.protections;
  const double cells = config.cells;
  const double charge = config.max_charge_current(), discharge = config.max_discharge_current();
  Encoder out;
  const auto voltages = [&](double factor) {
    out.u16be(limits.cell_high.trip * factor, 0.1).u16be(limits.cell_high.release * factor, 0.1);
    out.u16be(limits.cell_low.release * factor, 0.1).u16be(limits.cell_low.trip * factor, 0.1);
  };
  const auto temperatures = [&](const Threshold& hot, const Threshold& cold) {
    out.s16be(hot.trip, 0.1).s16be(hot.release, 0.1).s16be(cold.release, 0.1).s16be(cold.trip, 0.1);
  };
  voltages(1);
  temperatures(limits.charge_hot, limits.charge_cold);
  out.s16be(charge * 1.2, 0.01).s16be(charge, 0.01).s16be(charge * 0.9, 0.01);
  voltages(cells);
  temperatures(limits.discharge_hot, limits.discharge_cold);
  out.s16be(discharge * -1.2, 0.01).s16be(-discharge, 0.01).s16be(discharge * -0.9, 0.01);
  out.u16be(0).u16be(address);
  return out;
}

} // namespace

Registers renogy_registers(const Reading& reading, double current_unit) {
  Encoder cells;
  cells.u16be(static_cast<double>(std::min(reading.cells.size(), kSlots)));
  row(cells, reading.cells, 0.1, kSlots);
  cells.u16be(static_cast<double>(std::min(reading.cell_temperatures.size(), kSlots)));
  row(cells, reading.cell_temperatures, 0.1, kSlots);

  Encoder values;
  values.s16be(reading.mos_temperature, 0.1);
  values.u16be(1).s16be(reading.cell_temperatures.empty() ? 0.0 : reading.cell_temperatures[0], 0.1).s16be(0);
  values.u16be(0).s16be(25.0, 0.1).s16be(25.0, 0.1); // no heater, and what its free inputs say
  values.s16be(reading.current, current_unit).u16be(reading.voltage, 0.1);
  values.u32be(reading.remaining, 0.001).u32be(reading.capacity, 0.001).u16be(reading.cycles);
  values.u16be(reading.max_charge_voltage, 0.1).u16be(reading.low_voltage, 0.1);
  values.s16be(reading.max_charge_current, current_unit).s16be(-reading.max_discharge_current, current_unit);

  Registers out;
  place(out, 5000, cells);
  place(out, 5035, values);
  place(out, 5106, status(reading));
  return out;
}

RenogySim::RenogySim(Battery& battery, const DeviceOptions& options)
    : ModbusSlave(options.address != 0 ? static_cast<std::uint8_t>(options.address) : kAddress), battery_(battery),
      pro_(options.dialect == "pro"),
      model_(options.name.starts_with("RBT") ? options.name : model_of(battery.config(), pro_)),
      serial_(options.serial) {}

/// What lies in a region but has no meaning reads as 0.
ModbusSlave::Data RenogySim::read(std::uint8_t function, unsigned first, unsigned count) {
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

std::uint8_t RenogySim::write(std::uint8_t function, unsigned first, ByteView data) {
  if (function != kWriteSingle) {
    return kIllegalFunction;
  }
  if (first != kDeviceAddress || data.size() != 2) {
    return kIllegalAddress;
  }
  const std::uint16_t value = protocols::be16(data, 0);
  if (value == 0 || value > 247) {
    return kIllegalValue;
  }
  set_address(static_cast<std::uint8_t>(value));
  return 0;
}

Registers RenogySim::registers() const {
  Registers out = renogy_registers(battery_.reading(), pro_ ? 0.1 : 0.01);
  Encoder who;
  who.text(serial_, 16)
      .text("01", 2)
      .text("0001", 4)
      .text("02", 2)
      .text(model_, 16)
      .text("0119", 4)
      .text("RENOGY  ", 8);
  place(out, 5110, who);
  place(out, kFirstThreshold, thresholds(battery_.config(), address()));
  return out;
}

namespace {

constexpr std::string_view kDialects[] = {"classic", "pro"};

} // namespace

constinit const SimulatorInfo RenogySim::kInfo = {
    .key = "renogy",
    .about = "Renogy smart lithium battery (RS485, 9600 baud); up to 16 cells",
    .baud = 9600,
    .max_capacity = 4'294'967.0,
    .max_cells = 16,
    .addressed = true,
    .dialects = kDialects,
    .stream = make_stream<RenogySim>,
};

} // namespace bmsd::sim
