// JK PB boards on one line for tests: recorded payloads, and whatever it is told to do wrong.
#pragma once

#include "protocols/core/checksum.hpp"
#include "protocols/jkbms_pb_frame.hpp"
#include "support.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <map>
#include <string>

namespace bmsd::protocols::test {

class FakeJkPb {
public:
  static constexpr int kAbout = 0x161C, kSettings = 0x161E, kStatus = 0x1620;

  std::map<int, Bytes> payloads;  ///< by register; summed anew when sent
  std::map<int, int> missed;      ///< requests to a register that go unanswered
  std::map<int, bool> damaged;    ///< answers with a wrong sum
  bool status_needs_wake = false; ///< status is answered only as the next after another request
  Bytes before;                   ///< on the line in front of every answer
  std::uint8_t address = 3;
  std::vector<Bytes> heard; ///< all requests

  /// The 16 cell board of the first recording.
  FakeJkPb() {
    std::ifstream file(BMSD_TEST_DATA "/captures/jkbms_pb.jsonl");
    std::string line;
    std::getline(file, line);
    const auto recording = nlohmann::json::parse(line);
    for (const auto& exchange : recording["exchanges"]) {
      const Bytes tx = hex(exchange["tx"].get<std::string>());
      Bytes rx = hex(exchange["rx"].get<std::string>());
      rx.resize(jkpb::kPayload);
      payloads[tx[2] << 8 | tx[3]] = std::move(rx);
    }
  }

  void put(int reg, std::size_t offset, std::string_view bytes) {
    const Bytes raw = hex(bytes);
    std::copy(raw.begin(), raw.end(), payloads[reg].begin() + static_cast<std::ptrdiff_t>(offset));
  }
  void put_text(int reg, std::size_t offset, std::string_view text, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) {
      payloads[reg][offset + i] = i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0};
    }
  }

  static Bytes summed(Bytes payload) {
    payload.back() = static_cast<std::uint8_t>(sum16(ByteView(payload).first(jkpb::kPayload - 1)));
    return payload;
  }
  static Bytes ack(std::uint8_t address, int reg) {
    Bytes out = {address, 0x10, static_cast<std::uint8_t>(reg >> 8), static_cast<std::uint8_t>(reg), 0, 1};
    const std::uint16_t crc = crc16_modbus(out);
    out.push_back(static_cast<std::uint8_t>(crc));
    out.push_back(static_cast<std::uint8_t>(crc >> 8));
    return out;
  }
  /// Payload and acknowledgement.
  Bytes reply(int reg, std::uint8_t from) const { return joined({summed(payloads.at(reg)), ack(from, reg)}); }
  Bytes reply(int reg) const { return reply(reg, address); }

  static Bytes joined(std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const auto& part : parts) {
      out.insert(out.end(), part.begin(), part.end());
    }
    return out;
  }

  Bytes answer(const Bytes& tx) {
    const bool awake = !heard.empty() && (heard.back()[2] << 8 | heard.back()[3]) != kStatus;
    heard.push_back(tx);
    const int reg = tx[2] << 8 | tx[3];
    if (tx[0] != address || (reg == kStatus && status_needs_wake && !awake)) {
      return {};
    }
    if (missed[reg] > 0) {
      --missed[reg];
      return {};
    }
    Bytes out = joined({before, reply(reg)});
    if (damaged[reg]) {
      out[before.size() + 20] ^= 1;
    }
    return out;
  }

  Result<void> run(Script script) {
    return test::run(std::move(script), [this](const Bytes& tx) { return answer(tx); });
  }

  int asked_for(int reg) const {
    return static_cast<int>(
        std::count_if(heard.begin(), heard.end(), [&](const Bytes& tx) { return (tx[2] << 8 | tx[3]) == reg; }));
  }
};

} // namespace bmsd::protocols::test
