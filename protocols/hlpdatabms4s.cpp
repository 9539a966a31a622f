#include "protocols/hlpdatabms4s.hpp"

#include "messages/text.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/core/values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace bmsd::protocols {

using namespace std::chrono_literals;

namespace {

// -- commands -------------------------------------------------------------------

constexpr std::string_view kWake = "\n", kVersion = "pv\n", kSettings = "ps\n", kMeasure = "m1\n";

constexpr std::string_view kName = "BMS4S";
constexpr std::string_view kBatterySize = "BatterySize=", kVoltHigh = "VoltHigh=", kVoltLow = "VoltLow=";
constexpr std::string_view kLineEnd = "\r\n";

// -- the measurement line ---------------------------------------------------------

enum Column : std::size_t {
  kCells = 0, // 4
  kCurrent = 4,
  kSoc = 5,
  kChargeOutput = 6, // 1: charging is allowed
  kLoadOutput = 7,
  kBeep = 11,
  kSensors = 13, // any number of them: "b1 21"
};
constexpr std::size_t kCellCount = 4;
constexpr double kMostCapacity = 10'000; // Ah

struct ExtraColumn {
  std::size_t column;
  std::string_view name;
};
constexpr ExtraColumn kExtras[] = {
    {8, "second_battery_voltage"}, {9, "soc_now"}, {10, "adjustment"}, {kBeep, "beep"}, {12, "led"}};

/// The beep code: here its place as a bit.
constexpr AlarmBit kBeeps[] = {
    {2, Alarm::LowChargeTemperature, 1},
    {3, Alarm::HighChargeTemperature, 1},
    {4, Alarm::LowVoltage, 2},
    {5, Alarm::HighVoltage, 2},
};

// -- text -----------------------------------------------------------------------

std::string_view text_of(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::string_view> columns_of(std::string_view line) {
  std::vector<std::string_view> out;
  for (std::size_t begin = 0; begin <= line.size();) {
    const auto end = std::min(line.find(',', begin), line.size());
    out.push_back(trimmed(line.substr(begin, end - begin)));
    begin = end + 1;
  }
  return out;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Decimal number at the beginning of `text`, which then begins behind it.
std::optional<double> take_number(std::string_view& text) {
  const std::size_t sign = text.starts_with('-') ? 1 : 0;
  std::size_t end = sign;
  while (end < text.size() && is_digit(text[end])) {
    ++end;
  }
  if (end == sign) {
    return std::nullopt;
  }
  if (end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1])) {
    end = std::min(text.find_first_not_of("0123456789", end + 1), text.size());
  }
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + end, value);
  text.remove_prefix(end);
  return result.ec == std::errc() ? std::optional(value + 0.0) : std::nullopt; // no -0
}

std::optional<double> number(std::string_view text) {
  const auto value = take_number(text);
  return text.empty() ? value : std::nullopt;
}

std::optional<double> whole_number(std::string_view text) {
  return text.find('.') == std::string_view::npos ? number(text) : std::nullopt;
}

/// "3.283": if a digit gets lost, it shows.
std::optional<double> cell_voltage(std::string_view text) {
  return text.size() >= 5 && text[1] == '.' ? number(text) : std::nullopt;
}

/// "0.130" that lost its point is "0130"; from 1 A on it becomes more than there can be.
std::optional<double> current(std::string_view text) {
  const auto digits = text.substr(text.starts_with('-') ? 1 : 0);
  return digits.size() > 1 && digits[0] == '0' && digits[1] != '.' ? std::nullopt : number(text);
}

/// The value behind a name, with point or comma. Only what follows it proves that it is whole.
std::optional<double> setting(std::string_view dump, std::string_view name, double low, double high) {
  const auto at = dump.find(name);
  if (at == std::string_view::npos) {
    return std::nullopt;
  }
  const auto begin = dump.find_first_not_of(' ', at + name.size());
  const auto end = dump.find_first_of(kBlanks, begin);
  if (begin == std::string_view::npos || end == std::string_view::npos) {
    return std::nullopt;
  }
  std::string text(dump.substr(begin, end - begin));
  std::replace(text.begin(), text.end(), ',', '.');
  const auto value = number(text);
  return value && *value >= low && *value <= high ? value : std::nullopt;
}

// -- what a measurement says ------------------------------------------------------

/// What a line must have to be one.
struct Measured {
  std::size_t column;
  std::optional<double> (*read)(std::string_view);
  double lowest, highest;
};
constexpr Measured kMeasured[] = {
    {kCells, cell_voltage, 0, kHighestCellVoltage},
    {kCells + 1, cell_voltage, 0, kHighestCellVoltage},
    {kCells + 2, cell_voltage, 0, kHighestCellVoltage},
    {kCells + 3, cell_voltage, 0, kHighestCellVoltage},
    {kCurrent, current, -1000, 1000}, // positive: charging
    {kSoc, whole_number, 0, 100},
    {kChargeOutput, whole_number, 0, 99},
    {kLoadOutput, whole_number, 0, 99},
    {kBeep, whole_number, 0, 999},
};

Error wrong_column(Fault fault, std::size_t column) {
  return {fault, "field " + std::to_string(column) + " of the measurement"};
}

/// The letter tells what a sensor is for, "b" the battery. The board's own order says nothing of where it sits.
Result<void> decode_sensors(std::span<const std::string_view> columns, Sample& out) {
  std::vector<double> battery, others;
  for (std::size_t column = kSensors; column < columns.size(); ++column) {
    const auto text = columns[column];
    if (text.empty() && column + 1 == columns.size()) {
      break; // a comma at the end of the line
    }
    auto rest = trimmed(text.substr(std::min(text.find(' '), text.size())));
    const auto celsius = take_number(rest);
    if (!celsius || rest.find_first_of("0123456789") != std::string_view::npos) { // a unit may follow
      return wrong_column(Fault::framing, column);
    }
    if (const auto value = sensor(*celsius)) {
      (text[0] == 'b' ? battery : others).push_back(*value);
    }
  }
  out.temperatures = {};
  if (!battery.empty()) {
    const auto [low, high] = std::minmax_element(battery.begin(), battery.end());
    out.temperatures.battery[0] = *high;
    if (battery.size() > 1) {
      out.temperatures.battery[1] = *low;
    }
  }
  if (!others.empty()) {
    set_extra(out, "other_temperatures", std::move(others));
  }
  return {};
}

/// There is no checksum: what cannot be read or cannot be true refuses the whole line.
Result<void> decode_measurement(std::string_view line, Sample& out) {
  const auto columns = columns_of(line);
  if (columns.size() < kSensors) {
    return Error{Fault::framing, std::to_string(columns.size()) + " fields of the measurement"};
  }
  std::array<double, kSensors> values{};
  for (const auto& [column, read, lowest, highest] : kMeasured) {
    const auto value = read(columns[column]);
    if (!value) {
      return wrong_column(Fault::framing, column);
    }
    if (*value < lowest || *value > highest) {
      return wrong_column(Fault::implausible, column);
    }
    values[column] = *value;
  }

  const auto cells = std::span(values).subspan<kCells, kCellCount>();
  out.cell_count = kCellCount;
  out.cell_voltages.clear();
  for (double volts : cells) {
    out.cell_voltages.push_back(volts);
  }
  out.voltage = std::round(1000 * std::accumulate(cells.begin(), cells.end(), 0.0)) / 1000;
  out.current = values[kCurrent];
  out.soc = values[kSoc];
  out.charge_enabled = values[kChargeOutput] == 1;
  out.discharge_enabled = values[kLoadOutput] == 1;
  out.alarms = {};
  raise_alarms(kBeeps, word_of_code(static_cast<std::int64_t>(values[kBeep])), out.alarms);
  for (const auto& [column, name] : kExtras) {
    if (const auto value = number(columns[column])) {
      set_extra(out, name, *value);
    }
  }
  return decode_sensors(columns, out);
}

// -- requests -------------------------------------------------------------------

FrameScan complete(std::size_t begin, std::size_t end) {
  FrameScan scan;
  scan.state = FrameScan::State::complete;
  scan.begin = begin;
  scan.size = end - begin;
  return scan;
}

/// Whatever is said, to its end.
FrameScan scan_all(ByteView, ByteView rx, bool silence) {
  return silence && !rx.empty() ? complete(0, rx.size()) : FrameScan{};
}

/// From the name to the end of the line.
FrameScan scan_version(ByteView, ByteView rx, bool) {
  const auto text = text_of(rx);
  const auto begin = text.find(kName);
  const auto end = text.find_first_of(kLineEnd, begin);
  return begin != std::string_view::npos && end != std::string_view::npos ? complete(begin, end) : FrameScan{};
}

FrameScan scan_settings(ByteView tx, ByteView rx, bool silence) {
  return text_of(rx).find(kBatterySize) != std::string_view::npos ? scan_all(tx, rx, silence) : FrameScan{};
}

/// The line behind the echo of the command, when its end is there and all of it can be true: that is all the
/// checksum there is. The echo may be a line of its own.
FrameScan scan_measurement(ByteView tx, ByteView rx, bool) {
  const auto text = text_of(rx);
  const auto echo = trimmed(text_of(tx));
  FrameScan scan;
  for (auto at = text.find(echo); at != std::string_view::npos; at = text.find(echo, at + 1)) {
    const auto begin = text.find_first_not_of(kBlanks, at + echo.size());
    const auto end = text.find_first_of(kLineEnd, begin);
    if (begin == std::string_view::npos || end == std::string_view::npos) {
      continue;
    }
    Sample told;
    const auto result = decode_measurement(text.substr(begin, end - begin), told);
    if (result) {
      return complete(begin, end);
    }
    scan.fault = result.error().fault;
    scan.detail = "no measurement that can be true";
  }
  return scan;
}

Request request(std::string_view command, FrameScanner scan, std::chrono::milliseconds first_byte) {
  Request out;
  out.tx.assign(command.begin(), command.end());
  out.scan = scan;
  out.first_byte = first_byte;
  out.between = 150ms;
  out.gap = 20ms;
  out.max_reply = 4096;
  return out;
}

/// Ends a command line that other bytes have begun.
Request wake() {
  Request out = request(kWake, scan_all, 200ms);
  out.retries = 0;
  return out;
}

/// Other BMS need a pause after text that they do not understand.
Request pause() {
  Request out = request({}, scan_all, 300ms);
  out.retries = 0;
  return out;
}

} // namespace

// -- reading --------------------------------------------------------------------

Script HlpdataBms4s::identify(Identity& out) {
  introduce(kInfo, config_, out);
  (void)co_await attempt(wake());
  const Result<void> result = co_await read_who(out);
  if (!result) {
    (void)co_await attempt(pause());
  }
  co_return result;
}

Script HlpdataBms4s::poll(Sample& out) {
  state_settings(out);
  co_await part(read_measurement(out));
  co_return done();
}

Script HlpdataBms4s::read_who(Identity& out) {
  co_await part(read_version(out));
  co_await part(read_settings(out));
  co_return done();
}

Script HlpdataBms4s::read_version(Identity& out) {
  const Bytes reply = co_await ask(request(kVersion, scan_version, 500ms));
  const auto version = trimmed(text_of(reply));
  out.model = kName;
  out.hardware_version = version;
  out.firmware_version = trimmed(version.substr(kName.size()));
  out.cell_count = kCellCount;
  co_return done();
}

Script HlpdataBms4s::read_settings(Identity& out) {
  const Bytes reply = co_await ask(request(kSettings, scan_settings, 1000ms));
  take_settings(text_of(reply));
  out.capacity_full = capacity_;
  if (capacity_) {
    out.unique_id = std::string(kName) + "_" + std::to_string(std::lround(*capacity_));
  }
  co_return done();
}

Script HlpdataBms4s::read_measurement(Sample& out) {
  Request measure = request(kMeasure, scan_measurement, 500ms);
  measure.retries = 2;
  const Bytes reply = co_await ask(std::move(measure));
  co_await decode_measurement(text_of(reply), out);
  raise_low_soc(config_, out);
  co_return done();
}

// -- settings ---------------------------------------------------------------------

void HlpdataBms4s::take_settings(std::string_view dump) {
  capacity_ = setting(dump, kBatterySize, 1, kMostCapacity);
  volt_high_ = setting(dump, kVoltHigh, 2, kHighestCellVoltage);
  volt_low_ = setting(dump, kVoltLow, 1, kHighestCellVoltage);
  if (volt_high_ && volt_low_ && *volt_low_ >= *volt_high_) {
    volt_high_ = volt_low_ = std::nullopt;
  }
}

void HlpdataBms4s::state_settings(Sample& out) const {
  out.capacity_full = capacity_;
  if (volt_high_) {
    out.max_charge_voltage = kCellCount * *volt_high_;
    set_extra(out, "max_battery_voltage", *out.max_charge_voltage);
  }
  if (volt_low_) {
    out.battery_low_voltage = kCellCount * *volt_low_;
    set_extra(out, "min_battery_voltage", *out.battery_low_voltage);
  }
}

// -- captures -------------------------------------------------------------------

bool HlpdataBms4s::same_request(ByteView wanted, ByteView recorded) const {
  return trimmed(text_of(wanted)) == trimmed(text_of(recorded));
}

Script HlpdataBms4s::replay(Bytes tx, Identity& identity, Sample& out) {
  const auto command = trimmed(text_of(tx));
  if (command == trimmed(kVersion)) {
    co_return co_await read_version(identity);
  }
  if (command == trimmed(kSettings)) {
    co_await part(read_settings(identity));
    state_settings(out);
    co_return done();
  }
  if (command == trimmed(kMeasure)) {
    co_return co_await read_measurement(out);
  }
  co_return command.empty() ? done() : Error{Fault::unsupported, "a command that is never sent"};
}

// -- registry -------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 9600}};
constexpr std::string_view kNames[] = {"HLPdataBMS4S"};

} // namespace

constinit const ProtocolInfo HlpdataBms4s::kInfo = {
    .key = "hlpdatabms4s",
    .label = "HLPdataBMS4S",
    .about = "HLP Data BMS4S, a board for four cells; UART, USB",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .detect_order = 95, // text can confuse others
    .poll_interval = 10s,
    .exchange = make_exchange<HlpdataBms4s>,
};

} // namespace bmsd::protocols
