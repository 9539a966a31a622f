// The heltec_modbus scripts against a battery that answers with the fuzzer's bytes: raw, as an exception, or in
// valid frames so that the fuzzer gets past the CRC.
#include "modbus_reply.hpp"

namespace {

using namespace bmsd;

/// A battery with which identification succeeds; everything else reads as 0.
Bytes usual(std::uint8_t reg, std::size_t size) {
  Bytes out(size);
  switch (reg) {
  case 7: out[0] = 'Y'; break;
  case 75: out[0] = 4; break;                   // cells
  case 76: out[0] = 0xE0, out[1] = 0x2E; break; // 12 V
  case 81:
    for (std::size_t i = 0; i + 1 < size; i += 2) {
      out[i] = 0xB8, out[i + 1] = 0x0B; // 3 V
    }
    break;
  default: break;
  }
  return out;
}

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  if (mode % 16 == 0) {
    const auto content = input.take(input.byte());
    return Bytes(content.begin(), content.end());
  }
  if (mode % 16 == 1) {
    return fuzz::exception(request, mode);
  }
  Bytes data = usual(request.tx[3], 2U * request.tx[5]);
  if (mode % 2 == 0) {
    const auto content = input.take(data.size());
    std::copy(content.begin(), content.end(), data.begin());
  }
  return fuzz::reply(request, data);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("heltec_modbus", fuzz::Input(data, size), answer);
  return 0;
}
