// The eg4_lifepower and revov scripts against a board that answers with the fuzzer's bytes: raw, or in valid frames
// that answer the request so that the fuzzer gets past the checksum.
#include "script_fuzz.hpp"

namespace {

using namespace bmsd;

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  const auto content = input.take(input.byte());
  if (mode % 8 == 0) {
    return Bytes(content.begin(), content.end());
  }
  Bytes reply(request.tx.begin(), request.tx.begin() + 3);
  reply.push_back(static_cast<std::uint8_t>(content.size()));
  reply.insert(reply.end(), content.begin(), content.end());
  unsigned sum = 0, exclusive = 0;
  for (auto byte : reply) {
    sum += byte;
    exclusive ^= byte;
  }
  reply.push_back(static_cast<std::uint8_t>(sum ^ exclusive));
  reply.push_back(0x0D);
  return reply;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const bool revov = size > 0 && (data[0] & 0x80) != 0;
  fuzz::exchange(revov ? "revov" : "eg4_lifepower", fuzz::Input(data, size), answer);
  return 0;
}
