// Requests of a PACE BMS, protocol version 2.5, and what its replies are made of. Sources: vendor PDFs "PACE RS232
// Communication Protocol" (2018-07-05) and "PACE BMS RS485 Communication Protocol" (2018-06-15), tables A.1 to A.25;
// recordings for what boards send beyond them.
//
// COMMAND of analog values and warnings is the number of a pack, 0xFF: all of them. On RS232 the master answers for
// the other packs, under its own address: then the number shows whose values these are. Pure; any thread.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"
#include "protocols/core/yd1363.hpp"

#include <cstdint>

namespace bmsd::protocols::pace {

enum Cid2 : std::uint8_t {
  kAnalog = 0x42,
  kWarnings = 0x44,
  kPackCount = 0x90,
  kSwitchFunction = 0x99,
  kSwitchCharge = 0x9A,
  kSwitchDischarge = 0x9B,
  kCapacities = 0xA6,
  kFullCharge = 0xAF,
  kBalancing = 0xB6,
  kVersion = 0xC1,
  kProduct = 0xC2,
  kCellOvervoltage = 0xD1,
  kCellUndervoltage = 0xD3,
  kPackOvervoltage = 0xD5,
  kPackUndervoltage = 0xD7,
  kChargeOvercurrent = 0xD9,
  kDischargeOvercurrent = 0xDB,
};

constexpr std::uint8_t kVer = 0x25;
constexpr std::uint8_t kIronPhosphate = 0x46, kLithiumIon = 0x4F; ///< CID1
constexpr std::uint8_t kAllPacks = 0xFF;                          ///< COMMAND, and ADR

/// Analog values and warnings are accepted only if they are laid out so and belong to the pack asked for, under
/// whatever address; of the others the address must be the one asked.
Request request(std::uint8_t device, std::uint8_t address, std::uint8_t command, ByteView info = {});
Request request(std::uint8_t device, std::uint8_t address, std::uint8_t command, std::uint8_t argument);

/// Of one pack; 14 and more bytes of unknown use may follow.
struct Analog {
  ByteView cells, temperatures; ///< two bytes each
  ByteView pack;                ///< 13: current, voltage, capacities, cycles
};
/// Of the packs in `info` the one with this number; 0 is the first, too.
Result<Analog> analog(ByteView info, std::uint32_t number);

/// The codes of cells, sensors, currents and voltage repeat what the bits of the state say, and are left out.
struct Warnings {
  std::size_t cells = 0;
  ByteView state; ///< 9
};
Result<Warnings> warnings(ByteView info, std::uint32_t number);

} // namespace bmsd::protocols::pace
