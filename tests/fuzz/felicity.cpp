// The felicity scripts against a battery that answers with the fuzzer's bytes: raw, as an exception, or in valid
// frames so that the fuzzer gets past the CRC.
#include "modbus_reply.hpp"

namespace {

using namespace bmsd;

/// The data as long as it was asked for; what the fuzzer has no bytes for is a battery of 16 cells with 3.328 V.
Bytes registers(const Request& request, ByteView content) {
  constexpr std::size_t kVoltage = 0x1306;
  const std::size_t first = static_cast<std::size_t>(request.tx[2]) << 8 | request.tx[3];
  return fuzz::reply(request, fuzz::data(request, content, [=](std::size_t i) {
                       const std::size_t reg = first + i / 2;
                       const bool low = i % 2 != 0;
                       const bool cell = reg >= 0x132A && reg < 0x133A;
                       return reg == kVoltage ? (low ? 0xCD : 0x14) : cell && !low ? 0x0D : 0x00;
                     }));
}

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  const auto content = input.take(input.byte());
  if (mode % 16 == 0) {
    return Bytes(content.begin(), content.end());
  }
  if (mode % 4 == 1) {
    return fuzz::exception(request, mode);
  }
  return registers(request, content);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("felicity", fuzz::Input(data, size), answer);
  return 0;
}
