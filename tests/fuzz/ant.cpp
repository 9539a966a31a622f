// The ant scripts against a board that answers with the fuzzer's bytes: raw, or in valid frames of either
// variant so that the fuzzer gets past the checksums.
#include "protocols/ant_frame.hpp"
#include "protocols/core/checksum.hpp"
#include "script_fuzz.hpp"

namespace {

using namespace bmsd;

Bytes answer_2021(const Bytes& tx, std::uint8_t mode, fuzz::Input& input) {
  const auto function = static_cast<std::uint8_t>(tx[2] + (tx[2] == 0x22 || tx[2] == 0x23 ? 0x20 : 0x10));
  std::size_t size = input.byte();
  if (tx[2] == protocols::ant2021::kRead) {
    size = tx[5];
  } else if (tx[2] == protocols::ant2021::kReadStatus && mode % 4 != 1) {
    size = 106 + 2U * (size % 42); // as long as a status can be
  }
  const auto content = input.take(size);
  Bytes reply = {0x7E, 0xA1, function, tx[3], tx[4], static_cast<std::uint8_t>(size)};
  reply.insert(reply.end(), content.begin(), content.end());
  reply.resize(6 + size);
  const auto crc = protocols::crc16_modbus(ByteView(reply).subspan(1));
  reply.push_back(static_cast<std::uint8_t>(crc));
  reply.push_back(static_cast<std::uint8_t>(crc >> 8));
  reply.resize(reply.size() + mode / 16); // what some replies have behind the CRC
  reply.push_back(0xAA);
  reply.push_back(0x55);
  return reply;
}

Bytes answer_2019(const Bytes& tx, std::uint8_t mode, fuzz::Input& input) {
  if (protocols::ant2019::is_write(tx)) {
    return mode % 4 == 1 ? Bytes{0xA5, 0xA5, 0xF5, 0x00, 0x01, 0xF6} : tx;
  }
  Bytes reply = {0xAA, 0x55, 0xAA, 0xFF};
  const auto content = input.take(134);
  reply.insert(reply.end(), content.begin(), content.end());
  reply.resize(138);
  const auto sum = protocols::sum16(ByteView(reply).subspan(4));
  reply.push_back(static_cast<std::uint8_t>(sum >> 8));
  reply.push_back(static_cast<std::uint8_t>(sum));
  return reply;
}

Bytes answer(const Request& request, fuzz::Input& input) {
  const std::uint8_t mode = input.byte();
  if (mode % 8 == 0) {
    const auto raw = input.take(input.byte());
    return Bytes(raw.begin(), raw.end());
  }
  return request.tx[0] == 0x7E ? answer_2021(request.tx, mode, input) : answer_2019(request.tx, mode, input);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("ant", fuzz::Input(data, size), answer);
  return 0;
}
