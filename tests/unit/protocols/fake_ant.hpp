// An ANT board of either variant for tests, which does whatever it is told to do wrong.
#pragma once

#include "protocols/ant.hpp"
#include "protocols/core/checksum.hpp"
#include "support.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace bmsd::protocols::test {

inline Bytes put16(Bytes frame, std::size_t at, int value, bool little) {
  frame[at + (little ? 1 : 0)] = static_cast<std::uint8_t>(value >> 8);
  frame[at + (little ? 0 : 1)] = static_cast<std::uint8_t>(value);
  return frame;
}

inline Bytes summed(Bytes frame) {
  return put16(frame, 138, sum16(ByteView(frame).subspan(4, 134)), false);
}

/// A reply of 2021 around `data`.
inline Bytes framed(int function, int address, const Bytes& data) {
  Bytes out(6 + data.size() + 2);
  out[0] = 0x7E, out[1] = 0xA1, out[2] = static_cast<std::uint8_t>(function);
  out = put16(out, 3, address, true);
  out[5] = static_cast<std::uint8_t>(data.size());
  std::copy(data.begin(), data.end(), out.begin() + 6);
  out = put16(out, 6 + data.size(), crc16_modbus(ByteView(out).subspan(1, 5 + data.size())), true);
  out.push_back(0xAA);
  out.push_back(0x55);
  return out;
}

/// Recordings: 8 cells, charging with 10.7 A; 16 cells, 2 sensors, discharging with 0.3 A.
inline const Bytes kStatus2019 =
    hex("aa55aaff010b0d0c0d0c0d0b0d0a0d0c0d0b0d0c0d0c00000000000000000000000000000000000000000000000000000000"
        "0000000000000000000000000000000000000000ffffff95290000000002e3db950126226301b16eba000f000f000d000d00"
        "0000000101000000000000fffffee3010d0c040d0a0d0b080000007e007a000000000000040f0edf");
inline const Bytes kData2021 =
    hex("05010210000000000000000080008001000000000000000000000000e40ce40ce50ce50ce80ce70ce70ce60ce80ce70ce70c"
        "e70ce70ce70ce60ce90c0100020002000700a41403005b006400010100000076b010d5670e0fba324a000f00000010582e02"
        "00000000e90c1000e40c01000500e60c000080007a000f02f2fab98c3b00bbd85800da2d4300e8b64900");
inline constexpr std::size_t kTail2021 = 34 - 6 + 2 * 18; // of that status, the MOSFET's temperature

struct FakeAnt {
  explicit FakeAnt(bool old) : is_old(old) {}

  bool is_old;
  Bytes status_2019 = kStatus2019;
  Bytes data_2021 = kData2021;
  std::map<int, Bytes> settings = {{0x68, hex("e803")}, {0x6C, hex("d007")}};
  std::set<int> silent; ///< functions of 2021, addresses of 2019 writes, that are not answered
  std::string password; ///< of 2021; empty: none wanted
  std::string read_as = "5a5a";
  bool locked = false;
  bool lies = false; ///< acknowledges and does nothing
  int slow = 0;      ///< status answers until a FET shows what it was told
  std::vector<Bytes> heard;

  Result<void> run(Script script) {
    return test::run(std::move(script), [this](const Bytes& tx) { return answer(tx); });
  }
  Bytes answer(const Bytes& tx) {
    heard.push_back(tx);
    return tx[0] == 0x7E ? (is_old ? Bytes() : answer_2021(tx)) : (is_old ? answer_2019(tx) : Bytes());
  }
  Bytes answer_2021(const Bytes& tx) {
    const int function = tx[2], address = tx[3] | tx[4] << 8;
    if (silent.count(function) != 0) {
      return {};
    }
    switch (function) {
    case 0x01: return framed(0x11, 0, data_2021);
    case 0x02: return settings.count(address) != 0 ? framed(0x12, address, settings[address]) : Bytes();
    case 0x23:
      if (std::string(tx.begin() + 6, tx.end() - 4) == password) {
        password.clear();
      }
      return framed(0x43, address, hex("0500"));
    default: return framed(0x61, address, hex(password.empty() ? "0100" : "0300"));
    }
  }
  Bytes answer_2019(const Bytes& tx) {
    if (tx[0] != 0xA5) {
      if (to_hex(tx).substr(0, 4) != read_as) {
        return {};
      }
      if (slow > 0 && --slow == 0) {
        status_2019[told_at] = told;
      }
      return summed(status_2019);
    }
    if (silent.count(tx[2]) != 0) {
      return {};
    }
    if (tx[2] == 0xF4) {
      locked = tx != hex("a5a5f4373863");
    }
    if (locked) {
      return hex("a5a5f50001f6");
    }
    if (!lies && (tx[2] == 0xF9 || tx[2] == 0xFA)) {
      told_at = tx[2] == 0xFA ? 103 : 104;
      told = tx[4] != 0 ? 1 : 15;
      slow = std::max(slow, 1);
    }
    return tx;
  }
  int count(const std::string& start) const {
    return static_cast<int>(std::count_if(
        heard.begin(), heard.end(), [&](const Bytes& tx) { return to_hex(tx).substr(0, start.size()) == start; }));
  }

private:
  std::size_t told_at = 0;
  std::uint8_t told = 0;
};

inline ProtocolConfig writable() {
  ProtocolConfig config;
  config.allow_writes = true;
  return config;
}

inline ProtocolConfig with(const std::string& name, const std::string& value) {
  ProtocolConfig config = writable();
  config.options[name] = value;
  return config;
}

struct AntTalk {
  explicit AntTalk(FakeAnt& fake, const ProtocolConfig& config = writable()) : board(fake), protocol(config) {}
  Result<void> identify() { return board.run(protocol.identify(identity)); }
  Result<void> poll() {
    sample = {};
    return board.run(protocol.poll(sample));
  }
  Fault fault_of_poll() {
    const auto result = poll();
    return result ? Fault::none : result.error().fault;
  }
  Result<void> command(CommandKind kind, double value) { return board.run(protocol.command({kind, value, 1})); }

  FakeAnt& board;
  Ant protocol;
  Identity identity;
  Sample sample;
};

} // namespace bmsd::protocols::test
