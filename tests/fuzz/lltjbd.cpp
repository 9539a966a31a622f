// The lltjbd scripts against a board that answers with the fuzzer's bytes: raw, or in valid frames so
// that the fuzzer gets past the checksum.
#include "protocols/core/checksum.hpp"
#include "script_fuzz.hpp"

namespace {

using namespace bmsd;

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  const auto content = input.take(input.byte());
  if (mode % 8 == 0) {
    return Bytes(content.begin(), content.end());
  }
  Bytes reply = {0xDD, request.tx[2], static_cast<std::uint8_t>(mode % 8 == 1 ? mode : 0),
                 static_cast<std::uint8_t>(content.size())};
  reply.insert(reply.end(), content.begin(), content.end());
  const auto sum = protocols::negated_sum16(ByteView(reply).subspan(2));
  reply.push_back(static_cast<std::uint8_t>(sum >> 8));
  reply.push_back(static_cast<std::uint8_t>(sum));
  reply.push_back(0x77);
  return reply;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("lltjbd", fuzz::Input(data, size), answer, 255, 65.535);
  return 0;
}
