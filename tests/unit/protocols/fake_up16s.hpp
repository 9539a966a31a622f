// A battery of the JBD UP series for tests: what its blocks hold, and whatever it is told to do wrong.
#pragma once

#include "protocols/core/modbus.hpp"
#include "protocols/lltjbd_up16s_frame.hpp"
#include "support.hpp"

#include <map>
#include <set>

namespace bmsd::protocols::test {

class FakeUp16s {
public:
  enum : unsigned { kStatus = 0x1000, kParameters = 0x1C00, kCounters = 0x2006, kProduct = 0x2810, kOwn = 0x0000 };

  /// By the first address. The recording of a UP16S015: 53.14 V, 3.12 A, 62.00 %, limits of the chain 240 and
  /// 550 A, its own 100 and 200 A, SoC by the counters 62.85 %.
  std::map<unsigned, Bytes> blocks = {
      {kStatus, hex("14c200000004951818384d187d007aa8027a0283000100640000000000000000000300040003000a0cfb0001"
                    "0cf60cf9000102710004026d026f0240096001b0157c00100cf60cf90cfa0cfa0cf90cf80cfa0cfa0cf90cfb"
                    "0cfa0cfb0cf90cfb0cfa0cf900040271026f026f026d000000000c014a424438373635343332310000000000"
                    "000000000000000000000000000000030007000000040000")},
      {kCounters, hex("188d00640003009600500000197400001eea")},
      {kOwn, hex("00100cf70cf90cfa0cfa0cf90cf80cfa0cfa0cfa0cfb0cfa0cfb0cf90cfb0cfa0cf90cfb0cf714c200000133"
                 "0b280b257aa84d190003003e006400000000000b0000424a3844363734353233003100000000000000000000"
                 "000000000000000003e807d000070b310b3b04010b280b250b250b25")},
      {kParameters, hex("000000000d16000f01f40258159007d055503136533031353030303030303030303030303030303030300000"
                        "000007e9000500074a424438373635343332310000000000000000000000000000000000000007e900040006"
                        "38383838383800000000000000000000000000000000000000000000000000040bb80b400001000000000000"
                        "000a")},
      {kProduct, hex("00210003000c00010007002455503136533031352e313653323030414a424400000000000000000000000000")},
  };
  std::set<unsigned> silent;
  std::map<unsigned, int> deaf; ///< requests that go unanswered, by block
  bool honest = true;           ///< takes a written SoC
  bool acknowledges_with_data = false;
  std::size_t cut = 0; ///< bytes missing at the end of every answer
  std::vector<Bytes> heard;

  Bytes answer(const Bytes& tx) {
    heard.push_back(tx);
    const auto block = up16s::block_of(tx);
    if (silent.count(block.first) != 0 || (deaf[block.first] > 0 && deaf[block.first]-- > 0)) {
      return {};
    }
    Bytes data;
    if (block.function == up16s::kWrite) {
      if (honest) {
        blocks[kCounters][0] = tx[12];
        blocks[kCounters][1] = tx[13];
      }
      data = acknowledges_with_data ? Bytes{1} : Bytes{};
    } else {
      data = blocks[block.first];
    }
    Bytes out = reply(tx, data);
    out.erase(out.end() - static_cast<std::ptrdiff_t>(std::min(cut, out.size())), out.end());
    return out;
  }

  static Bytes reply(const Bytes& tx, const Bytes& data) {
    Bytes out(tx.begin(), tx.begin() + 6);
    out.push_back(static_cast<std::uint8_t>(data.size() >> 8));
    out.push_back(static_cast<std::uint8_t>(data.size()));
    out.insert(out.end(), data.begin(), data.end());
    return modbus::with_crc(std::move(out));
  }

  Result<void> run(Script script) {
    return test::run(std::move(script), [this](const Bytes& tx) { return answer(tx); });
  }

  int asked(unsigned first, std::uint8_t function = up16s::kRead) const {
    return static_cast<int>(std::count_if(heard.begin(), heard.end(), [&](const Bytes& tx) {
      return up16s::block_of(tx).first == first && up16s::block_of(tx).function == function;
    }));
  }
};

} // namespace bmsd::protocols::test
