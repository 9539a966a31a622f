// The jkbms scripts against a board that answers with the fuzzer's bytes: raw, or in valid frames so that the
// fuzzer gets past the sum.
#include "protocols/core/checksum.hpp"
#include "script_fuzz.hpp"

namespace {

using namespace bmsd;

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  const auto content = input.take(input.byte() + (mode % 2 == 0 ? 0U : 120U));
  if (mode % 8 == 0) {
    return Bytes(content.begin(), content.end());
  }
  const std::uint8_t asked = request.tx[8];
  const std::uint8_t about = asked == 6 ? std::uint8_t{0x79} : request.tx[11];
  const std::size_t length = content.size() + 19;
  Bytes reply = {
      0x4E, 0x57, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length), 0, 0, 0, 0, asked, 0,
      1,    about};
  reply.insert(reply.end(), content.begin(), content.end());
  for (std::uint8_t byte : {0, 0, 0, 0, 0x68}) {
    reply.push_back(byte);
  }
  const auto sum = protocols::sum16(reply);
  reply.push_back(0);
  reply.push_back(0);
  reply.push_back(static_cast<std::uint8_t>(sum >> 8));
  reply.push_back(static_cast<std::uint8_t>(sum));
  return reply;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("jkbms", fuzz::Input(data, size), answer);
  return 0;
}
