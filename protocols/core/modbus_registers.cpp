#include "protocols/core/modbus_registers.hpp"

#include "protocols/core/modbus.hpp"
#include "protocols/core/text.hpp"

#include <utility>

namespace bmsd::protocols::modbus {

namespace {

constexpr std::uint8_t kReadHolding = 3, kReadInput = 4, kWriteSingle = 6, kWriteMultiple = 16;

} // namespace

void Registers::store(std::uint16_t first, ByteView data) {
  if (data.empty()) {
    return;
  }
  Run run{at(first), Bytes(data.begin(), data.end())};
  // Runs that touch the new one become part of it; where both have a value, the new one counts.
  std::vector<Run> apart;
  for (auto& old : runs_) {
    if (old.end() < run.begin || run.end() < old.begin) {
      apart.push_back(std::move(old));
      continue;
    }
    if (old.end() > run.end()) {
      run.bytes.insert(run.bytes.end(), old.bytes.end() - static_cast<std::ptrdiff_t>(old.end() - run.end()),
                       old.bytes.end());
    }
    if (old.begin < run.begin) {
      run.bytes.insert(run.bytes.begin(), old.bytes.begin(),
                       old.bytes.begin() + static_cast<std::ptrdiff_t>(run.begin - old.begin));
      run.begin = old.begin;
    }
  }
  apart.push_back(std::move(run));
  runs_ = std::move(apart);
}

ByteView Registers::bytes(std::size_t offset, std::size_t size) const {
  for (const auto& run : runs_) {
    if (run.begin <= offset && offset + size <= run.end()) {
      return ByteView(run.bytes).subspan(offset - run.begin, size);
    }
  }
  return {};
}

std::optional<std::int64_t> Registers::value(std::uint16_t reg, Wire wire) const {
  const ByteView raw = bytes(at(reg), width(wire));
  return raw.empty() ? std::nullopt : std::optional(integer(raw, 0, wire));
}

std::string Registers::text(std::uint16_t first, std::size_t count) const {
  return ascii_text(bytes(at(first), 2 * count));
}

Script Registers::read(Request request) {
  const std::uint16_t first = be16(request.tx, 2);
  const Bytes reply = co_await ask(std::move(request));
  const ByteView data = co_await data_of(reply);
  store(first, data);
  co_return done();
}

Script Registers::replay(Bytes tx, Sample& out) {
  if (!is_request(tx)) {
    co_return Error{Fault::unsupported, "not a Modbus request"};
  }
  const std::uint8_t function = tx[1];
  const std::uint16_t first = be16(tx, 2);
  const Bytes reply = co_await ask(raw(std::move(tx)));
  const ByteView data = co_await data_of(reply);
  if (function == kReadHolding || function == kReadInput) {
    store(first, data);
  } else if (function == kWriteSingle || function == kWriteMultiple) {
    set_extra(out, "writes_ok", true);
  }
  co_return done();
}

} // namespace bmsd::protocols::modbus
