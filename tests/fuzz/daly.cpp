// The daly scripts against a board that answers with the fuzzer's bytes: raw, or in valid frames of the
// right board so that the fuzzer gets past the checksum.
#include "protocols/core/checksum.hpp"
#include "protocols/daly_frame.hpp"
#include "script_fuzz.hpp"

namespace {

using namespace bmsd;

void append_frame(const Bytes& tx, int number, ByteView data, Bytes& out) {
  Bytes frame(12);
  frame[0] = 0xA5;
  frame[1] = protocols::daly::board_of(tx[1]);
  frame[2] = tx[2];
  frame[3] = 8;
  std::copy(data.begin(), data.end(), frame.begin() + 4);
  if (protocols::daly::is_numbered(tx[2])) {
    frame[4] = static_cast<std::uint8_t>(number);
  }
  out.insert(out.end(), frame.begin(), frame.end());
  out.push_back(static_cast<std::uint8_t>(protocols::sum16(frame)));
}

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  if (mode % 8 == 0) {
    const auto raw = input.take(input.byte());
    return Bytes(raw.begin(), raw.end());
  }
  const int frames = protocols::daly::is_numbered(request.tx[2]) ? 1 + mode / 8 % 16 : 1;
  Bytes reply;
  for (int number = 1; number <= frames; ++number) {
    append_frame(request.tx, number, input.take(8), reply);
  }
  return reply;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("daly", fuzz::Input(data, size), answer);
  return 0;
}
