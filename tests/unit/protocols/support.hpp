// Helpers of the protocols' tests.
#pragma once

#include "messages/json.hpp"
#include "protocols/core/replay.hpp"

#include <string_view>
#include <utility>
#include <variant>

namespace bmsd::protocols::test {

inline Bytes hex(std::string_view text) {
  return *from_hex(text);
}

inline ProtocolConfig at(std::uint32_t address, bool allow_writes = false) {
  ProtocolConfig config;
  config.address = address;
  config.allow_writes = allow_writes;
  return config;
}

inline Fault fault_of(const Result<void>& result) {
  return result ? Fault::none : result.error().fault;
}

/// nullptr: it does not say.
inline const Extra::Value* find_extra(const Sample& sample, std::string_view name) {
  for (const auto& extra : sample.extra) {
    if (extra.name == name) {
      return &extra.value;
    }
  }
  return nullptr;
}
/// -1: it does not say.
inline double number(const Sample& sample, std::string_view name) {
  const auto* value = find_extra(sample, name);
  return value != nullptr ? std::get<double>(*value) : -1;
}

/// Runs a script to its end; `answer(tx)` gives the bytes that the line delivers.
template <class Answer>
Result<void> run(Script script, Answer&& answer) {
  ScriptRunner runner;
  runner.start(std::move(script));
  while (const Request* request = runner.pending()) {
    runner.answer(receive(*request, answer(request->tx)));
  }
  return runner.result();
}

} // namespace bmsd::protocols::test
