#include "protocols/jkbms_pb.hpp"

#include "protocols/core/modbus.hpp"
#include "protocols/core/text.hpp"
#include "protocols/core/values.hpp"
#include "protocols/jkbms_pb_frame.hpp"

#include <algorithm>
#include <bit>

namespace bmsd::protocols {

using jkpb::Trigger;
using jkpb::Type;

namespace {

// -- settings (type 1) ----------------------------------------------------------------
// Offsets of all payloads count from 55: the vendor's offset plus 6.

constexpr std::array kBattery = {
    field(&Identity::cell_count, 114, Wire::u32le).within(1, kMaxCells),
    field(&Identity::capacity_full, 130, Wire::u32le).per_unit(1000).absent(0),
};
/// Trip points of the overcurrent protections.
constexpr std::array kLimits = {
    field(&Sample::max_charge_current, 50, Wire::u32le).per_unit(1000).within(0, 1000),
    field(&Sample::max_discharge_current, 62, Wire::u32le).per_unit(1000).within(0, 1000),
    field(&Sample::capacity_full, 130, Wire::u32le).per_unit(1000).absent(0),
};
constexpr std::array kSettingValues = {
    extra("cell_uvp", 10, Wire::u32le).per_unit(1000),
    extra("cell_uvpr", 14, Wire::u32le).per_unit(1000),
    extra("cell_ovp", 18, Wire::u32le).per_unit(1000),
    extra("cell_ovpr", 22, Wire::u32le).per_unit(1000),
    extra("balance_trigger", 26, Wire::u32le).per_unit(1000),
    extra("soc100_voltage", 30, Wire::u32le).per_unit(1000),
    extra("soc0_voltage", 34, Wire::u32le).per_unit(1000),
    extra("rcv", 38, Wire::u32le).per_unit(1000), // per cell; 0 with firmware of document V1.0
    extra("rfv", 42, Wire::u32le).per_unit(1000),
    extra("power_off_voltage", 46, Wire::u32le).per_unit(1000),
    extra("max_balance_current", 78, Wire::u32le).per_unit(1000),
    extra("charge_otp", 82, Wire::s32le).per_unit(10),
    extra("charge_otpr", 86, Wire::s32le).per_unit(10),
    extra("discharge_otp", 90, Wire::s32le).per_unit(10),
    extra("discharge_otpr", 94, Wire::s32le).per_unit(10),
    extra("charge_utp", 98, Wire::s32le).per_unit(10),
    extra("charge_utpr", 102, Wire::s32le).per_unit(10),
    extra("mos_otp", 106, Wire::s32le).per_unit(10),
    extra("mos_otpr", 110, Wire::s32le).per_unit(10),
    extra("balance_start_voltage", 138, Wire::u32le).per_unit(1000),
    extra("device_address", 270, Wire::u32le),
    extra("control_bits", 282, Wire::u16le),
    extra("heater_start", 284, Wire::s8),
    extra("heater_stop", 285, Wire::s8),
    extra_flag("charge_switch", 118, Wire::u32le),
    extra_flag("discharge_switch", 122, Wire::u32le),
    extra_flag("balance_switch", 126, Wire::u32le),
    extra_flag("heating_enabled", 282, Wire::u32le).bits(1U << 0),
    field(&Sample::balancer_enabled, 126, Wire::u32le),
    field(&Sample::heater_enabled, 282, Wire::u16le).bits(1),
    extra_flag("port_rs485", 282, Wire::u32le).bits(1U << 3),
};
constexpr std::size_t kCellCount = 114, kRequestedCellVoltage = 38, kHeaterStart = 284, kHeaterStop = 285,
                      kColdTrip = 98, kColdRelease = 102;

// -- about (type 3) ---------------------------------------------------------------------
// Bytes 62 to 77 and 118 to 133 are pass codes: nothing here may read them.

constexpr std::size_t kModel = 6, kModelSize = 16, kHardware = 22, kFirmware = 30, kVersionSize = 8, kPowerOns = 42,
                      kDeviceName = 46, kNameSize = 16, kProduced = 78, kDateSize = 8, kSerial = 86, kSerialSize = 16,
                      kUserData = 102, kUserDataSize = 16;

/// From YYMMDD; empty: no date.
std::string produced_on(std::string_view text) {
  unsigned year = 0, month = 0, day = 0;
  return text.size() == 6 && std::sscanf(std::string(text).c_str(), "%2u%2u%2u", &year, &month, &day) == 3
             ? date_text(2000 + year, month, day)
             : "";
}

// -- status (type 2) ----------------------------------------------------------------------

constexpr std::array kStatusFields = {
    field(&Sample::voltage, 150, Wire::u32le).per_unit(1000),
    field(&Sample::current, 158, Wire::s32le).per_unit(1000).within(-1000, 1000), // positive = charging
    field(&Sample::soc, 173, Wire::u8).within(0, 100),
    field(&Sample::capacity_remaining, 174, Wire::s32le).per_unit(1000),
    field(&Sample::cycles, 182, Wire::u32le).within(0, 1e6),
    field(&Sample::soh, 190, Wire::u8).within(0, 100),
    field(&Sample::balancing, 172, Wire::u8), // of which cells is not said
    field(&Sample::charge_enabled, 198, Wire::u8),
    field(&Sample::discharge_enabled, 199, Wire::u8),
    field(&Sample::heating, 215, Wire::u8),
    extra("capacity_actual", 178, Wire::u32le).per_unit(1000), // learned
    extra("cycle_capacity", 186, Wire::u32le).per_unit(1000),
    extra("balance_current", 170, Wire::s16le).per_unit(1000),
    extra("balance_action", 172, Wire::u8), // 1 charges a cell, 2 discharges one
    extra("uptime", 194, Wire::u32le),
    extra("alarm_bits", 166, Wire::u32le),
    extra("wire_resistance_bits", 146, Wire::u32le),
    extra("sensor_mask", 214, Wire::u8),
    extra("emergency_time", 218, Wire::u16le),
    extra("dry_contacts", 281, Wire::u8),
    extra_flag("precharging", 191, Wire::u8),
    extra_flag("charger_plugged", 245, Wire::u8),
};
constexpr std::array kStatusValuesV15 = {
    extra("charge_phase_time", 278, Wire::u16le), // s
    extra("charge_phase", 280, Wire::u8),         // 0 bulk, 1 absorption, 2 float
};
constexpr std::size_t kCells = 6, kCellsPresent = 70, kMosTemperature = 144, kTemperature1 = 162, kTemperature2 = 164,
                      kAlarmBits = 166, kActualCapacity = 178, kSensorMask = 214, kHeaterCurrent = 236,
                      kTemperature4 = 256, kTemperature5 = 258;

/// A set bit means that the BMS has acted. No alarms: 0 wire resistance, 18 GPS, 19 the pass code was never
/// changed (many healthy packs), 23 parallel module, 24 to 26 and 28 of firmware v15 and later.
constexpr AlarmBit kAlarms[] = {
    {1, Alarm::HighInternalTemperature, 2}, // MOSFET
    {2, Alarm::InternalFailure, 2},         // cell count is not the configured one
    {3, Alarm::InternalFailure, 2},         // current sensor
    {4, Alarm::HighCellVoltage, 2},         // cell overvoltage
    {5, Alarm::HighVoltage, 2},             // pack overvoltage
    {6, Alarm::HighChargeCurrent, 2},       // charge overcurrent
    {7, Alarm::HighChargeCurrent, 2},       // charge short circuit
    {8, Alarm::HighChargeTemperature, 2},   // charge overtemperature
    {9, Alarm::LowChargeTemperature, 2},    // charge undertemperature
    {10, Alarm::InternalFailure, 2},        // second processor
    {11, Alarm::LowCellVoltage, 2},         // cell undervoltage
    {12, Alarm::LowVoltage, 2},             // pack undervoltage
    {13, Alarm::HighDischargeCurrent, 2},   // discharge overcurrent
    {14, Alarm::HighDischargeCurrent, 2},   // discharge short circuit
    {15, Alarm::HighTemperature, 2},        // discharge overtemperature
    {16, Alarm::InternalFailure, 2},        // charge FET
    {17, Alarm::InternalFailure, 2},        // discharge FET
    {20, Alarm::InternalFailure, 2},        // discharging does not turn on
    {21, Alarm::HighTemperature, 2},        // battery overtemperature
    {22, Alarm::InternalFailure, 2},        // temperature sensor
    {27, Alarm::LowTemperature, 2},         // discharge undertemperature, firmware v15 and later
};

/// The mask tells which inputs are in use; on their row they stand one behind the other, whatever is between.
Result<void> decode_present_cells(ByteView payload, Sample& out) {
  const auto present = static_cast<std::uint32_t>(integer(payload, kCellsPresent, Wire::u32le));
  Bytes row;
  for (std::size_t cell = 0; cell < kMaxCells; ++cell) {
    if ((present >> cell & 1U) != 0) {
      const ByteView raw = payload.subspan(kCells + 2 * cell, 2);
      row.insert(row.end(), raw.begin(), raw.end());
    }
  }
  return decode_cells(row, 0, static_cast<std::size_t>(std::popcount(present)), out, Wire::u16le);
}

/// Sensor 3 of the vendor's table is not on these boards: its place repeats the MOSFET's value.
void decode_temperatures(ByteView payload, Temperatures& out) {
  const auto read = [&](unsigned bit, std::size_t offset) {
    const bool fitted = (payload[kSensorMask] >> bit & 1U) != 0;
    return fitted ? sensor(static_cast<double>(integer(payload, offset, Wire::s16le)) / 10) : std::nullopt;
  };
  out.mos = read(0, kMosTemperature);
  out.battery[0] = read(1, kTemperature1);
  out.battery[1] = read(2, kTemperature2);
  out.battery[2] = read(4, kTemperature4);
  out.battery[3] = read(5, kTemperature5);
}

constexpr unsigned kSettingsEvery = 180; // polls; someone may change a limit with the app

} // namespace

// -- reading --------------------------------------------------------------------------------

/// The settings prove that it is this BMS. Some boards miss the question for the serial number now and then;
/// one that never answers it is known by its place, a damaged answer is not taken for none.
Script JkbmsPb::identify(Identity& out) {
  introduce(kInfo, config_, out);
  co_await part(read_settings(out, 1));
  const Result<void> about = co_await read_about(out);
  if (!about && about.error().fault != Fault::timeout) {
    co_return about;
  }
  co_return done();
}

Script JkbmsPb::poll(Sample& out) {
  Identity known;
  if (++polls_ % kSettingsEvery == 0) {
    (void)co_await read_settings(known, 1); // the former ones stay in force
  }
  co_await state_static(out);
  const Result<void> status = co_await read_status(out, 1);
  if (status || status.error().fault != Fault::timeout) {
    co_return status;
  }
  // Firmware from 15.36 on may answer this only shortly after another request.
  co_await part(read_settings(known, 0));
  co_await part(read_status(out, 0));
  co_return done();
}

Script JkbmsPb::read_settings(Identity& out, int retries) {
  const Bytes reply = co_await ask(jkpb::ask_for(Trigger::settings, config_.address, retries));
  co_return take_settings(reply, out);
}

Script JkbmsPb::read_about(Identity& out) {
  const Bytes reply = co_await ask(jkpb::ask_for(Trigger::about, config_.address, 2));
  take_about(reply, out);
  co_return done();
}

Script JkbmsPb::read_status(Sample& out, int retries) {
  const Bytes reply = co_await ask(jkpb::ask_for(Trigger::status, config_.address, retries));
  co_return decode_status(reply, out);
}

// -- what the bytes mean ------------------------------------------------------------------------

Result<void> JkbmsPb::take_settings(ByteView payload, Identity& out) {
  Sample limits;
  if (auto result = decode(kLimits, payload, limits); !result) {
    return result;
  }
  if (auto result = decode(kBattery, payload, out); !result) {
    return result;
  }
  settings_.assign(payload.begin(), payload.begin() + jkpb::kPayload);
  return {};
}

void JkbmsPb::take_about(ByteView payload, Identity& out) {
  const auto text = [&](std::size_t offset, std::size_t size) { return ascii_text(payload.subspan(offset, size)); };
  out.model = text(kModel, kModelSize);
  out.hardware_version = hardware_version_ = text(kHardware, kVersionSize);
  out.firmware_version = firmware_version_ = text(kFirmware, kVersionSize);
  out.device_name = text(kDeviceName, kNameSize); // the user's, not unique
  out.serial = text(kSerial, kSerialSize);
  out.unique_id = out.serial;
  const std::string produced = text(kProduced, kDateSize);
  out.manufacture_date = produced_on(produced);

  about_ = {{"power_on_count", static_cast<double>(integer(payload, kPowerOns, Wire::u32le))}};
  const auto keep = [this](std::string_view name, const std::string& value) {
    if (!value.empty()) {
      about_.push_back({name, value});
    }
  };
  keep("device_name", out.device_name);
  keep("production_date", produced);
  keep("user_data", text(kUserData, kUserDataSize));
}

Result<void> JkbmsPb::state_static(Sample& out) const {
  for (const auto& extra : about_) {
    set_extra(out, extra.name, extra.value);
  }
  if (settings_.empty()) {
    return {};
  }
  const ByteView payload = settings_;
  if (auto result = decode(kSettingValues, payload, out); !result) {
    return result;
  }
  const double requested = static_cast<double>(integer(payload, kRequestedCellVoltage, Wire::u32le)) / 1000;
  if (requested > 0 && requested <= kHighestCellVoltage) {
    out.max_charge_voltage = requested * static_cast<double>(integer(payload, kCellCount, Wire::u32le));
  }
  state_heater_limits(out);
  return decode(kLimits, payload, out);
}

/// Older boards heat between trip and release of the charge undertemperature protection.
void JkbmsPb::state_heater_limits(Sample& out) const {
  if (hardware_version_.empty()) {
    return;
  }
  const bool own = hardware_version_ > "15A" || (hardware_version_ == "15A" && firmware_version_ >= "15.41");
  const auto celsius = [&](std::size_t newer, std::size_t older) {
    return own ? static_cast<double>(integer(settings_, newer, Wire::s8))
               : static_cast<double>(integer(settings_, older, Wire::s32le)) / 10;
  };
  set_extra(out, "heating_temperature_start", celsius(kHeaterStart, kColdTrip));
  set_extra(out, "heating_temperature_stop", celsius(kHeaterStop, kColdRelease));
}

Result<void> JkbmsPb::decode_status(ByteView payload, Sample& out) const {
  if (auto result = decode(kStatusFields, payload, out); !result) {
    return result;
  }
  if (auto result = decode_present_cells(payload, out); !result) {
    return result;
  }
  if (auto result = check_voltage(out, out.cell_voltages.size()); !result) {
    return result;
  }
  if (*out.capacity_remaining < 0) {
    out.capacity_remaining.reset();
  }
  if (!out.capacity_full) {
    out.capacity_full = static_cast<double>(integer(payload, kActualCapacity, Wire::u32le)) / 1000;
  }
  if (*out.heating) {
    const double amperes = le16(payload, kHeaterCurrent) / 1000.0;
    set_extra(out, "heating_current", amperes);
    set_extra(out, "heating_power", amperes * *out.voltage);
  }
  decode_temperatures(payload, out.temperatures);
  out.alarms = {};
  raise_alarms(kAlarms, integer(payload, kAlarmBits, Wire::u32le), out.alarms);
  raise_low_soc(config_, out);
  return firmware_version_ >= "15" ? decode(kStatusValuesV15, payload, out) : Result<void>();
}

// -- captures ---------------------------------------------------------------------------------------

/// Also what was overheard: payloads with the acknowledgement of whoever was asked, and the bus master's own
/// without one. A capture that names no address is about the only battery in it.
Script JkbmsPb::replay(Bytes tx, Identity& identity, Sample& out) {
  if (tx.empty()) {
    const Bytes reply = co_await ask(jkpb::listen());
    if (config_.address != 0 && jkpb::is_from_other(reply, config_.address)) {
      co_return Error{Fault::framing, "wrong address in the acknowledgement"};
    }
    co_return take(reply, identity, out);
  }
  if (jkpb::is_trigger(tx)) {
    if (config_.address != 0 && tx[0] != config_.address) {
      co_return done(); // another battery on the same line
    }
    const Bytes reply = co_await ask(jkpb::raw(std::move(tx)));
    co_return take(reply, identity, out);
  }
  if (!modbus::is_request(tx)) {
    co_return Error{Fault::unsupported, "not a request of this protocol"};
  }
  const bool writes = tx[1] > 4;
  const Bytes reply = co_await ask(modbus::raw(std::move(tx)));
  co_await modbus::data_of(reply);
  if (writes) {
    set_extra(out, "writes_ok", true);
  }
  co_return done();
}

Result<void> JkbmsPb::take(ByteView payload, Identity& identity, Sample& out) {
  switch (jkpb::type_of(payload)) {
  case Type::settings:
    if (auto result = take_settings(payload, identity); !result) {
      return result;
    }
    return state_static(out);
  case Type::about: take_about(payload, identity); return state_static(out);
  case Type::status: return decode_status(payload, out);
  }
  return Error{Fault::framing, "payload of an unknown type"};
}

// -- registry -----------------------------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 115200}};
constexpr std::string_view kNames[] = {"Jkbms_pb", "JKBMS PB Model", "jk_pb"};
constexpr std::uint32_t kAddresses[] = {1}; // 2 to 15 are those of further batteries; 0 asks by itself

} // namespace

constinit const ProtocolInfo JkbmsPb::kInfo = {
    .key = "jkbms_pb",
    .label = "JKBMS PB Model",
    .about = "JK inverter BMS, PB series (JK-PB1A16S10P to JK-PB2A16S30P); RS485",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 15,
    .chain = {1, 15},
    .exchange = make_exchange<JkbmsPb>,
};

} // namespace bmsd::protocols
