#include "protocols/pace_frame.hpp"

#include "protocols/core/values.hpp"

#include <algorithm>

namespace bmsd::protocols::pace {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMostSensors = 12, kPackSize = 13, kStateSize = 9;

/// 0 normal, 1 too low, 2 too high, from 0x80 on others. No voltage of a living cell looks like this.
bool all_codes(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t code) { return code <= 2 || code >= 0x80; });
}

bool possible(std::size_t cells, std::size_t sensors) {
  return cells >= 1 && cells <= kMaxCells && sensors <= kMostSensors;
}

template <class Part>
Result<Part> checked(const Walk& walk, const Part& part, bool right) {
  if (const auto result = walk.check(); !result) {
    return result.error();
  }
  return right ? Result<Part>(part) : Error{Fault::framing, "laid out in another way"};
}

Result<Analog> analog_of_next(Walk& walk) {
  Analog out;
  const std::size_t cells = walk.count();
  out.cells = walk.take(2 * cells);
  const std::size_t sensors = walk.count();
  out.temperatures = walk.take(2 * sensors);
  out.pack = walk.take(kPackSize);
  return checked(walk, out, possible(cells, sensors));
}

Result<Warnings> warnings_of_next(Walk& walk) {
  Warnings out;
  out.cells = walk.count();
  const ByteView cells = walk.take(out.cells);
  const ByteView sensors = walk.take(walk.count());
  const ByteView pack = walk.take(std::size_t{3}); // charge current, voltage, discharge current
  out.state = walk.take(kStateSize);
  return checked(walk, out,
                 possible(out.cells, sensors.size()) && all_codes(cells) && all_codes(sensors) && all_codes(pack));
}

/// One pack, perhaps with something behind it, or several of the same size; byte 1 is their number then.
template <class Part>
Result<Part> part_of(ByteView info, std::uint32_t number, Result<Part> (*next)(Walk&)) {
  constexpr std::size_t kHead = 2; // data flag, COMMAND or number of packs
  Walk walk(info);
  walk.skip(kHead);
  const auto first = next(walk);
  if (!first || walk.rest().size() < walk.position() - kHead) {
    return first;
  }
  const std::size_t packs = info[1], size = info.size() - kHead;
  const std::size_t index = std::max<std::size_t>(number, 1) - 1;
  if (packs < 2 || size % packs != 0 || index >= packs) {
    return Error{Fault::framing, "several packs, but not the one asked for"};
  }
  const auto pack = [&](std::size_t i) { return info.subspan(kHead + i * (size / packs), size / packs); };
  for (std::size_t i = 0; i < packs; ++i) {
    if (pack(i)[0] != pack(0)[0]) { // number of cells
      return Error{Fault::framing, "packs of different sizes"};
    }
  }
  Walk wanted(pack(index));
  return next(wanted);
}

using Frame = yd1363::Frame;

bool belongs_to_asked(const Frame& asked, const Frame& reply) {
  if (asked.info.size() != 1 || reply.info.size() < 2) {
    return false;
  }
  const std::uint8_t number = asked.info[0], said = reply.info[1]; // COMMAND, or how many packs
  if (asked.address == kAllPacks) {
    return number == kAllPacks;
  }
  if (reply.address != asked.address) {
    return number == asked.address && said == number; // the master for another pack
  }
  return number == kAllPacks || number == 0 || said == number || said == asked.address;
}

/// `part`: analog() or warnings().
template <auto part>
bool answers(const Frame& asked, const Frame& reply) {
  return reply.command != 0
             ? reply.address == asked.address
             : belongs_to_asked(asked, reply) && part(reply.info, asked.address == kAllPacks ? 1 : asked.address);
}

} // namespace

Request request(std::uint8_t device, std::uint8_t address, std::uint8_t command, ByteView info) {
  Request out = yd1363::ask({.version = kVer, .device = device}, address, command, info);
  if (command == kAnalog) {
    out.scan = yd1363::scan_answering<answers<analog>>;
  } else if (command == kWarnings) {
    out.scan = yd1363::scan_answering<answers<warnings>>;
  }
  out.first_byte = 1000ms; // the vendor says 500 ms
  out.gap = 100ms;
  out.retries = 2;
  return out;
}

Request request(std::uint8_t device, std::uint8_t address, std::uint8_t command, std::uint8_t argument) {
  return request(device, address, command, ByteView(&argument, 1));
}

/// Warnings of few cells can have the length of analog values by chance.
Result<Analog> analog(ByteView info, std::uint32_t number) {
  return part_of(info, number, warnings_of_next) ? Error{Fault::framing, "warnings instead of analog values"}
                                                 : part_of(info, number, analog_of_next);
}

Result<Warnings> warnings(ByteView info, std::uint32_t number) {
  return part_of(info, number, warnings_of_next);
}

} // namespace bmsd::protocols::pace
