// The ecs scripts against a line that answers with the fuzzer's bytes: raw, as an exception, or in valid frames
// so that the fuzzer gets past the CRC. Boards are at three addresses, else a script would ask too much.
#include "modbus_reply.hpp"

namespace {

using namespace bmsd;

/// The data as long as it was asked for; what the fuzzer has no bytes for is 0.
Bytes registers(const Request& request, ByteView content, bool right_type) {
  Bytes data = fuzz::data(request, content, [](std::size_t) { return 0; });
  if (right_type && request.tx[3] == 0) {
    const bool board = request.tx[0] >= 2 && request.tx[0] <= 4;
    data[0] = board ? 0 : 1;
    data[1] = board ? 102 : 0xF4;
  }
  return fuzz::reply(request, data);
}

Bytes answer(const Request& request, fuzz::Input& input) {
  if (request.tx[0] > 4 && request.tx[0] < 18) {
    return {};
  }
  const std::uint8_t mode = input.byte();
  const auto content = input.take(input.byte());
  if (mode % 16 == 0) {
    return Bytes(content.begin(), content.end());
  }
  if (mode % 8 == 1) {
    return fuzz::exception(request, mode);
  }
  return registers(request, content, mode % 4 != 2);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("ecs", fuzz::Input(data, size), answer);
  return 0;
}
