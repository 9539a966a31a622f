// The eg4_ll scripts against a battery that answers with the fuzzer's bytes: raw, as an exception, or in valid
// frames so that the fuzzer gets past the CRC.
#include "modbus_reply.hpp"

namespace {

using namespace bmsd;

/// The data as long as it was asked for; what the fuzzer has no bytes for is a battery of four cells at rest.
Bytes registers(const Request& request, ByteView content) {
  static constexpr std::uint8_t kRest[] = {0x05, 0x2C, 0x00, 0x00, 0x0C, 0xEE, 0x0C, 0xF1, 0x0C, 0xED, 0x0C, 0xF1};
  constexpr std::size_t kCellCount = 2 * 36 + 1;
  return fuzz::reply(request, fuzz::data(request, content, [](std::size_t i) {
                       return i < std::size(kRest) ? kRest[i] : i == kCellCount ? 4 : 0;
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
  fuzz::exchange("eg4_ll", fuzz::Input(data, size), answer);
  return 0;
}
