// The sinowealth scripts against a board that answers with the fuzzer's bytes: raw, or with a valid CRC.
#include "protocols/sinowealth_frame.hpp"
#include "script_fuzz.hpp"

namespace {

using namespace bmsd;

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  const auto content = input.take(mode % 8 == 0 ? input.byte() : request.tx[2]);
  Bytes reply(content.begin(), content.end());
  if (mode % 8 == 0) {
    return reply;
  }
  reply.resize(request.tx[2]);
  reply.push_back(protocols::sinowealth::crc8(request.tx, ByteView(reply)));
  return reply;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("sinowealth", fuzz::Input(data, size), answer);
  return 0;
}
