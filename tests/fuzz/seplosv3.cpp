// The seplosv3 scripts against a battery that answers with the fuzzer's bytes: raw, as an exception, or in
// valid frames so that the fuzzer gets past the CRC.
#include "modbus_reply.hpp"

namespace {

using namespace bmsd;

constexpr std::string_view kMaker = "XZH-ElecTech Co.,Ltd";

/// The data as long as it was asked for; what the fuzzer has no bytes for is what a battery could say.
Bytes blocks(const Request& request, ByteView content, std::uint8_t rest) {
  Bytes data = fuzz::data(request, content, [=](std::size_t i) { return i % 2 == 0 ? 0 : rest; });
  if (request.tx[2] == 0x17 && request.tx[3] == 0) { // the maker, else nothing goes on
    std::copy(kMaker.begin(), kMaker.end(), data.begin());
  }
  return fuzz::reply(request, data);
}

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  const auto content = input.take(input.byte());
  if (mode % 16 == 0) {
    return Bytes(content.begin(), content.end());
  }
  if (mode % 8 == 1) {
    return fuzz::exception(request, mode);
  }
  return blocks(request, content, mode / 16);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("seplosv3", fuzz::Input(data, size), answer);
  return 0;
}
