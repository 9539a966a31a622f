// A board for tests that speaks YD/T 1363.3: replies by command, and whatever it is told to do wrong.
#pragma once

#include "protocols/core/yd1363.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <vector>

namespace bmsd::protocols::test {

struct FakeBoard {
  std::uint8_t version = 0x25, address = 1;
  char start = '~';                ///< of its replies
  std::map<int, Bytes> info;       ///< by command; service 0xB0 of DR-1363: 0xB000 + module
  std::map<int, int> return_codes; ///< instead of an answer, by the same keys
  std::function<bool(const yd1363::Frame&)> listens = [](const auto&) { return true; };
  std::uint8_t speaks_as = 0; ///< ADR of its replies; 0: its address
  Bytes in_front;             ///< of every reply
  std::vector<yd1363::Frame> heard;

  static int key(const yd1363::Frame& asked) {
    return asked.command == 0xB0 && asked.info.size() > 2 ? 0xB000 + asked.info[2] : asked.command;
  }
  Bytes frame(std::uint8_t device, int code, const Bytes& data) const {
    const std::uint8_t from = speaks_as != 0 ? speaks_as : address;
    return yd1363::ask({.version = version, .device = device, .start = start}, from, static_cast<std::uint8_t>(code),
                       data)
        .tx;
  }
  Bytes answer(const Bytes& tx) {
    const auto asked = *yd1363::parse(tx);
    heard.push_back(asked);
    if (asked.address != address || asked.version != version || !listens(asked)) {
      return {};
    }
    Bytes out = in_front, reply;
    if (const auto code = return_codes.find(key(asked)); code != return_codes.end()) {
      reply = frame(asked.device, code->second, {});
    } else if (const auto data = info.find(key(asked)); data != info.end()) {
      reply = frame(asked.device, 0, data->second);
    }
    out.insert(out.end(), reply.begin(), reply.end());
    return out;
  }
  Result<void> run(Script script) {
    return test::run(std::move(script), [this](const Bytes& tx) { return answer(tx); });
  }
  int times_heard(int command) const {
    int times = 0;
    for (const auto& asked : heard) {
      times += key(asked) == command ? 1 : 0;
    }
    return times;
  }
};

} // namespace bmsd::protocols::test
