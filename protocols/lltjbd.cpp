#include "protocols/lltjbd.hpp"

#include "protocols/core/options.hpp"
#include "protocols/core/text.hpp"
#include "protocols/core/values.hpp"
#include "protocols/lltjbd_frame.hpp"

#include <cmath>

namespace bmsd::protocols {

using namespace std::chrono_literals;
using jbd::data_of;

namespace {

// -- registers ------------------------------------------------------------------

enum Register : std::uint8_t {
  kEnterFactoryMode = 0x00,
  kLeaveFactoryMode = 0x01,
  kBasicInfo = 0x03,
  kCellVoltages = 0x04,
  kDeviceName = 0x05,
  kDesignCapacity = 0x10,
  kCycleCapacity = 0x11,
  kChargeOvercurrent = 0x28,
  kDischargeOvercurrent = 0x29,
  kFunctions = 0x2D,
  kManufacturer = 0xA0,
  kModel = 0xA1,
  kBarcode = 0xA2,
  kErrorCounts = 0xAA,
  kRemainingCapacity = 0xE0,
  kMosfetControl = 0xE1,
};

constexpr std::uint16_t kFactoryKey = 0x5678;
/// 0x2828 would store to EEPROM, but clears the error counters too; the vendor's app never sends it.
constexpr std::uint16_t kLeaveWithoutSaving = 0x0000;
constexpr std::uint16_t kChargeOff = 1, kDischargeOff = 2; // MOSFET control: 1 = off
constexpr std::uint16_t kBalancerBit = 1U << 2;            // functions

// -- basic info, register 0x03 -----------------------------------------------------

constexpr std::array kBasicFields = {
    field(&Sample::voltage, 0, Wire::u16be).per_unit(100),            // 10 mV
    field(&Sample::current, 2, Wire::s16be).per_unit(100),            // 10 mA, positive = charging
    field(&Sample::capacity_remaining, 4, Wire::u16be).per_unit(100), // 10 mAh
    field(&Sample::capacity_full, 6, Wire::u16be).per_unit(100),
    field(&Sample::cycles, 8, Wire::u16be),
    field(&Sample::soc, 19, Wire::u8), // capacities do not always agree with it
    field(&Sample::charge_enabled, 20, Wire::u8).bits(1),
    field(&Sample::discharge_enabled, 20, Wire::u8).bits(2),
    field(&Sample::cell_count, 21, Wire::u8).within(1, kMaxCells),
};
constexpr std::size_t kProductionDate = 10, kBalancingLow = 12, kBalancingHigh = 14, kProtection = 16, kVersion = 18,
                      kFets = 20, kSensorCount = 22, kSensors = 23;

/// A set bit means that the BMS has cut off already. Bit 12, "locked by MOSFET control", is a
/// state and no alarm. Level 1 of bits 4 to 9 is what users of dbus-serialbattery are used to.
constexpr AlarmBit kProtections[] = {
    {0, Alarm::HighCellVoltage, 2},      {1, Alarm::LowCellVoltage, 2},        {2, Alarm::HighVoltage, 2},
    {3, Alarm::LowVoltage, 2},           {4, Alarm::HighChargeTemperature, 1}, {5, Alarm::LowChargeTemperature, 1},
    {6, Alarm::HighTemperature, 1},      {7, Alarm::LowTemperature, 1},        {8, Alarm::HighChargeCurrent, 1},
    {9, Alarm::HighDischargeCurrent, 1}, {10, Alarm::HighDischargeCurrent, 2}, // short circuit
    {11, Alarm::InternalFailure, 2},                                           // front end
};
constexpr std::uint16_t kLockedBit = 1U << 12;

/// Day in bits 4..0, month in 8..5, years since 2000 in 15..9.
std::string produced_on(unsigned raw) {
  return date_text(2000 + (raw >> 9), raw >> 5 & 0x0F, raw & 0x1F);
}

/// 0x80 is "8.0", 0x1A is "1.10".
std::string version_text(std::uint8_t raw) {
  return std::to_string(raw >> 4) + "." + std::to_string(raw & 0x0F);
}

/// "80_5.0Ah". Saved settings of dbus-serialbattery hang on this spelling.
std::string unique_id(std::uint8_t version, double capacity) {
  return std::to_string(version >> 4) + std::to_string(version & 0x0F) + "_" + ampere_hours(capacity) + "Ah";
}

/// Registers 0xA0 to 0xA2 put the length in front; the device name 0x05 does not.
std::string counted_text(ByteView data) {
  return data.empty() ? std::string() : ascii_text(data.subspan(1, std::min<std::size_t>(data[0], data.size() - 1)));
}

/// Since the last reset: short circuit, overcurrent charging and discharging, cell over- and
/// undervoltage, charge over- and undertemperature, the same discharging, pack over- and undervoltage.
Result<void> decode_error_counts(ByteView data, Sample& out) {
  constexpr std::size_t kCounters = 11;
  if (data.size() < 2 * kCounters) {
    return Error{Fault::truncated, std::to_string(data.size()) + " bytes of error counters"};
  }
  std::vector<double> counts;
  for (std::size_t i = 0; i < kCounters; ++i) {
    counts.push_back(be16(data, 2 * i));
  }
  set_extra(out, "error_counts", std::move(counts));
  return {};
}

constexpr std::uint8_t kSettings[] = {kCycleCapacity, kChargeOvercurrent, kDischargeOvercurrent, kFunctions};

} // namespace

LltJbd::LltJbd(const ProtocolConfig& config)
    : config_(config), mos_sensor_(static_cast<std::size_t>(std::clamp(option(config, "mos_sensor", 1), 0.0, 32.0))) {}

// -- reading --------------------------------------------------------------------

Script LltJbd::identify(Identity& out) {
  introduce(kInfo, config_, out);
  co_await part(read_name(out));
  co_await part(read_description(out));
  co_return done();
}

Script LltJbd::settings(Identity&) {
  co_return co_await in_factory_mode(read_all_settings());
}

Script LltJbd::poll(Sample& out) {
  cell_count_ = 0;
  state_settings(out);
  co_await part(read_basic_info(out, 4ms));
  co_await part(read_cell_voltages(out));
  co_return done();
}

Script LltJbd::read_name(Identity& out) {
  const Bytes reply = co_await ask(jbd::read(kDeviceName));
  out.model = ascii_text(co_await data_of(reply));
  co_return done();
}

Script LltJbd::read_description(Identity& out) {
  const Bytes reply = co_await ask(jbd::read(kBasicInfo));
  const ByteView data = co_await data_of(reply);
  Sample first;
  co_await decode_basic_info(data, first);
  co_await check_voltage(first, cell_count_);
  if (*first.soc > 100) {
    co_return Error{Fault::implausible, "SoC"};
  }
  adopt_lock(data);
  out.hardware_version = version_text(data[kVersion]);
  out.manufacture_date = produced_on(be16(data, kProductionDate));
  out.cell_count = first.cell_count;
  out.capacity_full = first.capacity_full;
  out.unique_id = unique_id(data[kVersion], *first.capacity_full);
  version_ = data[kVersion];
  capacity_ = *first.capacity_full;
  co_return done();
}

Script LltJbd::read_basic_info(Sample& out, std::chrono::milliseconds gap) {
  Request info = jbd::read(kBasicInfo);
  info.gap = gap;
  const Bytes reply = co_await ask(std::move(info));
  const ByteView data = co_await data_of(reply);
  co_await decode_basic_info(data, out);
  // The capacity may be learned anew or edited a little.
  if (version_ && (data[kVersion] != *version_ || std::abs(*out.capacity_full - capacity_) > 0.05 * capacity_)) {
    out = {};
    co_return Error{Fault::implausible, "another version and capacity: another BMS"};
  }
  co_return done();
}

Script LltJbd::read_cell_voltages(Sample& out) {
  const Bytes reply = co_await ask(jbd::read(kCellVoltages));
  co_await decode_cell_voltages(co_await data_of(reply), out);
  co_return done();
}

Script LltJbd::read_setting(std::uint8_t reg) {
  const Bytes reply = co_await ask(jbd::read(reg));
  co_await decode_setting(reg, co_await data_of(reply));
  co_return done();
}

Script LltJbd::read_all_settings() {
  for (auto reg : kSettings) {
    (void)co_await read_setting(reg); // without it the configured limits stay in force
  }
  co_return done();
}

// -- writing --------------------------------------------------------------------

Script LltJbd::write(std::uint8_t reg, std::uint16_t value) {
  const Bytes reply = co_await ask(jbd::write(reg, value));
  co_await data_of(reply); // the acknowledgement is empty
  co_return done();
}

Script LltJbd::in_factory_mode(Script work) {
  Result<void> outcome = co_await write(kEnterFactoryMode, kFactoryKey);
  if (outcome) {
    outcome = co_await std::move(work);
  }
  // Also when entering went unanswered: the board may have heard it.
  const Result<void> left = co_await write(kLeaveFactoryMode, kLeaveWithoutSaving);
  co_return outcome ? left : outcome;
}

Script LltJbd::command(Command command) {
  co_await permitted(config_, command);
  switch (command.kind) {
  case CommandKind::force_charging_off: co_return co_await switch_fet(kChargeOff, command.value == 1);
  case CommandKind::force_discharging_off: co_return co_await switch_fet(kDischargeOff, command.value == 1);
  case CommandKind::turn_balancing_off: co_return co_await in_factory_mode(set_balancer_bit(command.value == 0));
  case CommandKind::set_soc: co_return co_await set_soc(command.value);
  default: co_return Error{Fault::unsupported, "a JBD board cannot do that"};
  }
}

/// Both FETs are written together. The other one keeps what was last commanded, not what it does
/// now: a FET that a protection has opened must not stay locked afterwards.
Script LltJbd::switch_fet(std::uint16_t bit, bool off) {
  const std::uint16_t before = fet_off_.value_or(0);
  const auto wanted = static_cast<std::uint16_t>(off ? before | bit : before & ~bit);
  co_await part(write(kMosfetControl, wanted));
  fet_off_ = wanted;
  (void)co_await write(kLeaveFactoryMode, kLeaveWithoutSaving); // as the vendor's app does
  co_return done();
}

Script LltJbd::set_balancer_bit(bool on) {
  co_await part(read_setting(kFunctions));
  if (!functions_) {
    co_return Error{Fault::unsupported, "the BMS does not tell its function bits"};
  }
  const auto wanted = static_cast<std::uint16_t>(on ? *functions_ | kBalancerBit : *functions_ & ~kBalancerBit);
  co_await part(write(kFunctions, wanted));
  functions_ = wanted;
  co_return done();
}

/// Not every firmware takes a new capacity, so only the SoC read back counts as success.
Script LltJbd::set_soc(double percent) {
  Sample before;
  co_await part(read_basic_info(before, 4ms));
  if (before.capacity_full.value_or(0) <= 0) {
    co_return Error{Fault::unsupported, "the BMS does not tell its capacity"};
  }
  const auto remaining = static_cast<std::uint16_t>(std::lround(*before.capacity_full * percent));
  co_await part(in_factory_mode(write(kRemainingCapacity, remaining)));
  Sample after;
  for (int look = 0; look < 3; ++look) {
    co_await part(read_basic_info(after, 500ms));
    if (after.soc && std::abs(*after.soc - percent) <= 1) {
      co_return done();
    }
  }
  co_return Error{Fault::unsupported, "the BMS acknowledged, but its SoC did not change"};
}

// -- what the bytes mean ----------------------------------------------------------

Result<void> LltJbd::decode_basic_info(ByteView data, Sample& out) {
  if (data.size() < kSensors) {
    return Error{Fault::truncated, std::to_string(data.size()) + " bytes of basic info"};
  }
  if (auto result = decode(kBasicFields, data, out); !result) {
    return result;
  }
  cell_count_ = static_cast<std::size_t>(*out.cell_count);

  // Bit 0 of the low word is cell 1: of an 11S pack with word 0x0282, cell 8 was the highest.
  const std::uint32_t bits = be16(data, kBalancingLow) | static_cast<std::uint32_t>(be16(data, kBalancingHigh)) << 16;
  set_balancing(bits, cell_count_, out);

  raise_alarms(kProtections, be16(data, kProtection), out.alarms);
  raise_low_soc(config_, out);
  decode_temperatures(data, out.temperatures);
  return {};
}

/// 0.1 K from 273.1 K on. More sensors announced than sent: the complete ones count.
void LltJbd::decode_temperatures(ByteView data, Temperatures& out) const {
  constexpr std::size_t kBatterySensors = 4;
  const std::size_t count = std::min<std::size_t>(data[kSensorCount], (data.size() - kSensors) / 2);
  const std::size_t mos = data[kSensorCount] == 1 ? 0 : mos_sensor_;
  std::size_t next = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = sensor((be16(data, kSensors + 2 * i) - 2731) / 10.0);
    if (i + 1 == mos) {
      out.mos = value;
    } else if (next < kBatterySensors) {
      out.battery[next++] = value;
    }
  }
}

/// A wired board with a free cell input reports 0 mV there. All are handed on, true or not.
Result<void> LltJbd::decode_cell_voltages(ByteView data, Sample& out) const {
  return read_cells(data, 0, cell_count_ != 0 ? cell_count_ : data.size() / 2, out);
}

/// The overcurrent thresholds are trip points, the one for discharge negative.
Result<void> LltJbd::decode_setting(std::uint8_t reg, ByteView data) {
  if (data.size() < 2) {
    return Error{Fault::truncated, "setting without a value"};
  }
  const std::uint16_t raw = be16(data, 0);
  const double trip = std::abs(static_cast<std::int16_t>(raw)) / 100.0;
  const auto limit = trip > 0 ? std::optional(trip) : std::nullopt;
  switch (reg) {
  case kCycleCapacity: cycle_capacity_ = raw / 100.0; break;
  case kChargeOvercurrent: max_charge_current_ = limit; break;
  case kDischargeOvercurrent: max_discharge_current_ = limit; break;
  case kFunctions: functions_ = raw; break;
  default: break;
  }
  return {};
}

void LltJbd::state_settings(Sample& out) const {
  out.max_charge_current = max_charge_current_;
  out.max_discharge_current = max_discharge_current_;
  if (functions_) {
    out.balancer_enabled = (*functions_ & kBalancerBit) != 0;
  }
  if (cycle_capacity_) {
    set_extra(out, "cycle_capacity", *cycle_capacity_);
  }
}

/// A lock outlives the program that set it. While nothing but the lock is reported, the FETs that
/// are off are those that it holds.
void LltJbd::adopt_lock(ByteView data) {
  if (!fet_off_ && be16(data, kProtection) == kLockedBit) {
    fet_off_ = static_cast<std::uint16_t>(~data[kFets] & (kChargeOff | kDischargeOff));
  }
}

// -- captures -------------------------------------------------------------------

/// The checksum may differ: a program that sums wrongly asked for the same.
bool LltJbd::same_request(ByteView wanted, ByteView recorded) const {
  return jbd::is_request(recorded) && wanted.size() == recorded.size() &&
         std::equal(wanted.begin(), wanted.end() - 3, recorded.begin());
}

Script LltJbd::replay(Bytes tx, Identity& identity, Sample& out) {
  if (!jbd::is_request(tx)) {
    co_return Error{Fault::unsupported, "not a request of this protocol"};
  }
  const bool write = jbd::is_write(tx);
  const std::uint8_t reg = tx[2];
  const Bytes reply = co_await ask(jbd::raw(std::move(tx)));
  const ByteView data = co_await data_of(reply);
  if (write) {
    set_extra(out, "writes_ok", true);
    co_return done();
  }
  switch (reg) {
  case kBasicInfo: co_return decode_basic_info(data, out);
  case kCellVoltages: co_return decode_cell_voltages(data, out);
  case kErrorCounts: co_return decode_error_counts(data, out);
  case kManufacturer: identity.manufacturer = counted_text(data); break;
  case kModel: identity.model = counted_text(data); break;
  case kBarcode: identity.serial = counted_text(data); break;
  default:
    if (std::find(std::begin(kSettings), std::end(kSettings), reg) != std::end(kSettings)) {
      co_await decode_setting(reg, data);
      state_settings(out);
    } else if (reg == kDesignCapacity && data.size() >= 2) {
      set_extra(out, "capacity_nominal", be16(data, 0) / 100.0);
    }
  }
  co_return done();
}

// -- registry -------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 9600}};
constexpr std::string_view kNames[] = {"LltJbd", "LLT/JBD", "jbd", "overkill"};
constexpr ProtocolOption kOptions[] = {
    {"mos_sensor", "0..32", "which temperature sensor is the MOSFET's; 0: none"},
};

} // namespace

constinit const ProtocolInfo LltJbd::kInfo = {
    .key = "lltjbd",
    .label = "LLT/JBD",
    .about = "LLT Power, Jiabaida (JBD), Overkill Solar, Xiaoxiang; UART, RS485, RS232",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .detect_order = 40, // boards of the UP series answer this too: their own protocol goes first
    .capabilities = kCapabilities,
    .options = kOptions,
    .exchange = make_exchange<LltJbd>,
};

} // namespace bmsd::protocols
