#include "app/sim/seplosv3_sim.hpp"

#include "protocols/core/decode.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace bmsd::sim {

namespace {

constexpr std::size_t kSlots = 16, kSensors = 4, kSensorSlots = 8;
constexpr double kZero = 273.1; // K, what 0 °C is to this BMS

// First register, or first coil, and how many there are.
constexpr unsigned kPia = 0x1000, kPib = 0x1100, kSpa = 0x1300, kVia = 0x1700;
constexpr std::pair<unsigned, unsigned> kBlocks[] = {{kPia, 18}, {kPib, 26}, {kSpa, 106}, {kVia, 51}};
constexpr unsigned kPic = 0x1200, kSfa = 0x1400;

// SCA
constexpr unsigned kDischargeControl = 0x1510, kChargeOff = 0x1511, kChargeOn = 0x1515;
constexpr std::uint16_t kOffKey = 0x55AA, kOnKey = 0xAA55;

// PIC: byte, then bit. All of these are protections.
constexpr std::size_t kBalancingByte = 6, kStateByte = 8, kFetByte = 15, kBalancingStateByte = 16, kPicSize = 18;
constexpr struct {
  Alarm alarm;
  std::size_t byte;
  unsigned bit;
} kProtections[] = {
    {Alarm::HighCellVoltage, 9, 1},    {Alarm::LowCellVoltage, 9, 3},         {Alarm::HighVoltage, 9, 5},
    {Alarm::LowVoltage, 9, 7},         {Alarm::HighChargeTemperature, 10, 1}, {Alarm::LowChargeTemperature, 10, 3},
    {Alarm::HighTemperature, 10, 5},   {Alarm::LowTemperature, 10, 7},        {Alarm::HighInternalTemperature, 11, 5},
    {Alarm::HighChargeCurrent, 12, 1}, {Alarm::HighDischargeCurrent, 12, 4},  {Alarm::LowSoc, 14, 3},
    {Alarm::CellImbalance, 14, 4},     {Alarm::InternalFailure, 17, 1},
};
constexpr unsigned kDischarging = 0, kCharging = 1, kFullyCharged = 3, kStandby = 4;

void kelvin(Encoder& out, double celsius) {
  out.u16be(celsius + kZero, 0.1);
}

std::size_t sensors(const Reading& reading) {
  return std::min(reading.cell_temperatures.size(), kSensors);
}

/// Indices into SPA; what is not set here reads as 0.
Encoder parameters(const BatteryConfig& config, const Reading& reading) {
  const auto& limits = config.protections;
  const double cells = config.cells;
  const auto voltages = [](Encoder& out, const Threshold& high, const Threshold& low, double factor, double unit) {
    // recovery and value of the alarm, then of the protection
    out.u16be(high.release * factor, unit).u16be((high.trip - 0.1) * factor, unit);
    out.u16be(high.release * factor, unit).u16be(high.trip * factor, unit);
    out.u16be(low.release * factor, unit).u16be((low.trip + 0.1) * factor, unit);
    out.u16be(low.release * factor, unit).u16be(low.trip * factor, unit);
  };
  Encoder out;
  out.u16be(static_cast<double>(sensors(reading))).u16be(cells);
  voltages(out, limits.cell_high, limits.cell_low, cells, 0.01);
  voltages(out, limits.cell_high, limits.cell_low, 1, 0.001);
  const double charge = config.max_charge_current(), discharge = config.max_discharge_current();
  out.at(2 * 0x15).s16be(charge).s16be(charge * 1.05).s16be(charge * 1.1);
  out.at(2 * 0x1B).s16be(-discharge).s16be(discharge * -1.05).s16be(discharge * -1.1);
  out.at(2 * 0x2F);
  for (const auto& [hot, cold] :
       {std::pair(limits.charge_hot, limits.charge_cold), {limits.discharge_hot, limits.discharge_cold}}) {
    for (double celsius :
         {hot.release, hot.trip - 5, hot.release, hot.trip, cold.release, cold.trip + 5, cold.release, cold.trip}) {
      kelvin(out, celsius);
    }
  }
  out.at(2 * 0x50).u16be(3.4, 0.001).u16be(0.05, 0.001).u16be(0.03, 0.001);
  out.at(2 * 0x58).u16be(config.capacity, 0.01).u16be(reading.capacity, 0.01).u16be(reading.remaining, 0.01);
  out.at(2 * 0x65).u16be(reading.max_charge_voltage, 0.01).s16be(charge).s16be(-discharge);
  out.at(2 * 0x6A);
  return out;
}

} // namespace

Registers seplosv3_measurements(const Reading& reading, double environment, double current_unit) {
  const auto [low_cell, high_cell] = std::minmax_element(reading.cells.begin(), reading.cells.end());
  const auto& warmth = reading.cell_temperatures;
  const auto [cold, warm] = std::minmax_element(warmth.begin(), warmth.end());
  const auto mean = [](const std::vector<double>& values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return values.empty() ? 0 : sum / static_cast<double>(values.size());
  };

  Encoder a;
  a.u16be(reading.voltage, 0.01).s16be(reading.current, current_unit);
  a.u16be(reading.remaining, 0.01).u16be(reading.capacity, 0.01).u16be(reading.cycles * reading.capacity, 10);
  a.u16be(reading.soc, 0.1).u16be(99.9, 0.1).u16be(reading.cycles);
  a.u16be(mean(reading.cells), 0.001);
  kelvin(a, mean(warmth));
  a.u16be(*high_cell, 0.001).u16be(*low_cell, 0.001);
  kelvin(a, *warm);
  kelvin(a, *cold);
  a.u16be(0).u16be(reading.max_discharge_current).u16be(reading.max_charge_current).u16be(100, 0.1);

  Encoder b;
  for (std::size_t cell = 0; cell < kSlots; ++cell) {
    b.u16be(cell < reading.cells.size() ? reading.cells[cell] : 0, 0.001);
  }
  for (std::size_t sensor = 0; sensor < kSensorSlots; ++sensor) {
    kelvin(b, sensor < sensors(reading) ? warmth[sensor] : 0);
  }
  kelvin(b, environment);
  kelvin(b, reading.mos_temperature);

  Registers out;
  place(out, kPia, a);
  place(out, kPib, b);
  return out;
}

Bytes seplosv3_events(const Reading& reading) {
  std::array<unsigned, kPicSize> out{};
  for (const auto& [alarm, byte, bit] : kProtections) {
    out[byte] |= reading.alarm(alarm) ? 1U << bit : 0U;
  }
  out[kBalancingByte] = reading.balancing & 0xFF;
  out[kBalancingByte + 1] = reading.balancing >> 8 & 0xFF;
  out[kBalancingStateByte] = reading.balancing != 0 ? 1 : 0;
  const unsigned state = reading.soc >= 100    ? kFullyCharged
                         : reading.current > 0 ? kCharging
                         : reading.current < 0 ? kDischarging
                                               : kStandby;
  out[kStateByte] = 1U << state;
  out[kFetByte] = (reading.discharge_on ? 1U : 0U) | (reading.charge_on ? 2U : 0U);
  return Bytes(out.begin(), out.end());
}

SeplosV3Sim::SeplosV3Sim(Battery& battery, const DeviceOptions& options)
    : ModbusSlave(static_cast<std::uint8_t>(options.address)), battery_(battery), large_(options.dialect == "300a"),
      name_(options.name), serial_(options.serial) {}

ModbusSlave::Data SeplosV3Sim::read(std::uint8_t function, unsigned first, unsigned count) {
  if (function == kReadCoils) {
    return read_coils(first, count);
  }
  if (function != kReadInput) {
    return refuse(kIllegalFunction);
  }
  if (std::none_of(std::begin(kBlocks), std::end(kBlocks), [&](const auto& block) {
        return first >= block.first && first + count <= block.first + block.second;
      })) {
    return refuse(kIllegalAddress);
  }
  return slice(registers(), first, count);
}

/// Whole bytes of a block, from its start on.
ModbusSlave::Data SeplosV3Sim::read_coils(unsigned first, unsigned count) const {
  Bytes all = first == kPic ? seplosv3_events(battery_.reading()) : first == kSfa ? switches() : Bytes{};
  if (count % 8 != 0 || count / 8 > all.size()) {
    return refuse(kIllegalAddress);
  }
  all.resize(count / 8);
  return {0, std::move(all)};
}

std::uint8_t SeplosV3Sim::write(std::uint8_t function, unsigned first, ByteView data) {
  if (function != kWriteMultiple) {
    return kIllegalFunction;
  }
  if (data.size() != 2 || (first != kDischargeControl && first != kChargeOff && first != kChargeOn)) {
    return kIllegalAddress;
  }
  const std::uint16_t key = protocols::be16(data, 0);
  if (first == kDischargeControl) {
    battery_.allow_discharge(key != kOffKey);
  } else if (key != (first == kChargeOff ? kOffKey : kOnKey)) {
    return kIllegalValue;
  } else {
    battery_.allow_charge(first == kChargeOn);
  }
  return 0;
}

/// SFA: everything is switched on but the heater, and maybe the balancer.
Bytes SeplosV3Sim::switches() const {
  const auto balancing = static_cast<std::uint8_t>(battery_.reading().balancer_enabled ? 0x0F : 0x0E);
  return {0xFF, 0xFF, 0x3F, 0x01, 0x7F, 0x2F, 0x9F, balancing, 0x83, 0x6F};
}

Registers SeplosV3Sim::registers() const {
  const Reading reading = battery_.reading();
  Registers out = seplosv3_measurements(reading, battery_.config().temperature, large_ ? 0.1 : 0.01);
  place(out, kSpa, parameters(battery_.config(), reading));
  Encoder who;
  who.text("XZH-ElecTech Co.,Ltd", 20).text(large_ ? "BMS16S300A-SP05B" : "BMS16S200A-SP05B", 20).text("15", 2);
  who.text(serial_, 30).text(name_, 30);
  place(out, kVia, who);
  return out;
}

namespace {

constexpr std::string_view kDialects[] = {"200a", "300a"};

} // namespace

constinit const SimulatorInfo SeplosV3Sim::kInfo = {
    .key = "seplosv3",
    .about = "Seplos BMS 3.0 (RS485, 19200 baud); up to 16 cells",
    .baud = 19200,
    .max_capacity = 655.0,
    .max_cells = 16,
    .addressed = true,
    .dialects = kDialects,
    .stream = make_stream<SeplosV3Sim>,
};

} // namespace bmsd::sim
