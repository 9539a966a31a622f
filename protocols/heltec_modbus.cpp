#include "protocols/heltec_modbus.hpp"

#include "protocols/core/text.hpp"
#include "protocols/core/values.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <tuple>

namespace bmsd::protocols {

using namespace std::chrono_literals;
using modbus::at;

namespace {

// -- registers ------------------------------------------------------------------------

enum Register : std::uint16_t {
  kSerial = 2,   // 4, any bytes
  kTypeName = 7, // 13, text
  kHardware = 38,
  kProduced = 39,   // 2: year, day and month in a byte each
  kDeviceName = 41, // 6, text. 47 holds the password for Bluetooth, which is nobody's business
  kBattery = 75,    // cells, chemistry
  kVoltage = 76,    // 2
  kCurrent = 78,    // 2
  kCells = 81,
  kBoardTemperatures = 112, // balancer, MOSFETs
  kCellTemperatures = 113,
  kRatedCapacity = 118,
  kActualCapacity = 119,
  kCharge = 120, // SoC, SoH
  kLearnedCapacity = 126,
  kBalancing = 139, // 2, a bit per cell
  kRunState = 152,  // 2
  kWarnings = 156,  // 2
  kHighestCell = 169,
  kLowestCell = 172,
  kChargeLimit = 191,
  kDischargeLimit = 194,
};
constexpr std::uint16_t kTypeNameSize = 13, kDeviceNameSize = 6, kSerialSize = 4;

constexpr std::uint16_t kSettings[] = {kRatedCapacity, kActualCapacity, kLearnedCapacity, kHighestCell,
                                       kLowestCell,    kChargeLimit,    kDischargeLimit};

constexpr std::array kFields = {
    field(&Sample::cell_count, at(kBattery), Wire::u8).within(1, kMaxCells),
    extra("chemistry", at(kBattery) + 1, Wire::u8).within(0, 2), // ternary, iron phosphate, titanate
    field(&Sample::voltage, at(kVoltage), Wire::s32le).per_unit(1000).within(0, kMaxCells* kHighestCellVoltage),
    field(&Sample::current, at(kCurrent), Wire::s32le).per_unit(-100), // positive on the wire: discharging
    field(&Sample::soc, at(kCharge), Wire::u8).within(0, 100),
    field(&Sample::soh, at(kCharge) + 1, Wire::u8).within(0, 100),
    field(&Sample::capacity_full, at(kRatedCapacity), Wire::u16le).per_unit(10), // 0.1 Ah
    extra("capacity_actual", at(kActualCapacity), Wire::u16le).per_unit(10),
    extra("capacity_learned", at(kLearnedCapacity), Wire::u16le).per_unit(10),
    extra("max_cell_voltage_limit", at(kHighestCell), Wire::u16le).per_unit(1000),
    extra("min_cell_voltage_limit", at(kLowestCell), Wire::u16le).per_unit(1000),
    field(&Sample::max_charge_current, at(kChargeLimit), Wire::u16le).per_unit(100), // 10 mA
    field(&Sample::max_discharge_current, at(kDischargeLimit), Wire::u16le).per_unit(100),
};

constexpr AlarmBit kAlarms[] = {
    {0, Alarm::HighCellVoltage, 2},
    {1, Alarm::LowCellVoltage, 2},
    {3, Alarm::HighVoltage, 2},
    {4, Alarm::LowVoltage, 2},
    {5, Alarm::HighChargeCurrent, 2},
    {6, Alarm::HighDischargeCurrent, 1}, // first stage
    {7, Alarm::HighDischargeCurrent, 2},
    {8, Alarm::HighDischargeCurrent, 2}, // short circuit
    {9, Alarm::HighChargeTemperature, 2},
    {10, Alarm::LowChargeTemperature, 2},
    {11, Alarm::HighTemperature, 2}, // while discharging
    {12, Alarm::LowTemperature, 2},
    {13, Alarm::HighInternalTemperature, 2},
    {14, Alarm::LowSoc, 2},
    {15, Alarm::HighVoltage, 2}, // protected because it is full
};
constexpr std::int64_t kUnknownWarning = 1 << 2, kFaults = 0xFFFF0000;
constexpr std::int64_t kChargeProtected = 1 << 28, kDischargeProtected = 1 << 29; // run state

/// Printable from the first character on, then padding.
bool is_name(ByteView bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), 0);
  return bytes.front() > ' ' && std::all_of(bytes.begin(), end, [](auto c) { return std::isprint(c) != 0; }) &&
         std::all_of(end, bytes.end(), [](auto c) { return c == 0 || c == ' '; });
}

/// As far as a cell can be discharged or charged without being ruined.
constexpr double kLowestMean = 1.5, kHighestMean = 4.5; // V

} // namespace

HeltecModbus::HeltecModbus(const ProtocolConfig& config)
    : Battery(config, {.first_byte = 500ms, .gap = 30ms, .retries = 0}) {}

// -- reading ----------------------------------------------------------------------------

Script HeltecModbus::identify(Identity& out) {
  introduce(kInfo, config_, out);
  registers_.clear();
  co_await part(read(kTypeName, kTypeNameSize));
  co_await check_name();
  co_await part(read(kBattery, 1));
  co_await part(read(kVoltage, 2));
  Sample first;
  co_await tell(first);
  co_await part(read_cells());
  co_await tell(first);
  co_await check_values(first);
  co_await part(read_if_told(kDeviceName, kDeviceNameSize));
  co_await part(read_if_told(kSerial, kSerialSize));
  co_await part(read_if_told(kHardware, 1));
  co_await part(read_if_told(kProduced, 2));
  co_await part(read_if_told(kRatedCapacity, 1));
  describe(out);
  settings_ = registers_;
  co_return done();
}

Script HeltecModbus::settings(Identity&) {
  registers_ = settings_;
  for (auto reg : kSettings) {
    if (const Result<void> outcome = co_await read_if_told(reg, 1); !outcome) {
      break; // poll() gets the others
    }
  }
  settings_ = registers_;
  co_return done();
}

/// One of the settings with every cycle.
Script HeltecModbus::poll(Sample& out) {
  registers_ = settings_;
  (void)co_await read(kSettings[polls_++ % std::size(kSettings)], 1);
  settings_ = registers_;
  co_await part(read(kVoltage, 2));
  co_await part(read(kCurrent, 2));
  co_await part(read(kRunState, 2));
  co_await part(read(kWarnings, 2));
  co_await part(read(kCharge, 1));
  co_await part(read(kCellTemperatures, 1));
  co_await part(read(kBoardTemperatures, 1));
  co_await part(read_cells());
  co_await part(read(kBalancing, 2));
  co_return tell(out);
}

/// The BMS may be slow, and its answers do not say to which register they belong: a late one could be taken for
/// the next one's. So the line must have been quiet for long before anything is asked again.
Script HeltecModbus::read(std::uint16_t first, std::uint16_t count) {
  const Result<void> outcome = co_await Battery::read(first, count);
  if (outcome || outcome.error().fault == Fault::refused) {
    co_return outcome;
  }
  Request again = request(first, count);
  again.gap = 500ms;
  co_return co_await registers_.read(std::move(again));
}

Script HeltecModbus::read_cells() {
  const auto cells = registers_.value(kBattery, Wire::u8);
  return read(kCells, static_cast<std::uint16_t>(cells.value_or(1)));
}

// -- is it one? ---------------------------------------------------------------------------

/// Many devices answer a read of these registers: with numbers.
Result<void> HeltecModbus::check_name() const {
  const ByteView name = registers_.bytes(at(kTypeName), 2 * kTypeNameSize);
  return name.empty() || is_name(name) ? Result<void>() : Error{Fault::implausible, "the type is no name"};
}

/// The pack's voltage is that of its cells, of which one may be a broken wire.
Result<void> HeltecModbus::check_values(const Sample& first) const {
  if (!first.voltage || !first.cell_count || first.cell_voltages.empty()) {
    return {}; // a recording without them
  }
  const double mean = *first.voltage / *first.cell_count;
  if (mean < kLowestMean || mean > kHighestMean || std::abs(*first.voltage - sum_of_cells(first)) > mean) {
    return Error{Fault::implausible, "the pack's voltage does not fit its cells"};
  }
  return {};
}

// -- what the registers mean ----------------------------------------------------------------

/// "0011-2233-4455-6677"; empty: not programmed.
std::string HeltecModbus::serial() const {
  const ByteView raw = registers_.bytes(at(kSerial), 2 * kSerialSize);
  if (std::all_of(raw.begin(), raw.end(), [&](auto byte) { return byte == raw[0] && (byte == 0 || byte == 0xFF); })) {
    return {};
  }
  std::string text;
  for (std::size_t i = 0; i < raw.size(); i += 2) {
    char group[8];
    std::snprintf(group, sizeof group, "%s%04x", i == 0 ? "" : "-", be16(raw, i));
    text += group;
  }
  return text;
}

/// "HLT001(3)"
std::string HeltecModbus::hardware() const {
  const auto number = registers_.value(kHardware, Wire::u8);
  const auto name = registers_.text(kDeviceName, kDeviceNameSize);
  return number ? name + "(" + std::to_string(*number) + ")" : name;
}

void HeltecModbus::describe(Identity& out) {
  keep_text(out.model, registers_.text(kTypeName, kTypeNameSize));
  keep_text(out.serial, serial());
  keep_text(out.unique_id, serial());
  keep_text(out.hardware_version, hardware());
  keep_text(out.device_name, registers_.text(kDeviceName, kDeviceNameSize));
  if (const ByteView date = registers_.bytes(at(kProduced), 4); !date.empty()) {
    out.manufacture_date = date_text(le16(date, 0), date[3], date[2]);
  }
  if (const auto cells = registers_.value(kBattery, Wire::u8)) {
    out.cell_count = static_cast<int>(*cells);
  }
  if (const auto capacity = registers_.value(kRatedCapacity, Wire::u16le)) {
    out.capacity_full = static_cast<double>(*capacity) / 10;
  }
}

Result<void> HeltecModbus::tell(Sample& out) {
  if (auto result = decode(kFields, registers_, out); !result) {
    return result;
  }
  if (auto result = check_voltage(out, static_cast<std::size_t>(out.cell_count.value_or(0))); !result) {
    return result;
  }
  if (auto result = tell_cells(out); !result) {
    return result;
  }
  tell_who(out);
  tell_temperatures(out);
  tell_states(out);
  return {};
}

void HeltecModbus::tell_who(Sample& out) const {
  set_text(out, "device_name", registers_.text(kDeviceName, kDeviceNameSize));
  if (const ByteView date = registers_.bytes(at(kProduced), 4); !date.empty()) {
    char text[24];
    std::snprintf(text, sizeof text, "%u-%u-%u", le16(date, 0), date[3], date[2]);
    set_extra(out, "production_date", std::string(text));
  }
}

Result<void> HeltecModbus::tell_cells(Sample& out) const {
  if (!out.cell_count) {
    return {};
  }
  const auto cells = static_cast<std::size_t>(*out.cell_count);
  if (const ByteView row = registers_.bytes(at(kCells), 2 * cells); !row.empty()) {
    if (auto result = decode_cells(row, 0, cells, out, Wire::u16le); !result) {
      return result;
    }
  }
  if (const auto bits = registers_.value(kBalancing, Wire::u32le)) {
    set_balancing(*bits, cells, out);
  }
  return {};
}

/// Whole degrees from -40 °C on, a byte each. 0 and 255 are no temperatures, and out of what sensor() lets pass.
/// Of the two on the board the hotter one is the MOSFETs'.
void HeltecModbus::tell_temperatures(Sample& out) const {
  const auto sensors = [&](std::uint16_t reg) {
    const ByteView raw = registers_.bytes(at(reg), 2);
    return raw.empty() ? std::pair<std::optional<double>, std::optional<double>>()
                       : std::pair(sensor(raw[0] - 40.0), sensor(raw[1] - 40.0));
  };
  std::tie(out.temperatures.battery[1], out.temperatures.battery[0]) = sensors(kCellTemperatures);
  const auto [balancer, mosfets] = sensors(kBoardTemperatures);
  out.temperatures.mos = std::max(balancer, mosfets); // nothing is less than any
  if (balancer) {
    set_extra(out, "balancer_temperature", *balancer);
  }
  if (mosfets) {
    set_extra(out, "mosfet_temperature", *mosfets);
  }
}

void HeltecModbus::tell_states(Sample& out) const {
  if (const auto state = registers_.value(kRunState, Wire::u32le)) {
    out.charge_enabled = (*state & kChargeProtected) == 0;
    out.discharge_enabled = (*state & kDischargeProtected) == 0;
  }
  if (const auto warnings = registers_.value(kWarnings, Wire::u32le)) {
    out.alarms = {};
    raise_alarms(kAlarms, *warnings, out.alarms);
    out.alarms.raise(Alarm::InternalFailure, (*warnings & kFaults) != 0 ? 2 : 0);
    if (!config_.soc_alarms) {
      out.alarms.reset(Alarm::LowSoc);
    }
    if ((*warnings & (kFaults | kUnknownWarning)) != 0) {
      set_extra(out, "warnings", static_cast<double>(*warnings)); // which one, nobody knows
    }
  }
}

// -- registry ---------------------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 9600}};
constexpr std::uint32_t kAddresses[] = {1};
constexpr std::string_view kAliases[] = {"HeltecModbus", "Heltec_Smart"};

} // namespace

constinit const ProtocolInfo HeltecModbus::kInfo = {
    .key = "heltec_modbus",
    .label = "Heltec_Smart",
    .about = "Heltec Smart BMS, YanYang (YYBMS); RS485",
    .aliases = kAliases,
    .medium = Medium::serial,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 58,
    .chain = {1, 16},
    .exchange = make_exchange<HeltecModbus>,
};

} // namespace bmsd::protocols
