// Requests of a Seplos BMS 2.x, and what its replies are made of. Source: vendor PDF "SEPLOS BMS Communication
// Protocol V2.0", tables 8 and 11; recordings for the parameters.
//
// A reply does not say which command it answers. The requests made here take only a reply that is laid out like the
// one asked for (or a refusal), so that a late answer to another command is passed over. Pure; any thread.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"
#include "protocols/core/yd1363.hpp"

#include <cstdint>

namespace bmsd::protocols::seplos {

enum Cid2 : std::uint8_t {
  kTelemetry = 0x42,
  kAlarms = 0x44,
  kParameters = 0x47,
  kVendor = 0x51,
};

constexpr yd1363::Dialect kDialect{.version = 0x20, .device = 0x46};

Request request(const yd1363::Dialect& dialect, std::uint8_t address, std::uint8_t command, ByteView info = {});
Request read(std::uint8_t address, Cid2 command);
/// Telemetry and alarms are those of a group.
Request read(std::uint8_t address, Cid2 command, std::uint8_t group);

/// All offsets and sizes in bytes.
struct Telemetry {
  ByteView cells, temperatures; ///< two bytes each
  ByteView pack;                ///< 6: current, voltage, remaining capacity
  ByteView totals;              ///< "custom": as many words as the BMS says, usually 10
};
Result<Telemetry> telemetry(ByteView info);

/// The codes of cells, sensors, current and voltage repeat what the events say, and are left out.
struct AlarmBlock {
  std::size_t cells = 0;
  ByteView events; ///< "custom", usually 20, never less than kEventsNeeded
};
constexpr std::size_t kEventsNeeded = 9;
Result<AlarmBlock> alarm_block(ByteView info);

struct Parameters {
  ByteView words; ///< 60 words
  ByteView bytes; ///< 27
  ByteView model; ///< 10
};
Result<Parameters> parameters(ByteView info);

struct Vendor {
  ByteView model;    ///< 10
  ByteView software; ///< 2: major, minor
  ByteView name;     ///< 20
};
Result<Vendor> vendor(ByteView info);

} // namespace bmsd::protocols::seplos
