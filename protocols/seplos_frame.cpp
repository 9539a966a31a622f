#include "protocols/seplos_frame.hpp"

#include "protocols/core/values.hpp"

#include <algorithm>

namespace bmsd::protocols::seplos {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kParameterWords = 60, kParameterBytes = 27;

template <class Parts>
Result<Parts> exactly(const Walk& walk, const Parts& parts) {
  const auto result = walk.check_end();
  return result ? Result<Parts>(parts) : result.error();
}

/// 0 normal, 1 too low, 2 too high, from 0x80 on the vendor's own. No voltage of a living cell looks like this.
bool all_codes(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t code) { return code <= 2 || code >= 0x80; });
}

bool anything(ByteView) {
  return true;
}

FrameScanner scanner(std::uint8_t command) {
  switch (command) {
  case kTelemetry: return yd1363::scan_fitting<telemetry>;
  case kAlarms: return yd1363::scan_fitting<alarm_block>;
  case kParameters: return yd1363::scan_fitting<parameters>;
  case kVendor: return yd1363::scan_fitting<vendor>;
  default: return yd1363::scan_fitting<anything>;
  }
}

} // namespace

Request request(const yd1363::Dialect& dialect, std::uint8_t address, std::uint8_t command, ByteView info) {
  Request out = yd1363::ask(dialect, address, command, info);
  out.scan = scanner(command);
  out.first_byte = 1000ms; // the vendor says 500 ms
  out.retries = 2;
  return out;
}

Request read(std::uint8_t address, Cid2 command) {
  return request(kDialect, address, command);
}

Request read(std::uint8_t address, Cid2 command, std::uint8_t group) {
  return request(kDialect, address, command, ByteView(&group, 1));
}

/// An alarm block can have the length of telemetry by chance. The group is not compared: address 0 answers to
/// group 0 with group 1.
Result<Telemetry> telemetry(ByteView info) {
  constexpr std::size_t kPackSize = 6;
  Walk walk(info);
  walk.take(2); // data flag, group
  Telemetry out;
  out.cells = walk.take(2 * walk.count());
  out.temperatures = walk.take(2 * walk.count());
  out.pack = walk.take(kPackSize);
  out.totals = walk.take(2 * walk.count());
  return alarm_block(info) ? Error{Fault::framing, "alarms instead of telemetry"} : exactly(walk, out);
}

Result<AlarmBlock> alarm_block(ByteView info) {
  Walk walk(info);
  walk.take(2); // data flag, group
  AlarmBlock out;
  out.cells = walk.count();
  const ByteView cells = walk.take(out.cells);
  const ByteView sensors = walk.take(walk.count());
  const ByteView pack = walk.take(2);
  out.events = walk.take(walk.count());
  if (!all_codes(cells) || !all_codes(sensors) || !all_codes(pack)) {
    return Error{Fault::framing, "no alarm codes"};
  }
  if (walk.check() && out.events.size() < kEventsNeeded) {
    return Error{Fault::truncated, std::to_string(out.events.size()) + " bytes of events"};
  }
  return exactly(walk, out);
}

Result<Parameters> parameters(ByteView info) {
  constexpr std::size_t kModelSize = 10;
  Walk walk(info);
  walk.take(1); // group
  Parameters out;
  out.words = walk.take(2 * walk.count());
  out.bytes = walk.take(walk.count());
  walk.take(walk.count()); // function switches
  out.model = walk.take(kModelSize);
  if (out.words.size() < 2 * kParameterWords || out.bytes.size() < kParameterBytes) {
    return Error{Fault::truncated, "too few parameters"};
  }
  return exactly(walk, out);
}

Result<Vendor> vendor(ByteView info) {
  Walk walk(info);
  Vendor out;
  out.model = walk.take(std::size_t{10});
  out.software = walk.take(std::size_t{2});
  out.name = walk.take(std::size_t{20});
  return exactly(walk, out);
}

} // namespace bmsd::protocols::seplos
