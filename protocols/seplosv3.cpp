#include "protocols/seplosv3.hpp"

#include "protocols/core/modbus.hpp"
#include "protocols/core/options.hpp"
#include "protocols/core/text.hpp"
#include "protocols/core/values.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace bmsd::protocols {

using namespace std::chrono_literals;
using modbus::at;

namespace {

// -- blocks of registers (function 4) and coils (function 1) ------------------------

enum Register : std::uint16_t {
  kPackA = 0x1000,
  kCurrent = 0x1001,
  kMaxDischargeCurrent = 0x100F,
  kMaxChargeCurrent = 0x1010,
  kPackB = 0x1100,
  kCells = 0x1100, // 16
  kSensors = 0x1110,
  kParameters = 0x1300,
  kSensorCount = 0x1300,
  kCellCount = 0x1301,
  kFullCapacity = 0x1359,
  kChargeRequest = 0x1366,
  kDischargeRequest = 0x1367,
  kNames = 0x1700,
  kManufacturer = 0x1700,
  kDeviceName = 0x170A,
  kFirmware = 0x1714,
  kSerial = 0x1715,
  kPackSerial = 0x1724,
};
constexpr std::uint16_t kPackASize = 17, kPackBSize = 26, kParametersSize = 106, kNamesSize = 51;
constexpr std::uint16_t kManufacturerSize = 10, kDeviceNameSize = 10, kFirmwareSize = 1, kSerialSize = 15;
constexpr std::string_view kMaker = "XZH-ElecTech Co.,Ltd";

enum Coil : std::uint16_t {
  kEvents = 0x1200,
  kBalancing = 0x1230, // 16
  kStates = 0x1240,
  kSwitches = 0x1400,
};
constexpr std::uint16_t kEventsSize = 144, kSwitchesSize = 80;

constexpr std::size_t kMostCells = 16, kMostSensors = 4;

// -- values -------------------------------------------------------------------------

constexpr std::int64_t kFreezing = 2731; // 0 °C in 0.1 K, and what a sensor that is not fitted reads

constexpr std::array kParameterFields = {
    field(&Sample::cell_count, at(kCellCount), Wire::u16be).within(1, kMostCells),
    extra("pack_ov_alarm", at(0x1303), Wire::u16be).per_unit(100), // 10 mV
    extra("pack_ov_protect", at(0x1305), Wire::u16be).per_unit(100),
    extra("pack_uv_alarm", at(0x1307), Wire::u16be).per_unit(100),
    extra("pack_uv_protect", at(0x1309), Wire::u16be).per_unit(100),
    field(&Sample::battery_low_voltage, at(0x1309), Wire::u16be).per_unit(100).absent(0),
    extra("cell_ov_alarm", at(0x130B), Wire::u16be).per_unit(1000),
    extra("cell_ov_protect", at(0x130D), Wire::u16be).per_unit(1000),
    extra("cell_uv_alarm", at(0x130F), Wire::u16be).per_unit(1000),
    extra("cell_uv_protect", at(0x1311), Wire::u16be).per_unit(1000),
    extra("balance_start_voltage", at(0x1350), Wire::u16be).per_unit(1000),
    extra("balance_start_difference", at(0x1351), Wire::u16be).per_unit(1000),
    extra("capacity_nominal", at(0x1358), Wire::u16be).per_unit(100), // 10 mAh
    field(&Sample::capacity_full, at(kFullCapacity), Wire::u16be).per_unit(100),
    field(&Sample::capacity_remaining, at(0x135A), Wire::u16be).per_unit(100),
    field(&Sample::max_charge_voltage, at(0x1365), Wire::u16be)
        .per_unit(100)
        .absent(0)
        .within(0, kMostCells* kHighestCellVoltage), // requested from the inverter
};

/// The current stands in tell_current(): its unit depends on the board.
constexpr std::array kPackFields = {
    field(&Sample::voltage, at(0x1000), Wire::u16be).per_unit(100),            // 10 mV
    field(&Sample::capacity_remaining, at(0x1002), Wire::u16be).per_unit(100), // 10 mAh
    field(&Sample::capacity_full, at(0x1003), Wire::u16be).per_unit(100),
    field(&Sample::total_ah_drawn, at(0x1004), Wire::u16be).per_unit(0.1), // 10 Ah
    extra("total_discharge_ah", at(0x1004), Wire::u16be).per_unit(0.1),
    field(&Sample::soc, at(0x1005), Wire::u16be).per_unit(10).within(0, 100), // 0.1 %
    field(&Sample::soh, at(0x1006), Wire::u16be).per_unit(10).within(0, 100),
    field(&Sample::cycles, at(0x1007), Wire::u16be),
    extra("average_cell_voltage", at(0x1008), Wire::u16be).per_unit(1000),
    extra("average_cell_temperature", at(0x1009), Wire::u16be).shift(-kFreezing).per_unit(10),
    field(&Sample::max_cell_voltage, at(0x100A), Wire::u16be).per_unit(1000).within(0, kHighestCellVoltage),
    field(&Sample::min_cell_voltage, at(0x100B), Wire::u16be).per_unit(1000).within(0, kHighestCellVoltage),
    field(&Sample::max_cell_temperature, at(0x100C), Wire::u16be).shift(-kFreezing).per_unit(10),
    field(&Sample::min_cell_temperature, at(0x100D), Wire::u16be).shift(-kFreezing).per_unit(10),
};

constexpr Field<Sample> kelvin(Field<Sample> sensor) {
  return sensor.shift(-kFreezing).per_unit(10);
}
constexpr Field<Sample> cell_sensor(std::size_t index) {
  return kelvin(sensor_field(index, at(kSensors) + 2 * index, Wire::u16be));
}
constexpr std::array kTemperatureFields = {
    cell_sensor(0),
    cell_sensor(1),
    cell_sensor(2),
    cell_sensor(3), // 0x1114 to 0x1117 are reserved
    kelvin(sensor_field(&Temperatures::env, at(0x1118), Wire::u16be)),
    kelvin(sensor_field(&Temperatures::mos, at(0x1119), Wire::u16be)),
};

// -- coils --------------------------------------------------------------------------

/// What the vendor calls an alarm is a warning here, a protection is an alarm. The temperature of the
/// surroundings (0x1258 to 0x125B) has no alarm of Victron's.
struct AlarmCoil {
  std::uint16_t coil;
  Alarm alarm;
};
/// A warning, and its protection in the next coil.
constexpr AlarmCoil kPairs[] = {
    {0x1248, Alarm::HighCellVoltage},   {0x124A, Alarm::LowCellVoltage},          {0x124C, Alarm::HighVoltage},
    {0x124E, Alarm::LowVoltage},        {0x1250, Alarm::HighChargeTemperature},   {0x1252, Alarm::LowChargeTemperature},
    {0x1254, Alarm::HighTemperature},                                             // while discharging
    {0x1256, Alarm::LowTemperature},    {0x125C, Alarm::HighInternalTemperature}, // MOSFETs
    {0x1260, Alarm::HighChargeCurrent}, {0x1263, Alarm::HighDischargeCurrent},    {0x1272, Alarm::LowSoc},
};
constexpr AlarmCoil kWarnings[] = {{0x1274, Alarm::CellImbalance}};
constexpr AlarmCoil kProtections[] = {
    {0x1262, Alarm::HighChargeCurrent},    // second stage
    {0x1265, Alarm::HighDischargeCurrent}, // second stage
    {0x1266, Alarm::HighDischargeCurrent}, // short circuit
    {0x1268, Alarm::HighDischargeCurrent}, // short circuit, locked
    {0x126A, Alarm::HighChargeCurrent},    // second stage, locked
    {0x126B, Alarm::HighDischargeCurrent}, // second stage, locked
    {0x1288, Alarm::InternalFailure},      // NTC
    {0x1289, Alarm::InternalFailure},      // front end
    {0x128A, Alarm::InternalFailure},      // charge FET
    {0x128B, Alarm::InternalFailure},      // discharge FET
    {0x128C, Alarm::InternalFailure},      // cell
    {0x128D, Alarm::InternalFailure},      // broken wire
};

constexpr struct {
  std::uint16_t coil;
  std::optional<bool> Sample::*member;
} kFlags[] = {
    {0x1278, &Sample::discharge_enabled}, {0x1279, &Sample::charge_enabled},   {0x127B, &Sample::heating},
    {0x1416, &Sample::heater_enabled},    {0x1438, &Sample::balancer_enabled},
};

constexpr struct {
  std::uint16_t coil;
  std::string_view name;
} kExtraFlags[] = {
    {0x1269, "reverse_connection"},
    {0x127A, "current_limiter"},
    {0x128E, "button_failure"},
    {0x128F, "aerosol_alarm"},
};

/// From coil kStates on.
constexpr std::string_view kStateNames[] = {"discharge", "charge", "float", "full", "standby", "off"};

// -- helpers ------------------------------------------------------------------------

Request with_timing(Request request) {
  request.first_byte = 400ms;
  request.gap = 10ms;
  return request;
}

/// "15" is 1.5.
std::string version_text(std::string text) {
  if (text.size() == 2) {
    text.insert(1, ".");
  }
  return text;
}

/// "SG16S200A-SP57B-A" is a board of 200 A; 0: the name does not say it.
int rated_current(std::string_view name) {
  for (std::size_t i = 0; (i = name.find_first_of("0123456789", i)) != std::string_view::npos;) {
    int number = 0;
    const auto [end, error] = std::from_chars(name.data() + i, name.data() + name.size(), number);
    i = static_cast<std::size_t>(end - name.data());
    if (error == std::errc() && i < name.size() && name[i] == 'A') {
      return number;
    }
  }
  return 0;
}

} // namespace

SeplosV3::SeplosV3(const ProtocolConfig& config)
    : config_(config), current_scale_(option(config, "current_scale", 0)) {}

std::optional<bool> SeplosV3::Told::coil(std::uint16_t number) const {
  const auto found = coils.find(number);
  return found == coils.end() ? std::nullopt : std::optional(found->second);
}

void SeplosV3::Told::store_coils(std::uint16_t first, std::uint16_t count, ByteView data) {
  for (std::size_t i = 0; i < count && i / 8 < data.size(); ++i) {
    coils[static_cast<std::uint16_t>(first + i)] = (data[i / 8] >> i % 8 & 1U) != 0;
  }
}

// -- reading ------------------------------------------------------------------------

Script SeplosV3::identify(Identity& out) {
  introduce(kInfo, config_, out);
  told_ = {};
  co_await part(read_names());
  if (told_.registers.value(kManufacturer) &&
      told_.registers.text(kManufacturer, kManufacturerSize).find(kMaker) == std::string::npos) {
    co_return Error{Fault::implausible, "not made by " + std::string(kMaker)};
  }
  co_await part(unless_refused(read(kParameters, kParametersSize)));
  Sample first;
  co_await tell(first);
  describe(out);
  settings_ = told_;
  co_return done();
}

Script SeplosV3::settings(Identity&) {
  told_ = settings_;
  (void)co_await read_coils(kSwitches, kSwitchesSize);
  settings_ = told_;
  co_return done();
}

Script SeplosV3::poll(Sample& out) {
  constexpr unsigned kSettingsEvery = 60;
  if (++polls_ % kSettingsEvery == 0) {
    (void)co_await read_settings();
  }
  told_ = settings_;
  co_await part(read(kPackA, kPackASize));
  co_await part(unless_refused(read(kPackB, kPackBSize)));
  co_await part(unless_refused(read_coils(kEvents, kEventsSize)));
  co_return tell(out);
}

Script SeplosV3::read(std::uint16_t first, std::uint16_t count) {
  const auto address = static_cast<std::uint8_t>(config_.address);
  return told_.registers.read(with_timing(modbus::read_input(address, first, count)));
}

Script SeplosV3::read_coils(std::uint16_t first, std::uint16_t count) {
  const auto address = static_cast<std::uint8_t>(config_.address);
  const Bytes reply = co_await ask(with_timing(modbus::read_coils(address, first, count)));
  told_.store_coils(first, count, co_await modbus::data_of(reply));
  co_return done();
}

Script SeplosV3::unless_refused(Script block) {
  const Result<void> outcome = co_await std::move(block);
  const bool others_told = told_.registers.value(kNames) || told_.registers.value(kPackA);
  co_return !outcome && outcome.error().fault == Fault::refused && others_told ? done() : outcome;
}

/// The vendor's app reads the names at once, others one by one.
Script SeplosV3::read_names() {
  const Result<void> outcome = co_await read(kNames, kNamesSize);
  if (!outcome && outcome.error().fault == Fault::refused) {
    co_return co_await read_names_in_parts();
  }
  co_return outcome;
}

Script SeplosV3::read_names_in_parts() {
  co_await part(read(kManufacturer, kManufacturerSize));
  co_await part(unless_refused(read(kDeviceName, kDeviceNameSize)));
  co_await part(unless_refused(read(kFirmware, kFirmwareSize)));
  co_await part(unless_refused(read(kSerial, kSerialSize)));
  co_return done();
}

/// What fails stays as it was.
Script SeplosV3::read_settings() {
  told_ = settings_;
  (void)co_await read(kParameters, kParametersSize);
  (void)co_await read_coils(kSwitches, kSwitchesSize);
  settings_ = told_;
  co_return done();
}

// -- what was told means ------------------------------------------------------------

void SeplosV3::describe(Identity& out) {
  const auto& registers = told_.registers;
  keep_text(out.manufacturer, registers.text(kManufacturer, kManufacturerSize));
  keep_text(out.model, registers.text(kDeviceName, kDeviceNameSize));
  keep_text(out.hardware_version, registers.text(kDeviceName, kDeviceNameSize));
  large_ = rated_current(out.model) >= 300;
  keep_text(out.firmware_version, version_text(registers.text(kFirmware, kFirmwareSize)));
  keep_text(out.serial, registers.text(kPackSerial, kSerialSize));
  keep_text(out.serial, registers.text(kSerial, kSerialSize));
  out.unique_id = out.serial;
  if (const auto cells = registers.value(kCellCount)) {
    out.cell_count = static_cast<int>(*cells);
  }
  if (const auto capacity = registers.value(kFullCapacity)) {
    out.capacity_full = static_cast<double>(*capacity) / 100;
  }
}

Result<void> SeplosV3::tell(Sample& out) const {
  if (auto result = decode(kParameterFields, told_.registers, out); !result) {
    return result;
  }
  if (auto result = decode(kPackFields, told_.registers, out); !result) {
    return result;
  }
  if (auto result = check_voltage(out, static_cast<std::size_t>(out.cell_count.value_or(kMostCells))); !result) {
    return result;
  }
  if (auto result = tell_cells(out); !result) {
    return result;
  }
  if (auto result = tell_temperatures(out); !result) {
    return result;
  }
  tell_current(out);
  tell_states(out);
  return {};
}

Result<void> SeplosV3::tell_cells(Sample& out) const {
  const auto count = static_cast<std::size_t>(out.cell_count.value_or(kMostCells));
  const ByteView cells = told_.registers.bytes(at(kCells), 2 * count);
  return cells.empty() ? Result<void>() : decode_cells(cells, 0, count, out);
}

/// 0.0 °C is a temperature, unless the BMS says that there are fewer sensors.
Result<void> SeplosV3::tell_temperatures(Sample& out) const {
  if (auto result = decode(kTemperatureFields, told_.registers, out); !result) {
    return result;
  }
  const auto fitted = told_.registers.value(kSensorCount).value_or(kMostSensors);
  for (auto i = static_cast<std::size_t>(fitted); i < kMostSensors; ++i) {
    if (told_.registers.value(static_cast<std::uint16_t>(kSensors + i)) == kFreezing) {
      out.temperatures.battery[i].reset();
    }
  }
  for (auto* extreme : {&out.max_cell_temperature, &out.min_cell_temperature}) {
    if (*extreme) {
      *extreme = sensor(**extreme);
    }
  }
  return {};
}

/// 0.01 A, but since V0.2 of the paper 0.1 A on boards of 300 A and more. Positive: charging.
void SeplosV3::tell_current(Sample& out) const {
  const bool tenths = current_scale_ == 0.1 || (current_scale_ != 0.01 && large_);
  if (const auto raw = told_.registers.value(kCurrent, Wire::s16be)) {
    out.current = static_cast<double>(*raw) / (tenths ? 10 : 100);
  }
  out.max_charge_current = current_limit(kMaxChargeCurrent, kChargeRequest);
  out.max_discharge_current = current_limit(kMaxDischargeCurrent, kDischargeRequest);
}

/// The smaller one of what is possible now and what is set to be requested from the inverter; 0 is no such
/// setting. Discharging may be stated as a negative number.
std::optional<double> SeplosV3::current_limit(std::uint16_t now, std::uint16_t requested) const {
  auto limit = told_.registers.value(now, Wire::s16be);
  if (const auto set = told_.registers.value(requested, Wire::s16be); set.value_or(0) != 0) {
    limit = limit ? std::min(std::abs(*limit), std::abs(*set)) : *set;
  }
  return limit ? std::optional(static_cast<double>(std::abs(*limit))) : std::nullopt;
}

void SeplosV3::tell_states(Sample& out) const {
  out.alarms = {};
  const auto raise = [&](int coil, Alarm alarm, AlarmLevel level) {
    if (const auto set = told_.coil(static_cast<std::uint16_t>(coil))) {
      out.alarms.raise(alarm, *set ? level : AlarmLevel{0});
    }
  };
  for (const auto& [coil, alarm] : kPairs) {
    raise(coil, alarm, 1);
    raise(coil + 1, alarm, 2);
  }
  for (const auto& [coil, alarm] : kWarnings) {
    raise(coil, alarm, 1);
  }
  for (const auto& [coil, alarm] : kProtections) {
    raise(coil, alarm, 2);
  }
  if (!config_.soc_alarms) {
    out.alarms.reset(Alarm::LowSoc);
  }
  for (const auto& [coil, member] : kFlags) {
    out.*member = told_.coil(coil);
  }
  for (const auto& [coil, name] : kExtraFlags) {
    if (const auto set = told_.coil(coil)) {
      set_extra(out, name, *set);
    }
  }
  for (std::size_t i = 0; i < std::size(kStateNames); ++i) {
    if (told_.coil(static_cast<std::uint16_t>(kStates + i)).value_or(false)) {
      set_extra(out, "state", std::string(kStateNames[i]));
    }
  }
  tell_balancing(out);
}

void SeplosV3::tell_balancing(Sample& out) const {
  const auto cells = static_cast<std::size_t>(out.cell_count.value_or(kMostCells));
  std::uint64_t bits = 0;
  for (std::size_t cell = 0; cell < cells; ++cell) {
    const auto on = told_.coil(static_cast<std::uint16_t>(kBalancing + cell));
    if (!on) {
      return;
    }
    bits |= std::uint64_t{*on} << cell;
  }
  set_balancing(bits, cells, out);
}

// -- captures -----------------------------------------------------------------------

/// The display and the Bluetooth module use addresses of their own for the same pack.
Script SeplosV3::replay(Bytes tx, Identity& identity, Sample& out) {
  constexpr std::uint8_t kLastPack = 0x7F, kReadCoils = 1;
  if (!modbus::is_request(tx)) {
    co_return Error{Fault::unsupported, "not a Modbus request"};
  }
  if (config_.address != 0 && tx[0] != 0 && tx[0] != config_.address && tx[0] <= kLastPack) {
    co_return done(); // another pack on the same line
  }
  Script block = tx[1] == kReadCoils ? replay_coils(std::move(tx)) : told_.registers.replay(std::move(tx), out);
  co_await part(unless_refused(std::move(block)));
  describe(identity);
  co_return tell(out);
}

Script SeplosV3::replay_coils(Bytes tx) {
  const std::uint16_t first = be16(tx, 2), count = be16(tx, 4);
  const Bytes reply = co_await ask(modbus::raw(std::move(tx)));
  told_.store_coils(first, count, co_await modbus::data_of(reply));
  co_return done();
}

// -- registry -----------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 19200}};
constexpr std::uint32_t kAddresses[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
constexpr std::string_view kAliases[] = {"Seplosv3"};
constexpr ProtocolOption kOptions[] = {
    {"current_scale", "0.01, 0.1", "A per count of the battery's current; without it the name of the board decides"},
};

} // namespace

constinit const ProtocolInfo SeplosV3::kInfo = {
    .key = "seplosv3",
    .label = "Seplos v3",
    .about = "Seplos BMS 3.0, XZH-ElecTech (BMS16S200A-SP05B, SG16S200A-SP57B and others); RS485",
    .aliases = kAliases,
    .medium = Medium::serial,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 62,
    .chain = {0, 15},
    .options = kOptions,
    .exchange = make_exchange<SeplosV3>,
};

} // namespace bmsd::protocols
