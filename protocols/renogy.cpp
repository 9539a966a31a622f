#include "protocols/renogy.hpp"

#include "protocols/core/options.hpp"
#include "protocols/core/text.hpp"
#include "protocols/core/values.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace bmsd::protocols {

using namespace std::chrono_literals;
using modbus::at;
using modbus::Registers;

namespace {

// -- registers ------------------------------------------------------------------

enum Register : std::uint16_t {
  // 5000 to 5033: cells
  kCellCount = 5000,
  kCells = 5001, // 16, 0.1 V
  kSensorCount = 5017,
  kSensors = 5018, // 16 in the cells, 0.1 °C
  // 5034 does not exist. 5035 to 5052: values
  kBoard = 5035,
  kEnvironmentCount = 5036,
  kEnvironment = 5037, // 2
  kHeaterCount = 5039,
  kHeaters = 5040, // 2
  kCurrent = 5042,
  kVoltage = 5043,
  kRemaining = 5044,
  kFull = 5046,
  kCycles = 5048,
  kChargeVoltageLimit = 5049,
  kDischargeVoltageLimit = 5050,
  kChargeCurrentLimit = 5051,
  kDischargeCurrentLimit = 5052,
  // 5100 to 5109: status
  kCellStates = 5100,
  kStatus1 = 5106,
  kStatus2 = 5107,
  kSensingErrors = 5108, // a bit per cell
  kRequests = 5109,
  // who it is
  kSerial = 5110,
  kModel = 5122,
  kFirmware = 5130,
  kManufacturer = 5132,
};
constexpr std::size_t kMostCells = 16, kMostSensors = 16;

constexpr std::array kValues = {
    field(&Sample::cell_count, at(kCellCount), Wire::u16be).within(1, kMostCells),
    field(&Sample::voltage, at(kVoltage), Wire::u16be).per_unit(10).within(0, kMostCells* kHighestCellVoltage),
    field(&Sample::capacity_remaining, at(kRemaining), Wire::u32be).per_unit(1000),
    field(&Sample::capacity_full, at(kFull), Wire::u32be).per_unit(1000),
};

/// The discharge current is stated as a negative number.
constexpr std::array kLimits = {
    field(&Sample::max_charge_voltage, at(kChargeVoltageLimit), Wire::u16be).per_unit(10),
    field(&Sample::battery_low_voltage, at(kDischargeVoltageLimit), Wire::u16be).per_unit(10),
    field(&Sample::max_charge_current, at(kChargeCurrentLimit), Wire::s16be).per_unit(100),
    field(&Sample::max_discharge_current, at(kDischargeCurrentLimit), Wire::s16be).per_unit(100),
};

// -- status -----------------------------------------------------------------------

/// Warnings in status 2, protections in status 1.
constexpr AlarmPair kConditions[] = {
    {0, 7, Alarm::LowCellVoltage},   {1, 8, Alarm::HighCellVoltage},       {2, 15, Alarm::LowVoltage},
    {3, 6, Alarm::HighVoltage},      {4, 13, Alarm::LowChargeTemperature}, {5, 14, Alarm::HighChargeTemperature},
    {6, 11, Alarm::LowTemperature}, // while discharging
    {7, 12, Alarm::HighTemperature},
};
/// Of these there are no warnings.
constexpr AlarmBit kOvercurrents[] = {
    {0, Alarm::HighDischargeCurrent}, // short circuit
    {4, Alarm::HighChargeCurrent},    // second stage
    {5, Alarm::HighDischargeCurrent}, // second stage
    {9, Alarm::HighChargeCurrent},    {10, Alarm::HighDischargeCurrent},
};

constexpr std::int64_t kChargeFet = 1 << 1, kDischargeFet = 1 << 2; // status 1
constexpr std::int64_t kFullyCharged = 1 << 11, kHeating = 1 << 13; // status 2
constexpr std::int64_t kMayCharge = 1 << 7, kMayDischarge = 1 << 6, kChargeNow = 3 << 4,
                       kWantsFullCharge = 1 << 3; // requests
constexpr double kNoise = 0.5;                    // A, measured although nothing flows

/// Status 1 without any bit, even that of its own supply, is a word that this battery does not fill;
/// and two open FETs let no current pass.
std::optional<bool> fet_on(std::int64_t status, std::int64_t fet, double current) {
  const bool both_off = (status & (kChargeFet | kDischargeFet)) == 0;
  if (status == 0 || (both_off && std::abs(current) > kNoise)) {
    return std::nullopt;
  }
  return (status & fet) != 0;
}

/// Off as soon as the FET is open or the battery asks for it. Requests without any bit are not filled.
std::optional<bool> switch_state(std::optional<bool> fet, std::int64_t requests, std::int64_t may) {
  return requests != 0 && (requests & may) == 0 ? false : fet;
}

// -- helpers ------------------------------------------------------------------------

/// "0119" is 01.19; anything else ("V104") stays as it is.
std::string version_text(std::string text) {
  const auto digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  if (text.size() == 4 && std::all_of(text.begin(), text.end(), digit)) {
    text.insert(2, ".");
  }
  return text;
}

/// The Pro and Core series has its voltage in front: RBT12100LFP-BT, where others are RBT100LFP12S.
bool is_pro(std::string_view model) {
  const auto digits = model.substr(std::min<std::size_t>(model.find_first_of("0123456789"), model.size()));
  const auto count = std::min(digits.find_first_not_of("0123456789"), digits.size());
  return count >= 4 || model.starts_with("RNGRBP") || model.starts_with("RNGC");
}

std::optional<double> temperature(const Registers& registers, std::uint16_t reg) {
  const auto raw = registers.value(reg, Wire::s16be);
  return raw ? sensor(static_cast<double>(*raw) / 10) : std::nullopt;
}

void tell_sensors(const Registers& registers, std::uint16_t count, std::uint16_t first, std::string_view name,
                  Sample& out) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < std::min<std::int64_t>(registers.value(count).value_or(0), 2); ++i) {
    if (const auto celsius = temperature(registers, static_cast<std::uint16_t>(first + i))) {
      values.push_back(*celsius);
    }
  }
  if (!values.empty()) {
    set_extra(out, name, std::move(values));
  }
}

} // namespace

/// Some batteries answer so late that the next request is out already. Such an answer is known by its
/// length: no two reads in a row have the same.
Renogy::Renogy(const ProtocolConfig& config)
    : Battery(config, {.first_byte = 500ms, .gap = 50ms}), current_scale_(option(config, "current_scale", 0)),
      cells_{kCellCount, 34, kCells}, values_{kBoard, 18, kVoltage}, status_{kCellStates, 10, kStatus1} {}

// -- reading --------------------------------------------------------------------

Script Renogy::identify(Identity& out) {
  introduce(kInfo, config_, out);
  registers_.clear();
  co_await part(read(kModel, 8));
  if (const auto model = registers_.text(kModel, 8);
      registers_.value(kModel) && !model.starts_with("RBT") && !model.starts_with("RNG")) {
    co_return Error{Fault::implausible, "model \"" + model + "\" is no battery of Renogy"};
  }
  co_await part(read_cells());
  co_await part(read_if_told(kFirmware, 2));
  co_await part(read_if_told(kSerial, 8));
  co_await part(read_if_told(kManufacturer, 4));
  Sample first;
  co_await tell(first);
  describe(out);
  co_return done();
}

Script Renogy::poll(Sample& out) {
  registers_.clear();
  co_await part(read_cells());
  co_await part(read_block(values_, read_values_in_parts()));
  const Result<void> status = co_await read_block(status_, read_status_in_parts());
  if (!status && status.error().fault != Fault::refused) { // not every battery has it
    co_return status;
  }
  co_return tell(out);
}

Script Renogy::read_cells() {
  return read_block(cells_, read_cells_in_parts());
}

Script Renogy::read_cells_in_parts() {
  co_await part(read(kCellCount, 1));
  const auto cells =
      static_cast<std::uint16_t>(std::clamp<std::int64_t>(registers_.value(kCellCount).value_or(0), 1, kMostCells));
  co_await part(read(kCells, cells));
  co_await part(read_if_told(kSensorCount, 1));
  co_await part(read_if_told(kSensors, cells));
  co_return done();
}

Script Renogy::read_values_in_parts() {
  co_await part(read(kFull, 2));
  co_await part(read(kCurrent, 4));
  co_await part(read_if_told(kCycles, 1));
  co_await part(read_if_told(kChargeVoltageLimit, 4));
  co_await part(read_if_told(kBoard, 7));
  co_return done();
}

Script Renogy::read_status_in_parts() {
  co_await part(read_if_told(kCellStates, 8));
  co_await part(read_if_told(kSensingErrors, 2));
  co_return done();
}

// -- what the registers mean ------------------------------------------------------

void Renogy::describe(Identity& out) {
  out.cell_voltage_step = 0.1;
  if (const auto model = registers_.text(kModel, 8); !model.empty()) {
    out.model = out.hardware_version = model;
    pro_ = is_pro(model);
  }
  keep_text(out.firmware_version, version_text(registers_.text(kFirmware, 2)));
  keep_text(out.serial, registers_.text(kSerial, 8));
  keep_text(out.unique_id, registers_.text(kSerial, 8));
  keep_text(out.manufacturer, registers_.text(kManufacturer, 4));
  if (const auto cells = registers_.value(kCellCount)) {
    out.cell_count = static_cast<int>(*cells);
  }
}

Result<void> Renogy::tell(Sample& out) {
  if (auto result = decode(kValues, registers_, out); !result) {
    return result;
  }
  if (auto result = check_voltage(out, static_cast<std::size_t>(out.cell_count.value_or(0))); !result) {
    return result;
  }
  for (auto step : {&Renogy::tell_cells, &Renogy::tell_temperatures, &Renogy::tell_limits}) {
    if (auto result = (this->*step)(out); !result) {
      return result;
    }
  }
  tell_current(out);
  tell_charge(out);
  tell_status(out);
  return {};
}

Result<void> Renogy::tell_cells(Sample& out) const {
  out.cell_voltages.clear();
  bool any = false;
  for (int cell = 0; cell < out.cell_count.value_or(0); ++cell) {
    const auto raw = registers_.value(static_cast<std::uint16_t>(kCells + cell));
    const auto volts = raw ? std::optional(static_cast<double>(*raw) / 10) : std::nullopt;
    if (volts && *volts > kHighestCellVoltage) {
      return Error{Fault::implausible, "voltage of cell " + std::to_string(cell + 1)};
    }
    any = any || volts;
    out.cell_voltages.push_back(volts);
  }
  if (!any) {
    out.cell_voltages.clear();
  }
  return {};
}

/// Registers beyond the count hold anything. While the count is not known, 0 may be a free register.
Result<void> Renogy::tell_temperatures(Sample& out) const {
  const auto count = registers_.value(kSensorCount);
  if (count && *count > static_cast<std::int64_t>(kMostSensors)) {
    return Error{Fault::implausible, std::to_string(*count) + " temperature sensors"};
  }
  for (std::size_t i = 0; i < kMostSensors; ++i) {
    const auto celsius = temperature(registers_, static_cast<std::uint16_t>(kSensors + i));
    const bool there = count ? i < static_cast<std::size_t>(*count) : celsius != 0.0;
    out.temperatures.battery[i] = there ? celsius : std::nullopt;
  }
  // 0 or always 25.0 where there is no such sensor, so nothing to control by.
  if (const auto board = temperature(registers_, kBoard); board && *board != 0) {
    set_extra(out, "board_temperature", *board);
  }
  tell_sensors(registers_, kEnvironmentCount, kEnvironment, "environment_temperatures", out);
  tell_sensors(registers_, kHeaterCount, kHeaters, "heater_temperatures", out);
  return {};
}

bool Renogy::current_in_tenths() const {
  return current_scale_ == 0.1 || (current_scale_ != 0.01 && pro_);
}

void Renogy::tell_current(Sample& out) const {
  if (const auto raw = registers_.value(kCurrent, Wire::s16be)) {
    out.current = static_cast<double>(*raw) / (current_in_tenths() ? 10 : 100); // positive: charging
  }
}

/// All 0 from batteries without them. Whether the Pro series counts these currents in 0.1 A too, is not known.
Result<void> Renogy::tell_limits(Sample& out) const {
  if (registers_.value(kChargeVoltageLimit).value_or(0) == 0) {
    return {};
  }
  if (auto result = decode(kLimits, registers_, out); !result) {
    return result;
  }
  if (out.max_charge_current && *out.max_charge_current < 0) {
    return Error{Fault::implausible, "negative charge current limit"};
  }
  if (out.max_discharge_current) {
    out.max_discharge_current = std::abs(*out.max_discharge_current);
  }
  if (out.battery_low_voltage == 0.0) {
    out.battery_low_voltage.reset();
  }
  if (current_in_tenths()) {
    out.max_charge_current.reset();
    out.max_discharge_current.reset();
  }
  return {};
}

/// There is no SoC register. The full capacity is the rated one, and a new battery holds some more; one
/// that states far more left than it could hold (seen: 398 %) states a wrong full capacity.
void Renogy::tell_charge(Sample& out) {
  constexpr double kMostOverRated = 1.1;
  constexpr int kProven = 3; // polls: a single one may have caught the battery changing its numbers
  constexpr std::int64_t kMostCycles = 10'000;
  out.soc.reset();
  if (out.capacity_full == 0.0) {
    out.capacity_full.reset();
  }
  if (out.capacity_full && out.capacity_remaining) {
    const bool too_small = *out.capacity_full * kMostOverRated < *out.capacity_remaining;
    wrong_capacity_ += too_small ? 1 : 0;
    if (too_small || wrong_capacity_ >= kProven) {
      out.capacity_full.reset();
    } else {
      out.soc = std::min(100 * *out.capacity_remaining / *out.capacity_full, 100.0);
    }
  }
  if (auto cycles = registers_.value(kCycles)) {
    if (*cycles > kMostCycles) { // the RNGC type sends the low byte first
      cycles = (*cycles & 0xFF) << 8 | *cycles >> 8;
    }
    out.cycles = *cycles <= kMostCycles ? std::optional(static_cast<int>(*cycles)) : std::nullopt;
  }
}

void Renogy::tell_status(Sample& out) const {
  const auto status1 = registers_.value(kStatus1);
  const auto status2 = registers_.value(kStatus2);
  const auto requests = registers_.value(kRequests);
  out.alarms = {};
  if (status1 || status2) {
    raise_alarms(kConditions, status2.value_or(0), status1.value_or(0), out.alarms);
  }
  if (status1) {
    raise_alarms(kOvercurrents, *status1, out.alarms);
    const double current = out.current.value_or(0);
    out.charge_enabled = switch_state(fet_on(*status1, kChargeFet, current), requests.value_or(0), kMayCharge);
    out.discharge_enabled = switch_state(fet_on(*status1, kDischargeFet, current), requests.value_or(0), kMayDischarge);
  }
  if (status2) {
    out.heating = (*status2 & kHeating) != 0;
    set_extra(out, "fully_charged", (*status2 & kFullyCharged) != 0);
  }
  if (const auto errors = registers_.value(kSensingErrors)) {
    out.alarms.raise(Alarm::InternalFailure, *errors != 0 ? 2 : 0);
  }
  if (requests.value_or(0) != 0) {
    out.charge_requested = (*requests & kChargeNow) != 0;
    set_extra(out, "full_charge_requested", (*requests & kWantsFullCharge) != 0);
  }
  raise_low_soc(config_, out);
}

// -- registry -------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 9600}};
constexpr std::uint32_t kAddresses[] = {0x30, 0xF7}; // set by Renogy's app or monitor; ex works
constexpr std::string_view kNames[] = {"Renogy"};
constexpr ProtocolOption kOptions[] = {
    {"current_scale", "0.01, 0.1", "A per count of the battery's current; without it the model decides"},
};

} // namespace

constinit const ProtocolInfo Renogy::kInfo = {
    .key = "renogy",
    .label = "Renogy",
    .about = "Renogy smart lithium batteries (RBT...LFP...), RS485",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 55,
    .chain = {0x30, 0x3F},
    .options = kOptions,
    .exchange = make_exchange<Renogy>,
};

} // namespace bmsd::protocols
