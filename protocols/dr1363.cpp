#include "protocols/dr1363.hpp"

#include "protocols/core/text.hpp"
#include "protocols/core/values.hpp"

#include <algorithm>
#include <cstdio>

namespace bmsd::protocols {

using namespace std::chrono_literals;

namespace {

constexpr std::uint8_t kVer = 0x22;
constexpr std::uint8_t kModuleDevice = 0x4A; // CID1 of service 0xB0, in both generations

// -- telemetry, service 0x42 --------------------------------------------------------------

constexpr std::array kHeadFields = {
    field(&Sample::soc, 1, Wire::u16be).per_unit(100).within(0, 100),
    field(&Sample::voltage, 3, Wire::u16be).per_unit(100),
};
/// "pack" is the average.
constexpr auto kTemperatureFields =
    sensor_row(Wire::s16be, 0, 10, &Temperatures::env, &Temperatures::pack, &Temperatures::mos);
/// Old firmware ends behind the SoH.
constexpr std::array kTailFields = {
    field(&Sample::current, 0, Wire::s16be).per_unit(100),     // 10 mA, positive = charging
    extra("internal_resistance", 2, Wire::u16be).per_unit(10), // mOhm
    field(&Sample::soh, 4, Wire::u16be).within(0, 100),
    field(&Sample::capacity_full, 7, Wire::u16be).per_unit(100).optional(), // 10 mAh
    field(&Sample::capacity_remaining, 9, Wire::u16be).per_unit(100).optional(),
    field(&Sample::cycles, 11, Wire::u16be).optional(),
    // By the vendor's paper; the recordings have both bits set and decide nothing.
    field(&Sample::discharge_enabled, 21, Wire::u16be).bits(0x01).optional(),
    field(&Sample::charge_enabled, 21, Wire::u16be).bits(0x02).optional(),
    extra("machine_state", 43, Wire::u8).optional(),
};
constexpr std::size_t kTailNeeded = 6;
constexpr std::size_t kBalancing = 31; // cells 1 to 16, then 17 to 32

/// A protection and its warning are bits of the same word. Balancing, charging, "going to sleep" and the switches for
/// LED and buzzer are states and no alarms; environment and a cold power stage are not mapped.
constexpr AlarmPair kVoltagePairs[] = {
    {4, 0, Alarm::HighCellVoltage}, {5, 1, Alarm::LowCellVoltage}, {6, 2, Alarm::HighVoltage},
    {7, 3, Alarm::LowVoltage},      {8, 14, Alarm::CellImbalance},
};
constexpr AlarmBit kFuse[] = {{13, Alarm::FuseBlown}};
constexpr AlarmPair kCurrentPairs[] = {{6, 2, Alarm::HighChargeCurrent}, {7, 4, Alarm::HighDischargeCurrent}};
constexpr AlarmBit kOvercurrents[] = {{3, Alarm::HighDischargeCurrent}, {5, Alarm::HighDischargeCurrent}}; // 3: short
constexpr AlarmPair kTemperaturePairs[] = {
    {8, 0, Alarm::HighChargeTemperature}, {9, 1, Alarm::LowChargeTemperature},     {10, 2, Alarm::HighTemperature},
    {11, 3, Alarm::LowTemperature},       {14, 6, Alarm::HighInternalTemperature},
};
constexpr AlarmPair kOtherPairs[] = {{9, 8, Alarm::HighInternalTemperature}};
constexpr AlarmBit kOtherBits[] = {
    {0, Alarm::CellImbalance, 1}, {1, Alarm::InternalFailure}, // charge FET
    {2, Alarm::InternalFailure},                               // SD card
    {3, Alarm::InternalFailure},                               // SPI
    {4, Alarm::InternalFailure},                               // EEPROM
    {10, Alarm::InternalFailure},                              // current limiter
    {11, Alarm::InternalFailure},                              // sampling
    {12, Alarm::InternalFailure},                              // cell
    {13, Alarm::InternalFailure},                              // temperature sensor
    {14, Alarm::InternalFailure},                              // charge FET
    {15, Alarm::InternalFailure},                              // discharge FET
};
constexpr AlarmBit kLowBattery[] = {{7, Alarm::LowSoc}};
constexpr AlarmBit kFetBits[] = {{2, Alarm::InternalFailure}, {3, Alarm::InternalFailure}}; // damaged

struct AlarmWord {
  std::size_t offset; ///< in the tail
  std::span<const AlarmPair> pairs;
  std::span<const AlarmBit> bits;
};
constexpr std::size_t kOtherAlarms = 19;
constexpr AlarmWord kAlarmWords[] = {
    {13, kVoltagePairs, kFuse},  {15, kCurrentPairs, kOvercurrents},
    {17, kTemperaturePairs, {}}, {kOtherAlarms, kOtherPairs, kOtherBits},
    {21, {}, kFetBits},
};

// -- parameters, service 0x47 ------------------------------------------------------------------

/// The limits for the pack's voltage repeat those of a cell. There is none for discharging.
constexpr std::array kParameterFields = {
    extra("cell_ov_limit", 1, Wire::u16be).per_unit(1000),
    extra("cell_uv_limit", 3, Wire::u16be).per_unit(1000),
    extra("charge_oc_limit", 9, Wire::u16be).per_unit(100),
    field(&Sample::cell_count, 15, Wire::u16be).within(1, kMaxCells),
    field(&Sample::max_charge_current, 17, Wire::u16be).per_unit(100).absent(0),
    extra("capacity_nominal", 19, Wire::u16be).per_unit(100),
};
constexpr std::size_t kParametersNeeded = 24, kProductBarcode = 25, kBmsBarcode = 45, kBarcodeSize = 20;

// -- totals, service 0xB0, module 4; behind a head of six bytes --------------------------------

/// The energies in kWh that follow are counters of 16 bits and have wrapped in the recording.
constexpr std::array kTotalFields = {
    field(&Sample::capacity_remaining, 6, Wire::u16be).per_unit(100),
    field(&Sample::capacity_full, 8, Wire::u16be).per_unit(100),
    extra("capacity_nominal", 10, Wire::u16be).per_unit(100),
    extra("total_charge_ah", 12, Wire::u32be),
    extra("total_discharge_ah", 16, Wire::u32be),
    field(&Sample::total_ah_drawn, 16, Wire::u32be),
};
constexpr std::size_t kTotalsNeeded = 20;

// -- serial number, service 0xB0, module 3 -------------------------------------------------------

constexpr std::size_t kSerialAt = 6, kSerialSize = 15, kManufacturerAt = 99, kManufacturerSize = 20;

// -- how the replies are laid out: they don't say which service they answer ----------------------

struct Telemetry {
  ByteView head, cells, temperatures, sensors, tail;
};
Result<Telemetry> telemetry(ByteView info) {
  Walk walk(info);
  Telemetry out;
  out.head = walk.take(std::size_t{5});
  out.cells = walk.take(2 * walk.count());
  out.temperatures = walk.take(std::size_t{6});
  out.sensors = walk.take(2 * walk.count());
  out.tail = walk.rest();
  const bool possible = !out.cells.empty() && out.cells.size() <= 2 * kMaxCells &&
                        out.sensors.size() <= 2 * kMaxTemperatures && out.tail.size() >= kTailNeeded;
  if (const auto result = walk.check(); !result) {
    return result.error();
  }
  return possible ? Result<Telemetry>(out) : Error{Fault::framing, "no telemetry"};
}

bool parameters(ByteView info) {
  return info.size() >= kParametersNeeded && be16(info, 1) > be16(info, 3) && be16(info, 15) >= 1 &&
         be16(info, 15) <= kMaxCells;
}

bool versions(ByteView info) {
  return info.size() >= 33 && std::all_of(info.begin(), info.begin() + 30, [](std::uint8_t c) {
           return c == 0x00 || (c >= 0x20 && c < 0x7F) || c == 0xFF;
         });
}

bool is_module(ByteView info, std::uint8_t module, std::size_t needed) {
  return info.size() >= needed && info[0] == 0xB0 && info[3] == module;
}
bool serial(ByteView info) {
  return is_module(info, 3, kSerialAt + kSerialSize);
}
bool totals(ByteView info) {
  return is_module(info, 4, kTotalsNeeded);
}
bool anything(ByteView) {
  return true;
}

template <auto fits>
FrameScanner scanner(bool any_start) {
  return any_start ? yd1363::scan_any_start<yd1363::scan_fitting<fits>> : yd1363::scan_fitting<fits>;
}

// -- what the bytes mean -----------------------------------------------------------------------------

void decode_versions(ByteView info, Identity& identity, Sample& constant) {
  const auto text = [&](std::size_t offset) { return ascii_text(info.subspan(offset, 10)); };
  const auto number = [&](std::size_t offset, std::size_t parts) {
    std::string out;
    for (std::size_t i = 0; i < parts && offset + i < info.size(); ++i) {
      char digits[8];
      std::snprintf(digits, sizeof digits, i == 0 ? "%02X" : ".%02X", static_cast<unsigned>(info[offset + i]));
      out += digits;
    }
    return out;
  };
  const std::string hardware = text(0), product = text(10), project = text(20);
  identity.model = product;
  for (const auto& word : {product, project, hardware}) {
    identity.hardware_version += (identity.hardware_version.empty() || word.empty() ? "" : " ") + word;
  }
  identity.firmware_version = number(30, 3);
  set_extra(constant, "hardware_type", hardware);
  set_extra(constant, "product_code", product);
  set_extra(constant, "project_code", project);
  set_extra(constant, "boot_version", number(33, 2));
}

void decode_serial(ByteView info, Identity& identity) {
  identity.serial = ascii_text(info.subspan(kSerialAt, kSerialSize));
  identity.unique_id = identity.serial;
  if (info.size() >= kManufacturerAt + kManufacturerSize) {
    identity.manufacturer = ascii_text(info.subspan(kManufacturerAt, kManufacturerSize));
  }
}

} // namespace

Dr1363::Dr1363(const Generation& generation, const ProtocolConfig& config)
    : config_(config), group_(static_cast<std::uint8_t>(config.address)), generation_(generation),
      address_(static_cast<std::uint8_t>(config.address)) {}

// -- requests --------------------------------------------------------------------------------------------

Request Dr1363::request(std::uint8_t device, std::uint8_t command, ByteView info) const {
  const bool any_start = generation_.any_start;
  const std::uint8_t module = info.size() > 2 ? info[2] : std::uint8_t{0};
  Request out = yd1363::ask({.version = kVer, .device = device, .start = generation_.start}, address_, command, info);
  switch (command) {
  case kTelemetry: out.scan = scanner<telemetry>(any_start); break;
  case kParameters: out.scan = scanner<parameters>(any_start); break;
  case kVersions: out.scan = scanner<versions>(any_start); break;
  case kModule:
    out.scan = module == kSerial   ? scanner<serial>(any_start)
               : module == kTotals ? scanner<totals>(any_start)
                                   : scanner<anything>(any_start);
    break;
  default: out.scan = scanner<anything>(any_start);
  }
  out.first_byte = command == kTelemetry ? generation_.telemetry : generation_.others;
  return out;
}

Request Dr1363::read_telemetry() const {
  return request(generation_.device, kTelemetry, generation_.grouped ? ByteView(&group_, 1) : ByteView());
}

Request Dr1363::read_parameters() const {
  const std::uint8_t whose = generation_.grouped ? std::uint8_t{1} : address_;
  return request(generation_.device, kParameters, ByteView(&whose, 1));
}

Request Dr1363::read_versions() const {
  return request(generation_.device, kVersions);
}

Request Dr1363::read_module(Module module) const {
  constexpr std::uint8_t kRead = 1, kAllFunctions = 0xFF;
  const std::uint8_t length = module == kSerial ? generation_.serial_length : std::uint8_t{0};
  const Bytes info = {address_, kRead, static_cast<std::uint8_t>(module), kAllFunctions, length};
  return request(kModuleDevice, kModule, info);
}

// -- who it is -----------------------------------------------------------------------------------------------

Script Dr1363::identify_by_telemetry(Identity& out) {
  const Bytes reply = co_await ask(read_telemetry());
  co_return describe(reply, out);
}

Script Dr1363::identify_by_serial(Identity& out) {
  const Bytes reply = co_await ask(read_module(kSerial));
  const Bytes info = co_await yd1363::info_of(reply);
  decode_serial(info, out);
  co_return done();
}

Script Dr1363::identify_by_versions(Identity& out) {
  const Bytes reply = co_await ask(read_versions());
  const Bytes info = co_await yd1363::info_of(reply);
  decode_versions(info, out, constant_);
  co_return done();
}

Result<void> Dr1363::describe(const Bytes& reply, Identity& out) {
  const auto info = yd1363::info_of(reply);
  if (!info) {
    return info.error();
  }
  Sample first;
  if (auto result = decode_telemetry(*info, first); !result) {
    return result;
  }
  cells_ = first.cell_voltages.size();
  out.cell_count = first.cell_count;
  out.capacity_full = first.capacity_full;
  return {};
}

// -- reading ---------------------------------------------------------------------------------------------------

Script Dr1363::settings(Identity&) {
  const Result<void> parameters = co_await if_answered(refresh_parameters());
  const Result<void> totals = co_await if_answered(refresh_totals());
  co_return parameters ? totals : parameters;
}

Script Dr1363::poll(Sample& out) {
  out = constant_;
  co_await part(poll_telemetry(out));
  if (++polls_ % generation_.polls_per_refresh == 0) {
    (void)co_await refresh_parameters(); // what was read before stays in force
    (void)co_await refresh_totals();
  }
  co_return done();
}

Script Dr1363::poll_telemetry(Sample& out) {
  const Bytes reply = co_await ask(read_telemetry());
  co_await decode_telemetry(co_await yd1363::info_of(reply), out);
  cells_ = out.cell_voltages.size();
  co_return done();
}

Script Dr1363::refresh_parameters() {
  const Bytes reply = co_await ask(read_parameters());
  Sample limits = constant_;
  co_await decode_parameters(co_await yd1363::info_of(reply), limits);
  constant_ = std::move(limits);
  co_return done();
}

/// Of a board whose telemetry lacks the charge that is left, this is the only one: it must not grow old.
Script Dr1363::refresh_totals() {
  constant_.capacity_remaining.reset();
  const Bytes reply = co_await ask(read_module(kTotals));
  co_return decode(kTotalFields, co_await yd1363::info_of(reply), constant_);
}

Result<void> Dr1363::decode_telemetry(ByteView info, Sample& out) const {
  const auto parts = telemetry(info);
  if (!parts) {
    return parts.error();
  }
  const std::size_t cells = parts->cells.size() / 2;
  if (auto result = decode_cells(parts->cells, 0, cells, out); !result) {
    return result;
  }
  if (auto result = decode(kHeadFields, parts->head, out); !result) {
    return result;
  }
  if (auto result = check_voltage(out, cells); !result) {
    return result;
  }
  if (auto result = decode(kTemperatureFields, parts->temperatures, out); !result) {
    return result;
  }
  decode_sensors(parts->sensors, Wire::s16be, 0, 10, out.temperatures);

  const ByteView tail = parts->tail;
  for (const auto& [offset, pairs, bits] : kAlarmWords) {
    if (tail.size() >= offset + 2) {
      const std::uint16_t word = be16(tail, offset);
      raise_alarms(pairs, word, word, out.alarms);
      raise_alarms(bits, word, out.alarms);
    }
  }
  if (config_.soc_alarms && tail.size() >= kOtherAlarms + 2) {
    raise_alarms(kLowBattery, be16(tail, kOtherAlarms), out.alarms);
  }
  if (tail.size() >= kBalancing + 4) {
    set_balancing(be16(tail, kBalancing) | std::uint64_t{be16(tail, kBalancing + 2)} << 16, cells, out);
  }
  return decode(kTailFields, tail, out);
}

Result<void> Dr1363::decode_parameters(ByteView info, Sample& out) const {
  if (!parameters(info)) {
    return Error{Fault::framing, "no parameters"};
  }
  if (cells_ != 0 && cells_ != be16(info, 15)) {
    return Error{Fault::implausible, "parameters for " + std::to_string(be16(info, 15)) + " cells"};
  }
  if (info.size() >= kBmsBarcode + kBarcodeSize) {
    set_extra(out, "product_barcode", ascii_text(info.subspan(kProductBarcode, kBarcodeSize)));
    set_extra(out, "bms_barcode", ascii_text(info.subspan(kBmsBarcode, kBarcodeSize)));
  }
  return decode(kParameterFields, info, out);
}

// -- captures ----------------------------------------------------------------------------------------------------

/// In any group: what the BMS answers is the same. Of service 0xB0 the module says what is read.
bool Dr1363::same_request(ByteView wanted, ByteView recorded) const {
  const auto a = yd1363::parse(wanted), b = yd1363::parse(recorded);
  return yd1363::same_command(wanted, recorded) &&
         (a->command != kModule || (a->info.size() > 2 && b->info.size() > 2 && a->info[2] == b->info[2]));
}

Script Dr1363::replay(Bytes tx, Identity& identity, Sample& out) {
  const auto asked = co_await yd1363::parse(tx);
  const Bytes reply = co_await ask(request(asked.device, asked.command, asked.info));
  const auto frame = co_await yd1363::parse(reply);
  if (yd1363::tell_refusal(frame, out)) {
    co_return done();
  }
  switch (asked.command) {
  case kTelemetry: co_return decode_telemetry(frame.info, out);
  case kParameters: co_return decode_parameters(frame.info, out);
  case kVersions: decode_versions(frame.info, identity, out); break;
  case kModule:
    if (serial(frame.info)) {
      decode_serial(frame.info, identity);
    } else if (totals(frame.info)) {
      co_return decode(kTotalFields, frame.info, out);
    }
    break;
  default: break;
  }
  co_return done();
}

} // namespace bmsd::protocols
