// The jkbms_pb scripts against a board that answers with the fuzzer's bytes: raw, or a possible payload with
// the fuzzer's bytes somewhere in it, summed and acknowledged so that the fuzzer gets past both.
#include "protocols/core/checksum.hpp"
#include "protocols/jkbms_pb_frame.hpp"
#include "script_fuzz.hpp"

namespace {

using namespace bmsd;
using protocols::jkpb::kPayload;

Bytes payload(std::uint8_t reg, std::size_t offset, ByteView content) {
  Bytes out(kPayload);
  out[0] = 0x55, out[1] = 0xAA, out[2] = 0xEB, out[3] = 0x90;
  if (reg == 0x1E) {
    out[4] = 1;
    out[114] = 16; // cells
  } else if (reg == 0x20) {
    out[4] = 2;
    out[70] = out[71] = 0xFF; // cells
  } else {
    out[4] = 3;
  }
  for (std::size_t i = 0; i < content.size() && offset + i < kPayload; ++i) {
    out[offset + i] = content[i];
  }
  out.back() = static_cast<std::uint8_t>(protocols::sum16(ByteView(out).first(kPayload - 1)));
  return out;
}

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  const std::size_t offset = 5 + input.byte();
  const auto content = input.take(input.byte());
  if (mode % 8 == 0) {
    return Bytes(content.begin(), content.end());
  }
  Bytes out = payload(request.tx[3], offset, content);
  out.insert(out.end(), mode % 3, 0);
  Bytes ack(request.tx.begin(), request.tx.begin() + 6);
  if (mode % 8 == 1) {
    ack[0] ^= 1;
  }
  const auto crc = protocols::crc16_modbus(ack);
  out.insert(out.end(), ack.begin(), ack.end());
  out.push_back(static_cast<std::uint8_t>(crc));
  out.push_back(static_cast<std::uint8_t>(crc >> 8));
  return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("jkbms_pb", fuzz::Input(data, size), answer);
  return 0;
}
