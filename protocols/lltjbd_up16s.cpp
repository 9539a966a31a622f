#include "protocols/lltjbd_up16s.hpp"

#include "protocols/core/options.hpp"
#include "protocols/core/text.hpp"
#include "protocols/core/values.hpp"
#include "protocols/lltjbd_up16s_frame.hpp"

#include <algorithm>
#include <cmath>

namespace bmsd::protocols {

using namespace std::chrono_literals;
using up16s::Block;
using up16s::data_of;

namespace {

constexpr Block kStatus = {up16s::kRead, 0x1000, 0x10A0};
constexpr Block kParameters = {up16s::kRead, 0x1C00, 0x1CA0};
/// Not from 0x2000 on: reading that makes some firmware forget its discharge current limit for a moment.
/// Firmware before 12 keeps silent.
constexpr Block kCounters = {up16s::kRead, 0x2006, 0x2018};
constexpr Block kProduct = {up16s::kRead, 0x2810, 0x283C};
constexpr Block kOwnStatus = {up16s::kReadOwn, 0x0000, 0x0054};
constexpr Block kSoc = {up16s::kWrite, 0x2006, 0x2008};
constexpr std::uint16_t kFirstCounter = 0x2000;

// -- pack status ------------------------------------------------------------------

constexpr std::array kStatusFields = {
    field(&Sample::voltage, 0, Wire::u16be).per_unit(100),
    field(&Sample::current, 4, Wire::u32be).shift(-300000).per_unit(100).within(-1000, 1000), // positive = charging
    field(&Sample::soc, 8, Wire::u16be).per_unit(100).within(0, 100), // of a slave, as its master knows it: whole %
    field(&Sample::capacity_remaining, 10, Wire::u16be).per_unit(100),
    field(&Sample::capacity_full, 12, Wire::u16be).per_unit(100).absent(0), // learned
    extra("capacity_nominal", 14, Wire::u16be).per_unit(100),
    sensor_field(&Temperatures::mos, 16, Wire::u16be).shift(-500).per_unit(10),
    extra("ambient_temperature", 18, Wire::u16be).shift(-500).per_unit(10).absent(0),
    extra("state", 20, Wire::u16be), // 0 idle, 1 charging, 2 discharging
    field(&Sample::soh, 22, Wire::u16be).within(0, 100),
    extra("fault_bits", 24, Wire::u32be),
    extra("alarm_bits", 28, Wire::u32be),
    field(&Sample::discharge_enabled, 32, Wire::u16be).bits(1U << 0),
    field(&Sample::charge_enabled, 32, Wire::u16be).bits(1U << 1),
    extra_flag("precharging", 32, Wire::u16be).bits(1U << 2),
    field(&Sample::heating, 32, Wire::u16be).bits(1U << 3),
    extra_flag("fan", 32, Wire::u16be).bits(1U << 4),
    field(&Sample::cycles, 36, Wire::u16be),
    extra("max_cell", 38, Wire::u16be),
    field(&Sample::max_cell_voltage, 40, Wire::u16be).per_unit(1000).within(0, kHighestCellVoltage),
    extra("min_cell", 42, Wire::u16be),
    field(&Sample::min_cell_voltage, 44, Wire::u16be).per_unit(1000).within(0, kHighestCellVoltage),
    field(&Sample::max_charge_voltage, 58, Wire::u16be).per_unit(10).absent(0),
    field(&Sample::max_charge_current, 60, Wire::u16be).per_unit(10), // of the master: of the whole chain
    field(&Sample::battery_low_voltage, 62, Wire::u16be).per_unit(10).absent(0),
    field(&Sample::max_discharge_current, 64, Wire::u16be).per_unit(10),
};
constexpr std::size_t kRatedCapacity = 14, kFaults = 24, kAlarms = 28, kCellCount = 66, kCells = 68;
constexpr std::size_t kSerialSize = 30;

/// The BMS is about to act, as an alarm says, or has acted, as a fault says.
constexpr AlarmPair kConditions[] = {
    {0, 0, Alarm::HighCellVoltage},
    {1, 1, Alarm::LowCellVoltage},
    {2, 2, Alarm::HighVoltage},
    {3, 3, Alarm::LowVoltage},
    {4, 4, Alarm::HighChargeCurrent}, // slow
    {5, 6, Alarm::HighDischargeCurrent},
    {6, 8, Alarm::HighChargeTemperature},
    {7, 9, Alarm::LowChargeTemperature},
    {8, 10, Alarm::HighTemperature},
    {9, 11, Alarm::LowTemperature},
    {10, 12, Alarm::HighInternalTemperature}, // MOSFET
    {11, 13, Alarm::HighTemperature},         // ambient
    {12, 14, Alarm::LowTemperature},
    {13, 15, Alarm::CellImbalance},
    {14, 16, Alarm::CellImbalance}, // of temperatures
    {15, 17, Alarm::LowSoc},
};
/// There is no alarm before these.
constexpr AlarmBit kFaultBits[] = {
    {5, Alarm::HighChargeCurrent},                                        // fast
    {7, Alarm::HighDischargeCurrent},  {18, Alarm::HighDischargeCurrent}, // short circuit
    {19, Alarm::InternalFailure},                                         // a cell is off
    {20, Alarm::InternalFailure},                                         // temperature sensor
    {21, Alarm::InternalFailure},                                         // charge FET
    {22, Alarm::InternalFailure},                                         // discharge FET
    {23, Alarm::InternalFailure},                                         // current limiter
    {24, Alarm::InternalFailure},                                         // aerosol
    {25, Alarm::HighVoltage, 1},                                          // full: the normal end of charging
    {26, Alarm::InternalFailure},                                         // front end
    {27, Alarm::HighDischargeCurrent},                                    // reversed polarity
};
constexpr AlarmBit kAlarmBits[] = {
    {16, Alarm::InternalFailure}, // EEPROM
    {17, Alarm::InternalFailure}, // clock
    {18, Alarm::HighVoltage, 1},  // full
};
constexpr std::int64_t kFullFault = 1 << 25, kFullAlarm = 1 << 18;

// -- other blocks -------------------------------------------------------------------

/// From 0x2006 on. The SoC comes last: without the others it is not taken either.
constexpr std::array kCounterFields = {
    extra("total_charge_ah", 10, Wire::u32be).per_unit(10),
    extra("total_discharge_ah", 14, Wire::u32be).per_unit(10),
    field(&Sample::total_ah_drawn, 14, Wire::u32be).per_unit(10),
    field(&Sample::soc, 0, Wire::u16be).per_unit(100).within(0, 100),
};

/// What the battery can do alone.
constexpr std::array kOwnLimits = {
    field(&Sample::max_charge_current, 96, Wire::u16be).per_unit(10),
    field(&Sample::max_discharge_current, 98, Wire::u16be).per_unit(10),
};

constexpr std::size_t kSerial = 16, kProduced = 46, kAssembled = 82, kManufacturer = 88, kParametersSize = 118;
constexpr std::size_t kModelNumber = 0, kHardwareRevision = 2, kVersion = 4, kModel = 12, kProject = 28, kNameSize = 16,
                      kProductSize = 44;

std::string dotted_date(ByteView data, std::size_t offset) {
  std::string text = date_text(be16(data, offset), be16(data, offset + 2), be16(data, offset + 4));
  std::replace(text.begin(), text.end(), '-', '.');
  return text;
}

void append(std::string& list, std::string_view separator, const std::string& item) {
  list += list.empty() || item.empty() ? "" : separator;
  list += item;
}

void append_date(std::string& list, const char* what, const std::string& date) {
  append(list, ", ", date.empty() ? "" : what + date);
}

/// "12.4"; what a master tells of a slave has the second number only.
std::string version_text(unsigned word) {
  const std::string low = std::to_string(word & 0xFF);
  return word > 0xFF ? std::to_string(word >> 8) + "." + low : low;
}

Result<void> decode_parameters(ByteView data, Identity& out) {
  if (data.size() < kParametersSize) {
    return Error{Fault::truncated, std::to_string(data.size()) + " bytes of parameters"};
  }
  out.serial = ascii_text(data.subspan(kSerial, kSerialSize));
  out.manufacturer = ascii_text(data.subspan(kManufacturer, kSerialSize));
  append_date(out.manufacture_date, "BMS ", dotted_date(data, kProduced));
  append_date(out.manufacture_date, "Pack ", dotted_date(data, kAssembled));
  return {};
}

/// "JBD UP16S015.16S200A, model 33, HW rev 3, FW v12.1.7, BMS 2025.05.07, Pack 2025.04.06". What model and
/// hardware revision are called is a guess.
Result<void> decode_product(ByteView data, Identity& out) {
  if (data.size() < kProductSize) {
    return Error{Fault::truncated, std::to_string(data.size()) + " bytes of product information"};
  }
  const auto number = [&](std::size_t offset) { return std::to_string(be16(data, offset)); };
  out.model = ascii_text(data.subspan(kModel, kNameSize));
  std::string text = ascii_text(data.subspan(kProject, kNameSize));
  append(text, " ", out.model);
  append(text, ", ", "model " + number(kModelNumber));
  append(text, ", ", "HW rev " + number(kHardwareRevision));
  append(text, ", ", "FW v" + number(kVersion) + "." + number(kVersion + 2) + "." + number(kVersion + 4));
  append(text, ", ", out.manufacture_date);
  out.hardware_version = std::move(text);
  return {};
}

/// Other programs read a wider block, in which the counters stand further behind.
bool holds_counters(const Block& block) {
  return block.function == up16s::kRead && block.first >= kFirstCounter && block.first <= kCounters.first &&
         block.end >= kCounters.end;
}

Result<void> decode_counters(const Bytes& reply, Sample& out) {
  const std::size_t at = kCounters.first - up16s::block_of(reply).first;
  const ByteView data = data_of(reply);
  return decode(kCounterFields, data.subspan(std::min(at, data.size())), out);
}

Request patient(Request request, int retries) {
  request.retries = retries;
  return request;
}

} // namespace

LltJbdUp16s::LltJbdUp16s(const ProtocolConfig& config)
    : config_(config), address_(static_cast<std::uint8_t>(config.address != 0 ? config.address : 1)),
      quiet_full_charge_(option_set(config, "quiet_full_charge")),
      direct_only_(option_set(config, "require_direct_connection")) {}

void LltJbdUp16s::Access::note(const Result<void>& outcome) {
  if (outcome) {
    answers_ = true;
  } else if (!answers_) {
    failures_ = outcome.error() == ScriptRunner::not_recorded() ? kPatience : failures_ + 1;
  }
}

// -- reading --------------------------------------------------------------------

/// Parameters and product information are what tells this battery from its twin: they are worth several tries.
/// A battery that has not told the first will not tell the second.
Script LltJbdUp16s::identify(Identity& out) {
  introduce(kInfo, config_, out);
  Sample first;
  if (direct_only_) {
    co_await part(read_own_limits(first));
  }
  co_await part(read_status(first));
  parameters_.note(co_await read_parameters(out));
  if (parameters_.answers() || parameters_.never()) {
    product_.note(co_await read_product(out));
  }
  out.cell_count = first.cell_count;
  out.capacity_full = first.capacity_full;
  out.firmware_version = firmware_;
  out.unique_id = unique_id(out);
  if (!firmware_.empty() && !product_.answers() && (product_.never() || !is_master())) {
    out.hardware_version = "JBD UP 16S, FW ver " + firmware_;
  }
  co_return done();
}

/// Where the counters cannot be read, the SoC cannot be written.
Script LltJbdUp16s::settings(Identity& out) {
  Sample now;
  const Result<void> counters = co_await read_counters(now, 1);
  counters_.note(counters);
  if (!counters) {
    out.capabilities.soc_reset = false;
  }
  co_return done();
}

Script LltJbdUp16s::poll(Sample& out) {
  co_await part(read_status(out));
  co_await part(refine_soc(out));
  co_await part(refine_limits(out));
  co_return done();
}

/// The counters have the SoC in 0.01 %. When they fail for once their last value is nearer to the truth than
/// whole percents. As long as it is open whether a master has counters it is also open what its SoC is.
Script LltJbdUp16s::refine_soc(Sample& out) {
  constexpr double kWholePercent = 0.999;
  if (counters_.never()) {
    co_return done();
  }
  const auto coarse = out.soc;
  const Result<void> counters = co_await read_counters(out, counters_.answers() ? 1 : 0);
  counters_.note(counters);
  if (counters) {
    fine_soc_ = out.soc;
  } else if (fine_soc_ && coarse && std::abs(*coarse - *fine_soc_) <= kWholePercent) {
    out.soc = fine_soc_;
  } else if (!counters_.answers() && !counters_.never() && is_master()) {
    out.soc.reset();
  }
  co_return done();
}

/// The limits in a master's pack status are those of the whole chain. They are stated only if it is certain
/// that the battery does not tell its own; once told, these belong to every cycle.
Script LltJbdUp16s::refine_limits(Sample& out) {
  if (!is_master() || own_limits_.never()) {
    co_return done();
  }
  const Result<void> own = co_await read_own_limits(out);
  own_limits_.note(own);
  if (!own && !own_limits_.never()) {
    out.max_charge_current.reset();
    out.max_discharge_current.reset();
  }
  co_return own_limits_.answers() ? own : done();
}

Script LltJbdUp16s::read_status(Sample& out) {
  const Bytes reply = co_await ask(up16s::read(address_, kStatus));
  co_return decode_status(data_of(reply), out);
}

Script LltJbdUp16s::read_counters(Sample& out, int retries) {
  const Bytes reply = co_await ask(patient(up16s::read(address_, kCounters), retries));
  co_return decode_counters(reply, out);
}

Script LltJbdUp16s::read_own_limits(Sample& out) {
  const Bytes reply = co_await ask(up16s::read(address_, kOwnStatus));
  co_return decode(kOwnLimits, data_of(reply), out);
}

Script LltJbdUp16s::read_parameters(Identity& out) {
  const Bytes reply = co_await ask(patient(up16s::read(address_, kParameters), 4));
  co_return decode_parameters(data_of(reply), out);
}

Script LltJbdUp16s::read_product(Identity& out) {
  const Bytes reply = co_await ask(patient(up16s::read(address_, kProduct), 4));
  co_return decode_product(data_of(reply), out);
}

// -- writing --------------------------------------------------------------------

Script LltJbdUp16s::command(Command command) {
  co_await permitted(config_, command);
  if (command.kind != CommandKind::set_soc || !counters_.answers()) {
    co_return Error{Fault::unsupported, "this battery cannot do that, or not over this connection"};
  }
  co_return co_await set_soc(command.value);
}

Script LltJbdUp16s::set_soc(double percent) {
  const auto value = static_cast<std::uint16_t>(std::lround(percent * 100));
  co_await ask(patient(up16s::write(address_, kSoc, value), 2));
  Sample after;
  for (int look = 0; look < 3; ++look) {
    Request counters = up16s::read(address_, kCounters);
    counters.gap = 500ms;
    const Bytes reply = co_await ask(std::move(counters));
    co_await decode_counters(reply, after);
    if (std::abs(*after.soc - percent) <= 1) {
      fine_soc_ = after.soc;
      co_return done();
    }
  }
  co_return Error{Fault::unsupported, "the BMS acknowledged, but its SoC did not change"};
}

// -- what the bytes mean ----------------------------------------------------------

/// Behind the cells everything stands where their number and that of the sensors leave it. How long the rest is
/// depends on who answers.
Result<void> LltJbdUp16s::decode_status(ByteView data, Sample& out) {
  if (auto result = decode(kStatusFields, data, out); !result) {
    return result;
  }
  if (data.size() < kCells) {
    return Error{Fault::truncated, std::to_string(data.size()) + " bytes of pack status"};
  }
  const std::size_t cells = be16(data, kCellCount);
  if (auto result = decode_cells(data, kCells, cells, out); !result) {
    return result;
  }
  if (auto result = check_voltage(out, cells); !result) {
    return result;
  }

  Walk rest(data.subspan(kCells + 2 * cells));
  const auto sensors = static_cast<std::size_t>(rest.take(Wire::u16be));
  if (sensors > kMaxTemperatures) {
    return Error{Fault::implausible, std::to_string(sensors) + " temperature sensors"};
  }
  decode_sensors(rest.take(2 * sensors), Wire::u16be, -500, 10, out.temperatures);
  rest.skip(2);
  const auto balancing = rest.take(Wire::u16be); // bit 0 = cell 1
  const auto firmware = static_cast<unsigned>(rest.take(Wire::u16be));
  const ByteView serial = rest.take(kSerialSize);
  if (auto result = rest.check(); !result) {
    return result;
  }
  set_balancing(balancing, cells, out);
  decode_alarms(data, out);
  firmware_ = version_text(firmware);
  pack_serial_ = ascii_text(serial);
  rated_capacity_ = be16(data, kRatedCapacity) / 100.0;
  set_extra(out, "pack_serial", pack_serial_);
  return {};
}

void LltJbdUp16s::decode_alarms(ByteView data, Sample& out) const {
  const auto faults = integer(data, kFaults, Wire::u32be) & ~(quiet_full_charge_ ? kFullFault : 0);
  const auto alarms = integer(data, kAlarms, Wire::u32be) & ~(quiet_full_charge_ ? kFullAlarm : 0);
  raise_alarms(kConditions, alarms, faults, out.alarms);
  raise_alarms(kFaultBits, faults, out.alarms);
  raise_alarms(kAlarmBits, alarms, out.alarms);
  if (!config_.soc_alarms) {
    out.alarms.reset(Alarm::LowSoc);
  }
}

/// The serial number, or serial number and capacity of the pack as dbus-serialbattery joins them. Many packs
/// have the one of the factory there: what a master answers for is told apart by its address.
std::string LltJbdUp16s::unique_id(const Identity& identity) const {
  if (!identity.serial.empty() || !rated_capacity_) {
    return identity.serial;
  }
  const std::string id = pack_serial_ + "_" + ampere_hours(*rated_capacity_);
  return is_master() ? id : id + "_" + std::to_string(address_);
}

// -- captures -------------------------------------------------------------------

/// Without a configured address the recording tells which battery is meant.
bool LltJbdUp16s::same_request(ByteView wanted, ByteView recorded) const {
  if (!up16s::is_request(recorded) || (config_.address != 0 && wanted[0] != recorded[0])) {
    return false;
  }
  if (up16s::block_of(wanted) == kCounters && holds_counters(up16s::block_of(recorded))) {
    return true;
  }
  return std::equal(wanted.begin() + 1, wanted.end() - 2, recorded.begin() + 1, recorded.end() - 2);
}

/// What is read has been asked for by the other scripts.
Script LltJbdUp16s::replay(Bytes tx, Identity&, Sample& out) {
  if (!up16s::is_request(tx)) {
    co_return Error{Fault::unsupported, "not a request of this protocol"};
  }
  const Bytes reply = co_await ask(up16s::raw(std::move(tx)));
  if (up16s::block_of(reply).function == up16s::kWrite) {
    set_extra(out, "writes_ok", true);
  }
  co_return done();
}

// -- registry -------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 9600}};
constexpr std::uint32_t kAddresses[] = {1};
constexpr std::string_view kNames[] = {"LltJbd_Up16s", "JBD UP16S"};
constexpr ProtocolOption kOptions[] = {
    {"quiet_full_charge", "true, false", "a full battery is no warning of high voltage"},
    {"require_direct_connection", "true, false", "only the battery at this end of the cable, no chained one"},
};

} // namespace

constinit const ProtocolInfo LltJbdUp16s::kInfo = {
    .key = "lltjbd_up16s",
    .label = "JBD UP16S",
    .about = "JBD UP series: rack batteries of Eco-Worthy, Gobel and others; RS485, chained",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 18, // before lltjbd, which many of these boards answer too
    .chain = {1, 16},
    .answers_within = std::chrono::milliseconds(700),
    .capabilities = kCapabilities,
    .options = kOptions,
    .exchange = make_exchange<LltJbdUp16s>,
};

} // namespace bmsd::protocols
