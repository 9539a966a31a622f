// What Modbus reads have told so far, whatever pieces it came in: a table of values reads from the
// registers and does not know whether one block read brought them or ten small ones.
//
//   constexpr std::array kValues = {
//       field(&Sample::current, modbus::at(5042), Wire::s16be).per_unit(100),
//       field(&Sample::soh, modbus::at(120) + 1, Wire::u8), // second byte of a register
//   };
//   registers.store(5035, co_await modbus::data_of(reply));
//   co_await decode(kValues, registers, out);
//
// So a recording of another program's reads decodes with the same tables, see replay(). Clear it before
// a poll cycle: yesterday's value must not stand in for one that was not read. Pure; any thread.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"
#include "messages/sample.hpp"
#include "protocols/core/decode.hpp"
#include "protocols/core/script.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bmsd::protocols::modbus {

/// Where the first byte of a register stands: offset of a field().
constexpr std::size_t at(std::uint16_t reg) {
  return 2U * reg;
}

/// The registers of one device and one function.
class Registers {
public:
  /// `data`: what `data_of` gave for a read from `first` on. Later values replace earlier ones.
  void store(std::uint16_t first, ByteView data);
  void clear() { runs_.clear(); }

  /// `size` bytes from at(...) on; empty unless all of them are known. Valid until the next store().
  ByteView bytes(std::size_t offset, std::size_t size) const;
  /// The number that begins with `reg`; nullopt unless all of it is known.
  std::optional<std::int64_t> value(std::uint16_t reg, Wire wire = Wire::u16be) const;
  /// Text in `count` registers; empty unless all of them are known.
  std::string text(std::uint16_t first, std::size_t count) const;

  /// Asks, which must be a read with function 3 or 4, and keeps what is told. (A member, like replay(), for the
  /// sanitizers of clang 14 cannot have coroutines that are free functions.)
  Script read(Request request);
  /// The body of ExchangeProtocol::replay() for Modbus: keeps what a read with function 3 or 4 says; an
  /// acknowledged write becomes the extra value writes_ok. Decode afterwards.
  Script replay(Bytes tx, Sample& out);

private:
  struct Run {
    std::size_t begin = 0;
    Bytes bytes;
    std::size_t end() const { return begin + bytes.size(); }
  };
  std::vector<Run> runs_; ///< apart from each other, in no order
};

} // namespace bmsd::protocols::modbus

namespace bmsd::protocols {

/// A field that was not read stays absent.
template <class Message>
Result<void> decode(std::span<const Field<Message>> table, const modbus::Registers& registers, Message& out) {
  for (Field<Message> f : table) {
    const ByteView bytes = registers.bytes(f.offset, width(f.wire));
    if (bytes.empty()) {
      continue;
    }
    const std::size_t reg = f.offset / 2;
    f.offset = 0;
    if (const auto result = decode(std::span<const Field<Message>>(&f, 1), bytes, out); !result) {
      const std::int64_t raw = integer(bytes, 0, f.wire);
      return Error{result.error().fault, "raw value " + std::to_string(raw) + " of register " + std::to_string(reg)};
    }
  }
  return {};
}
template <class Message, std::size_t N>
Result<void> decode(const std::array<Field<Message>, N>& table, const modbus::Registers& registers, Message& out) {
  return decode(std::span<const Field<Message>>(table), registers, out);
}

} // namespace bmsd::protocols
