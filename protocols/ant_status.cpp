#include "protocols/ant_status.hpp"

#include "protocols/core/text.hpp"
#include "protocols/core/values.hpp"

#include <string>

namespace bmsd::protocols {

namespace {

constexpr double kMostAmperes = 2000; // the largest boards are made for 600
constexpr double kHighestCell = kHighestCellVoltage;

// -- FETs and balancer, the same in both variants ----------------------------------

struct FetState {
  std::uint8_t code = 0;
  std::optional<Alarm> charge, discharge; ///< by the FET that has this code
};
constexpr auto kNone = std::nullopt;

/// A FET that is not on tells why: by a protection, which is an alarm, or for another reason.
constexpr FetState kFetStates[] = {
    {kFetOff, kNone, kNone},
    {kFetOn, kNone, kNone},
    {2, Alarm::HighCellVoltage, Alarm::LowCellVoltage},
    {3, Alarm::HighChargeCurrent, Alarm::HighDischargeCurrent},
    {4, kNone, Alarm::HighDischargeCurrent}, // full; second level, of 2021
    {5, Alarm::HighVoltage, Alarm::LowVoltage},
    {6, Alarm::HighChargeTemperature, Alarm::HighTemperature},            // cells
    {7, Alarm::HighInternalTemperature, Alarm::HighInternalTemperature},  // MOSFET
    {8, Alarm::InternalFailure, Alarm::InternalFailure},                  // abnormal current
    {9, Alarm::InternalFailure, Alarm::InternalFailure},                  // balance wire lost
    {10, Alarm::HighInternalTemperature, Alarm::HighInternalTemperature}, // board
    {11, kNone, kNone},                                                   // forced on by the charge FET
    {12, Alarm::InternalFailure, Alarm::HighDischargeCurrent},            // does not turn on; short circuit
    {13, Alarm::InternalFailure, Alarm::InternalFailure},                 // discharge FET faulty
    {14, kNone, Alarm::InternalFailure},                                  // waiting; does not start
    {kFetSwitchedOff, kNone, kNone},
    {16, Alarm::HighCellVoltage, Alarm::LowCellVoltage}, // second level
    {17, Alarm::LowChargeTemperature, Alarm::LowTemperature},
    {18, Alarm::CellImbalance, Alarm::CellImbalance},
    {19, kNone, Alarm::InternalFailure}, // self-test
    {20, Alarm::InternalFailure, kNone}, // self-test
};

void raise(std::optional<Alarm> alarm, bool active, Alarms& out) {
  if (alarm) {
    out.raise(*alarm, active ? AlarmLevel{2} : AlarmLevel{0});
  }
}

/// 1 at the limit, 2 by the difference while charging, 4 automatic; 0 off, 3 too hot, 10 board too hot.
std::optional<bool> is_balancing(std::uint8_t code) {
  switch (code) {
  case 1:
  case 2:
  case 4: return true;
  case 0:
  case 3:
  case 10: return false;
  default: return std::nullopt; // nobody has described it
  }
}

void state_switches(std::uint8_t charge, std::uint8_t discharge, std::uint8_t balancer, Sample& out) {
  out.charge_enabled = charge == kFetOn;
  out.discharge_enabled = discharge == kFetOn;
  out.balancing = is_balancing(balancer);
  set_extra(out, "charge_fet_code", static_cast<double>(charge));
  set_extra(out, "discharge_fet_code", static_cast<double>(discharge));
  set_extra(out, "balancer_code", static_cast<double>(balancer));
  for (const auto& state : kFetStates) {
    raise(state.charge, state.code == charge, out.alarms);
    raise(state.discharge, state.code == discharge, out.alarms);
  }
}

/// As the vendor's app counts: complete capacities that went through the pack.
void count_cycles(Sample& out) {
  if (out.capacity_full.value_or(0) >= 1) {
    out.cycles = static_cast<int>(*out.total_ah_drawn / *out.capacity_full);
  }
}

} // namespace

// -- 2019 -----------------------------------------------------------------------

namespace ant2019 {

namespace {

constexpr std::array kFields = {
    field(&Sample::voltage, 4, Wire::u16be).per_unit(10),
    field(&Sample::current, 70, Wire::s32be).per_unit(-10).within(-kMostAmperes, kMostAmperes), // raw: discharging
    field(&Sample::soc, 74, Wire::u8).within(0, 100),
    field(&Sample::capacity_full, 75, Wire::u32be).per_unit(1e6).absent(0),
    field(&Sample::capacity_remaining, 79, Wire::u32be).per_unit(1e6),
    field(&Sample::total_ah_drawn, 83, Wire::u32be).per_unit(1000),
    extra("runtime_s", 87, Wire::u32be),
    field(&Sample::power, 111, Wire::s32be).per_unit(-1),
    extra("max_cell_no", 115, Wire::u8),
    field(&Sample::max_cell_voltage, 116, Wire::u16be).per_unit(1000).within(0, kHighestCell),
    extra("min_cell_no", 118, Wire::u8),
    field(&Sample::min_cell_voltage, 119, Wire::u16be).per_unit(1000).within(0, kHighestCell),
    field(&Sample::cell_count, 123, Wire::u8).within(1, kMaxCells),
};
constexpr std::size_t kCells = 6, kTemperatures = 91, kBalancer = 105, kBalancing = 132;

} // namespace

Result<void> decode_status(ByteView frame, std::size_t sensors, Sample& out) {
  if (auto result = decode(kFields, frame, out); !result) {
    return result;
  }
  const auto cells = static_cast<std::size_t>(*out.cell_count);
  if (auto result = decode_cells(frame, kCells, cells, out); !result) {
    return result;
  }
  if (auto result = check_voltage(out, cells); !result) {
    return result;
  }
  decode_sensors(frame.subspan(kTemperatures, 2 * std::min(sensors, kSensors)), Wire::s16be, 0, 1, out.temperatures);
  set_balancing(integer(frame, kBalancing, Wire::u32be), cells, out);
  state_switches(frame[kChargeFetAt], frame[kDischargeFetAt], frame[kBalancer], out);
  count_cycles(out);
  return {};
}

} // namespace ant2019

// -- 2021 -----------------------------------------------------------------------

namespace ant2021 {

namespace {

// The vendor's offsets count from the first byte of the reply.

constexpr std::size_t from_data(std::size_t offset) {
  return offset - 6;
}
constexpr std::size_t kPermission = from_data(6), kState = from_data(7), kSensorCount = from_data(8),
                      kCellCount = from_data(9), kCells = from_data(34);

constexpr std::array kHead = {
    extra("permission", kPermission, Wire::u8),
    extra("state", kState, Wire::u8), // 1 idle, 2 charging, 3 discharging, 4 standby, 5 error; not to be relied on
    field(&Sample::cell_count, kCellCount, Wire::u8).within(1, kMaxCells),
};
constexpr std::size_t kMostSensors = 8;

/// Offsets of what follows the sensors, which move it by two bytes for each cell and sensor.
constexpr std::size_t moved(std::size_t offset) {
  return offset - 34;
}
constexpr std::array kTail = {
    sensor_field(&Temperatures::mos, moved(34), Wire::s16le),
    sensor_field(&Temperatures::balancer, moved(36), Wire::s16le),
    field(&Sample::voltage, moved(38), Wire::u16le).per_unit(100),
    field(&Sample::current, moved(40), Wire::s16le).per_unit(-10).within(-kMostAmperes, kMostAmperes),
    field(&Sample::soc, moved(42), Wire::u16le).within(0, 100),
    field(&Sample::soh, moved(44), Wire::u16le).within(0, 100),
    field(&Sample::capacity_full, moved(50), Wire::u32le).per_unit(1e6).absent(0),
    field(&Sample::capacity_remaining, moved(54), Wire::u32le).per_unit(1e6),
    field(&Sample::total_ah_drawn, moved(58), Wire::u32le).per_unit(1000), // half of charged and discharged together
    field(&Sample::power, moved(62), Wire::s32le).per_unit(-1),
    extra("runtime_s", moved(66), Wire::u32le),
    field(&Sample::max_cell_voltage, moved(74), Wire::u16le).per_unit(1000).within(0, kHighestCell),
    extra("max_cell_no", moved(76), Wire::u16le),
    field(&Sample::min_cell_voltage, moved(78), Wire::u16le).per_unit(1000).within(0, kHighestCell),
    extra("min_cell_no", moved(80), Wire::u16le),
    extra("discharged_ah", moved(96), Wire::u32le).per_unit(1000),
    extra("charged_ah", moved(100), Wire::u32le).per_unit(1000),
    extra("discharge_time_s", moved(104), Wire::u32le),
    extra("charge_time_s", moved(108), Wire::u32le),
};
/// The document has the two FETs the other way round; what the switches do in recordings proves this order.
constexpr std::size_t kDischargeFet = moved(46), kChargeFet = moved(47), kBalancer = moved(48), kBalancing = moved(70),
                      kChemistry = moved(94), kTailSize = moved(112);

std::string_view chemistry(std::uint16_t code) {
  switch (code) {
  case 0xFAF1: return "NMC";
  case 0xFAF2: return "LFP";
  case 0xFAF3: return "LTO";
  case 0xFAF4: return "custom";
  default: return {};
  }
}

constexpr std::size_t kModelSize = 16;

struct Setting {
  std::uint16_t address;
  std::optional<double> Limits::*value;
  double per_unit;
};
constexpr Setting kSettings[] = {
    {kChargeLimitAt, &Limits::charge, 10},
    {kDischargeLimitAt, &Limits::discharge, 10},
};

} // namespace

Result<void> decode_status(ByteView data, Sample& out) {
  if (auto result = decode(kHead, data, out); !result) {
    return result;
  }
  const auto cells = static_cast<std::size_t>(*out.cell_count);
  const std::size_t sensors = data[kSensorCount];
  if (sensors > kMostSensors) {
    return Error{Fault::implausible, std::to_string(sensors) + " temperature sensors"};
  }
  Walk walk(data);
  walk.skip(kCells);
  const ByteView voltages = walk.take(2 * cells), temperatures = walk.take(2 * sensors), tail = walk.take(kTailSize);
  if (auto result = walk.check_end(); !result) {
    return result;
  }
  if (auto result = decode_cells(voltages, 0, cells, out, Wire::u16le); !result) {
    return result;
  }
  if (auto result = decode(kTail, tail, out); !result) {
    return result;
  }
  if (auto result = check_voltage(out, cells); !result) {
    return result;
  }
  decode_sensors(temperatures, Wire::s16le, 0, 1, out.temperatures);
  if (const auto name = chemistry(le16(tail, kChemistry)); !name.empty()) {
    set_extra(out, "chemistry", std::string(name));
  }
  set_balancing(integer(tail, kBalancing, Wire::u32le), cells, out);
  state_switches(tail[kChargeFet], tail[kDischargeFet], tail[kBalancer], out);
  count_cycles(out);
  return {};
}

void decode_info(ByteView data, Identity& out) {
  out.hardware_version = ascii_text(data.first(kModelSize));
  out.firmware_version = ascii_text(data.subspan(kModelSize));
  out.model = out.hardware_version;
}

/// A protection that is not set is 0 or 0xFFFF.
void decode_settings(std::uint16_t address, ByteView data, Limits& out) {
  for (const auto& setting : kSettings) {
    if (setting.address >= address && setting.address - address + kSettingSize <= static_cast<int>(data.size())) {
      const double value = le16(data, setting.address - address) / setting.per_unit;
      out.*setting.value = value > 0 && value <= kMostAmperes ? std::optional(value) : std::nullopt;
    }
  }
}

} // namespace ant2021

} // namespace bmsd::protocols
