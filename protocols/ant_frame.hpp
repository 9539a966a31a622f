// Frames of ANT boards. Those of 2019 speak big-endian, in frames of fixed length:
//
//   request  FF FF address value[2] sum    FF: 5A read, DB read over Bluetooth, A5 write; sum: low byte
//   status   AA 55 AA FF data[134] sum[2]  sum: of the data
//   write    echoed; A5 A5 F5 00 01 F6 while the board is locked
//
// Those of 2021 little-endian, with the same layout in both directions:
//
//   7E A1 function address[2] length data[...] crc[2] AA 55
//
// Reads carry no data, their length is that of the answer. Between the CRC and the end some replies have
// six bytes more, which belong to nothing. Pure; any thread.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bmsd::protocols::ant2019 {

/// How a read is marked. Boards answer one of them or both; the answer is the same.
inline constexpr std::uint8_t kReads[] = {0x5A, 0xDB};

enum Address : std::uint8_t {
  kPassword = 0xF1, ///< and the three that follow: two characters each
  kLocked = 0xF5,
  kDischargeFet = 0xF9,
  kChargeFet = 0xFA,
  kApply = 0xFF,
};

Request read_status(std::uint8_t read);
/// The answer has to be looked at with obeyed().
Request write(std::uint8_t address, std::uint16_t value);
/// A request as another program has sent it; see is_request().
Request raw(Bytes tx);

bool is_request(ByteView tx);
bool is_status_request(ByteView tx);
bool is_write(ByteView tx);
std::uint8_t address_of(ByteView frame);
/// Fault::refused if the board is locked.
Result<void> obeyed(const Bytes& reply);

} // namespace bmsd::protocols::ant2019

namespace bmsd::protocols::ant2021 {

enum Function : std::uint8_t {
  kReadStatus = 0x01,
  kRead = 0x02,
  kReadPermission = 0x04,
  kWrite = 0x22,
  kAuthenticate = 0x23,
  kCommand = 0x51,
};

Request read_status();
Request read(std::uint16_t address, std::uint8_t size);
/// The answer has to be looked at with obeyed().
Request command(std::uint8_t number);
Request authenticate(std::string_view password);
/// A request as another program has sent it; see is_request().
Request raw(Bytes tx);

bool is_request(ByteView tx);
Function function_of(ByteView frame);
std::uint16_t address_of(ByteView frame);
ByteView data_of(const Bytes& reply);
/// Fault::refused unless a command was carried out.
Result<void> obeyed(const Bytes& reply);

} // namespace bmsd::protocols::ant2021
