#include "app/sim/heltec_modbus_sim.hpp"

#include <algorithm>
#include <utility>

namespace bmsd::sim {

namespace {

constexpr std::uint8_t kAddress = 1;
constexpr std::size_t kCellSlots = 31; // 81 to 111
constexpr std::uint8_t kIronPhosphate = 1;

/// Bits of the warnings.
constexpr std::pair<Alarm, unsigned> kWarnings[] = {
    {Alarm::HighCellVoltage, 0},
    {Alarm::LowCellVoltage, 1},
    {Alarm::HighVoltage, 3},
    {Alarm::LowVoltage, 4},
    {Alarm::HighChargeCurrent, 5},
    {Alarm::HighDischargeCurrent, 7},
    {Alarm::HighChargeTemperature, 9},
    {Alarm::LowChargeTemperature, 10},
    {Alarm::HighTemperature, 11},
    {Alarm::LowTemperature, 12},
    {Alarm::HighInternalTemperature, 13},
    {Alarm::LowSoc, 14},
    {Alarm::InternalFailure, 16},
};
constexpr std::uint32_t kChargeProtected = 1U << 28, kDischargeProtected = 1U << 29; // run state

/// The numbers from one register on.
class Row {
public:
  Row(Registers& to, unsigned first) : to_(to), first_(first) {}
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;
  ~Row() { place(to_, first_, words); }
  Encoder words;

private:
  Registers& to_;
  unsigned first_;
};

double celsius(double value) {
  return value + 40;
}

} // namespace

Registers heltec_modbus_measurements(const Reading& reading, double rated_capacity) {
  Registers out;
  const auto at = [&](unsigned first) { return Row(out, first); };
  at(76).words.s32le(reading.voltage, 0.001).s32le(-reading.current, 0.01);
  {
    Row cells(out, 81);
    for (std::size_t i = 0; i < std::min(reading.cells.size(), kCellSlots); ++i) {
      cells.words.u16le(reading.cells[i], 0.001);
    }
  }
  const auto& warmth = reading.cell_temperatures;
  at(112).words.u8(celsius(reading.mos_temperature - 2)).u8(celsius(reading.mos_temperature));
  at(113).words.u8(celsius(warmth.back())).u8(celsius(warmth.front()));
  at(118).words.u16le(rated_capacity, 0.1).u16le(reading.remaining, 0.1).u8(reading.soc).u8(99);
  at(126).words.u16le(reading.capacity, 0.1);
  at(139).words.u32le(reading.balancing);

  std::uint32_t warnings = 0;
  for (const auto& [alarm, bit] : kWarnings) {
    warnings |= reading.alarm(alarm) ? 1U << bit : 0U;
  }
  at(152).words.u32le((reading.charge_on ? 0 : kChargeProtected) | (reading.discharge_on ? 0 : kDischargeProtected));
  at(156).words.u32le(warnings);
  return out;
}

HeltecModbusSim::HeltecModbusSim(Battery& battery, const DeviceOptions& options)
    : ModbusSlave(options.address != 0 ? static_cast<std::uint8_t>(options.address) : kAddress), battery_(battery),
      name_(options.name), serial_(options.serial) {}

ModbusSlave::Data HeltecModbusSim::read(std::uint8_t function, unsigned first, unsigned count) {
  if (function != kReadHolding) {
    return refuse(kIllegalFunction);
  }
  const auto& config = battery_.config();
  Registers all = heltec_modbus_measurements(battery_.reading(), config.capacity);
  const auto at = [&](unsigned reg) { return Row(all, reg); };
  at(2).words.text(serial_, 8);
  at(7).words.text("YY-" + std::to_string(config.cells) + "S-BMS", 26);
  at(38).words.u8(3).u8(0);
  at(39).words.u16le(2023).u8(17).u8(5);
  at(41).words.text(name_, 12);
  at(75).words.u8(config.cells).u8(kIronPhosphate);
  at(169).words.u16le(config.protections.cell_high.trip, 0.001);
  at(172).words.u16le(config.protections.cell_low.trip, 0.001);
  at(191).words.u16le(config.max_charge_current(), 0.01);
  at(194).words.u16le(config.max_discharge_current(), 0.01);
  return slice(all, first, count);
}

constinit const SimulatorInfo HeltecModbusSim::kInfo = {
    .key = "heltec_modbus",
    .about = "Heltec Smart BMS, YYBMS (RS485, 9600 baud); up to 31 cells",
    .baud = 9600,
    .max_capacity = 655.0, // its discharge limit ends at 655 A
    .max_cells = 31,
    .addressed = true,
    .stream = make_stream<HeltecModbusSim>,
};

} // namespace bmsd::sim
