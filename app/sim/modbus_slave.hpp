// The side of a simulated BMS that answers Modbus RTU. A simulator derives from it and says what its
// registers hold.
//
// Source: MODBUS over Serial Line V1.02, MODBUS Application Protocol V1.1b3.
#pragma once

#include "app/sim/device.hpp"
#include "app/sim/encode.hpp"

#include <cstdint>
#include <map>
#include <optional>

namespace bmsd::sim {

/// Registers by their number, two bytes each.
using Registers = std::map<unsigned, std::uint16_t>;
/// The words that `words` has, at `first` and behind it.
void place(Registers& out, unsigned first, const Encoder& words);

class ModbusSlave : public StreamDevice {
public:
  /// Skips what is no request byte by byte; a request to another address is taken without a reply.
  Answer answer(ByteView line) final;

protected:
  static constexpr std::uint8_t kReadCoils = 1, kReadHolding = 3, kReadInput = 4, kWriteSingle = 6, kWriteMultiple = 16;
  static constexpr std::uint8_t kIllegalFunction = 1, kIllegalAddress = 2, kIllegalValue = 3;

  explicit ModbusSlave(std::uint8_t address) : address_(address) {}
  std::uint8_t address() const { return address_; }
  void set_address(std::uint8_t address) { address_ = address; }
  /// For simulators that are several slaves on one line: which addresses are theirs, and which of them the
  /// request that is being answered goes to.
  virtual bool is_mine(std::uint8_t address) const { return address == address_; }
  std::uint8_t asked() const { return asked_; }

  /// The data of a reply to a read, or the number of an exception.
  struct Data {
    std::uint8_t exception = 0;
    Bytes bytes = {};
  };
  static Data refuse(std::uint8_t exception) { return {exception}; }
  /// Registers (big-endian, two bytes each) or coils (eight in a byte, the first in bit 0).
  virtual Data read(std::uint8_t function, unsigned first, unsigned count) = 0;
  /// 0 or the number of an exception. `data`: two bytes per register.
  virtual std::uint8_t write(std::uint8_t function, unsigned first, ByteView data) {
    (void)function, (void)first, (void)data;
    return kIllegalFunction;
  }
  /// A reply of its own instead of read() and write(); nullopt: none.
  virtual std::optional<Bytes> special(ByteView request) {
    (void)request;
    return std::nullopt;
  }

  /// `count` registers of `all`, or refused if any is missing.
  static Data slice(const Registers& all, unsigned first, unsigned count);

private:
  Bytes respond(ByteView request);

  std::uint8_t address_;
  std::uint8_t asked_ = 0;
};

} // namespace bmsd::sim
