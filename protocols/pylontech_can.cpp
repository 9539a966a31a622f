#include "protocols/pylontech_can.hpp"

#include "protocols/core/decode.hpp"
#include "protocols/core/options.hpp"
#include "protocols/core/text.hpp"
#include "protocols/core/values.hpp"

#include <cmath>
#include <cstdio>

namespace bmsd::protocols {

using namespace std::chrono_literals;

namespace {

// -- frames -----------------------------------------------------------------------

enum Id : std::uint32_t {
  kLimits = 0x351,
  kSoc = 0x355,
  kMeasurements = 0x356,
  kClassicAlarms = 0x359, // Pylontech up to V1.2
  kVictronAlarms = 0x35A, // Victron and SMA style, newer Pylontech
  kSwitches = 0x35C,
  kMaker = 0x35E,
  kVersion = 0x35F,
  kName1 = 0x370,
  kName2 = 0x371,
  kModules = 0x372,
  kCells = 0x373,
  kMinVoltageCell = 0x374,
  kMaxVoltageCell = 0x375,
  kMinTemperatureCell = 0x376,
  kMaxTemperatureCell = 0x377,
  kEnergy = 0x378,
  kInstalled = 0x379,
  kSerial1 = 0x380,
  kSerial2 = 0x381,
  kProduct = 0x382,
};
constexpr std::uint32_t kUbmsState = 0x0C0, kUbmsCommand = 0x180;

constexpr auto kFreshFor = 3s; // measurements, limits, SoC
constexpr auto kLostAfter = 5s;
constexpr auto kForever = std::chrono::milliseconds::max(); // names and the like do not age

constexpr std::array<Id, 6> kSet = {kLimits, kSoc, kMeasurements, kClassicAlarms, kVictronAlarms, kSwitches};
constexpr unsigned kCore = 0b000111, kClassicBit = 0b001000, kAlarmBits = 0b011000, kSwitchBit = 0b100000;

const CanFrame kKeepAlive = [] {
  CanFrame frame;
  frame.id = 0x305;
  frame.data.resize(8);
  return frame;
}();

// -- fields -----------------------------------------------------------------------
// Makers send frames of different lengths: a field counts only if the frame is long enough.

constexpr std::array kLimitFields = {
    field(&Sample::max_charge_voltage, 0, Wire::u16le).per_unit(10).optional(),
    field(&Sample::max_charge_current, 2, Wire::s16le).per_unit(10).optional(),
    field(&Sample::max_discharge_current, 4, Wire::s16le).per_unit(10).optional(),
    field(&Sample::battery_low_voltage, 6, Wire::u16le).per_unit(10).absent(0).optional(),
};
constexpr std::array kSocFields = {
    field(&Sample::soc, 0, Wire::u16le).optional(),
    field(&Sample::soh, 2, Wire::u16le).optional(),
};
constexpr std::array kMeasurementFields = {
    field(&Sample::voltage, 0, Wire::s16le).per_unit(100).optional(),
    field(&Sample::current, 2, Wire::s16le).per_unit(10).optional(), // positive = charging
};
constexpr std::array kModuleFields = {
    field(&Sample::modules_online, 0, Wire::u16le).optional(),
    field(&Sample::modules_blocking_charge, 2, Wire::u16le).optional(),
    field(&Sample::modules_blocking_discharge, 4, Wire::u16le).optional(),
    field(&Sample::modules_offline, 6, Wire::u16le).optional(),
};
constexpr std::array kCellFields = {
    field(&Sample::min_cell_voltage, 0, Wire::u16le).per_unit(1000).absent(0xFFFF).optional(),
    field(&Sample::max_cell_voltage, 2, Wire::u16le).per_unit(1000).absent(0xFFFF).optional(),
};
constexpr std::array kEnergyFields = {
    field(&Sample::charged_energy, 0, Wire::u32le).per_unit(10).optional(),
    field(&Sample::discharged_energy, 4, Wire::u32le).per_unit(10).optional(),
};
constexpr std::array kInstalledFields = {
    field(&Sample::capacity_full, 0, Wire::u16le).absent(0).optional(),
};

/// Without these a set is worth nothing.
constexpr std::size_t least_size(std::uint32_t id) {
  switch (id) {
  case kLimits: return 6;
  case kSoc: return 2;
  case kMeasurements: return 4;
  default: return 0;
  }
}

// -- alarms -----------------------------------------------------------------------

/// 0x359, bytes 0 and 1 (protections) and again bytes 2 and 3 (alarms), as one word.
constexpr AlarmPair kClassicBits[] = {
    {1, 1, Alarm::HighVoltage},       {2, 2, Alarm::LowVoltage},           {3, 3, Alarm::HighTemperature},
    {4, 4, Alarm::LowTemperature},    {7, 7, Alarm::HighDischargeCurrent}, {8, 8, Alarm::HighChargeCurrent},
    {11, 11, Alarm::InternalFailure},
};

/// 0x35A, number of the 2-bit field in bytes 0 to 3 (alarms) and again in bytes 4 to 7 (warnings).
constexpr std::pair<unsigned, Alarm> kVictronPairs[] = {
    {1, Alarm::HighVoltage},
    {2, Alarm::LowVoltage},
    {3, Alarm::HighTemperature},
    {4, Alarm::LowTemperature},
    {5, Alarm::HighChargeTemperature},
    {6, Alarm::LowChargeTemperature},
    {7, Alarm::HighDischargeCurrent},
    {8, Alarm::HighChargeCurrent},
    {9, Alarm::Contactor},
    {10, Alarm::HighDischargeCurrent}, // short circuit
    {11, Alarm::InternalFailure},
    {12, Alarm::CellImbalance},
};

void decode_classic_alarms(ByteView data, Alarms& out) {
  if (data.size() >= 4) {
    raise_alarms(kClassicBits, le16(data, 2), le16(data, 0), out);
  }
}

/// 01 is active, 10 is OK, 00 OK or not supported, 11 not supported.
void decode_victron_alarms(ByteView data, Alarms& out) {
  bool any = false;
  auto pair = [&](unsigned index) { return index / 4 < data.size() ? data[index / 4] >> (index % 4 * 2) & 3U : 3U; };
  for (const auto& [index, alarm] : kVictronPairs) {
    const unsigned now = pair(index), warning = pair(index + 16);
    if (now != 3 || warning != 3) {
      out.raise(alarm, now == 1 ? 2 : warning == 1 ? 1 : 0);
    }
    any = any || now == 1 || warning == 1;
  }
  if (!any && (pair(0) == 1 || pair(16) == 1)) { // "general" alone
    out.raise(Alarm::InternalFailure, pair(0) == 1 ? 2 : 1);
  }
}

// -- texts ------------------------------------------------------------------------

/// "0800" or "2"; some makers send a binary number instead.
std::optional<std::string> cell_id(ByteView data) {
  if (data.size() < 2) {
    return std::nullopt;
  }
  auto id = data[0] < 0x20 ? std::to_string(le16(data, 0)) : ascii_text(data);
  return id.empty() || id == "0" ? std::nullopt : std::optional(id);
}

constexpr double kCold = -50, kHot = 150;
constexpr double kHighestCurrent = 3276.7; // A, that the frame can hold

/// Whole Kelvin; 0 and 0xFFFF stand for no sensor.
std::optional<double> cell_temperature(ByteView data, std::size_t offset) {
  if (data.size() < offset + 2) {
    return std::nullopt;
  }
  const double celsius = le16(data, offset) - 273;
  return celsius >= kCold && celsius <= kHot ? std::optional(celsius) : std::nullopt;
}

bool starts_with(const std::string& text, std::string_view what) {
  return text.compare(0, what.size(), what) == 0;
}

} // namespace

PylontechCan::PylontechCan(const ProtocolConfig& config)
    : group_(static_cast<std::uint32_t>(std::clamp(option(config, "group", 0), 0.0, 15.0))),
      min_voltage_(option(config, "min_voltage", 8)), max_voltage_(option(config, "max_voltage", 70)),
      temperature_zero_(option_set(config, "temperature_zero")), send_keep_alive_(option_set(config, "keep_alive")) {}

// -- frames in ----------------------------------------------------------------------

FrameProblem PylontechCan::on_frame(const CanFrame& frame, std::chrono::milliseconds now) {
  if (!frame.extended && frame.id == kUbmsState) {
    ubms_state_ = now;
  } else if (!frame.extended && frame.id == kUbmsCommand) {
    ubms_command_ = now;
  }
  // A hub adds 0x1000 per group, which does not fit into 11 bits.
  const std::uint32_t id = frame.id - 0x1000 * group_;
  if (id < kFirstId || id > kLastId) {
    return {};
  }
  if (frame.extended != (group_ != 0)) {
    return {Fault::framing, frame.extended ? "has 29 bits" : "has 11 bits"};
  }
  slots_[id - kFirstId] = {frame.data, now};
  note_arrival(id);
  return frame.data.size() < least_size(id) ? FrameProblem{Fault::truncated, "is too short"} : FrameProblem();
}

/// A set is complete when measurements, limits, SoC, alarms and switches have arrived. Who sends
/// the classic alarm frame sends 0x35C as well; who sends neither alarm frame has shown it when the
/// set begins anew.
void PylontechCan::note_arrival(std::uint32_t id) {
  const auto it = std::find(kSet.begin(), kSet.end(), id);
  if (it == kSet.end()) {
    return;
  }
  const unsigned bit = 1U << (it - kSet.begin());
  wrapped_ = wrapped_ || (arrived_ & bit & kCore) != 0;
  arrived_ |= bit;
  seen_ |= bit;
  unsigned expected = seen_ | kCore;
  if ((seen_ & kClassicBit) != 0 && !wrapped_) {
    expected |= kSwitchBit;
  }
  if ((arrived_ & expected) == expected && (wrapped_ || (seen_ & kAlarmBits) != 0)) {
    complete_ = true;
    arrived_ = 0;
  }
}

bool PylontechCan::take_complete() {
  return std::exchange(complete_, false);
}

std::span<const CanFrame> PylontechCan::keep_alive() const {
  return send_keep_alive_ ? std::span<const CanFrame>(&kKeepAlive, 1) : std::span<const CanFrame>();
}

const PylontechCan::Slot& PylontechCan::slot(std::uint32_t id) const {
  return slots_[id - kFirstId];
}

ByteView PylontechCan::fresh(std::uint32_t id, std::chrono::milliseconds now, std::chrono::milliseconds age) const {
  const auto& [data, time] = slot(id);
  return time && now - *time <= age ? data.view() : ByteView();
}

std::string PylontechCan::text(std::uint32_t first, std::uint32_t second) const {
  std::string joined(slot(first).data.begin(), slot(first).data.end());
  joined.append(slot(second).data.begin(), slot(second).data.end());
  return ascii_text(ByteView(reinterpret_cast<const std::uint8_t*>(joined.data()), joined.size()));
}

// -- who it is ------------------------------------------------------------------------

bool PylontechCan::identified(std::chrono::milliseconds now) const {
  const bool ubms =
      ubms_state_ && ubms_command_ && now - *ubms_state_ <= kFreshFor && now - *ubms_command_ <= kFreshFor;
  return !ubms && snapshot(now).has_value();
}

Identity PylontechCan::identity() const {
  Identity out;
  out.protocol = "pylontech_can";
  out.label = "Pylontech CAN";
  out.manufacturer = ascii_text(slot(kMaker).data.view());
  out.model = text(kName1, kName2);
  if (out.model.empty()) {
    out.model = ascii_text(slot(kProduct).data.view());
  }
  out.serial = text(kSerial1, kSerial2);
  out.unique_id = out.serial;
  const ByteView version = slot(kVersion).data.view();
  if (starts_with(out.manufacturer, "BYD") && version.size() >= 4) { // others put other things there
    char digits[16];
    std::snprintf(digits, sizeof digits, "%x.%02x", version[2], version[3]);
    out.firmware_version = digits;
  }
  if (const ByteView installed = slot(kInstalled).data.view(); installed.size() >= 2 && le16(installed, 0) > 0) {
    out.capacity_full = le16(installed, 0);
  }
  return out;
}

// -- what it says -----------------------------------------------------------------------

Result<Sample> PylontechCan::snapshot(std::chrono::milliseconds now) const {
  for (std::size_t i = 0; i < kSet.size(); ++i) {
    const bool core = (kCore >> i & 1U) != 0;
    const auto& time = slot(kSet[i]).time;
    if (core ? !time || now - *time > kFreshFor : time && now - *time > kLostAfter) {
      char detail[48];
      std::snprintf(detail, sizeof detail, "frame 0x%03x is missing or too old", static_cast<unsigned>(kSet[i]));
      return Error{Fault::timeout, detail};
    }
  }
  auto sample = partial(now);
  if (sample && (!sample->max_discharge_current || !sample->soc || !sample->current)) {
    return Error{Fault::truncated, "frame 0x351, 0x355 or 0x356 is too short"};
  }
  return sample;
}

Result<Sample> PylontechCan::partial(std::chrono::milliseconds now) const {
  auto sample = said(now);
  const auto between = [](const auto& value, double low, double high) {
    return !value || (*value >= low && *value <= high);
  };
  const auto* wrong = !between(sample.max_charge_voltage, min_voltage_, max_voltage_) ? "charge voltage limit"
                      : !between(sample.max_charge_current, 0, kHighestCurrent)       ? "charge current limit"
                      : !between(sample.soc, 0, 100)                                  ? "SoC"
                      : !between(sample.soh, 0, 100)                                  ? "SoH"
                      : !between(sample.min_cell_voltage, 0, kHighestCellVoltage)     ? "lowest cell voltage"
                      : !between(sample.max_cell_voltage, 0, kHighestCellVoltage)     ? "highest cell voltage"
                      : !between(sample.voltage, min_voltage_, max_voltage_)          ? "battery voltage"
                      : !between(sample.temperatures.battery[0], kCold, kHot)         ? "battery temperature"
                                                                                      : nullptr;
  if (wrong != nullptr) {
    return Error{Fault::implausible, wrong};
  }
  return sample;
}

Sample PylontechCan::said(std::chrono::milliseconds now) const {
  Sample out;
  auto get = [&](Id id) { return fresh(id, now, kLostAfter); };
  const auto take = [&](const auto& table, Id id) {
    [[maybe_unused]] const auto all_optional = decode(table, get(id), out);
  };
  take(kLimitFields, kLimits);
  if (out.max_discharge_current) {
    out.max_discharge_current = std::abs(*out.max_discharge_current); // some makers count it negative
  }
  decode_soc(get(kSoc), out);
  take(kModuleFields, kModules);
  take(kCellFields, kCells);
  take(kEnergyFields, kEnergy);
  take(kInstalledFields, kInstalled);
  out.min_cell_temperature = cell_temperature(get(kCells), 4);
  out.max_cell_temperature = cell_temperature(get(kCells), 6);
  decode_measurements(get(kMeasurements), out);
  out.min_voltage_cell_id = cell_id(get(kMinVoltageCell));
  out.max_voltage_cell_id = cell_id(get(kMaxVoltageCell));
  out.min_temperature_cell_id = cell_id(get(kMinTemperatureCell));
  out.max_temperature_cell_id = cell_id(get(kMaxTemperatureCell));

  decode_victron_alarms(get(kVictronAlarms), out.alarms);
  const ByteView classic = get(kClassicAlarms);
  decode_classic_alarms(classic, out.alarms);
  if (classic.size() >= 5 && classic[4] > 0 && !out.modules_online) {
    out.modules_online = classic[4];
  }

  if (const ByteView switches = get(kSwitches); !switches.empty()) {
    out.charge_enabled = (switches[0] & 0x80) != 0;
    out.discharge_enabled = (switches[0] & 0x40) != 0;
    out.charge_requested = (switches[0] & 0x30) != 0;
    set_extra(out, "full_charge_requested", (switches[0] & 0x08) != 0);
  } else if (out.max_charge_current && out.max_discharge_current) {
    out.charge_enabled = *out.max_charge_current > 0;
    out.discharge_enabled = *out.max_discharge_current > 0;
  }

  decode_capacity(get(kVersion), out);
  if (auto product = ascii_text(fresh(kProduct, now, kForever)); !product.empty()) {
    set_extra(out, "product", std::move(product));
  }
  if (auto name = text(kName1, kName2); !name.empty()) {
    set_extra(out, "bms_name", std::move(name));
  }
  return out;
}

/// SMA adds the SoC in 0.01 %; zero where it is not supported.
void PylontechCan::decode_soc(ByteView data, Sample& out) const {
  if (decode(kSocFields, data, out) && data.size() >= 6) {
    const double fine = le16(data, 4) / 100.0;
    if (fine > 0 && fine <= 100 && std::abs(fine - *out.soc) <= 1) {
      out.soc = fine;
    }
  }
}

/// A sender without a sensor puts 0.0 °C there, so that zero needs a witness.
void PylontechCan::decode_measurements(ByteView data, Sample& out) const {
  if (decode(kMeasurementFields, data, out) && data.size() >= 6) {
    const double celsius = static_cast<double>(integer(data, 4, Wire::s16le)) / 10;
    const bool agrees = out.min_cell_temperature.value_or(1) <= 0 && out.max_cell_temperature.value_or(-1) >= 0;
    if (celsius != 0 || agrees || temperature_zero_) {
      out.temperatures.battery[0] = celsius;
    }
  }
}

/// Bytes 4 and 5 are the Ah left for some makers, the full capacity for others: the installed
/// capacity of 0x379 and the SoC tell which, else the maker's name.
void PylontechCan::decode_capacity(ByteView data, Sample& out) const {
  if (data.size() < 6 || le16(data, 4) == 0) {
    return;
  }
  const double reported = le16(data, 4);
  set_extra(out, "reported_capacity", reported);
  if (out.capacity_full) {
    const double left = *out.capacity_full * out.soc.value_or(-100) / 100;
    if (std::abs(reported - left) <= 0.03 * *out.capacity_full + 1) {
      out.capacity_remaining = reported;
    }
  } else if (starts_with(ascii_text(slot(kMaker).data.view()), "PYLON")) {
    out.capacity_full = reported;
  }
}

// -- registry -------------------------------------------------------------------

namespace {

constexpr std::string_view kNames[] = {"Pylontech_Can", "pylon_can", "victron_can"};
constexpr ProtocolOption kOptions[] = {
    {"group", "0..15", "group behind a hub"},
    {"min_voltage", "V", "lowest voltage of a battery"},
    {"max_voltage", "V", "highest voltage of a battery"},
    {"temperature_zero", "true, false", "0.0 degrees without other evidence is a measurement"},
    {"keep_alive", "true, false", "send 0x305 once a second"},
};

} // namespace

constinit const ProtocolInfo PylontechCan::kInfo = {
    .key = "pylontech_can",
    .label = "Pylontech CAN",
    .about = "Pylontech low voltage, Pytes, BYD LVS and others in \"Victron\" or \"Pylon\" mode; CAN",
    .aliases = kNames,
    .medium = Medium::can,
    .can_bitrate = 500000,
    .options = kOptions,
    .broadcast = make_broadcast<PylontechCan>,
};

} // namespace bmsd::protocols
