// The renogy scripts against a battery that answers with the fuzzer's bytes: raw, as an exception, or in
// valid frames so that the fuzzer gets past the CRC.
#include "protocols/core/checksum.hpp"
#include "script_fuzz.hpp"

namespace {

using namespace bmsd;

Bytes sealed(Bytes frame) {
  const auto crc = protocols::crc16_modbus(frame);
  frame.push_back(static_cast<std::uint8_t>(crc));
  frame.push_back(static_cast<std::uint8_t>(crc >> 8));
  return frame;
}

/// The data as long as it was asked for; what the fuzzer has no bytes for is what a battery could say.
Bytes registers(const Request& request, ByteView content, std::uint8_t rest) {
  const std::size_t size = 2U * request.tx[5];
  Bytes reply = {request.tx[0], request.tx[1], static_cast<std::uint8_t>(size)};
  reply.insert(reply.end(), content.begin(),
               content.begin() + static_cast<std::ptrdiff_t>(std::min(content.size(), size)));
  while (reply.size() < 3 + size) {
    reply.push_back(reply.size() % 2 != 0 ? 0 : rest);
  }
  if (request.tx[2] == 0x14 && request.tx[3] == 0x02) { // the model, else nothing goes on
    reply[3] = 'R', reply[4] = 'B', reply[5] = 'T';
  }
  return sealed(std::move(reply));
}

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  const auto content = input.take(input.byte());
  if (mode % 16 == 0) {
    return Bytes(content.begin(), content.end());
  }
  if (mode % 4 == 1) {
    return sealed({request.tx[0], static_cast<std::uint8_t>(request.tx[1] | 0x80), mode});
  }
  return registers(request, content, mode / 16);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("renogy", fuzz::Input(data, size), answer);
  return 0;
}
