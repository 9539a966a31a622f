#include "app/sim/modbus_slave.hpp"

#include "protocols/core/decode.hpp"
#include "protocols/core/modbus.hpp"

namespace bmsd::sim {

namespace modbus = protocols::modbus;
using protocols::be16;

namespace {

constexpr std::size_t kShortest = 8, kWriteHead = 7; // bytes of a request
constexpr unsigned kMostWritten = 123;
constexpr std::uint8_t kException = 0x80, kHighestAddress = 247;
constexpr unsigned kMostRegisters = 125, kMostCoils = 2000;

bool is_function(std::uint8_t function) {
  return (function >= 1 && function <= 6) || function == 16;
}

} // namespace

void place(Registers& out, unsigned first, const Encoder& words) {
  for (std::size_t i = 0; i + 1 < words.bytes.size(); i += 2) {
    out[first++] = be16(words.bytes, i);
  }
}

StreamDevice::Answer ModbusSlave::answer(ByteView line) {
  if (!line.empty() && line[0] > kHighestAddress) {
    return {1, {}};
  }
  if (line.size() < 2) {
    return {};
  }
  if (!is_function(line[1])) {
    return {1, {}};
  }
  const bool multiple = line[1] == kWriteMultiple;
  if (multiple && line.size() >= kWriteHead && (be16(line, 4) > kMostWritten || line[6] != 2 * be16(line, 4))) {
    return {1, {}};
  }
  if (line.size() < kShortest) {
    return {};
  }
  const std::size_t size = multiple ? 9U + line[6] : kShortest;
  if (line.size() < size) {
    return {};
  }
  const ByteView request = line.first(size);
  if (!modbus::is_request(request)) {
    return {1, {}};
  }
  return {size, is_mine(request[0]) ? respond(request) : Bytes{}};
}

Bytes ModbusSlave::respond(ByteView request) {
  asked_ = request[0];
  if (auto reply = special(request)) {
    return *std::move(reply);
  }
  const std::uint8_t me = asked_, function = request[1];
  const unsigned first = be16(request, 2), count = be16(request, 4);
  Encoder out;
  const auto refused = [&](std::uint8_t code) {
    return modbus::with_crc(out.u8(me).u8(function | kException).u8(code).bytes);
  };
  if (function == kWriteSingle || function == kWriteMultiple) {
    const ByteView data = function == kWriteSingle ? request.subspan(4, 2) : request.subspan(7, request[6]);
    if (const auto code = write(function, first, data); code != 0) {
      return refused(code);
    }
    return modbus::with_crc(out.raw(request.first(6)).bytes);
  }
  if (function != kReadCoils && function != kReadHolding && function != kReadInput) {
    return refused(kIllegalFunction);
  }
  if (count == 0 || count > (function == kReadCoils ? kMostCoils : kMostRegisters)) {
    return refused(kIllegalValue);
  }
  const Data data = read(function, first, count);
  if (data.exception != 0) {
    return refused(data.exception);
  }
  return modbus::with_crc(out.u8(me).u8(function).u8(static_cast<double>(data.bytes.size())).raw(data.bytes).bytes);
}

ModbusSlave::Data ModbusSlave::slice(const Registers& all, unsigned first, unsigned count) {
  Encoder out;
  for (unsigned reg = first; reg < first + count; ++reg) {
    const auto found = all.find(reg);
    if (found == all.end()) {
      return refuse(kIllegalAddress);
    }
    out.u16be(found->second);
  }
  return {0, std::move(out.bytes)};
}

} // namespace bmsd::sim
