#include "protocols/jkbms.hpp"

#include "protocols/core/text.hpp"
#include "protocols/core/values.hpp"
#include "protocols/jkbms_frame.hpp"

#include <algorithm>

namespace bmsd::protocols {

using namespace std::chrono_literals;
using jk::Values;

namespace {

// -- the values ---------------------------------------------------------------------

enum Tag : std::uint8_t {
  kCells = 0x79,
  kMosTemperature = 0x80,
  kBoxTemperature = 0x81,
  kBatteryTemperature = 0x82,
  kVoltage = 0x83,
  kCurrent = 0x84,
  kSoc = 0x85,
  kCellCount = 0x8A,
  kWarnings = 0x8B,
  kState = 0x8C,
  kChargeSwitch = 0xAB,
  kDischargeSwitch = 0xAC,
  kDeviceId = 0xB4,
  kProduced = 0xB5,
  kSoftware = 0xB7,
  kManufacturerId = 0xBA,
  kProtocolVersion = 0xC0,
};

struct TaggedField {
  std::uint8_t tag = 0;
  Field<Sample> field;
};

/// B2 is the password of the settings: nothing here may read it.
constexpr TaggedField kFields[] = {
    {kVoltage, field(&Sample::voltage, 0, Wire::u16be).per_unit(100)},
    {kSoc, field(&Sample::soc, 0, Wire::u8).within(0, 100)},
    {0x87, field(&Sample::cycles, 0, Wire::u16be)},
    {0x89, field(&Sample::total_ah_drawn, 0, Wire::u32be)},
    {kWarnings, extra("alarm_bits", 0, Wire::u16be)},
    {kState, field(&Sample::charge_enabled, 0, Wire::u16be).bits(1U << 0)},
    {kState, field(&Sample::discharge_enabled, 0, Wire::u16be).bits(1U << 1)},
    {kState, field(&Sample::balancing, 0, Wire::u16be).bits(1U << 2)}, // of which cells is not said
    {0x8E, extra("pack_ovp", 0, Wire::u16be).per_unit(100)},
    {0x8F, extra("pack_uvp", 0, Wire::u16be).per_unit(100)},
    {0x90, extra("cell_ovp", 0, Wire::u16be).per_unit(1000)},
    {0x91, extra("cell_ovpr", 0, Wire::u16be).per_unit(1000)},
    {0x93, extra("cell_uvp", 0, Wire::u16be).per_unit(1000)},
    {0x94, extra("cell_uvpr", 0, Wire::u16be).per_unit(1000)},
    {0x96, extra("cell_difference", 0, Wire::u16be).per_unit(1000)},
    {0x97, field(&Sample::max_discharge_current, 0, Wire::u16be).absent(0)}, // trip points, in A
    {0x98, extra("discharge_overcurrent_delay", 0, Wire::u16be)},
    {0x99, field(&Sample::max_charge_current, 0, Wire::u16be).absent(0)},
    {0x9A, extra("charge_overcurrent_delay", 0, Wire::u16be)},
    {0x9B, extra("balance_start_voltage", 0, Wire::u16be).per_unit(1000)},
    {0x9C, extra("balance_trigger", 0, Wire::u16be).per_unit(1000)},
    {0x9D, field(&Sample::balancer_enabled, 0, Wire::u8)},
    {0x9D, extra_flag("balance_switch", 0, Wire::u8)},
    {0x9E, extra("mos_otp", 0, Wire::u16be)}, // °C, these eleven
    {0x9F, extra("mos_otpr", 0, Wire::u16be)},
    {0xA0, extra("box_otp", 0, Wire::u16be)},
    {0xA1, extra("box_otpr", 0, Wire::u16be)},
    {0xA2, extra("temperature_difference", 0, Wire::u16be)},
    {0xA3, extra("charge_otp", 0, Wire::u16be)},
    {0xA4, extra("discharge_otp", 0, Wire::u16be)},
    {0xA5, extra("charge_utp", 0, Wire::s16be)},
    {0xA6, extra("charge_utpr", 0, Wire::s16be)},
    {0xA7, extra("discharge_utp", 0, Wire::s16be)},
    {0xA8, extra("discharge_utpr", 0, Wire::s16be)},
    {0xAA, field(&Sample::capacity_full, 0, Wire::u32be).absent(0)},
    {kChargeSwitch, extra_flag("charge_switch", 0, Wire::u8)},
    {kDischargeSwitch, extra_flag("discharge_switch", 0, Wire::u8)},
    {0xAE, extra("device_address", 0, Wire::u8)},
    {0xAF, extra("battery_type", 0, Wire::u8)}, // 0 LiFePO4, 1 NMC, 2 LTO
    {0xB1, extra("low_soc_alarm", 0, Wire::u8)},
    {0xB3, extra_flag("dedicated_charger", 0, Wire::u8)},
    {0xB6, extra("uptime_minutes", 0, Wire::u32be)},
    {0xB9, extra("capacity_actual", 0, Wire::u32be).absent(0)}, // learned; firmware 10.10 and later
};

// -- alarms -------------------------------------------------------------------------

/// Levels that users of dbus-serialbattery are used to. Cell overvoltage comes with every full charge. Bits 12
/// and 13, "309_A" and "309_B protection", are not explained.
constexpr AlarmBit kAlarms[] = {
    {1, Alarm::HighInternalTemperature, 2}, // MOSFET
    {2, Alarm::HighVoltage, 2},
    {3, Alarm::LowVoltage, 2},
    {5, Alarm::HighChargeCurrent, 1},
    {6, Alarm::HighDischargeCurrent, 1},
    {7, Alarm::CellImbalance, 1},
    {10, Alarm::HighCellVoltage, 1},
    {11, Alarm::LowCellVoltage, 1},
};
/// These bits do not tell charging from discharging: the current does. 8 is the sensor in the battery box.
constexpr AlarmBit kWhileCharging[] = {
    {4, Alarm::HighChargeTemperature, 1},
    {8, Alarm::HighChargeTemperature, 1},
    {9, Alarm::LowChargeTemperature, 1},
};
constexpr AlarmBit kOtherwise[] = {
    {4, Alarm::HighTemperature, 1},
    {8, Alarm::HighTemperature, 1},
    {9, Alarm::LowTemperature, 1},
};
constexpr AlarmBit kLowSoc[] = {{0, Alarm::LowSoc, 2}};

// -- what the bytes mean --------------------------------------------------------------

/// A number, starting with 1, before each voltage.
Result<void> decode_numbered_cells(ByteView data, Sample& out) {
  constexpr std::size_t kStep = 3;
  if (data.size() % kStep != 0) {
    return Error{Fault::truncated, std::to_string(data.size()) + " bytes of cell voltages"};
  }
  Bytes row;
  for (std::size_t at = 0; at < data.size(); at += kStep) {
    if (data[at] != at / kStep + 1) {
      return Error{Fault::implausible, "cell " + std::to_string(data[at]) + " out of order"};
    }
    row.insert(row.end(), data.begin() + static_cast<std::ptrdiff_t>(at + 1),
               data.begin() + static_cast<std::ptrdiff_t>(at + kStep));
  }
  return decode_cells(row, 0, data.size() / kStep, out);
}

/// Up to 100 °C as they are; 101 is -1 °C, 140 is -40 °C.
std::optional<double> celsius(ByteView raw) {
  constexpr int kHottest = 100, kColdest = 140;
  if (raw.empty() || be16(raw, 0) > kColdest) {
    return std::nullopt;
  }
  const int value = be16(raw, 0);
  return value <= kHottest ? value : kHottest - value;
}

/// Firmware without a version is of the first one, 0. Absent where the reading ended before it.
std::optional<unsigned> protocol_version(const Values& values) {
  const ByteView raw = values[kProtocolVersion];
  if (raw.empty()) {
    return values.complete() ? std::optional(0U) : std::nullopt;
  }
  return raw[0];
}

/// 10 mA. Version 0 has 10000 at rest and less while charging; from version 1 on bit 15 says charging.
double amperes(std::uint16_t raw, unsigned version) {
  constexpr int kRest = 10000, kCharging = 0x8000;
  const int value = version == 0 ? kRest - raw : (raw & kCharging) != 0 ? raw - kCharging : -raw;
  return value / 100.0;
}

// -- texts ----------------------------------------------------------------------------

constexpr std::string_view kUnnamedDevice = "Input Us", kUnnamedUser = "Input Userda";

/// Everything but the padding at the end; some clones have bytes that are no text.
std::string padded_text(ByteView bytes) {
  std::string out;
  std::copy_if(bytes.begin(), bytes.end(), std::back_inserter(out),
               [](std::uint8_t c) { return c == 0 || (c >= 0x20 && c < 0x7F); });
  out.erase(out.find_last_not_of(std::string_view("\0 ", 2)) + 1);
  return out;
}

/// "11.XW_S11.262H_" without its padding.
std::string version_text(std::string text) {
  std::replace(text.begin(), text.end(), '_', ' ');
  const auto first = text.find_first_not_of(' ');
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(' ') - first + 1);
}

/// The user's text and the model, 12 characters each. As delivered all boards of a model have the same:
/// then nothing tells this one from its twin.
std::string unique_id(const std::string& manufacturer_id) {
  if (manufacturer_id.rfind(kUnnamedUser, 0) == 0) {
    return "";
  }
  std::string out;
  for (char c : manufacturer_id) {
    if (c != ' ' && c != '\0') {
      out += c;
    } else if (!out.empty() && out.back() != '_') {
      out += '_';
    }
  }
  return out;
}

void decode_texts(const Values& values, Identity& out) {
  const std::string software = ascii_text(values[kSoftware]);
  out.firmware_version = version_text(software);
  if (const auto end = software.find("_S"); end != std::string::npos) {
    out.hardware_version = version_text(software.substr(0, end));
  }
  const std::string device = ascii_text(values[kDeviceId]), id = padded_text(values[kManufacturerId]);
  out.device_name = device != kUnnamedDevice ? device : "";
  out.unique_id = unique_id(id);
  if (id.size() > kUnnamedUser.size() && id.compare(kUnnamedUser.size(), 2, "JK") == 0) {
    out.model = id.substr(kUnnamedUser.size());
  }
}

} // namespace

// -- reading --------------------------------------------------------------------------

Script Jkbms::identify(Identity& out) {
  introduce(kInfo, config_, out);
  Sample first;
  co_await part(read(jk::read_all(), out, first));
  co_return done();
}

Script Jkbms::poll(Sample& out) {
  Identity known;
  co_await part(read(jk::read_all(), known, out));
  co_return done();
}

Script Jkbms::read(Request request, Identity& identity, Sample& out) {
  const Bytes reply = co_await ask(std::move(request));
  const Values values = co_await Values::of(reply);
  co_await decode_all(values, out);
  decode_texts(values, identity);
  identity.cell_count = out.cell_count;
  identity.capacity_full = out.capacity_full;
  co_return done();
}

// -- writing --------------------------------------------------------------------------

Script Jkbms::command(Command command) {
  co_await permitted(config_, command);
  switch (command.kind) {
  case CommandKind::force_charging_off: co_return co_await set_switch(kChargeSwitch, command.value == 0);
  case CommandKind::force_discharging_off: co_return co_await set_switch(kDischargeSwitch, command.value == 0);
  default: co_return Error{Fault::unsupported, "a JK board cannot do that over this port"};
  }
}

/// The acknowledgement says which switch, not where it is now.
Script Jkbms::set_switch(std::uint8_t tag, bool on) {
  (void)co_await attempt(jk::unlock());
  co_await ask(jk::write(tag, on));
  for (int look = 0; look < 3; ++look) {
    const Bytes reply = co_await ask(jk::read_all(500ms));
    const Values values = co_await Values::of(reply);
    if (!values[tag].empty() && (values[tag][0] != 0) == on) {
      co_return done();
    }
  }
  co_return Error{Fault::unsupported, "the BMS acknowledged, but its switch did not move"};
}

// -- what the values mean ---------------------------------------------------------------

Result<void> Jkbms::decode_all(const Values& values, Sample& out) const {
  for (auto tag : {kVoltage, kCurrent, kSoc}) {
    if (values[tag].empty()) {
      return Error{Fault::truncated, "the reply lacks voltage, current or SoC"};
    }
  }
  for (const auto& [tag, field] : kFields) {
    if (!values[tag].empty()) {
      if (auto result = decode(std::span(&field, 1), values[tag], out); !result) {
        return result;
      }
    }
  }
  if (auto result = decode_numbered_cells(values[kCells], out); !result) {
    return result;
  }
  if (!values[kCellCount].empty() && be16(values[kCellCount], 0) != out.cell_voltages.size()) {
    return Error{Fault::implausible, "the number of cells is not that of the cell voltages"};
  }
  if (auto result = check_voltage(out, out.cell_voltages.size()); !result) {
    return result;
  }
  if (const auto version = protocol_version(values)) {
    out.current = amperes(be16(values[kCurrent], 0), *version);
    set_extra(out, "protocol_version", static_cast<double>(*version));
  }
  out.temperatures.mos = celsius(values[kMosTemperature]);
  out.temperatures.battery[0] = celsius(values[kBoxTemperature]);
  out.temperatures.battery[1] = celsius(values[kBatteryTemperature]);
  decode_alarms(values, out);
  set_text(out, "device_id", ascii_text(values[kDeviceId]));
  set_text(out, "production_date", ascii_text(values[kProduced]));
  set_text(out, "manufacturer_id", padded_text(values[kManufacturerId]));
  return {};
}

void Jkbms::decode_alarms(const Values& values, Sample& out) const {
  if (values[kWarnings].empty()) {
    return;
  }
  const std::uint16_t bits = be16(values[kWarnings], 0);
  const bool charging = out.current > 0.0, unknown = !out.current;
  raise_alarms(kAlarms, bits, out.alarms);
  raise_alarms(kWhileCharging, charging || unknown ? bits : 0, out.alarms);
  raise_alarms(kOtherwise, charging ? 0 : bits, out.alarms);
  if (config_.soc_alarms) {
    raise_alarms(kLowSoc, bits, out.alarms);
  }
}

// -- captures -------------------------------------------------------------------------

bool Jkbms::same_request(ByteView wanted, ByteView recorded) const {
  return jk::is_read_all(wanted) ? jk::is_read_all(recorded) : ExchangeProtocol::same_request(wanted, recorded);
}

Script Jkbms::replay(Bytes tx, Identity& identity, Sample& out) {
  if (jk::is_read_all(tx)) {
    co_return co_await read(jk::raw(std::move(tx)), identity, out);
  }
  if (jk::is_unlock(tx)) {
    co_return done(); // never answered
  }
  if (!jk::is_write(tx)) {
    co_return Error{Fault::unsupported, "not a request of this protocol"};
  }
  co_await ask(jk::raw(std::move(tx)));
  set_extra(out, "writes_ok", true);
  co_return done();
}

// -- registry -------------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 115200}};
constexpr std::string_view kNames[] = {"Jkbms", "jk"};

} // namespace

constinit const ProtocolInfo Jkbms::kInfo = {
    .key = "jkbms",
    .label = "Jkbms",
    .about = "JK BMS B1A, B2A, BD and others, Heltec; RS485/GPS port (UART)",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .detect_order = 10,
    .capabilities = kCapabilities,
    .exchange = make_exchange<Jkbms>,
};

} // namespace bmsd::protocols
