#include "protocols/seplos.hpp"

#include "protocols/core/text.hpp"
#include "protocols/core/values.hpp"
#include "protocols/seplos_frame.hpp"

#include <cstdio>

namespace bmsd::protocols {

using namespace std::chrono_literals;
using namespace seplos;

namespace {

constexpr std::uint32_t kHighestAddress = 15; // DIP switch
constexpr std::uint8_t kFirstGroup = 1;

// -- telemetry, CID2 0x42 --------------------------------------------------------

constexpr std::array kPackFields = {
    field(&Sample::current, 0, Wire::s16be).per_unit(100), // 10 mA, positive = charging
    field(&Sample::voltage, 2, Wire::u16be).per_unit(100),
    field(&Sample::capacity_remaining, 4, Wire::u16be).per_unit(100),
};

/// Cell groups 1 to 4, environment, power stage; in 0.1 K.
constexpr auto kSensors = sensor_row(Wire::u16be, -2731, 10, 0, 1, 2, 3, &Temperatures::env, &Temperatures::mos);

constexpr std::size_t kRatedCapacity = 4;
/// Ten words, the last four reserved; older boards send fewer.
constexpr std::array kTotals = {
    field(&Sample::capacity_full, 0, Wire::u16be).per_unit(100).optional(),
    field(&Sample::soc, 2, Wire::u16be).per_unit(10).within(0, 100).optional(),
    field(&Sample::cycles, 6, Wire::u16be).optional(),
    field(&Sample::soh, 8, Wire::u16be).per_unit(10).within(0, 100).optional(),
    extra("capacity_nominal", kRatedCapacity, Wire::u16be).per_unit(100).optional(),
    extra("port_voltage", 10, Wire::u16be).per_unit(100).optional(),
};

/// Pylontech and its relatives (Boqiang) send 2 or 4 items in an order of their own, and no SoC.
constexpr std::array kPylontechTotals = {
    field(&Sample::capacity_full, 0, Wire::u16be).per_unit(100),
    field(&Sample::cycles, 2, Wire::u16be),
};
bool is_pylontech(ByteView totals) {
  return totals.size() == 4 || totals.size() == 8;
}

// -- alarms, CID2 0x44 -------------------------------------------------------------

enum Event : std::size_t {
  kFaults = 0,
  kVoltage = 1,
  kTemperature = 2,
  kPower = 3,
  kCurrent = 4,
  kCapacity = 5,
  kSwitches = 6,
  kBalancing = 7, // cells 1 to 8, then 9 to 16
};

constexpr AlarmPair kVoltageEvents[] = {
    {0, 1, Alarm::HighCellVoltage},
    {2, 3, Alarm::LowCellVoltage},
    {4, 5, Alarm::HighVoltage},
    {6, 7, Alarm::LowVoltage},
};
constexpr AlarmPair kTemperatureEvents[] = {
    {0, 1, Alarm::HighChargeTemperature},
    {2, 3, Alarm::LowChargeTemperature},
    {4, 5, Alarm::HighTemperature},
    {6, 7, Alarm::LowTemperature},
};
constexpr AlarmPair kCurrentEvents[] = {{0, 1, Alarm::HighChargeCurrent}, {2, 3, Alarm::HighDischargeCurrent}};
/// Transient, short circuit, locked out after either.
constexpr AlarmBit kOvercurrentEvents[] = {
    {4, Alarm::HighDischargeCurrent},
    {5, Alarm::HighDischargeCurrent},
    {6, Alarm::HighDischargeCurrent},
    {7, Alarm::HighDischargeCurrent},
};
constexpr AlarmPair kCapacityEvents[] = {{2, 3, Alarm::LowSoc}};

// -- parameters, CID2 0x47 -----------------------------------------------------------

/// The thresholds at which the BMS warns; it opens a FET above them.
constexpr std::array kParameterWordFields = {
    field(&Sample::max_charge_current, 100, Wire::s16be).per_unit(100).within(0, 328).absent(0),
    field(&Sample::max_discharge_current, 104, Wire::s16be).per_unit(-100).within(0, 328).absent(0),
    field(&Sample::capacity_remaining, 118, Wire::u16be).per_unit(100),
    extra("cell_ov_alarm", 0, Wire::u16be).per_unit(1000),
    extra("cell_uv_alarm", 4, Wire::u16be).per_unit(1000),
    extra("cell_ov_protect", 8, Wire::u16be).per_unit(1000),
    extra("cell_uv_protect", 12, Wire::u16be).per_unit(1000),
    extra("balance_start_voltage", 16, Wire::u16be).per_unit(1000),
    extra("pack_ov_alarm", 20, Wire::u16be).per_unit(100),
    extra("pack_uv_alarm", 24, Wire::u16be).per_unit(100),
    extra("pack_ov_protect", 28, Wire::u16be).per_unit(100),
    extra("pack_uv_protect", 32, Wire::u16be).per_unit(100),
    extra("capacity_nominal", 116, Wire::u16be).per_unit(100),
};
constexpr std::array kParameterByteFields = {
    field(&Sample::cell_count, 5, Wire::u8).within(1, kMaxCells),
};

// -- what the bytes mean ------------------------------------------------------------------

Result<void> decode_totals(ByteView words, Sample& out) {
  if (!is_pylontech(words)) {
    return decode(kTotals, words, out);
  }
  if (auto result = decode(kPylontechTotals, words, out); !result) {
    return result;
  }
  if (*out.capacity_full > 0 && *out.capacity_remaining <= *out.capacity_full) {
    out.soc = 100 * *out.capacity_remaining / *out.capacity_full;
  }
  return {};
}

Result<void> decode_telemetry(ByteView info, Sample& out) {
  const auto parts = telemetry(info);
  if (!parts) {
    return parts.error();
  }
  const std::size_t cells = parts->cells.size() / 2;
  if (auto result = decode_cells(parts->cells, 0, cells, out); !result) {
    return result;
  }
  if (auto result = decode(kPackFields, parts->pack, out); !result) {
    return result;
  }
  if (auto result = check_voltage(out, cells); !result) {
    return result;
  }
  if (auto result = decode(kSensors, parts->temperatures, out); !result) {
    return result;
  }
  return decode_totals(parts->totals, out);
}

/// The cell count must be that of the battery: the vendor does not promise this order for the serial port.
Result<void> decode_parameters(ByteView info, const Identity& identity, Sample& out) {
  const auto parts = parameters(info);
  if (!parts) {
    return parts.error();
  }
  if (auto result = decode(kParameterByteFields, parts->bytes, out); !result) {
    return result;
  }
  if (identity.cell_count && *identity.cell_count != *out.cell_count) {
    return Error{Fault::implausible, "parameters for " + std::to_string(*out.cell_count) + " cells"};
  }
  return decode(kParameterWordFields, parts->words, out);
}

Result<void> decode_vendor(ByteView info, Identity& identity, Sample& out) {
  const auto parts = vendor(info);
  if (!parts) {
    return parts.error();
  }
  identity.model = ascii_text(parts->model);
  identity.firmware_version = std::to_string(parts->software[0]) + "." + std::to_string(parts->software[1]);
  set_extra(out, "vendor", ascii_text(parts->name));
  return {};
}

/// "SeplosBMS16S_0x03_100.0Ah", as in dbus-serialbattery but with the rated capacity: the learned one changes.
std::string unique_id(std::size_t cells, std::uint32_t address, double rated) {
  char adr[16] = "";
  if (address != 0) {
    std::snprintf(adr, sizeof adr, "0x%02X_", static_cast<unsigned>(address));
  }
  return "SeplosBMS" + std::to_string(cells) + "S_" + adr + ampere_hours(rated) + "Ah";
}

Request twice(Request request) {
  request.retries = 1;
  return request;
}

} // namespace

Seplos::Seplos(const ProtocolConfig& config)
    : config_(config), address_(static_cast<std::uint8_t>(config.address)), group_(address_) {}

// -- reading -------------------------------------------------------------------------------

Script Seplos::identify(Identity& out) {
  if (config_.address > kHighestAddress) {
    co_return Error{Fault::rejected, "addresses are 0 to 15"};
  }
  introduce(kInfo, config_, out);
  Sample alarms;
  co_await part(find_group(out));
  co_await part(read_alarms(alarms)); // a Pylontech has no such block
  co_await part(read_vendor(out));
  co_return done();
}

/// By the vendor's paper the group is the address, but there are boards that know group 1 alone.
Script Seplos::find_group(Identity& out) {
  Result<Bytes> reply = co_await attempt(twice(seplos::read(address_, kTelemetry, group_)));
  if (!reply && reply.error().fault == Fault::timeout && group_ != kFirstGroup) {
    group_ = kFirstGroup;
    reply = co_await attempt(twice(seplos::read(address_, kTelemetry, group_)));
  }
  const Bytes answer = co_await std::move(reply);
  co_return describe(co_await yd1363::info_of(answer), out);
}

Script Seplos::read_vendor(Identity& out) {
  const Result<Bytes> reply = co_await attempt(seplos::read(address_, kVendor));
  if (!reply && reply.error().fault == Fault::timeout) {
    co_return done(); // a name is not worth a battery
  }
  const Bytes answer = co_await reply;
  const auto info = yd1363::info_of(answer);
  co_return info ? decode_vendor(*info, out, constant_) : done(); // not every firmware has it
}

Script Seplos::settings(Identity& out) {
  co_await part(read_parameters(out));
  co_return done();
}

Script Seplos::read_parameters(const Identity& identity) {
  const Bytes reply = co_await ask(seplos::read(address_, kParameters));
  Sample limits = constant_;
  co_await decode_parameters(co_await yd1363::info_of(reply), identity, limits);
  constant_ = std::move(limits);
  co_return done();
}

Script Seplos::poll(Sample& out) {
  out = constant_;
  co_await part(read_telemetry(out));
  co_await part(read_alarms(out));
  co_return done();
}

Script Seplos::read_telemetry(Sample& out) {
  const Bytes reply = co_await ask(seplos::read(address_, kTelemetry, group_));
  co_await decode_telemetry(co_await yd1363::info_of(reply), out);
  co_return done();
}

Script Seplos::read_alarms(Sample& out) {
  const Bytes reply = co_await ask(seplos::read(address_, kAlarms, group_));
  co_await decode_alarms(co_await yd1363::info_of(reply), out);
  co_return done();
}

Result<void> Seplos::describe(ByteView info, Identity& out) const {
  const auto parts = telemetry(info);
  if (!parts) {
    return parts.error();
  }
  if (is_pylontech(parts->totals) || parts->totals.size() < kRatedCapacity + 2) {
    return Error{Fault::unsupported, "telemetry of a Pylontech, not of a Seplos"};
  }
  Sample first;
  if (auto result = decode_telemetry(info, first); !result) {
    return result;
  }
  out.cell_count = first.cell_count;
  out.capacity_full = first.capacity_full;
  out.hardware_version = "Seplos BMS " + std::to_string(*first.cell_count) + "S";
  out.unique_id = unique_id(first.cell_voltages.size(), config_.address, be16(parts->totals, kRatedCapacity) / 100.0);
  return {};
}

Result<void> Seplos::decode_alarms(ByteView info, Sample& out) const {
  const auto block = alarm_block(info);
  if (!block) {
    return block.error();
  }
  if (out.cell_count && static_cast<std::size_t>(*out.cell_count) != block->cells) {
    return Error{Fault::implausible, "alarms of " + std::to_string(block->cells) + " cells"};
  }
  const ByteView events = block->events;
  out.alarms.raise(Alarm::InternalFailure, events[kFaults] != 0 ? 2 : 0);
  raise_alarms(kVoltageEvents, events[kVoltage], events[kVoltage], out.alarms);
  raise_alarms(kTemperatureEvents, events[kTemperature], events[kTemperature], out.alarms);
  raise_alarms(kCurrentEvents, events[kCurrent], events[kCurrent], out.alarms);
  raise_alarms(kOvercurrentEvents, events[kCurrent], out.alarms);
  if (config_.soc_alarms) {
    raise_alarms(kCapacityEvents, events[kCapacity], events[kCapacity], out.alarms);
  }
  // Bits 4 and 5 are warning and protection, but the vendor's papers contradict each other which is which.
  const unsigned power = events[kPower] >> 4;
  out.alarms.raise(Alarm::HighInternalTemperature, static_cast<AlarmLevel>((power & 1) + (power >> 1 & 1)));

  out.discharge_enabled = (events[kSwitches] & 1) != 0;
  out.charge_enabled = (events[kSwitches] & 2) != 0;
  out.heating = (events[kSwitches] & 8) != 0;
  set_balancing(le16(events, kBalancing), block->cells, out);
  return {};
}

// -- captures --------------------------------------------------------------------------------

/// In any group: what the BMS answers is the same.
bool Seplos::same_request(ByteView wanted, ByteView recorded) const {
  return yd1363::same_command(wanted, recorded);
}

/// Of relatives with another VER too.
Script Seplos::replay(Bytes tx, Identity& identity, Sample& out) {
  const auto asked = co_await yd1363::parse(tx);
  const yd1363::Dialect dialect{.version = asked.version, .device = asked.device};
  const Bytes reply = co_await ask(request(dialect, asked.address, asked.command, asked.info));
  const auto frame = co_await yd1363::parse(reply);
  if (yd1363::tell_refusal(frame, out)) {
    co_return done();
  }
  switch (asked.command) {
  case kTelemetry: co_return decode_telemetry(frame.info, out);
  case kAlarms: co_return decode_alarms(frame.info, out);
  case kParameters: co_return decode_parameters(frame.info, identity, out);
  case kVendor: co_return decode_vendor(frame.info, identity, out);
  default: co_return done();
  }
}

// -- registry ----------------------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 19200}, {.baud = 9600}};
constexpr std::uint32_t kAddresses[] = {0, 1};
constexpr std::string_view kNames[] = {"Seplos"};

} // namespace

constinit const ProtocolInfo Seplos::kInfo = {
    .key = "seplos",
    .label = "Seplos",
    .about = "Seplos BMS 2.x (Mason, 1101-10E, EMU10xx, EMU11xx); RS485, RS232",
    .aliases = kNames,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 60,
    .chain = {0, 15},
    .first_requests = 2,
    .poll_interval = 2000ms,
    .exchange = make_exchange<Seplos>,
};

} // namespace bmsd::protocols
