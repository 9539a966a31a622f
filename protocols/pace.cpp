#include "protocols/pace.hpp"

#include "protocols/core/text.hpp"
#include "protocols/core/values.hpp"
#include "protocols/pace_frame.hpp"

#include <algorithm>

namespace bmsd::protocols {

using namespace std::chrono_literals;
using namespace pace;

namespace {

constexpr std::uint32_t kHighestAddress = 15; // DIP switch

// -- analog values, CID2 0x42 -------------------------------------------------------------

constexpr std::array kPackFields = {
    field(&Sample::current, 0, Wire::s16be).per_unit(100), // 10 mA, positive = charging
    field(&Sample::voltage, 2, Wire::u16be).per_unit(1000),
    field(&Sample::capacity_remaining, 4, Wire::u16be).per_unit(100), // 10 mAh
    field(&Sample::capacity_full, 7, Wire::u16be).per_unit(100),      // as learned
    field(&Sample::cycles, 9, Wire::u16be),
    extra("capacity_nominal", 11, Wire::u16be).per_unit(100),
};
constexpr std::size_t kDesignCapacity = 11;
/// Cells 1 to 4, power stage, environment, in 0.1 K; what more sensors measure is not documented.
constexpr auto kSensors = sensor_row(Wire::u16be, -2730, 10, 0, 1, 2, 3, &Temperatures::mos, &Temperatures::env);

// -- warnings, CID2 0x44 --------------------------------------------------------------------

enum State : std::size_t {
  kProtect1 = 0,
  kProtect2 = 1,
  kInstruction = 2,
  kFaults = 4,
  kBalancingCells = 5, // 1 to 8, then 9 to 16
  kWarn1 = 7,
  kWarn2 = 8,
};

/// Warnings and protections 1.
constexpr AlarmPair kConditions1[] = {
    {0, 0, Alarm::HighCellVoltage}, {1, 1, Alarm::LowCellVoltage},    {2, 2, Alarm::HighVoltage},
    {3, 3, Alarm::LowVoltage},      {4, 4, Alarm::HighChargeCurrent}, {5, 5, Alarm::HighDischargeCurrent},
};
constexpr AlarmBit kShortCircuit[] = {{6, Alarm::HighDischargeCurrent}}; // of protections 1
/// Warnings and protections 2. Bits 4 and 5 of the warnings, 5 and 6 of the protections are the environment; bit 7 of
/// the protections is "fully charged".
constexpr AlarmPair kConditions2[] = {
    {0, 0, Alarm::HighChargeTemperature}, {1, 1, Alarm::HighTemperature},         {2, 2, Alarm::LowChargeTemperature},
    {3, 3, Alarm::LowTemperature},        {6, 4, Alarm::HighInternalTemperature},
};
constexpr AlarmBit kCapacityWarning[] = {{7, Alarm::LowSoc, 1}}; // of warnings 2
/// FETs, temperature sensors, cells, sampling.
constexpr AlarmBit kFaultBits[] = {
    {0, Alarm::InternalFailure}, {1, Alarm::InternalFailure}, {2, Alarm::InternalFailure},
    {4, Alarm::InternalFailure}, {5, Alarm::InternalFailure},
};

constexpr std::uint8_t kChargeOn = 0x02, kDischargeOn = 0x04; // of the instruction
constexpr std::array kStateFields = {
    field(&Sample::charge_enabled, kInstruction, Wire::u8).bits(kChargeOn),
    field(&Sample::discharge_enabled, kInstruction, Wire::u8).bits(kDischargeOn),
    extra_flag("current_limiter", kInstruction, Wire::u8).bits(0x01),
    extra_flag("fully_charged", kProtect2, Wire::u8).bits(0x80),
};

// -- settings -----------------------------------------------------------------------------------

/// Thresholds in mV: warning, protection, release.
constexpr std::array kCellOvervoltageFields = {
    extra("cell_ov_alarm", 1, Wire::u16be).per_unit(1000),
    extra("cell_ov_protect", 3, Wire::u16be).per_unit(1000),
    extra("cell_ov_release", 5, Wire::u16be).per_unit(1000),
};
constexpr std::array kCellUndervoltageFields = {
    extra("cell_uv_alarm", 1, Wire::u16be).per_unit(1000),
    extra("cell_uv_protect", 3, Wire::u16be).per_unit(1000),
    extra("cell_uv_release", 5, Wire::u16be).per_unit(1000),
};
constexpr std::array kPackOvervoltageFields = {
    extra("pack_ov_alarm", 1, Wire::u16be).per_unit(1000),
    extra("pack_ov_protect", 3, Wire::u16be).per_unit(1000),
    extra("pack_ov_release", 5, Wire::u16be).per_unit(1000),
};
constexpr std::array kPackUndervoltageFields = {
    extra("pack_uv_alarm", 1, Wire::u16be).per_unit(1000),
    extra("pack_uv_protect", 3, Wire::u16be).per_unit(1000),
    extra("pack_uv_release", 5, Wire::u16be).per_unit(1000),
};
/// In A. The BMS warns at the first and opens a FET at the second; discharging has a negative sign.
constexpr std::array kChargeOvercurrentFields = {
    extra("charge_oc_alarm", 1, Wire::s16be).within(0, 32767),
    extra("charge_oc_protect", 3, Wire::s16be).within(0, 32767),
    field(&Sample::max_charge_current, 1, Wire::s16be).absent(0),
};
constexpr std::array kDischargeOvercurrentFields = {
    extra("discharge_oc_alarm", 1, Wire::s16be).per_unit(-1).within(0, 32768),
    extra("discharge_oc_protect", 3, Wire::s16be).per_unit(-1).within(0, 32768),
    field(&Sample::max_discharge_current, 1, Wire::s16be).per_unit(-1).absent(0),
};
constexpr std::array kFullChargeFields = {
    extra("full_charge_voltage", 1, Wire::u16be).per_unit(1000),
    extra("full_charge_current", 3, Wire::u16be).per_unit(1000),
    extra("soc_low_alarm", 5, Wire::u8),
};
constexpr std::array kBalancingFields = {
    extra("balance_start_voltage", 0, Wire::u16be).per_unit(1000),
    extra("balance_delta", 2, Wire::u16be).per_unit(1000),
};
constexpr std::array kCapacityFields = {
    field(&Sample::capacity_remaining, 0, Wire::u16be).per_unit(100),
    field(&Sample::capacity_full, 2, Wire::u16be).per_unit(100),
    extra("capacity_nominal", 4, Wire::u16be).per_unit(100),
};

struct Setting {
  Cid2 command;
  std::size_t size; ///< of INFO
  std::span<const Field<Sample>> fields;
};
constexpr Setting kSettings[] = {
    {kChargeOvercurrent, 6, kChargeOvercurrentFields},
    {kDischargeOvercurrent, 6, kDischargeOvercurrentFields},
    {kCellOvervoltage, 8, kCellOvervoltageFields},
    {kCellUndervoltage, 8, kCellUndervoltageFields},
    {kPackOvervoltage, 8, kPackOvervoltageFields},
    {kPackUndervoltage, 8, kPackUndervoltageFields},
    {kFullCharge, 6, kFullChargeFields},
    {kBalancing, 4, kBalancingFields},
};

Result<void> decode_setting(std::uint8_t command, ByteView info, Sample& out) {
  for (const auto& setting : kSettings) {
    if (setting.command == command) {
      return info.size() == setting.size
                 ? decode(setting.fields, info, out)
                 : Error{Fault::framing, "setting of " + std::to_string(info.size()) + " bytes"};
    }
  }
  return {};
}

// -- what the bytes mean ------------------------------------------------------------------------

/// The BMS sends both capacities instead of a percentage; the learned capacity may exceed the design.
std::optional<double> percent(double part, std::optional<double> whole) {
  return whole.value_or(0) > 0 ? std::optional(std::min(100 * part / *whole, 100.0)) : std::nullopt;
}

Result<void> decode_version(ByteView info, Identity& out) {
  if (info.size() != 20) {
    return Error{Fault::framing, "version of " + std::to_string(info.size()) + " bytes"};
  }
  out.firmware_version = ascii_text(info);
  return {};
}

/// The serial number of the BMS, then on some boards that of the pack.
Result<void> decode_product(ByteView info, Identity& out, Sample& constant) {
  if (info.size() != 20 && info.size() != 40) {
    return Error{Fault::framing, "serial numbers of " + std::to_string(info.size()) + " bytes"};
  }
  out.serial = ascii_text(info.first(20));
  out.unique_id = out.serial;
  set_text(constant, "pack_serial", ascii_text(info.subspan(20)));
  return {};
}

bool is_write(std::uint8_t command) {
  return command >= kSwitchFunction && command <= kSwitchDischarge;
}

} // namespace

Pace::Pace(const ProtocolConfig& config)
    : config_(config), address_(static_cast<std::uint8_t>(config.address)), device_(kIronPhosphate), number_(address_) {
}

Request Pace::read(std::uint8_t command) const {
  return request(device_, address_, command);
}

Request Pace::read_pack(std::uint8_t command) const {
  return request(device_, address_, command, number_);
}

// -- reading -------------------------------------------------------------------------------------

Script Pace::identify(Identity& out) {
  if (config_.address > kHighestAddress) {
    co_return Error{Fault::rejected, "addresses are 0 to 15"};
  }
  introduce(kInfo, config_, out);
  co_await part(find_pack(out));
  if (!relayed_) {
    co_await part(if_answered(read_version(out)));
    co_await part(if_answered(read_product(out)));
  }
  co_return done();
}

/// The vendor's number of a pack is its address, of a single pack with address 0 it is 1 or "all". There are boards
/// that number themselves 1 whatever their address, and boards for lithium-ion with a CID1 of their own.
Script Pace::find_pack(Identity& out) {
  struct Way {
    std::uint8_t device, number;
    bool useful;
  };
  const Way ways[] = {
      {kIronPhosphate, address_, true},
      {kIronPhosphate, 1, address_ != 1},
      {kIronPhosphate, kAllPacks, address_ == 0},
      {kLithiumIon, address_, true},
  };
  Result<Bytes> reply = Error{Fault::timeout, "no answer"};
  for (const auto& way : ways) {
    if (!way.useful) {
      continue;
    }
    device_ = way.device;
    number_ = way.number;
    Request analog = read_pack(kAnalog);
    analog.first_byte = 600ms; // many wait for the search to end
    analog.retries = &way == ways ? 1 : 0;
    reply = co_await attempt(std::move(analog));
    const bool refused = reply && !yd1363::info_of(*reply);
    if (!refused && (reply || reply.error().fault != Fault::timeout)) {
      break;
    }
  }
  const Bytes answer = co_await std::move(reply);
  relayed_ = (co_await yd1363::parse(answer)).address != address_;
  co_return describe(co_await yd1363::info_of(answer), out);
}

Script Pace::read_version(Identity& out) {
  const Bytes reply = co_await ask(read(kVersion));
  co_return decode_version(co_await yd1363::info_of(reply), out);
}

Script Pace::read_product(Identity& out) {
  const Bytes reply = co_await ask(read(kProduct));
  co_return decode_product(co_await yd1363::info_of(reply), out, constant_);
}

Script Pace::settings(Identity&) {
  Result<void> outcome;
  if (relayed_) { // they would be the master's
    co_return outcome;
  }
  for (const auto& setting : kSettings) {
    const Result<void> result = co_await if_answered(read_setting(setting.command));
    outcome = outcome ? result : outcome;
  }
  co_return outcome;
}

Script Pace::read_setting(std::uint8_t command) {
  const Bytes reply = co_await ask(read(command));
  Sample limits = constant_;
  co_await decode_setting(command, co_await yd1363::info_of(reply), limits);
  constant_ = std::move(limits);
  co_return done();
}

Script Pace::poll(Sample& out) {
  out = constant_;
  co_await part(read_analog(out));
  co_await part(read_warnings(out));
  co_return done();
}

Script Pace::read_analog(Sample& out) {
  const Bytes reply = co_await ask(read_pack(kAnalog));
  co_await decode_analog(co_await yd1363::info_of(reply), out);
  relayed_ = (co_await yd1363::parse(reply)).address != address_;
  co_return done();
}

Script Pace::read_warnings(Sample& out) {
  const Bytes reply = co_await ask(read_pack(kWarnings));
  co_await decode_warnings(co_await yd1363::info_of(reply), out);
  co_return done();
}

Result<void> Pace::describe(ByteView info, Identity& out) const {
  Sample first;
  if (auto result = decode_analog(info, first); !result) {
    return result;
  }
  out.cell_count = first.cell_count;
  out.capacity_full = first.capacity_full;
  return {};
}

Result<void> Pace::decode_analog(ByteView info, Sample& out) const {
  const auto parts = analog(info, config_.address);
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
  out.soc = percent(*out.capacity_remaining, out.capacity_full);
  out.soh = percent(*out.capacity_full, be16(parts->pack, kDesignCapacity) / 100.0);
  return decode(kSensors, parts->temperatures, out);
}

Result<void> Pace::decode_warnings(ByteView info, Sample& out) const {
  const auto parts = warnings(info, config_.address);
  if (!parts) {
    return parts.error();
  }
  if (!out.cell_voltages.empty() && out.cell_voltages.size() != parts->cells) {
    return Error{Fault::implausible, "warnings of " + std::to_string(parts->cells) + " cells"};
  }
  const ByteView state = parts->state;
  raise_alarms(kConditions1, state[kWarn1], state[kProtect1], out.alarms);
  raise_alarms(kShortCircuit, state[kProtect1], out.alarms);
  raise_alarms(kConditions2, state[kWarn2], state[kProtect2], out.alarms);
  raise_alarms(kFaultBits, state[kFaults], out.alarms);
  if (config_.soc_alarms) {
    raise_alarms(kCapacityWarning, state[kWarn2], out.alarms);
  }
  set_balancing(le16(state, kBalancingCells), parts->cells, out);
  return decode(kStateFields, state, out);
}

// -- writing ---------------------------------------------------------------------------------------

Script Pace::command(Command command) {
  co_await permitted(config_, command);
  switch (command.kind) {
  case CommandKind::force_charging_off: co_return co_await switch_fet(kSwitchCharge, kChargeOn, command.value == 1);
  case CommandKind::force_discharging_off:
    co_return co_await switch_fet(kSwitchDischarge, kDischargeOn, command.value == 1);
  default: co_return Error{Fault::unsupported, "a PACE BMS cannot do that"};
  }
}

/// The acknowledgement holds the new state. A FET that is allowed again may stay open by a protection.
Script Pace::switch_fet(std::uint8_t command, std::uint8_t fet, bool off) {
  if (relayed_) {
    co_return Error{Fault::unsupported, "another pack answers for this one: it could switch itself"};
  }
  if (off && (locked_off_ & ~fet) != 0) {
    co_return Error{Fault::unsupported, "the BMS cannot have both FETs off by command"};
  }
  const Bytes reply = co_await ask(request(device_, address_, command, std::uint8_t{off}));
  const Bytes state = co_await yd1363::info_of(reply);
  if (state.size() != 1) {
    co_return Error{Fault::framing, "acknowledgement of " + std::to_string(state.size()) + " bytes"};
  }
  if (off && (state[0] & fet) != 0) {
    co_return Error{Fault::refused, "acknowledged, but the FET stayed on"};
  }
  locked_off_ = static_cast<std::uint8_t>(off ? locked_off_ | fet : locked_off_ & ~fet);
  co_return done();
}

// -- captures ----------------------------------------------------------------------------------------

Script Pace::replay(Bytes tx, Identity& identity, Sample& out) {
  const auto asked = co_await yd1363::parse(tx);
  const Bytes reply = co_await ask(request(asked.device, asked.address, asked.command, asked.info));
  const auto frame = co_await yd1363::parse(reply);
  if (yd1363::tell_refusal(frame, out)) {
    co_return done();
  }
  if (is_write(asked.command)) {
    set_extra(out, "writes_ok", true);
    co_return done();
  }
  switch (asked.command) {
  case kAnalog: co_return decode_analog(frame.info, out);
  case kWarnings: co_return decode_warnings(frame.info, out);
  case kVersion: co_return decode_version(frame.info, identity);
  case kProduct: co_return decode_product(frame.info, identity, out);
  case kCapacities: co_return decode(kCapacityFields, frame.info, out);
  case kPackCount:
    if (!frame.info.empty()) {
      set_extra(out, "pack_count", static_cast<double>(frame.info[0]));
    }
    co_return done();
  default: co_return decode_setting(asked.command, frame.info, out);
  }
}

// -- registry ------------------------------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 9600}};
constexpr std::uint32_t kAddresses[] = {0, 1};
constexpr std::string_view kNames[] = {"Pace"};

} // namespace

constinit const ProtocolInfo Pace::kInfo = {
    .key = "pace",
    .label = "PACE",
    .about = "PACE BMS (P16S100A to P16S200A, P8S); Jakiper, Gobel, Easun, Greenrich, Hubble, SOK; RS232, RS485",
    .aliases = kNames,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 65,
    .chain = {0, 15},
    .first_requests = 2,
    .poll_interval = 2000ms,
    .capabilities = {.charge_switch = true, .discharge_switch = true},
    .exchange = make_exchange<Pace>,
};

} // namespace bmsd::protocols
