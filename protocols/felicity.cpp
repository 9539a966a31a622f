#include "protocols/felicity.hpp"

#include "protocols/core/values.hpp"

#include <algorithm>

namespace bmsd::protocols {

using namespace std::chrono_literals;
using modbus::at;

namespace {

// -- registers ------------------------------------------------------------------

enum Register : std::uint16_t {
  // 0x1302 to 0x130B: values
  kStatus = 0x1302,
  kFaults = 0x1304,
  kVoltage = 0x1306,
  kCurrent = 0x1307,
  kBoard = 0x130A,
  kSoc = 0x130B,
  // 0x131C to 0x131F: limits
  kChargeVoltageLimit = 0x131C,
  kDischargeVoltageLimit = 0x131D,
  kChargeCurrentLimit = 0x131E,
  kDischargeCurrentLimit = 0x131F,
  // 0x132A to 0x133D: cells and their sensors; a longer read is refused
  kCells = 0x132A,   // 16 slots, mV
  kSensors = 0x133A, // 4
  // who it is
  kSerial = 0xF804, // 5
  kFirmware = 0xF80B,
};
constexpr std::size_t kSerialGroups = 5;
constexpr std::int64_t kNotThere = 0x7FFF; // as a temperature it is far above what sensor_field() lets pass

constexpr std::array kValues = {
    field(&Sample::charge_enabled, at(kStatus), Wire::u16be).bits(1 << 0),
    field(&Sample::discharge_enabled, at(kStatus), Wire::u16be).bits(1 << 2),
    field(&Sample::voltage, at(kVoltage), Wire::u16be).per_unit(100),
    field(&Sample::current, at(kCurrent), Wire::s16be).per_unit(-10), // positive = discharging
    sensor_field(&Temperatures::mos, at(kBoard), Wire::s16be),
    field(&Sample::soc, at(kSoc), Wire::u16be).within(0, 100),
    sensor_field(0, at(kSensors), Wire::s16be),
    sensor_field(1, at(kSensors + 1), Wire::s16be),
    sensor_field(2, at(kSensors + 2), Wire::s16be),
    sensor_field(3, at(kSensors + 3), Wire::s16be),
};

constexpr double kHighestVoltage = 16 * kHighestCellVoltage, kHighestCurrent = 1000;
constexpr std::array kLimits = {
    field(&Sample::max_charge_voltage, at(kChargeVoltageLimit), Wire::u16be)
        .per_unit(100)
        .absent(kNotThere)
        .within(0, kHighestVoltage),
    field(&Sample::battery_low_voltage, at(kDischargeVoltageLimit), Wire::u16be)
        .per_unit(100)
        .absent(kNotThere)
        .within(0, kHighestVoltage),
    field(&Sample::max_charge_current, at(kChargeCurrentLimit), Wire::u16be)
        .per_unit(10)
        .absent(kNotThere)
        .within(0, kHighestCurrent),
    field(&Sample::max_discharge_current, at(kDischargeCurrentLimit), Wire::u16be)
        .per_unit(10)
        .absent(kNotThere)
        .within(0, kHighestCurrent),
};

/// The other bits are not known.
constexpr AlarmBit kFaultBits[] = {
    {2, Alarm::HighCellVoltage},      {3, Alarm::LowCellVoltage},          {4, Alarm::HighChargeCurrent},
    {5, Alarm::HighDischargeCurrent}, {6, Alarm::HighInternalTemperature}, {8, Alarm::HighChargeTemperature},
    {9, Alarm::LowChargeTemperature},
};

} // namespace

Felicity::Felicity(const ProtocolConfig& config)
    : Battery(config, {.first_byte = 500ms, .gap = 20ms}), values_{kStatus, 10, kVoltage}, cells_{kCells, 20, kCells} {}

// -- reading --------------------------------------------------------------------

Script Felicity::identify(Identity& out) {
  introduce(kInfo, config_, out);
  registers_.clear();
  used_.reset();
  co_await part(read(kFirmware, 1));
  co_await part(read(kSerial, kSerialGroups));
  co_await part(read_values());
  co_await part(read_cells());
  Sample first;
  co_await tell(first);
  co_await check_sum_of_cells(first);
  describe(out);
  out.cell_count = first.cell_count;
  co_return done();
}

Script Felicity::poll(Sample& out) {
  registers_.clear();
  co_await part(read_values());
  co_await part(read_cells());
  co_await part(read_if_told(kChargeVoltageLimit, 4)); // not every battery has them
  co_return tell(out);
}

Script Felicity::read_values() {
  return read_block(values_, read_values_in_parts());
}

Script Felicity::read_values_in_parts() {
  co_await part(read(kSoc, 1));
  co_await part(read(kVoltage, 2));
  co_await part(read(kStatus, 3));
  co_await part(read(kBoard, 1));
  co_return done();
}

Script Felicity::read_cells() {
  return read_block(cells_, read_cells_in_parts());
}

Script Felicity::read_cells_in_parts() {
  co_await part(read(kCells, kSlots));
  co_await part(read(kSensors - 1, 5)); // from the last cell on, as it is known to be answered
  co_return done();
}

// -- what the registers mean ------------------------------------------------------

/// The groups of the serial number without padding: saved settings of dbus-serialbattery hang on this spelling.
void Felicity::describe(Identity& out) {
  if (const auto version = registers_.value(kFirmware)) {
    out.firmware_version = std::to_string(*version);
  }
  if (const ByteView groups = registers_.bytes(at(kSerial), 2 * kSerialGroups); !groups.empty()) {
    const auto all = [&](std::uint8_t byte) {
      return std::all_of(groups.begin(), groups.end(), [&](std::uint8_t b) { return b == byte; });
    };
    out.serial.clear();
    for (std::size_t i = 0; i < kSerialGroups && !all(0x00) && !all(0xFF); ++i) {
      out.serial += std::to_string(be16(groups, 2 * i));
    }
    out.unique_id = out.serial;
  }
}

Result<void> Felicity::tell(Sample& out) {
  if (auto result = decode(kValues, registers_, out); !result) {
    return result;
  }
  if (auto result = tell_cells(out); !result) {
    return result;
  }
  if (auto result = check_voltage(out, static_cast<std::size_t>(out.cell_count.value_or(0))); !result) {
    return result;
  }
  if (const auto faults = registers_.value(kFaults)) {
    out.alarms = {};
    raise_alarms(kFaultBits, *faults, out.alarms);
  }
  return tell_limits(out);
}

/// A slot that had a cell once has it still, even if it gives no voltage now.
Result<void> Felicity::tell_cells(Sample& out) {
  const ByteView data = registers_.bytes(at(kCells), 2 * kSlots);
  if (data.empty()) {
    return {};
  }
  out.cell_voltages.clear();
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    const std::uint16_t raw = be16(data, 2 * slot);
    const double volts = raw / 1000.0;
    if (raw != kNotThere) {
      if (volts > kHighestCellVoltage) {
        return Error{Fault::implausible, "voltage of cell " + std::to_string(slot + 1)};
      }
      used_.set(slot);
      out.cell_voltages.push_back(volts);
    } else if (used_[slot]) {
      out.cell_voltages.push_back(std::nullopt);
    }
  }
  if (out.cell_voltages.empty()) {
    return Error{Fault::implausible, "no cells"};
  }
  out.cell_count = static_cast<int>(out.cell_voltages.size());
  return {};
}

/// A battery that may be charged to 0 V has no limits to tell.
Result<void> Felicity::tell_limits(Sample& out) const {
  if (registers_.value(kChargeVoltageLimit).value_or(0) == 0) {
    return {};
  }
  auto result = decode(kLimits, registers_, out);
  if (out.battery_low_voltage == 0.0) {
    out.battery_low_voltage.reset();
  }
  return result;
}

// -- registry -------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 9600}};
constexpr std::uint32_t kAddresses[] = {0x01, 0x10};
constexpr std::string_view kNames[] = {"Felicity"};

} // namespace

constinit const ProtocolInfo Felicity::kInfo = {
    .key = "felicity",
    .label = "Felicity",
    .about = "Felicity Solar wall and rack batteries (LPBA, FLA, FLB), RS485",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 82,
    .chain = {0x01, 0x10},
    .exchange = make_exchange<Felicity>,
};

} // namespace bmsd::protocols
