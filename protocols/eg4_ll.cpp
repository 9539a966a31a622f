#include "protocols/eg4_ll.hpp"

#include "protocols/core/text.hpp"
#include "protocols/core/values.hpp"

#include <algorithm>
#include <cmath>

namespace bmsd::protocols {

using namespace std::chrono_literals;
using modbus::at;

namespace {

// -- registers ------------------------------------------------------------------

enum Register : std::uint16_t {
  // 0 to 38: values and status
  kVoltage = 0,
  kCurrent = 1,
  kCells = 2,      // 16, mV
  kBoard = 18,     // 19 and 20, average and highest temperature, change places from battery to battery
  kRemaining = 21, // 22, the highest charge current, has no unit that is known
  kSoh = 23,
  kSoc = 24,
  kStatus = 25,
  kWarnings = 26,
  kProtections = 27,
  kErrors = 28,
  kCycles = 29,
  kFull = 31,
  kSensors = 33, // six bytes, the last two always 0
  kCellCount = 36,
  kDesignCapacity = 37,
  kBalancing = 38,
  // 45 to 135: settings, and who it is
  kSettingsBlock = 45,
  kModel = 105,    // 24 characters
  kFirmware = 117, // 6
  kSerial = 120,   // 16
};
constexpr std::uint16_t kStatusCount = 39, kSettingsCount = 91, kDescriptionCount = 23;
constexpr std::size_t kMostCells = 16, kSurelyFitted = 2, kMostSensors = 4;

constexpr std::array kValues = {
    field(&Sample::voltage, at(kVoltage), Wire::u16be).per_unit(100),
    field(&Sample::current, at(kCurrent), Wire::s16be).per_unit(100), // positive = charging
    sensor_field(&Temperatures::mos, at(kBoard), Wire::s16be),
    field(&Sample::soh, at(kSoh), Wire::u16be).within(0, 100),
    field(&Sample::soc, at(kSoc), Wire::u16be).within(0, 100),
    extra_flag("active_or_heating", at(kStatus), Wire::u16be).bits(0x8000), // the vendor says both
    field(&Sample::cycles, at(kCycles), Wire::u32be).within(0, 100'000),
    field(&Sample::capacity_full, at(kFull), Wire::u32be).per_unit(3'600'000).absent(0), // mA·s
    sensor_field(0, at(kSensors), Wire::s8),
    sensor_field(1, at(kSensors) + 1, Wire::s8),
    sensor_field(2, at(kSensors) + 2, Wire::s8),
    sensor_field(3, at(kSensors) + 3, Wire::s8),
    field(&Sample::cell_count, at(kCellCount), Wire::u16be).within(1, kMostCells),
};

// -- status -----------------------------------------------------------------------

/// Of the warnings and of the protections. Bit 6, an unusual ambient temperature, says neither hot nor cold.
constexpr AlarmPair kConditions[] = {
    {0, 0, Alarm::HighVoltage},
    {1, 1, Alarm::HighCellVoltage},
    {2, 2, Alarm::LowVoltage},
    {3, 3, Alarm::LowCellVoltage},
    {4, 4, Alarm::HighChargeCurrent},
    {5, 5, Alarm::HighDischargeCurrent},
    {7, 7, Alarm::HighInternalTemperature},
    {8, 8, Alarm::HighChargeTemperature},
    {9, 9, Alarm::HighTemperature},
    {10, 10, Alarm::LowChargeTemperature},
    {11, 11, Alarm::LowTemperature},
    {12, 12, Alarm::LowSoc},
};
constexpr AlarmBit kShortCircuit[] = {{13, Alarm::HighDischargeCurrent, 2}}; // of the warnings: charging ends
constexpr AlarmBit kErrorBits[] = {
    {0, Alarm::InternalFailure, 2}, // voltage
    {1, Alarm::InternalFailure, 2}, // temperature
    {2, Alarm::InternalFailure, 2}, // flow of current
    {4, Alarm::CellImbalance, 1},
};

/// No register tells the FETs: a protection has opened the one or the other. Bits of the protections.
constexpr std::int64_t kStopsBoth = 1 << 7 | 1 << 13;
constexpr std::int64_t kStopsCharge = kStopsBoth | 1 << 0 | 1 << 1 | 1 << 4 | 1 << 8 | 1 << 10;
constexpr std::int64_t kStopsDischarge = kStopsBoth | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 9 | 1 << 11;

constexpr std::int64_t kProtecting = 4;
std::string status_text(std::int64_t status) {
  switch (status) {
  case 0: return "standby";
  case 1: return "charging";
  case 2: return "discharging";
  case kProtecting: return "protecting";
  case 8: return "charging limited";
  default: return std::to_string(status);
  }
}

// -- settings -----------------------------------------------------------------------

constexpr Field<Sample> plain(std::string_view name, std::uint16_t reg) {
  return extra(name, at(reg), Wire::u16be);
}
constexpr Field<Sample> in_mv(std::string_view name, std::uint16_t reg) {
  return plain(name, reg).per_unit(1000);
}
/// 10 mV, 10 mA.
constexpr Field<Sample> in_hundredths(std::string_view name, std::uint16_t reg) {
  return plain(name, reg).per_unit(100);
}
/// °C from -50 on.
constexpr Field<Sample> in_degrees(std::string_view name, std::uint16_t reg) {
  return extra(name, at(reg), Wire::s16be).shift(-50);
}

/// Shown, not used: the battery itself acts on them, and says so in its warnings and protections.
constexpr std::array kSettings = {
    in_mv("Balance_Volt", 56),
    in_mv("Balance_Volt_Diff", 57),
    plain("Low_Cap_Warn", 58), // %
    in_mv("Cell_UV_Warn", 61),
    in_mv("Cell_UV_Protect", 62),
    in_mv("Cell_UV_Release", 63),
    in_hundredths("Pack_UV_Warn", 64),
    in_hundredths("Pack_UV_Protect", 65),
    in_hundredths("Pack_UV_Release", 66),
    in_mv("Cell_OV_Warn", 67),
    in_mv("Cell_OV_Protect", 68),
    in_mv("Cell_OV_Release", 69),
    in_hundredths("Pack_OV_Warn", 70),
    in_hundredths("Pack_OV_Protect", 71),
    in_hundredths("Pack_OV_Release", 72),
    plain("Discharge_Release", 78), // s
    plain("Charge_Release", 79),
    in_hundredths("Charge_OC1_Protect", 80),
    in_hundredths("Discharge_OC1_Protect", 81),
    in_hundredths("Load_Short_Current", 82),
    in_hundredths("Charge_OC2_Protect", 83),
    in_hundredths("Discharge_OC2_Protect", 84),
    plain("Charge_OC1_Delay", 85), // s
    plain("Charge_OC2_Delay", 86),
    plain("Discharge_OC1_Delay", 87),
    plain("Discharge_OC2_Delay", 88),
    extra("Charge_OC_Times", at(89), Wire::u8),
    extra("Discharge_OC_Times", at(89) + 1, Wire::u8),
    in_degrees("Charge_UT_Warn", 90),
    in_degrees("Charge_UT_Protect", 91),
    in_degrees("Charge_UT_Release", 92),
    in_degrees("Charge_OT_Warn", 93),
    in_degrees("Charge_OT_Protect", 94),
    in_degrees("Charge_OT_Release", 95),
    in_degrees("Discharge_UT_Warn", 96),
    in_degrees("Discharge_UT_Protect", 97),
    in_degrees("Discharge_UT_Release", 98),
    in_degrees("Discharge_OT_Warn", 99),
    in_degrees("Discharge_OT_Protect", 100),
    in_degrees("Discharge_OT_Release", 101),
    in_degrees("PCB_OT_Warn", 102),
    in_degrees("PCB_OT_Protect", 103),
    in_degrees("PCB_OT_Release", 104),
};

// -- helpers ------------------------------------------------------------------------

/// Batteries without a serial number have rubbish in its place.
std::string clean_text(ByteView bytes) {
  const auto end = std::find(bytes.begin(), bytes.end(), 0);
  const bool clean = std::all_of(bytes.begin(), end, [](std::uint8_t c) { return c >= 0x20 && c < 0x7F; });
  return clean ? ascii_text(bytes) : std::string();
}

} // namespace

/// The gap is the vendor's "reading time interval".
Eg4Ll::Eg4Ll(const ProtocolConfig& config) : Battery(config, {.first_byte = 1000ms, .gap = 100ms, .retries = 2}) {}

// -- reading --------------------------------------------------------------------

Script Eg4Ll::identify(Identity& out) {
  introduce(kInfo, config_, out);
  registers_.clear();
  fitted_.reset();
  co_await part(read(kVoltage, kStatusCount));
  Sample first;
  co_await tell(first);
  co_await check_sum_of_cells(first);
  co_await part(read_if_told(kModel, kDescriptionCount));
  describe(out);
  out.cell_count = first.cell_count;
  out.capacity_full = first.capacity_full;
  co_return done();
}

Script Eg4Ll::settings(Identity& out) {
  co_await part(read_if_told(kSettingsBlock, kSettingsCount));
  describe(out);
  co_return done();
}

/// The settings stay; everything else is new with every successful read.
Script Eg4Ll::poll(Sample& out) {
  co_await part(read(kVoltage, kStatusCount));
  co_return tell(out);
}

// -- what the registers mean ------------------------------------------------------

/// Two batteries of a bank may have the same serial number, or none.
void Eg4Ll::describe(Identity& out) {
  const auto text = [&](std::uint16_t first, std::size_t characters) {
    return clean_text(registers_.bytes(at(first), characters));
  };
  keep_text(out.model, text(kModel, 24));
  keep_text(out.firmware_version, text(kFirmware, 6));
  if (const auto serial = text(kSerial, 16); !serial.empty()) {
    out.serial = serial;
    out.unique_id = serial + std::to_string(config_.address);
  }
}

Result<void> Eg4Ll::tell(Sample& out) {
  if (auto result = decode(kValues, registers_, out); !result) {
    return result;
  }
  if (auto result = decode(kSettings, registers_, out); !result) {
    return result;
  }
  if (auto result = tell_cells(out); !result) {
    return result;
  }
  drop_free_sensors(out.temperatures);
  tell_capacity(out);
  tell_status(out);
  return {};
}

Result<void> Eg4Ll::tell_cells(Sample& out) const {
  if (!out.cell_count) {
    return {};
  }
  const auto count = static_cast<std::size_t>(*out.cell_count);
  if (const ByteView cells = registers_.bytes(at(kCells), 2 * count); !cells.empty()) {
    if (auto result = decode_cells(cells, 0, count, out); !result) {
      return result;
    }
  }
  if (const auto bits = registers_.value(kBalancing)) {
    set_balancing(*bits, count, out);
  }
  return check_voltage(out, count);
}

/// Not every battery has the sensors 3 and 4: they read 0 then, and nothing else ever.
void Eg4Ll::drop_free_sensors(Temperatures& out) {
  for (std::size_t i = kSurelyFitted; i < kMostSensors; ++i) {
    if (out.battery[i].value_or(0) != 0) {
      fitted_.set(i);
    } else if (!fitted_[i]) {
      out.battery[i].reset();
    }
  }
}

/// The vendor gives no unit for what is left: Ah where it fits the SoC, else (%, 0.1 Ah) the SoC counts.
void Eg4Ll::tell_capacity(Sample& out) const {
  constexpr double kTolerance = 0.1; // of the full capacity
  if (const auto design = registers_.value(kDesignCapacity).value_or(0); !out.capacity_full && design != 0) {
    out.capacity_full = static_cast<double>(design) / 10;
  }
  const auto told = registers_.value(kRemaining);
  if (told && out.capacity_full && out.soc) {
    const auto remaining = static_cast<double>(*told);
    const double by_soc = *out.capacity_full * *out.soc / 100;
    out.capacity_remaining = std::abs(remaining - by_soc) <= kTolerance * *out.capacity_full ? remaining : by_soc;
  }
}

void Eg4Ll::tell_status(Sample& out) const {
  const auto status = registers_.value(kStatus), warnings = registers_.value(kWarnings),
             protections = registers_.value(kProtections), errors = registers_.value(kErrors);
  if (!status || !warnings || !protections || !errors) {
    return;
  }
  const std::int64_t state = *status & 0xFF;
  set_extra(out, "status", status_text(state));
  out.alarms = {};
  raise_alarms(kConditions, *warnings, *protections, out.alarms);
  raise_alarms(kShortCircuit, *protections, out.alarms);
  raise_alarms(kErrorBits, *errors, out.alarms);
  if (!config_.soc_alarms) {
    out.alarms.reset(Alarm::LowSoc);
  }
  // Protecting against something else than these: what is open is not known.
  if (const auto stopped = *protections & (kStopsCharge | kStopsDischarge); state != kProtecting || stopped != 0) {
    out.charge_enabled = (*protections & kStopsCharge) == 0;
    out.discharge_enabled = (*protections & kStopsDischarge) == 0;
  }
}

// -- registry -------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 9600}};
constexpr std::uint32_t kAddresses[] = {0x10, 0x01, 0x40}; // module 0, the first slave, one without switches
constexpr std::string_view kNames[] = {"EG4_LL", "EG4-LL"};

} // namespace

constinit const ProtocolInfo Eg4Ll::kInfo = {
    .key = "eg4_ll",
    .label = "EG4-LL",
    .about = "EG4 LL 12 V, 24 V, 48 V and LifePower4 V2, RS485",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 80, // slow to answer
    .chain = {0x01, 0x10},
    .exchange = make_exchange<Eg4Ll>,
};

} // namespace bmsd::protocols
