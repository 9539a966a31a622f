// Modbus RTU from the master's side: requests and the check of their replies.
//
//   const Bytes reply = co_await ask(modbus::read_holding(address, 0x1388, 34));
//   const ByteView registers = co_await modbus::data_of(reply); // two bytes a register, big-endian
//
// A reply counts if its CRC is right and address, function and length are those asked for. Address 0
// is an address like any other: some BMS have it. Pure; any thread.
//
// Source: MODBUS over Serial Line V1.02, MODBUS Application Protocol V1.1b3.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"

#include <cstdint>
#include <span>

namespace bmsd::protocols::modbus {

/// Function 1: `data_of` gives the coils, eight in a byte, the first one in bit 0 of the first byte.
Request read_coils(std::uint8_t address, std::uint16_t first, std::uint16_t count);
/// Function 3.
Request read_holding(std::uint8_t address, std::uint16_t first, std::uint16_t count);
/// Function 4.
Request read_input(std::uint8_t address, std::uint16_t first, std::uint16_t count);
/// Function 6. The reply repeats the request.
Request write_single(std::uint8_t address, std::uint16_t reg, std::uint16_t value);
/// Function 16. The reply repeats first register and count.
Request write_multiple(std::uint8_t address, std::uint16_t first, std::span<const std::uint16_t> values);
/// A request as another program has sent it, with its CRC; see is_request().
Request raw(Bytes tx);
/// Whether these bytes are one of the requests above, with a right CRC.
bool is_request(ByteView tx);

/// `frame` with its CRC behind it.
Bytes with_crc(Bytes frame);

/// What was read; empty after a write. Fault::refused with the exception's name if the device refused.
Result<ByteView> data_of(const Bytes& reply);

} // namespace bmsd::protocols::modbus
