#include "protocols/ecs.hpp"

#include "protocols/core/modbus.hpp"
#include "protocols/core/options.hpp"
#include "protocols/core/values.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace bmsd::protocols {

using namespace std::chrono_literals;
using modbus::at;
using modbus::Registers;
using Row = Ecs::Row;

namespace {

// -- registers of the GreenMeter --------------------------------------------------

enum MeterRegister : std::uint16_t {
  kProduction = 2, // 32 bits
  kDischargeLimit = 30,
  kChargeLimit = 31,
  kCapacity = 46, // 32 bits
  kTemperature1 = 102,
  kTemperature2 = 103,
  kVoltage = 108, // 32 bits
  kCurrent = 114, // 32 bits
  kSoc = 128,     // 32 bits
  kChargeState = 130,
  kDischargeState = 131,
};
constexpr std::uint16_t kLongs[] = {kProduction, kCapacity, kVoltage, kCurrent, kSoc};

/// Both kinds of devices say in register 0 what they are.
constexpr Row kType{0, 1};
constexpr std::pair<std::int64_t, std::string_view> kMeterTypes[] = {
    {500, "Greenmeter-500A"}, {501, "Greenmeter-250A"}, {502, "Greenmeter-125A"}};

constexpr Row kSettings[] = {{kDischargeLimit, 1}, {kChargeLimit, 1}, {kCapacity, 2}, {kProduction, 2}};
constexpr Row kMeterValues{kTemperature1, kDischargeState - kTemperature1 + 1};
constexpr Row kMeterParts[] = {{kVoltage, 2},        {kCurrent, 2},      {kSoc, 2},         {kChargeState, 1},
                               {kDischargeState, 1}, {kTemperature1, 1}, {kTemperature2, 1}};
constexpr unsigned kSettingsEvery = 60; // polls

constexpr double kMostCurrent = 1000, kMostCapacity = 10'000; // A, Ah: no battery has more
constexpr std::array kMeterFields = {
    field(&Sample::max_discharge_current, at(kDischargeLimit), Wire::s16be), // some say it as a negative number
    field(&Sample::max_charge_current, at(kChargeLimit), Wire::s16be).within(0, 0x7FFF),
    field(&Sample::capacity_full, at(kCapacity), Wire::u32be).per_unit(1000).absent(0).within(0, kMostCapacity),
    field(&Sample::voltage, at(kVoltage), Wire::s32be).per_unit(1000).within(0, kMaxCells* kHighestCellVoltage),
    field(&Sample::current, at(kCurrent), Wire::s32be).per_unit(1000).within(-kMostCurrent, kMostCurrent),
    field(&Sample::soc, at(kSoc), Wire::u32be).per_unit(1000).absent(0xFFFFFFFF).within(0, 100),
    sensor_field(0, at(kTemperature1), Wire::s16be).per_unit(100),
    sensor_field(1, at(kTemperature2), Wire::s16be).per_unit(100),
    extra("production", at(kProduction), Wire::u32be),
};

/// What stops charging and discharging, as a number: here its place as a bit. 0: nothing. Which of the two
/// numbers of a temperature is the warning is not documented.
constexpr AlarmBit kChargeStates[] = {
    {1, Alarm::HighVoltage, 2},           {2, Alarm::HighChargeCurrent, 1},    {3, Alarm::HighChargeTemperature, 1},
    {4, Alarm::HighChargeTemperature, 1}, {5, Alarm::LowChargeTemperature, 1}, {6, Alarm::LowChargeTemperature, 1},
};
constexpr AlarmBit kDischargeStates[] = {
    {1, Alarm::LowVoltage, 2},      {2, Alarm::HighDischargeCurrent, 1}, {3, Alarm::HighTemperature, 1},
    {4, Alarm::HighTemperature, 1}, {5, Alarm::LowTemperature, 1},       {6, Alarm::LowTemperature, 1},
};

/// Whether it is allowed.
bool tell_state(std::span<const AlarmBit> states, std::int64_t state, Alarms& out) {
  raise_alarms(states, word_of_code(state), out);
  return state == 0;
}

/// Of 32 bits the device sends the low word first. Some GreenMeters leave FFFF in the high word of the SoC
/// below 65.535 %: 50 % is C350 FFFF.
Registers high_word_first(const Registers& told) {
  Registers out = told;
  for (auto reg : kLongs) {
    if (const ByteView bytes = told.bytes(at(reg), 4); !bytes.empty()) {
      Bytes turned = {bytes[2], bytes[3], bytes[0], bytes[1]};
      if (reg == kSoc && be16(turned, 0) == 0xFFFF && be16(turned, 2) != 0xFFFF) {
        turned[0] = turned[1] = 0;
      }
      out.store(reg, turned);
    }
  }
  return out;
}

// -- registers of a LiPro board -----------------------------------------------------

enum BoardRegister : std::uint16_t {
  kCellVoltage = 100,     // 1 mV
  kCellTemperature = 101, // 0.01 °C
  kBalancing = 102,       // effort, %
};
constexpr std::int64_t kFirstBoardType = 100, kLastBoardType = 104;
constexpr std::int64_t kBalances = 50; // % effort above which a cell counts as being balanced

constexpr Row kBoardValues{kCellVoltage, 3};
constexpr Row kBoardParts[] = {{kCellVoltage, 1}, {kBalancing, 1}, {kCellTemperature, 1}};

// -- helpers --------------------------------------------------------------------------

Request read_registers(std::uint8_t address, Row row) {
  Request request = modbus::read_holding(address, row.first, row.count);
  request.first_byte = 200ms;
  return request;
}

/// The device does not know these registers, or there is none at the address.
bool has_no_such(const Error& error) {
  return error.fault == Fault::refused || error.fault == Fault::timeout || error == ScriptRunner::not_recorded();
}

std::uint8_t address_option(const ProtocolConfig& config, std::string_view key, double otherwise) {
  return static_cast<std::uint8_t>(std::clamp(option(config, key, otherwise), 1.0, 247.0));
}

} // namespace

Ecs::Ecs(const ProtocolConfig& config)
    : config_(config), meter_(address_option(config, "greenmeter_address", config.address != 0 ? config.address : 1)),
      first_board_(address_option(config, "lipro_start_address", 2)),
      last_board_(address_option(config, "lipro_end_address", 17)),
      // Captures say cell_count.
      stated_cells_(static_cast<int>(
          std::clamp(option(config, "lipro_cell_count", option(config, "cell_count", 0)), 0.0, double{kMaxCells}))),
      meter_values_{kMeterValues, kMeterParts}, board_values_{kBoardValues, kBoardParts} {}

// -- reading --------------------------------------------------------------------

Script Ecs::identify(Identity& out) {
  introduce(kInfo, config_, out);
  devices_.clear();
  boards_.clear();
  co_await part(read(meter_, kType));
  describe(out);
  if (const auto type = devices_[meter_].value(kType.first); type && out.model.empty()) {
    co_return Error{Fault::implausible, "device type " + std::to_string(*type) + " is no GreenMeter"};
  }
  co_await part(read_settings());
  co_await part(read_block(meter_, meter_values_));
  Sample first;
  co_await tell_meter(first);
  out.capacity_full = first.capacity_full;
  for (int address = first_board_; address <= last_board_; ++address) {
    if (address != meter_) {
      co_await part(look_for_board(static_cast<std::uint8_t>(address)));
    }
  }
  if (boards_.size() > kMaxCells) {
    co_return Error{Fault::unsupported, std::to_string(boards_.size()) + " LiPro boards"};
  }
  co_return done();
}

Script Ecs::poll(Sample& out) {
  if (++polls_ % kSettingsEvery == 0) {
    co_await part(read_settings());
  }
  co_await part(read_block(meter_, meter_values_));
  for (auto board : boards_) {
    co_await part(read_block(board, board_values_));
  }
  co_return tell(out);
}

Script Ecs::read(std::uint8_t address, Row row) {
  return devices_[address].read(read_registers(address, row));
}

/// What is refused stays unknown.
Script Ecs::read_settings() {
  for (const Row& row : kSettings) {
    const Result<void> outcome = co_await read(meter_, row);
    if (!outcome && outcome.error().fault != Fault::refused && outcome.error() != ScriptRunner::not_recorded()) {
      co_return outcome;
    }
  }
  co_return done();
}

/// Only single values are known to be answered, so a device that keeps silent is asked for them, too.
Script Ecs::read_block(std::uint8_t address, Block& block) {
  if (!block.in_parts) {
    const Result<void> whole = co_await read(address, block.whole);
    if (whole || !has_no_such(whole.error())) {
      co_return whole;
    }
  }
  for (const Row& row : block.parts) {
    co_await part(read(address, row));
  }
  block.in_parts = true;
  co_return done();
}

/// An address without a board is silent. A damaged answer is one: without its cell the battery would be another.
Script Ecs::look_for_board(std::uint8_t address) {
  const Result<void> answer = co_await read(address, kType);
  if (!answer && !has_no_such(answer.error())) {
    co_return answer;
  }
  const auto type = devices_[address].value(kType.first).value_or(0);
  if (type >= kFirstBoardType && type <= kLastBoardType) {
    boards_.push_back(address);
  }
  co_return done();
}

// -- what the registers mean ------------------------------------------------------

void Ecs::describe(Identity& out) {
  const auto type = devices_[meter_].value(kType.first);
  for (const auto& [number, name] : kMeterTypes) {
    if (type == number) {
      out.model = out.hardware_version = name;
    }
  }
}

Result<void> Ecs::tell(Sample& out) {
  if (auto result = tell_meter(out); !result) {
    return result;
  }
  if (auto result = tell_boards(out); !result) {
    return result;
  }
  return count_cells(out);
}

Result<void> Ecs::tell_meter(Sample& out) {
  const Registers meter = high_word_first(devices_[meter_]);
  if (auto result = decode(kMeterFields, meter, out); !result) {
    return result;
  }
  if (out.max_discharge_current) {
    out.max_discharge_current = std::abs(*out.max_discharge_current);
  }
  out.alarms = {};
  if (const auto state = meter.value(kChargeState, Wire::s16be)) {
    out.charge_enabled = tell_state(kChargeStates, *state, out.alarms);
  }
  if (const auto state = meter.value(kDischargeState, Wire::s16be)) {
    out.discharge_enabled = tell_state(kDischargeStates, *state, out.alarms);
  }
  raise_low_soc(config_, out);
  return {};
}

/// Cells stand in the order of the boards' addresses.
Result<void> Ecs::tell_boards(Sample& out) const {
  out.cell_voltages.clear();
  out.min_cell_temperature = out.max_cell_temperature = std::nullopt;
  std::vector<double> temperatures;
  std::uint64_t balancing = 0;
  for (const auto& [address, board] : devices_) {
    const auto millivolts = board.value(kCellVoltage);
    if (!millivolts || address == meter_ || address < first_board_ || address > last_board_) {
      continue;
    }
    const std::size_t cell = out.cell_voltages.size();
    const double volts = static_cast<double>(*millivolts) / 1000;
    if (cell == kMaxCells || volts > kHighestCellVoltage) {
      return Error{Fault::implausible, "cell of board " + std::to_string(address)};
    }
    out.cell_voltages.push_back(volts);
    balancing |= std::uint64_t{board.value(kBalancing).value_or(0) > kBalances} << cell;
    const auto raw = board.value(kCellTemperature, Wire::s16be);
    if (const auto celsius = raw ? sensor(static_cast<double>(*raw) / 100) : std::nullopt) {
      temperatures.push_back(*celsius);
    }
  }
  if (out.cell_voltages.empty()) {
    return {};
  }
  set_balancing(balancing, out.cell_voltages.size(), out);
  if (!temperatures.empty()) {
    const auto [low, high] = std::minmax_element(temperatures.begin(), temperatures.end());
    out.min_cell_temperature = *low;
    out.max_cell_temperature = *high;
    set_extra(out, "cell_temperatures", std::move(temperatures));
  }
  return {};
}

/// The charge voltage follows from the number of cells, so it must be proved: by boards that make up the pack's
/// voltage, or by the configuration. A cell whose board is missing has no voltage.
Result<void> Ecs::count_cells(Sample& out) const {
  const auto boards = static_cast<int>(out.cell_voltages.size());
  out.cell_count = std::nullopt;
  if (boards == 0) {
    if (stated_cells_ != 0) {
      out.cell_count = stated_cells_;
    }
    return check_voltage(out, static_cast<std::size_t>(stated_cells_));
  }
  if (!out.voltage) {
    return {};
  }
  const double sum = sum_of_cells(out);
  const auto cells = sum > 0 ? std::lround(std::min(*out.voltage * boards / sum, 1e3)) : 0;
  const bool proved = boards == cells || boards == stated_cells_ || (boards < cells && cells == stated_cells_);
  if (!proved) {
    char text[96];
    std::snprintf(text, sizeof text, "%d LiPro boards do not make up %.1f V; boards not found?", boards, *out.voltage);
    return Error{Fault::implausible, text};
  }
  out.cell_count = boards == cells ? boards : stated_cells_;
  while (out.cell_voltages.size() < static_cast<std::size_t>(*out.cell_count)) {
    out.cell_voltages.push_back(std::nullopt);
  }
  return {};
}

// -- captures -------------------------------------------------------------------

Script Ecs::replay(Bytes tx, Identity& identity, Sample& out) {
  const std::uint8_t address = tx.empty() ? std::uint8_t{0} : tx[0];
  co_await part(devices_[address].replay(std::move(tx), out));
  describe(identity);
  co_return tell(out);
}

// -- registry -------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 19200, .parity = Parity::even}};
constexpr std::uint32_t kAddresses[] = {1};
constexpr std::string_view kNames[] = {"Ecs", "ECS LiPro"};
constexpr ProtocolOption kOptions[] = {
    {"greenmeter_address", "1..247", "Modbus address of the GreenMeter, default 1"},
    {"lipro_start_address", "1..247", "first address at which LiPro boards are looked for, default 2"},
    {"lipro_end_address", "1..247", "last address at which they are looked for, default 17"},
    {"lipro_cell_count", "0..32", "cells of a battery where not each has a board; default 0: each has"},
};

} // namespace

constinit const ProtocolInfo Ecs::kInfo = {
    .key = "ecs",
    .label = "ECS LiPro",
    .about = "ECS GreenMeter with LiPro1-x boards, RS485",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 90, // alone with its parity: the port has to be opened anew for it
    .options = kOptions,
    .exchange = make_exchange<Ecs>,
};

} // namespace bmsd::protocols
