// Replies of DR-1363 for tests.
#pragma once

#include "fake_yd1363.hpp"

namespace bmsd::protocols::test {

/// Eight cells, four sensors, 50.00 %, 26.44 V, 25.0, 24.0, 27.0 °C, sensors 20.0 to 23.0 °C, -1.00 A, 0.8 mOhm,
/// SoH 97 %, 40.00 of 80.00 Ah, 204 cycles.
inline Bytes dr_telemetry() {
  return hex("00"
             "13880a54"
             "08"
             "0ce50ce60ce70ce80ce90cea0ceb0cec"
             "00fa00f0010e"
             "04"
             "00c800d200dc00e6"
             "ff9c00080061"
             "06"
             "1f400fa000cc"
             "00000000000000000003"
             "0000000000000000"
             "00000000"
             "0000000000000000"
             "04"
             "0000");
}
/// Not inline: the offsets of other protocols have the same names.
constexpr std::size_t kHead = 1, kCells = 6, kEnvironment = 22, kSensors = 29, kTail = 37, kSoh = kTail + 4,
                      kWords = kTail + 13, kMasks = kTail + 31;
/// 3.65 V, 2.50 V, 8 cells, 120 A, 80 Ah.
inline Bytes dr_parameters() {
  return hex("000e4209c40073002d2ee00e4209c400082ee01f4005a00000"
             "ffffffffffffffffffffffffffffffffffffffff"
             "444a4d3232303531383030363120202020202020");
}
inline Bytes dr_versions() {
  return hex("54315f47202020202020"
             "4855414e593034202020"
             "31365331303041202020"
             "0100020101");
}
inline Bytes dr_serial() {
  Bytes info = hex("b0010103ff71"
                   "4a44324d3231353038363032303120");
  info.resize(119, 0xFF);
  return info;
}
inline Bytes dr_totals() {
  return hex("b0010104ff00"
             "0fa01f402710"
             "00003b87000036d044e139c3");
}

struct FakeDr1363 : FakeBoard {
  FakeDr1363() {
    version = 0x22;
    info = {{0x42, dr_telemetry()},
            {0x47, dr_parameters()},
            {0x51, dr_versions()},
            {0xB003, dr_serial()},
            {0xB004, dr_totals()}};
  }
  template <class Protocol>
  Sample sample(ProtocolConfig config = at(1)) {
    Protocol protocol(config);
    Sample out;
    const auto result = run(protocol.poll(out));
    EXPECT_TRUE(result) << to_string(result.error());
    return out;
  }
  template <class Protocol>
  Fault fault() {
    Protocol protocol(at(1));
    Sample out;
    const auto result = run(protocol.poll(out));
    return result ? Fault::none : result.error().fault;
  }
  void set(std::size_t offset, unsigned word) {
    info[0x42][offset] = static_cast<std::uint8_t>(word >> 8);
    info[0x42][offset + 1] = static_cast<std::uint8_t>(word);
  }
};

} // namespace bmsd::protocols::test
