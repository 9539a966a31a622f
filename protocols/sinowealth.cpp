#include "protocols/sinowealth.hpp"

#include "protocols/core/values.hpp"
#include "protocols/sinowealth_frame.hpp"

#include <algorithm>

namespace bmsd::protocols {

namespace {

// -- registers ----------------------------------------------------------------------

enum Register : std::uint8_t {
  kCell1 = 0x01,
  kCell10 = 0x0A,
  kVoltage = 0x0B,
  kTemperature1 = 0x0C,
  kTemperature2 = 0x0D,
  kChipTemperature = 0x0E, // 0F is the same for a second chip: nonsense on boards with one
  kCurrent = 0x10,
  kFullCapacity = 0x11,
  kRemainingCapacity = 0x12,
  kSoc = 0x13,
  kCycles = 0x14,
  kPackStatus = 0x15,
  kBatteryStatus = 0x16,
  kConfiguration = 0x17,
};

struct RegisterField {
  std::uint8_t reg = 0;
  Field<Sample> field;
};

constexpr RegisterField kFields[] = {
    {kVoltage, field(&Sample::voltage, 0, Wire::u16be).per_unit(1000)},                     // 1 mV
    {kCurrent, field(&Sample::current, 0, Wire::s32be).per_unit(1000).within(-1000, 1000)}, // positive = charging
    {kFullCapacity, field(&Sample::capacity_full, 0, Wire::s32be).per_unit(1000).absent(0).within(0, 1e5)},
    {kRemainingCapacity, field(&Sample::capacity_remaining, 0, Wire::s32be).per_unit(1000)},
    {kSoc, field(&Sample::soc, 0, Wire::u16be).within(0, 100)},
    {kCycles, field(&Sample::cycles, 0, Wire::u16be)},
    {kPackStatus, field(&Sample::charge_enabled, 0, Wire::u16be).bits(1U << 0)},
    {kPackStatus, field(&Sample::discharge_enabled, 0, Wire::u16be).bits(1U << 1)},
    {kPackStatus, extra_flag("fully_charged", 0, Wire::u16be).bits(1U << 8)},
    {kPackStatus, extra_flag("fully_discharged", 0, Wire::u16be).bits(1U << 9)},
    {kBatteryStatus, extra("alarm_bits", 0, Wire::u16be)},
};

/// Over- and undervoltage are about a cell, but the BMS has no word for the pack's.
constexpr AlarmBit kAlarms[] = {
    {0, Alarm::HighVoltage, 2},           {1, Alarm::LowVoltage, 2},
    {2, Alarm::HighChargeCurrent, 2},     {3, Alarm::HighDischargeCurrent, 2},
    {8, Alarm::HighChargeTemperature, 2}, {9, Alarm::HighTemperature, 2},
    {10, Alarm::LowChargeTemperature, 2}, {11, Alarm::LowTemperature, 2},
    {12, Alarm::HighVoltage, 2},          // seen by the front end
    {13, Alarm::HighDischargeCurrent, 2}, // short circuit
    {14, Alarm::InternalFailure, 2},      // a wire to a cell is off
};

constexpr std::uint8_t kProof[] = {kConfiguration, kVoltage, kCell1};
constexpr std::uint8_t kNeeded[] = {kSoc,     kPackStatus,   kBatteryStatus,    kVoltage,
                                    kCurrent, kTemperature1, kRemainingCapacity};
constexpr std::uint8_t kOptional[] = {kTemperature2, kChipTemperature, kCycles};
constexpr unsigned kOptionalEvery = 30; // cycles

Request request_for(std::uint8_t reg) {
  return sinowealth::read(reg, reg >= kCurrent && reg <= kRemainingCapacity ? 4 : 2);
}

/// 0.1 K. An open sensor reads far outside.
std::optional<double> celsius(ByteView data) {
  const double value = be16(data, 0) / 10.0 - 273.15;
  return value >= -40 && value <= 100 ? std::optional(value) : std::nullopt;
}

/// Other devices may answer three bytes, too, and one of 256 checksums is right by chance.
Result<void> check_battery(const Sample& out) {
  constexpr double kLowestCell = 1.5, kHighestCell = 4.5, kLowest = 5, kHighest = 50; // V
  const auto implausible = [](std::string_view what) { return Error{Fault::implausible, std::string(what)}; };
  if (const auto& cells = out.cell_voltages;
      !cells.empty() && (cells[0].value_or(0) < kLowestCell || cells[0].value_or(0) > kHighestCell)) {
    return implausible("voltage of cell 1");
  }
  if (out.voltage) {
    const double per_cell = out.cell_count ? *out.voltage / *out.cell_count : kLowestCell;
    if (*out.voltage < kLowest || *out.voltage > kHighest || per_cell < kLowestCell || per_cell > kHighestCell) {
      return implausible("pack voltage");
    }
  }
  return {};
}

} // namespace

// -- reading --------------------------------------------------------------------------

Script Sinowealth::identify(Identity& out) {
  introduce(kInfo, config_, out);
  Sample first;
  for (auto reg : kProof) {
    co_await part(read(reg, first));
  }
  co_await check_battery(first);
  co_await part(read(kFullCapacity, first));
  out.cell_count = cell_count_;
  out.capacity_full = capacity_full_;
  co_return done();
}

Script Sinowealth::poll(Sample& out) {
  out.cell_count = cell_count_;
  out.capacity_full = capacity_full_;
  for (auto reg : kNeeded) {
    co_await part(read(reg, out));
  }
  for (auto reg : kOptional) {
    if (reg == kTemperature2 && second_sensor_) {
      co_await part(read(reg, out));
    } else {
      co_await part(read_optional(reg, out));
    }
  }
  co_await part(read_cells(out));
  co_await check_voltage(out, static_cast<std::size_t>(cell_count_.value_or(0)));
  raise_low_soc(config_, out);
  ++polls_;
  co_return done();
}

Script Sinowealth::read(std::uint8_t reg, Sample& out) {
  const Bytes reply = co_await ask(request_for(reg));
  co_return decode_register(reg, sinowealth::data_of(reply), out);
}

Script Sinowealth::read_optional(std::uint8_t reg, Sample& out) {
  if (unanswered_.count(reg) != 0 && polls_ % kOptionalEvery != 0) {
    co_return done();
  }
  const Result<void> result = co_await read(reg, out);
  if (!result && result.error().fault == Fault::timeout) {
    unanswered_.insert(reg);
  } else {
    unanswered_.erase(reg);
  }
  co_return done();
}

Script Sinowealth::read_cells(Sample& out) {
  const int count = cell_count_.value_or(kCell10);
  for (int cell = 0; cell < count; ++cell) {
    co_await part(read(static_cast<std::uint8_t>(kCell1 + cell), out));
  }
  co_return done();
}

// -- what the bytes mean ----------------------------------------------------------------

Result<void> Sinowealth::decode_register(std::uint8_t reg, ByteView data, Sample& out) {
  if (data.size() < 2) {
    return Error{Fault::truncated, std::to_string(data.size()) + " bytes of a register"};
  }
  for (const auto& [number, field] : kFields) {
    if (number == reg) {
      if (auto result = decode(std::span(&field, 1), data, out); !result) {
        return result;
      }
    }
  }
  switch (reg) {
  case kTemperature1: out.temperatures.battery[0] = celsius(data); break;
  case kTemperature2: out.temperatures.battery[1] = celsius(data); break;
  case kChipTemperature:
    if (const auto value = celsius(data)) {
      set_extra(out, "chip_temperature", *value);
    }
    break;
  case kFullCapacity: capacity_full_ = out.capacity_full; break;
  case kRemainingCapacity:
    if (out.capacity_remaining < 0) { // a count that has drifted
      out.capacity_remaining.reset();
    }
    break;
  case kBatteryStatus: raise_alarms(kAlarms, be16(data, 0), out.alarms); break;
  case kConfiguration: decode_configuration(data, out); break;
  default:
    if (reg >= kCell1 && reg <= kCell10) {
      return decode_cell(reg - kCell1, data, out);
    }
  }
  return {};
}

/// 0 V is handed on.
Result<void> Sinowealth::decode_cell(std::size_t cell, ByteView data, Sample& out) const {
  const double volts = be16(data, 0) / 1000.0;
  if (volts > kHighestCellVoltage) {
    return Error{Fault::implausible, "voltage of cell " + std::to_string(cell + 1)};
  }
  while (out.cell_voltages.size() <= cell) {
    out.cell_voltages.push_back(std::nullopt);
  }
  out.cell_voltages[cell] = volts;
  return {};
}

void Sinowealth::decode_configuration(ByteView data, Sample& out) {
  constexpr unsigned kFewestCells = 3, kCells = 0x07, kSecondSensor = 1U << 6;
  const std::uint16_t bits = be16(data, 0);
  cell_count_ = out.cell_count = static_cast<int>(kFewestCells + (bits & kCells));
  second_sensor_ = (bits & kSecondSensor) != 0;
}

// -- captures -------------------------------------------------------------------------

/// Other programs ask for four bytes of every register; the value is in the first ones.
bool Sinowealth::same_request(ByteView wanted, ByteView recorded) const {
  return sinowealth::is_request(recorded) && wanted[1] == recorded[1];
}

Script Sinowealth::replay(Bytes tx, Identity& identity, Sample& out) {
  if (!sinowealth::is_request(tx)) {
    co_return Error{Fault::unsupported, "not a request of this protocol"};
  }
  const std::uint8_t reg = tx[1];
  const Bytes reply = co_await ask(sinowealth::raw(std::move(tx)));
  co_await decode_register(reg, sinowealth::data_of(reply), out);
  identity.cell_count = cell_count_;
  identity.capacity_full = capacity_full_;
  co_return done();
}

// -- registry -------------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 9600}};
constexpr std::string_view kNames[] = {"Sinowealth"};

} // namespace

constinit const ProtocolInfo Sinowealth::kInfo = {
    .key = "sinowealth",
    .label = "Sinowealth",
    .about = "Small Daly boards and others with a Sinowealth chip, 3 to 10 cells; UART",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .detect_order = 92, // replies without any mark
    .poll_interval = std::chrono::milliseconds(2000),
    .exchange = make_exchange<Sinowealth>,
};

} // namespace bmsd::protocols
