// The eg4_ll scripts against a battery that answers with the fuzzer's bytes: raw, as an exception, or in valid
// frames so that the fuzzer gets past the CRC.
#include "protocols/core/modbus.hpp"
#include "script_fuzz.hpp"

namespace {

using namespace bmsd;

/// The data as long as it was asked for; what the fuzzer has no bytes for is a battery of four cells at rest.
Bytes registers(const Request& request, ByteView content) {
  static constexpr std::uint8_t kRest[] = {0x05, 0x2C, 0x00, 0x00, 0x0C, 0xEE, 0x0C, 0xF1, 0x0C, 0xED, 0x0C, 0xF1};
  constexpr std::size_t kCellCount = 2 * 36 + 1;
  const std::size_t size = 2U * request.tx[5];
  Bytes reply = {request.tx[0], request.tx[1], static_cast<std::uint8_t>(size)};
  for (std::size_t i = 0; i < size; ++i) {
    reply.push_back(i < content.size()     ? content[i]
                    : i < std::size(kRest) ? kRest[i]
                    : i == kCellCount      ? std::uint8_t{4}
                                           : std::uint8_t{0});
  }
  return protocols::modbus::with_crc(std::move(reply));
}

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  const auto content = input.take(input.byte());
  if (mode % 16 == 0) {
    return Bytes(content.begin(), content.end());
  }
  if (mode % 4 == 1) {
    return protocols::modbus::with_crc({request.tx[0], static_cast<std::uint8_t>(request.tx[1] | 0x80), mode});
  }
  return registers(request, content);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("eg4_ll", fuzz::Input(data, size), answer);
  return 0;
}
