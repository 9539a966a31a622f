// The seplosv3 scripts against a battery that answers with the fuzzer's bytes: raw, as an exception, or in
// valid frames so that the fuzzer gets past the CRC.
#include "protocols/core/modbus.hpp"
#include "script_fuzz.hpp"

namespace {

using namespace bmsd;

constexpr std::string_view kMaker = "XZH-ElecTech Co.,Ltd";

/// The data as long as it was asked for; what the fuzzer has no bytes for is what a battery could say.
Bytes data(const Request& request, ByteView content, std::uint8_t rest) {
  const bool coils = request.tx[1] == 1;
  const std::size_t size = coils ? request.tx[5] / 8U : 2U * request.tx[5];
  Bytes reply = {request.tx[0], request.tx[1], static_cast<std::uint8_t>(size)};
  reply.insert(reply.end(), content.begin(),
               content.begin() + static_cast<std::ptrdiff_t>(std::min(content.size(), size)));
  while (reply.size() < 3 + size) {
    reply.push_back(reply.size() % 2 != 0 ? 0 : rest);
  }
  if (request.tx[2] == 0x17 && request.tx[3] == 0) { // the maker, else nothing goes on
    std::copy(kMaker.begin(), kMaker.end(), reply.begin() + 3);
  }
  return protocols::modbus::with_crc(std::move(reply));
}

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  const auto content = input.take(input.byte());
  if (mode % 16 == 0) {
    return Bytes(content.begin(), content.end());
  }
  if (mode % 8 == 1) {
    return protocols::modbus::with_crc({request.tx[0], static_cast<std::uint8_t>(request.tx[1] | 0x80), mode});
  }
  return data(request, content, mode / 16);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("seplosv3", fuzz::Input(data, size), answer);
  return 0;
}
