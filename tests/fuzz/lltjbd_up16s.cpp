// The lltjbd_up16s scripts against a battery that answers with the fuzzer's bytes: raw, or in valid frames that
// answer the request so that the fuzzer gets past the CRC.
#include "protocols/core/modbus.hpp"
#include "protocols/lltjbd_up16s_frame.hpp"
#include "script_fuzz.hpp"

namespace {

using namespace bmsd;
using namespace bmsd::protocols;

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  const auto content = input.take(input.byte());
  if (mode % 8 == 0) {
    return Bytes(content.begin(), content.end());
  }
  Bytes reply(request.tx.begin(), request.tx.begin() + 6);
  const bool acknowledgement = up16s::block_of(request.tx).function == up16s::kWrite;
  reply.push_back(0);
  reply.push_back(static_cast<std::uint8_t>(acknowledgement ? 0 : content.size()));
  if (!acknowledgement) {
    reply.insert(reply.end(), content.begin(), content.end());
  }
  return modbus::with_crc(std::move(reply));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("lltjbd_up16s", fuzz::Input(data, size), answer);
  return 0;
}
