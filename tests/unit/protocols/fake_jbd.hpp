// A JBD board for tests: registers, factory mode, and whatever it is told to do wrong.
#pragma once

#include "protocols/core/checksum.hpp"
#include "support.hpp"

#include <map>
#include <set>
#include <string>

namespace bmsd::protocols::test {

class FakeJbd {
public:
  std::map<int, Bytes> registers = {
      // 15.60 V, 4.98 of 5.00 Ah, 2022-03-28, version 8.0, 100 %, both FETs on, 4 cells, 3 sensors
      {0x03, hex("0618000001f201f400002c7c00000000000080640304030b8b0b8a0b84")},
      {0x04, hex("0f450f3d0f370f3d")},
      {0x05, hex("4a42442d53503034533033342d4c34532d323030412d422d55")},
      {0x11, hex("5780")},
      {0x28, hex("59d8")},
      {0x29, hex("a628")},
      {0x2D, hex("0006")},
  };
  bool factory_mode = false;
  std::set<int> silent;     ///< registers that are never answered
  std::set<int> refused;    ///< registers answered with status 0x81
  int sleeping = 0;         ///< requests that go unanswered before it wakes up
  bool honest = true;       ///< takes written capacities
  std::vector<Bytes> heard; ///< all requests

  Bytes answer(const Bytes& tx) {
    heard.push_back(tx);
    if (sleeping > 0) {
      --sleeping;
      return {};
    }
    const int reg = tx[2];
    const bool write = tx[1] == 0x5A;
    if (write && reg == 0x00 && tx[4] == 0x56 && tx[5] == 0x78) {
      factory_mode = true;
    }
    if (silent.count(reg) != 0) {
      return {};
    }
    const bool settings = reg >= 0x10 && reg < 0xA0;
    if (refused.count(reg) != 0 || ((settings || reg == 0xE0) && !factory_mode)) {
      return reply(reg, 0x81, {});
    }
    if (!write) {
      return registers.count(reg) != 0 ? reply(reg, 0, registers[reg]) : reply(reg, 0x80, {});
    }
    if (reg == 0x01) {
      factory_mode = false;
    } else if (reg == 0xE0 && honest) {
      const int full = registers[0x03][6] << 8 | registers[0x03][7];
      registers[0x03][19] = static_cast<std::uint8_t>((tx[4] << 8 | tx[5]) * 100 / full);
    } else if (reg == 0xE1) {
      registers[0x03][20] = static_cast<std::uint8_t>(~tx[5] & 3);
    } else if (settings) {
      registers[reg] = {tx[4], tx[5]};
    }
    return reply(reg, 0, {});
  }

  Result<void> run(Script script) {
    return test::run(std::move(script), [this](const Bytes& tx) { return answer(tx); });
  }

  int writes_to(int reg) const {
    return static_cast<int>(
        std::count_if(heard.begin(), heard.end(), [&](const Bytes& tx) { return tx[1] == 0x5A && tx[2] == reg; }));
  }

  static Bytes reply(int reg, int status, const Bytes& data) {
    Bytes out(4 + data.size());
    out[0] = 0xDD;
    out[1] = static_cast<std::uint8_t>(reg);
    out[2] = static_cast<std::uint8_t>(status);
    out[3] = static_cast<std::uint8_t>(data.size());
    std::copy(data.begin(), data.end(), out.begin() + 4);
    const std::uint16_t sum = negated_sum16(ByteView(out).subspan(2));
    out.push_back(static_cast<std::uint8_t>(sum >> 8));
    out.push_back(static_cast<std::uint8_t>(sum));
    out.push_back(0x77);
    return out;
  }
};

} // namespace bmsd::protocols::test
