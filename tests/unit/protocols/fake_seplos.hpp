// A Seplos BMS for tests: replies, and whatever it is told to do wrong.
#pragma once

#include "fake_yd1363.hpp"
#include "protocols/seplos.hpp"
#include "protocols/seplos_frame.hpp"

#include <gtest/gtest.h>

#include <set>

namespace bmsd::protocols::test {

/// Offsets of its frames. Not inline: those of other protocols have the same names.
constexpr std::size_t kCells = 3, kSensors = 20, kCurrent = 32, kVoltage = 34, kCustom = 38, kSoc = 41, kSoh = 47;
constexpr std::size_t kEvents = 21;

/// Eight cells, six sensors, 26.44 V, -1.00 A, 50.00 of 100.00 Ah, 50.0 %, rated 104.00 Ah.
inline Bytes telemetry_info() {
  return hex("000108"
             "0ce50ce60ce70ce80ce90cea0ceb0cec"
             "06"
             "0ba10ba10ba10ba10bb40bcf"
             "ff9c0a541388"
             "0a"
             "271001f428a0014103cf0a500000000000000000");
}
inline Bytes alarm_info() {
  return hex("000108"
             "0000000000000000"
             "06"
             "000000000000"
             "0000"
             "14"
             "0000000000000300001000000002000000000000");
}
inline Bytes vendor_info() {
  return hex("313130312d535031352002"
             "07"
             "43414e50726f746f636f6c3a536f666172202020");
}

struct FakeSeplos : FakeBoard {
  std::set<int> groups = {0, 1};

  FakeSeplos() {
    version = seplos::kDialect.version;
    address = 0;
    info = {{0x42, telemetry_info()}, {0x44, alarm_info()}, {0x51, vendor_info()}};
    listens = [this](const yd1363::Frame& asked) { return asked.info.empty() || groups.count(asked.info[0]) != 0; };
  }
  Bytes frame(int code, const Bytes& data) const { return FakeBoard::frame(seplos::kDialect.device, code, data); }
  /// Of a poll cycle.
  Fault fault() {
    Seplos protocol({});
    Sample sample;
    const auto result = run(protocol.poll(sample));
    return result ? Fault::none : result.error().fault;
  }
  Sample sample(ProtocolConfig config = {}) {
    Seplos protocol(config);
    Sample out;
    const auto result = run(protocol.poll(out));
    EXPECT_TRUE(result) << to_string(result.error());
    return out;
  }
  static Alarms quiet() { return FakeSeplos().sample().alarms; }
  /// The first `words` of the custom items.
  void shorten(std::uint8_t words) {
    info[0x42].resize(kCustom + 1 + 2U * words);
    info[0x42][kCustom] = words;
  }
};

} // namespace bmsd::protocols::test
