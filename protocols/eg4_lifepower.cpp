#include "protocols/eg4_lifepower.hpp"

#include "protocols/core/framing.hpp"
#include "protocols/core/values.hpp"

#include <array>
#include <cmath>

namespace bmsd::protocols {

using namespace std::chrono_literals;

namespace {

// -- frames -----------------------------------------------------------------------

enum Command : std::uint8_t { kStatus = 0x01, kFirmware = 0x33, kHardware = 0x42 };

constexpr std::uint8_t kEnd = 0x0D;
constexpr std::size_t kAddressAt = 1, kCommandAt = 2, kLengthAt = 3, kDataAt = 4, kOverhead = 6;

std::uint8_t checksum(ByteView bytes) {
  unsigned sum = 0, odd = 0;
  for (auto byte : bytes) {
    sum += byte;
    odd ^= byte;
  }
  return static_cast<std::uint8_t>(sum ^ odd);
}

struct ReplyFormat {
  static constexpr std::size_t kHeader = kDataAt;
  static ByteView start(ByteView tx) { return tx.first(2); }
  static std::size_t size(ByteView, ByteView header) { return header[kLengthAt] + kOverhead; }
  static Verdict check(ByteView tx, ByteView frame) {
    if (frame.back() != kEnd) {
      return damaged(Fault::framing, "wrong end byte");
    }
    if (frame[frame.size() - 2] != checksum(frame.first(frame.size() - 2))) {
      return damaged(Fault::checksum, "wrong checksum");
    }
    if (frame.size() == kOverhead) {
      return foreign("a request, not its answer");
    }
    return frame[kCommandAt] == tx[kCommandAt] ? accepted() : foreign("answer to another command");
  }
};

/// Answers begin 130 to 350 ms after the request; boards that are asked too fast make mistakes.
Request raw(Bytes tx) {
  Request request;
  request.tx = std::move(tx);
  request.scan = scan_frames<ReplyFormat>;
  request.first_byte = 500ms;
  request.between = 150ms;
  request.gap = 100ms;
  request.retries = 2;
  return request;
}

Request make_request(std::uint8_t start, std::uint32_t address, std::uint8_t command) {
  Bytes tx = {start, static_cast<std::uint8_t>(address), command, 0};
  tx.push_back(checksum(tx));
  tx.push_back(kEnd);
  return raw(std::move(tx));
}

bool is_request(ByteView tx) {
  return tx.size() >= kOverhead && tx.size() == tx[kLengthAt] + kOverhead && tx.back() == kEnd;
}

ByteView data_of(const Bytes& reply) {
  return ByteView(reply).subspan(kDataAt, reply[kLengthAt]);
}

// -- status: groups of words --------------------------------------------------------

enum Group : std::uint8_t {
  kCells = 1,
  kCurrent = 2,
  kSoc = 3,
  kCapacity = 4,
  kTemperatures = 5,
  kState = 6,
  kCycles = 7,
  kVoltage = 8,
  kSoh = 9,
};
constexpr std::size_t kGroups = 10; // the tenth is sent too and always 0

/// The words of each group; empty: not sent.
using Groups = std::array<ByteView, kGroups>;

struct GroupField {
  Group group{};
  bool necessary = false;
  Field<Sample> field;
};
constexpr GroupField kFields[] = {
    {kCurrent, true, field(&Sample::current, 0, Wire::u16be).shift(-30000).per_unit(-100)}, // 10 mA, charging below
    {kSoc, true, field(&Sample::soc, 0, Wire::u16be).per_unit(100).within(0, 100)},
    {kCapacity, false, field(&Sample::capacity_full, 0, Wire::u16be).per_unit(100).absent(0)},
    {kState, true, extra("status_bits", 2, Wire::u16be)},
    {kState, true, extra_flag("environment_cold", 2, Wire::u16be).bits(1U << 8)},
    {kState, true, extra_flag("environment_hot", 2, Wire::u16be).bits(1U << 9)},
    {kState, true, extra_flag("serious_alarm", 2, Wire::u16be).bits(1U << 10)}, // from a tool's texts: not proven
    {kCycles, false, field(&Sample::cycles, 0, Wire::u16be)},
    {kVoltage, true, field(&Sample::voltage, 0, Wire::u16be).per_unit(100)},
    {kSoh, false, field(&Sample::soh, 0, Wire::u16be).per_unit(100).within(0, 100)},
};

/// Second word of the state. Bits 0 and 1 say charging and discharging.
constexpr std::size_t kStateBits = 2;
constexpr AlarmBit kAlarms[] = {
    {2, Alarm::HighDischargeCurrent, 2}, // short circuit
    {3, Alarm::HighChargeCurrent, 2},    // overcurrent; which direction is not said
    {4, Alarm::HighVoltage, 2},           {5, Alarm::LowVoltage, 2},
    {6, Alarm::HighChargeTemperature, 2}, {7, Alarm::LowChargeTemperature, 2},
};

/// Bits 15 and 14 of a cell are flags.
constexpr std::int64_t kCellMask = 0x3FFF;
constexpr std::size_t kCellSensors = 4, kMosSensor = 4, kEnvironmentSensor = 5;

Result<Groups> groups_of(ByteView data) {
  Groups groups;
  Walk walk(data);
  while (!walk.rest().empty()) {
    const std::size_t id = walk.count(), words = walk.count();
    const ByteView content = walk.take(2 * words);
    if (auto result = walk.check(); !result) {
      return result.error();
    }
    if (id >= kGroups) {
      continue;
    }
    if (!groups[id].empty()) {
      return Error{Fault::framing, "group " + std::to_string(id) + " twice"};
    }
    groups[id] = content;
  }
  return groups;
}

/// A flipped bit can change sum and exclusive-or alike and leave the checksum right. So the cells have to add up to
/// the pack, as nearly as measuring under a changing load allows.
Result<void> check_sum(const Sample& out) {
  constexpr double kApart = 0.15; // V per cell
  return std::abs(sum_of_cells(out) - *out.voltage) > kApart * static_cast<double>(out.cell_voltages.size())
             ? Result<void>(Error{Fault::implausible, "the cells do not add up to the voltage of the pack"})
             : Result<void>();
}

/// In °C above -50, in the low byte; the high byte holds marks. Boards with up to four sensors have none at the
/// MOSFET.
void decode_temperatures(ByteView words, Temperatures& out) {
  for (std::size_t i = 0; 2 * i + 1 < words.size(); ++i) {
    const auto celsius = sensor(words[2 * i + 1] - 50.0);
    if (i < kCellSensors) {
      out.battery[i] = celsius;
    } else if (i == kMosSensor) {
      out.mos = celsius;
    } else if (i == kEnvironmentSensor) {
      out.env = celsius;
    }
  }
}

Result<void> decode_status(ByteView data, Sample& out) {
  if (data[0] != kCells) {
    return Error{Fault::framing, "does not begin with the cells"};
  }
  const auto groups = groups_of(data);
  if (!groups) {
    return groups.error();
  }
  for (const auto& [group, necessary, field] : kFields) {
    if (necessary || !(*groups)[group].empty()) {
      if (auto result = decode(std::span(&field, 1), (*groups)[group], out); !result) {
        return result;
      }
    }
  }
  const ByteView cells = (*groups)[kCells];
  if (auto result = decode_cells(cells, 0, cells.size() / 2, out, Wire::u16be, 1000, kCellMask); !result) {
    return result;
  }
  decode_temperatures((*groups)[kTemperatures], out.temperatures);
  raise_alarms(kAlarms, be16((*groups)[kState], kStateBits), out.alarms);
  return check_sum(out);
}

/// Some boards put other bytes between the characters.
std::string clean_text(ByteView bytes) {
  std::string out;
  for (auto c : bytes) {
    const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (letter || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == ' ') {
      out += static_cast<char>(c);
    }
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

} // namespace

// -- reading --------------------------------------------------------------------

/// The status proves that it is this BMS; the texts are not told by every board. There is no serial number.
Script Eg4Lifepower::identify(Identity& out) {
  introduce(info_, config_, out);
  Sample first;
  co_await part(read_status(first));
  (void)co_await read_text(kFirmware, out.firmware_version);
  (void)co_await read_text(kHardware, out.hardware_version);
  out.cell_count = first.cell_count;
  out.capacity_full = first.capacity_full;
  co_return done();
}

Script Eg4Lifepower::poll(Sample& out) {
  co_return co_await read_status(out);
}

Script Eg4Lifepower::read_status(Sample& out) {
  const Bytes reply = co_await ask(make_request(start_, config_.address, kStatus));
  co_return decode_status(data_of(reply), out);
}

Script Eg4Lifepower::read_text(std::uint8_t command, std::string& out) {
  const Bytes reply = co_await ask(make_request(start_, config_.address, command));
  out = clean_text(data_of(reply));
  co_return done();
}

// -- captures -------------------------------------------------------------------

/// The checksum may differ: programs with a table of it have asked with wrong ones. Without a configured
/// address the recording tells which pack is meant.
bool Eg4Lifepower::same_request(ByteView wanted, ByteView recorded) const {
  return is_request(recorded) && wanted[0] == recorded[0] && wanted[kCommandAt] == recorded[kCommandAt] &&
         (config_.address == 0 || wanted[kAddressAt] == recorded[kAddressAt]);
}

Script Eg4Lifepower::replay(Bytes tx, Identity&, Sample&) {
  if (!is_request(tx) || tx[0] != start_) {
    co_return Error{Fault::unsupported, "not a request of this protocol"};
  }
  co_await ask(raw(std::move(tx)));
  co_return done();
}

// -- registry -------------------------------------------------------------------

namespace {

constexpr LineSettings kLines[] = {{.baud = 9600}};
constexpr std::uint32_t kAddresses[] = {1};
constexpr std::string_view kNames[] = {"EG4_Lifepower", "EG4 Lifepower"};

} // namespace

constinit const ProtocolInfo Eg4Lifepower::kInfo = {
    .key = "eg4_lifepower",
    .label = "EG4 Lifepower",
    .about = "EG4 LifePower4 (V1), Narada, Tian Power; RS485",
    .aliases = kNames,
    .medium = Medium::serial,
    .lines = kLines,
    .addresses = kAddresses,
    .detect_order = 75,
    .chain = {0, 15},
    .poll_interval = std::chrono::milliseconds(2000), // boards that are asked more often make mistakes
    .exchange = make_exchange<Eg4Lifepower>,
};

} // namespace bmsd::protocols
