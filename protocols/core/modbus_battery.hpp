// A battery that is a single Modbus device: reading into Registers, and captures. Its protocol says what the
// registers mean:
//
//   Script Example::poll(Sample& out) {
//     registers_.clear();
//     co_await part(read(kVoltage, 10));
//     co_await part(read_if_told(kLimits, 4));
//     co_return tell(out);
//   }
//
// Batteries of several devices have Registers for each of them. One thread at a time.
#pragma once

#include "protocols/core/modbus_registers.hpp"
#include "protocols/core/protocol.hpp"

#include <chrono>
#include <cstdint>

namespace bmsd::protocols::modbus {

class Battery : public ExchangeProtocol {
public:
  /// Reads of another address are those of another battery on the same line.
  Script replay(Bytes tx, Identity& identity, Sample& out) override;

protected:
  /// See Request.
  struct Timing {
    std::chrono::milliseconds first_byte, gap;
    int retries = Request().retries;
  };
  /// A row of registers that most batteries of a kind tell at once.
  struct Block {
    std::uint16_t first = 0, count = 0;
    std::uint16_t essential = 0; ///< register that must be among what is told in parts
    bool refused_whole = false;  ///< this battery tells it in parts alone
  };

  Battery(const ProtocolConfig& config, const Timing& timing) : config_(config), timing_(timing) {}

  // -- reading into registers_ --------------------------------------------------
  /// With function 3, at the battery's pace.
  Request request(std::uint16_t first, std::uint16_t count) const;
  virtual Script read(std::uint16_t first, std::uint16_t count);
  /// What the battery refuses stays unknown.
  Script read_if_told(std::uint16_t first, std::uint16_t count);
  /// The block, or `parts` if the battery refuses it.
  Script read_block(Block& block, Script parts);

  // -- what all registers read so far mean ----------------------------------------
  virtual void describe(Identity& out) = 0;
  virtual Result<void> tell(Sample& out) = 0;

  ProtocolConfig config_;
  Registers registers_;

private:
  Timing timing_;
};

} // namespace bmsd::protocols::modbus
