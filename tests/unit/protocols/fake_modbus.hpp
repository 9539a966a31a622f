// A Modbus device for tests: registers, and whatever it is told to do wrong.
#pragma once

#include "protocols/core/modbus.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace bmsd::protocols::test {

struct FakeModbus {
  std::map<int, int> registers;
  int most = 125;                              ///< registers that it tells at once
  std::set<int> refused;                       ///< reads that begin here get exception 2
  std::set<std::pair<int, int>> refused_reads; ///< first and count of further ones
  std::set<int> silent;                        ///< reads that begin here get no answer
  std::vector<Bytes> heard;                    ///< all requests

  virtual ~FakeModbus() = default;
  void place(int first, const std::vector<int>& values) {
    for (int value : values) {
      registers[first++] = value & 0xFFFF;
    }
  }
  void write(int first, std::string_view text) {
    for (std::size_t i = 0; i < text.size(); i += 2) {
      const auto low = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0;
      registers[first++] = static_cast<unsigned char>(text[i]) << 8 | low;
    }
  }
  /// Nothing: it refuses.
  virtual std::optional<Bytes> data(int /*function*/, int first, int count) {
    Bytes out;
    for (int reg = first; reg < first + count; ++reg) {
      if (registers.count(reg) == 0) {
        return std::nullopt;
      }
      out.push_back(static_cast<std::uint8_t>(registers[reg] >> 8));
      out.push_back(static_cast<std::uint8_t>(registers[reg]));
    }
    return out;
  }

  Bytes answer(const Bytes& tx) {
    heard.push_back(tx);
    const auto [first, count] = read_of(tx);
    if (silent.count(first) != 0) {
      return {};
    }
    const bool refuses = refused.count(first) != 0 || refused_reads.count({first, count}) != 0 || count > most;
    const auto told = refuses ? std::nullopt : data(tx[1], first, count);
    if (!told) {
      return modbus::with_crc({tx[0], static_cast<std::uint8_t>(tx[1] | 0x80), 2});
    }
    Bytes reply = {tx[0], tx[1], static_cast<std::uint8_t>(told->size())};
    reply.insert(reply.end(), told->begin(), told->end());
    return modbus::with_crc(std::move(reply));
  }
  Result<void> run(Script script) {
    return test::run(std::move(script), [this](const Bytes& tx) { return answer(tx); });
  }

  /// First and count.
  static std::pair<int, int> read_of(const Bytes& tx) { return {tx[2] << 8 | tx[3], tx[4] << 8 | tx[5]}; }
  std::vector<std::pair<int, int>> reads() const {
    std::vector<std::pair<int, int>> out;
    for (const auto& tx : heard) {
      out.push_back(read_of(tx));
    }
    return out;
  }
};

/// A protocol and the fake `Board` that it reads, at its address `Board::kAddress`.
template <class Protocol, class Board>
struct ModbusTest : testing::Test {
  Board battery;
  Protocol protocol{at(Board::kAddress)};
  Identity identity;
  Sample sample;

  Result<void> identify() {
    identity = {};
    return battery.run(protocol.identify(identity));
  }
  Fault identify_fault() { return fault_of(identify()); }
  Result<void> poll() {
    sample = {};
    battery.heard.clear();
    return battery.run(protocol.poll(sample));
  }
  Fault poll_fault() { return fault_of(poll()); }
};

} // namespace bmsd::protocols::test
