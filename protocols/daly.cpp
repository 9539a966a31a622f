#include "protocols/daly.hpp"

#include "protocols/core/options.hpp"
#include "protocols/core/values.hpp"
#include "protocols/daly_frame.hpp"

#include <cmath>
#include <cstdio>
#include <limits>

namespace bmsd::protocols {

using namespace std::chrono_literals;
using namespace daly;

namespace {

constexpr std::uint32_t kFirstBoard = 0x40;

constexpr Id kStatic[] = {kRated, kProduction, kBatteryCode};
constexpr Id kCycle[] = {kPack, kFets, kCellRange, kFailures, kTemperatureRange, kBalancing};
constexpr unsigned kDescriptionEvery = 60; // polls: cycles and connections change slowly

// -- fields -----------------------------------------------------------------------
// Bytes that are not listed hold leftovers of other frames.

constexpr std::array kPackFields = {
    field(&Sample::voltage, 0, Wire::u16be).per_unit(10).within(1, 400),                     // 0.1 V
    field(&Sample::current, 4, Wire::u16be).shift(-30000).per_unit(-10).within(-1000, 1000), // 0.1 A, charging below
    field(&Sample::soc, 6, Wire::u16be).per_unit(10).within(0, 100),                         // 0.1 %
};

constexpr std::array kCellRangeFields = {
    field(&Sample::max_cell_voltage, 0, Wire::u16be).per_unit(1000).within(0, kHighestCellVoltage), // mV
    field(&Sample::min_cell_voltage, 3, Wire::u16be).per_unit(1000).within(0, kHighestCellVoltage),
    extra("max_cell", 2, Wire::u8), // numbers from 1 on
    extra("min_cell", 5, Wire::u8),
};

constexpr std::size_t kMaxTemperature = 0, kMinTemperature = 2;
constexpr double kTemperatureZero = 40; // raw value at 0 °C

constexpr double kMostCapacity = 5000; // Ah
constexpr std::array kFetFields = {
    field(&Sample::capacity_remaining, 4, Wire::u32be).per_unit(1000).within(0, kMostCapacity), // mAh
    extra("state", 0, Wire::u8),
    field(&Sample::charge_enabled, 1, Wire::u8),
    field(&Sample::discharge_enabled, 2, Wire::u8),
};

constexpr std::array kDescriptionFields = {
    field(&Sample::cell_count, 0, Wire::u8).within(1, kMaxCells),
    field(&Sample::cycles, 5, Wire::u16be),
    extra_flag("charger_connected", 2, Wire::u8),
    extra_flag("load_connected", 3, Wire::u8),
};
constexpr std::size_t kSensorCount = 1;

constexpr std::array kRatedFields = {
    field(&Sample::capacity_full, 0, Wire::u32be).per_unit(1000).within(0, kMostCapacity).absent(0), // mAh
};
constexpr std::size_t kNominalCellVoltage = 4; // u32, mV

constexpr std::size_t kYear = 2, kMonth = 3, kDay = 4;

constexpr std::size_t kCellsPerFrame = 3, kSensorsPerFrame = 7, kCharactersPerFrame = 7, kBatteryCodeFrames = 5;

/// Byte n of the failures is bits 8n to 8n+7. In bytes 0 to 3 even bits warn and odd bits have cut off.
constexpr AlarmPair kConditions[] = {
    {0, 1, Alarm::HighCellVoltage},
    {2, 3, Alarm::LowCellVoltage},
    {4, 5, Alarm::HighVoltage},
    {6, 7, Alarm::LowVoltage},
    {8, 9, Alarm::HighChargeTemperature},
    {10, 11, Alarm::LowChargeTemperature},
    {12, 13, Alarm::HighTemperature},
    {14, 15, Alarm::LowTemperature},
    {16, 17, Alarm::HighChargeCurrent},
    {18, 19, Alarm::HighDischargeCurrent},
    {22, 23, Alarm::LowSoc},        // 20, 21: SoC too high
    {24, 25, Alarm::CellImbalance}, // 26, 27: the same of temperatures
};
constexpr AlarmBit kFailureBits[] = {
    {32, Alarm::HighInternalTemperature, 1}, // charge FET
    {33, Alarm::HighInternalTemperature, 1}, // discharge FET
    {34, Alarm::InternalFailure},            // sensors of the FETs
    {35, Alarm::InternalFailure},
    {36, Alarm::InternalFailure}, // a FET does not open
    {37, Alarm::InternalFailure},
    {38, Alarm::InternalFailure}, // a FET does not close
    {39, Alarm::InternalFailure},
    {40, Alarm::InternalFailure},      // front end
    {41, Alarm::InternalFailure},      // cell wire
    {42, Alarm::InternalFailure},      // temperature sensor of the cells
    {43, Alarm::InternalFailure},      // EEPROM
    {44, Alarm::InternalFailure},      // clock
    {45, Alarm::InternalFailure},      // precharge; 46, 47: communication
    {48, Alarm::InternalFailure},      // current measurement
    {49, Alarm::InternalFailure},      // voltage measurement
    {50, Alarm::HighDischargeCurrent}, // short circuit
    {51, Alarm::LowCellVoltage},       // too empty to be charged; 52: set on healthy packs
};

/// What a board with inverted current calls charging is discharging.
constexpr std::uint64_t exchange_overcurrents(std::uint64_t word) {
  constexpr std::uint64_t kCharge = 0x3ULL << 16, kDischarge = 0x3ULL << 18;
  return (word & ~(kCharge | kDischarge)) | (word & kCharge) << 2 | (word & kDischarge) >> 2;
}

std::optional<double> temperature(std::uint8_t raw) {
  return sensor(raw - kTemperatureZero); // 0: open, 255: not there
}

/// Users of dbus-serialbattery know the lowest as Temperature 1 and the highest as Temperature 2.
void state_temperatures(std::optional<double> lowest, std::optional<double> highest, Sample& out) {
  out.temperatures.battery[0] = out.min_cell_temperature = lowest;
  out.temperatures.battery[1] = out.max_cell_temperature = highest;
}

Result<void> decode_cell_range(ByteView data, Sample& out) {
  return decode(kCellRangeFields, data, out);
}

Result<void> decode_temperature_range(ByteView data, Sample& out) {
  state_temperatures(temperature(data[kMinTemperature]), temperature(data[kMaxTemperature]), out);
  return {};
}

Result<void> decode_fets(ByteView data, Sample& out) {
  return decode(kFetFields, data, out);
}

Result<void> decode_rated(ByteView data, Sample& out) {
  const double volts = static_cast<double>(integer(data, kNominalCellVoltage, Wire::u32be)) / 1000;
  if (volts > 0 && volts <= kHighestCellVoltage) {
    set_extra(out, "nominal_cell_voltage", volts);
  }
  return decode(kRatedFields, data, out);
}

} // namespace

Daly::Daly(const ProtocolConfig& config)
    : config_(config), host_(static_cast<std::uint8_t>(config.address != 0 ? config.address : kFirstBoard)),
      inverted_(option_set(config, "invert_current") || option(config, "invert_current_measurement", 1) < 0) {}

// -- reading --------------------------------------------------------------------

Script Daly::identify(Identity& out) {
  introduce(kInfo, config_, out);
  co_await part(read(kDescription, slow_));
  Sample now = slow_;
  co_await part(read(kPack, now));
  for (auto id : kStatic) {
    (void)co_await read(id, slow_); // not every board knows them
  }
  out.cell_count = slow_.cell_count;
  out.capacity_full = slow_.capacity_full;
  out.device_name = battery_code_;
  out.unique_id = unique_id();
  if (!production_.empty()) {
    out.manufacture_date = production_.substr(0, 4) + "-" + production_.substr(4, 2) + "-" + production_.substr(6);
  }
  if (cell_count_ != 0) {
    out.hardware_version = "DalyBMS " + std::to_string(cell_count_) + "S";
    out.hardware_version += production_.empty() ? "" : " (" + production_ + ")";
  }
  co_return done();
}

Script Daly::poll(Sample& out) {
  if (++polls_ % kDescriptionEvery == 0) {
    (void)co_await read(kDescription, slow_);
  }
  out = slow_;
  for (auto id : kCycle) {
    co_await part(read(id, out));
  }
  co_await part(read_sensors(out));
  co_await part(read_cell_voltages(out));
  co_return done();
}

Script Daly::read(std::uint8_t id, Sample& out) {
  const std::size_t frames = frames_of(id);
  if (frames == 0) {
    co_return done();
  }
  const Bytes reply = co_await ask(make_request(host_, id, filling(), frames));
  co_return decode_reply(id, reply, out);
}

/// A board that has never told them singly is not asked again before the next description.
Script Daly::read_sensors(Sample& out) {
  const auto result = co_await read(kSensors, out);
  if (!result && !tells_sensors_) {
    sensor_count_ = 0;
    co_return done();
  }
  co_return result;
}

/// Now and then the firmware sends nonsense in well-formed frames: a second look decides.
Script Daly::read_cell_voltages(Sample& out) {
  auto result = co_await read(kCellVoltages, out);
  if (!result && result.error().fault == Fault::implausible) {
    result = co_await read(kCellVoltages, out);
  }
  co_return result;
}

std::size_t Daly::frames_of(std::uint8_t id) const {
  switch (id) {
  case kCellVoltages: return (cell_count_ + kCellsPerFrame - 1) / kCellsPerFrame;
  case kSensors: return (sensor_count_ + kSensorsPerFrame - 1) / kSensorsPerFrame;
  case kBatteryCode: return kBatteryCodeFrames;
  default: return 1;
  }
}

// -- writing --------------------------------------------------------------------

namespace {

constexpr std::uint8_t kSocAccepted = 1;

Request fet_request(std::uint8_t host, std::uint8_t id, bool on) {
  Data data = filling();
  data[0] = on ? 1 : 0;
  return make_request(host, id, data);
}

/// The six bytes in front of the SoC are the time for the BMS's clock; boards take zeros as well.
Request soc_request(std::uint8_t host, double percent) {
  const auto raw = static_cast<std::uint16_t>(std::lround(percent * 10));
  Data data{};
  data[6] = static_cast<std::uint8_t>(raw >> 8);
  data[7] = static_cast<std::uint8_t>(raw);
  return make_request(host, kSetSoc, data);
}

Result<void> acknowledged(const Bytes& reply, std::uint8_t expected) {
  if (data_of(reply)[0] != expected) {
    return Error{Fault::refused, "the BMS did not accept the new value"};
  }
  return {};
}

} // namespace

Script Daly::command(Command command) {
  co_await permitted(config_, command);
  switch (command.kind) {
  case CommandKind::force_charging_off: co_return co_await switch_fet(kChargeFet, command.value == 0);
  case CommandKind::force_discharging_off: co_return co_await switch_fet(kDischargeFet, command.value == 0);
  case CommandKind::set_soc: co_return co_await set_soc(command.value);
  default: co_return Error{Fault::unsupported, "a Daly BMS cannot do that"};
  }
}

/// Acknowledged by the new state. What 0x93 says is no proof: some boards go on reporting a FET as on.
Script Daly::switch_fet(std::uint8_t id, bool on) {
  const Bytes reply = co_await ask(fet_request(host_, id, on));
  co_return acknowledged(reply, on ? 1 : 0);
}

Script Daly::set_soc(double percent) {
  const Bytes reply = co_await ask(soc_request(host_, percent));
  co_await acknowledged(reply, kSocAccepted);
  for (int look = 0; look < 3; ++look) {
    Request request = make_request(host_, kPack);
    request.gap = 500ms;
    const Bytes pack = co_await ask(std::move(request));
    Sample after;
    co_await decode_reply(kPack, pack, after);
    if (std::abs(*after.soc - percent) <= 1) {
      co_return done();
    }
  }
  co_return Error{Fault::unsupported, "the BMS acknowledged, but its SoC did not change"};
}

// -- what the bytes mean ----------------------------------------------------------

Result<void> Daly::decode_reply(std::uint8_t id, const Bytes& reply, Sample& out) {
  const ByteView data = data_of(reply);
  switch (id) {
  case kPack: return decode_pack(data, out);
  case kCellRange: return decode_cell_range(data, out);
  case kTemperatureRange: return decode_temperature_range(data, out);
  case kFets: return decode_fets(data, out);
  case kDescription: return decode_description(data, out);
  case kCellVoltages: return decode_cell_voltages(joined(reply, 2 * kCellsPerFrame), out);
  case kSensors: return decode_sensors(joined(reply, kSensorsPerFrame), out);
  case kBalancing: return decode_balancing(data, out);
  case kFailures: return decode_failures(data, out);
  case kRated: return decode_rated(data, out);
  case kProduction: return decode_production(data, out);
  case kBatteryCode: return decode_battery_code(joined(reply, kCharactersPerFrame), out);
  default: return {};
  }
}

Result<void> Daly::decode_pack(ByteView data, Sample& out) const {
  if (auto result = decode(kPackFields, data, out); !result) {
    return result;
  }
  if (auto result = check_voltage(out, cell_count_); !result) {
    return result;
  }
  if (inverted_) {
    out.current = 0.0 - *out.current;
  }
  return {};
}

Result<void> Daly::decode_description(ByteView data, Sample& out) {
  if (auto result = decode(kDescriptionFields, data, out); !result) {
    return result;
  }
  cell_count_ = static_cast<std::size_t>(*out.cell_count);
  sensor_count_ = std::min<std::size_t>(data[kSensorCount], kMaxTemperatures);
  return {};
}

/// The last frame is filled up with leftovers. What 0x91 has told just before is measured by the same
/// front end: cells far outside are broken frames, which have a good checksum.
Result<void> Daly::decode_cell_voltages(ByteView data, Sample& out) const {
  constexpr double kLoadStep = 0.5; // V that a cell may jump between two answers
  if (auto result = decode_cells(data, 0, cell_count_, out); !result) {
    return result;
  }
  for (std::size_t cell = 0; cell < out.cell_voltages.size(); ++cell) {
    const double volts = *out.cell_voltages[cell];
    if (volts < out.min_cell_voltage.value_or(volts) - kLoadStep ||
        volts > out.max_cell_voltage.value_or(volts) + kLoadStep) {
      return Error{Fault::implausible, "cell " + std::to_string(cell + 1) + " outside of the lowest and highest cell"};
    }
  }
  return {};
}

/// An open sensor reads as the coldest one and hides it: then the lowest of the others counts.
Result<void> Daly::decode_sensors(ByteView raw, Sample& out) {
  tells_sensors_ = true;
  std::vector<double> shown;
  std::optional<double> lowest, highest;
  for (auto byte : raw.first(std::min(sensor_count_, raw.size()))) {
    const auto celsius = temperature(byte);
    shown.push_back(celsius.value_or(std::numeric_limits<double>::quiet_NaN()));
    if (celsius) {
      lowest = std::min(lowest.value_or(*celsius), *celsius);
      highest = std::max(highest.value_or(*celsius), *celsius);
    }
  }
  set_extra(out, "sensor_temperatures", std::move(shown));
  state_temperatures(out.min_cell_temperature ? out.min_cell_temperature : lowest,
                     out.max_cell_temperature ? out.max_cell_temperature : highest, out);
  return {};
}

Result<void> Daly::decode_balancing(ByteView data, Sample& out) const {
  set_balancing(integer(data, 0, Wire::u32le) | std::int64_t{le16(data, 4)} << 32, cell_count_, out);
  return {};
}

Result<void> Daly::decode_failures(ByteView data, Sample& out) const {
  const std::uint64_t word = static_cast<std::uint64_t>(integer(data, 0, Wire::u32le)) |
                             static_cast<std::uint64_t>(integer(data, 4, Wire::u32le)) << 32;
  const std::uint64_t conditions = inverted_ ? exchange_overcurrents(word) : word;
  raise_alarms(kConditions, conditions, conditions, out.alarms);
  raise_alarms(kFailureBits, word, out.alarms);
  if (!config_.soc_alarms) {
    out.alarms.reset(Alarm::LowSoc);
  }
  return {};
}

Result<void> Daly::decode_production(ByteView data, Sample& out) {
  const int day = data[kDay], month = data[kMonth], year = 2000 + data[kYear];
  if (day < 1 || day > 31 || month < 1 || month > 12) {
    return {}; // never set
  }
  char text[16];
  std::snprintf(text, sizeof text, "%04d%02d%02d", year, month, day);
  production_ = text;
  set_extra(out, "production_date", production_);
  return {};
}

/// Entered by the user; NULs and runs of blanks become one blank.
Result<void> Daly::decode_battery_code(ByteView text, Sample& out) {
  battery_code_.clear();
  for (auto c : text) {
    const bool printable = c > ' ' && c < 0x7F;
    if (printable) {
      battery_code_ += static_cast<char>(c);
    } else if (!battery_code_.empty() && battery_code_.back() != ' ') {
      battery_code_ += ' ';
    }
  }
  battery_code_.erase(battery_code_.find_last_not_of(' ') + 1);
  set_text(out, "battery_code", battery_code_);
  return {};
}

/// The battery code, or production date and capacity as dbus-serialbattery joins them; neither tells
/// twins apart whose code was never set.
std::string Daly::unique_id() const {
  if (!battery_code_.empty()) {
    std::string id = battery_code_;
    std::replace(id.begin(), id.end(), ' ', '_');
    return id;
  }
  const double capacity = slow_.capacity_full.value_or(config_.battery_capacity);
  return production_.empty() ? std::string() : production_ + "_" + std::to_string(static_cast<int>(capacity));
}

// -- captures -------------------------------------------------------------------

/// The filling may differ. Without a configured address the recording tells which board is meant.
bool Daly::same_request(ByteView wanted, ByteView recorded) const {
  return is_request(recorded) && wanted[2] == recorded[2] && (config_.address == 0 || wanted[1] == recorded[1]);
}

Script Daly::replay(Bytes tx, Identity&, Sample& out) {
  if (!is_request(tx)) {
    co_return Error{Fault::unsupported, "not a request of this protocol"};
  }
  const std::uint8_t id = tx[2], switched = data_of(tx)[0];
  const std::size_t frames = frames_of(id);
  if (frames == 0) {
    co_return done();
  }
  const Bytes reply = co_await ask(raw(std::move(tx), frames));
  if (id != kSetSoc && id != kChargeFet && id != kDischargeFet) {
    co_return decode_reply(id, reply, out);
  }
  co_await acknowledged(reply, id == kSetSoc ? kSocAccepted : switched);
  set_extra(out, "writes_ok", true);
  co_return done();
}

// -- registry -------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 9600}};
constexpr std::uint32_t kAddresses[] = {kFirstBoard, 0x80};
constexpr std::string_view kNames[] = {"Daly"};
constexpr ProtocolOption kOptions[] = {
    {"invert_current", "true, false", "the current sensor is wired the other way round"},
};

} // namespace

constinit const ProtocolInfo Daly::kInfo = {
    .key = "daly",
    .label = "Daly",
    .about = "Daly Smart BMS (red, blue, 100 Balance); UART, RS485, USB",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 50,
    .chain = {0x40, 0x4F},
    .capabilities = kCapabilities,
    .options = kOptions,
    .exchange = make_exchange<Daly>,
};

} // namespace bmsd::protocols
