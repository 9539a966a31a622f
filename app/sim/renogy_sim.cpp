#include "app/sim/renogy_sim.hpp"

#include "app/sim/encode.hpp"
#include "protocols/core/checksum.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace bmsd::sim {

namespace {

constexpr std::uint8_t kAddress = 0x30;
constexpr std::uint8_t kReadHolding = 3, kWriteSingle = 6, kLastSingle = 6, kWriteMultiple = 16;
constexpr std::uint8_t kIllegalFunction = 1, kIllegalAddress = 2, kIllegalValue = 3;
constexpr std::size_t kRequest = 8;
constexpr unsigned kMostRegisters = 125;

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

std::uint16_t word_at(ByteView bytes, std::size_t offset) {
  return static_cast<std::uint16_t>(bytes[offset] << 8 | bytes[offset + 1]);
}

Bytes sealed(Bytes frame) {
  const std::uint16_t crc = protocols::crc16_modbus(frame);
  frame.push_back(static_cast<std::uint8_t>(crc));
  frame.push_back(static_cast<std::uint8_t>(crc >> 8));
  return frame;
}

void place(RenogyRegisters& out, unsigned first, const Encoder& words) {
  for (std::size_t i = 0; i + 1 < words.bytes.size(); i += 2) {
    out[first++] = word_at(words.bytes, i);
  }
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

RenogyRegisters renogy_registers(const Reading& reading, double current_unit) {
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

  RenogyRegisters out;
  place(out, 5000, cells);
  place(out, 5035, values);
  place(out, 5106, status(reading));
  return out;
}

RenogySim::RenogySim(Battery& battery, const DeviceOptions& options)
    : battery_(battery), pro_(options.dialect == "pro"),
      address_(options.address != 0 ? static_cast<std::uint8_t>(options.address) : kAddress),
      model_(options.name.starts_with("RBT") ? options.name : model_of(battery.config(), pro_)),
      serial_(options.serial) {}

StreamDevice::Answer RenogySim::answer(ByteView line) {
  if (line.size() < 2) {
    return {};
  }
  const bool multiple = line[1] == kWriteMultiple;
  if (!multiple && (line[1] == 0 || line[1] > kLastSingle)) {
    return {1, {}};
  }
  if (line.size() < kRequest) {
    return {};
  }
  const std::size_t size = multiple ? 9U + line[6] : kRequest;
  if (line.size() < size) {
    return {};
  }
  const ByteView request = line.first(size);
  const std::uint16_t crc = protocols::crc16_modbus(request.first(size - 2));
  if (request[size - 2] != (crc & 0xFF) || request[size - 1] != crc >> 8) {
    return {1, {}};
  }
  return {size, request[0] == address_ ? respond(request) : Bytes{}};
}

Bytes RenogySim::respond(ByteView request) {
  const std::uint8_t me = address_, function = request[1];
  const auto refuse = [&](std::uint8_t code) { return sealed({me, static_cast<std::uint8_t>(function | 0x80), code}); };
  const unsigned first = word_at(request, 2);
  const unsigned value = word_at(request, 4);
  if (function == kReadHolding) {
    if (value == 0 || value > kMostRegisters) {
      return refuse(kIllegalValue);
    }
    const Bytes data = read(first, value);
    if (data.empty()) {
      return refuse(kIllegalAddress);
    }
    Bytes reply = {me, function, static_cast<std::uint8_t>(data.size())};
    reply.insert(reply.end(), data.begin(), data.end());
    return sealed(std::move(reply));
  }
  if (function != kWriteSingle) {
    return refuse(kIllegalFunction);
  }
  if (first != kDeviceAddress) {
    return refuse(kIllegalAddress);
  }
  if (value == 0 || value > 247) {
    return refuse(kIllegalValue);
  }
  address_ = static_cast<std::uint8_t>(value);
  return Bytes(request.begin(), request.end());
}

Bytes RenogySim::read(unsigned first, unsigned count) const {
  const unsigned last = first + count - 1;
  if (std::none_of(std::begin(kRegions), std::end(kRegions),
                   [&](const auto& region) { return first >= region.first && last <= region.second; })) {
    return {};
  }
  const RenogyRegisters all = registers();
  Encoder out;
  for (unsigned reg = first; reg <= last; ++reg) {
    const auto found = all.find(reg);
    out.u16be(found == all.end() ? 0 : found->second);
  }
  return out.bytes;
}

RenogyRegisters RenogySim::registers() const {
  RenogyRegisters out = renogy_registers(battery_.reading(), pro_ ? 0.1 : 0.01);
  Encoder who;
  who.text(serial_, 16)
      .text("01", 2)
      .text("0001", 4)
      .text("02", 2)
      .text(model_, 16)
      .text("0119", 4)
      .text("RENOGY  ", 8);
  place(out, 5110, who);
  place(out, kFirstThreshold, thresholds(battery_.config(), address_));
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
    .addressed = true,
    .dialects = kDialects,
    .stream = make_stream<RenogySim>,
};

} // namespace bmsd::sim
