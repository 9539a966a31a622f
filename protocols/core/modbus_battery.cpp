#include "protocols/core/modbus_battery.hpp"

#include "protocols/core/modbus.hpp"

#include <utility>

namespace bmsd::protocols::modbus {

Request Battery::request(std::uint16_t first, std::uint16_t count) const {
  Request request = read_holding(static_cast<std::uint8_t>(config_.address), first, count);
  request.first_byte = timing_.first_byte;
  request.gap = timing_.gap;
  request.retries = timing_.retries;
  return request;
}

Script Battery::read(std::uint16_t first, std::uint16_t count) {
  return registers_.read(request(first, count));
}

Script Battery::read_if_told(std::uint16_t first, std::uint16_t count) {
  const Result<void> outcome = co_await read(first, count);
  co_return !outcome && outcome.error().fault == Fault::refused ? done() : outcome;
}

Script Battery::read_block(Block& block, Script parts) {
  if (block.refused_whole) {
    co_return co_await std::move(parts);
  }
  const Result<void> whole = co_await read(block.first, block.count);
  if (whole || whole.error().fault != Fault::refused) {
    co_return whole;
  }
  co_await part(std::move(parts));
  block.refused_whole = registers_.value(block.essential).has_value();
  co_return block.refused_whole ? done() : whole;
}

Script Battery::replay(Bytes tx, Identity& identity, Sample& out) {
  if (config_.address != 0 && !tx.empty() && tx[0] != config_.address) {
    co_return done();
  }
  co_await part(registers_.replay(std::move(tx), out));
  describe(identity);
  co_return tell(out);
}

} // namespace bmsd::protocols::modbus
