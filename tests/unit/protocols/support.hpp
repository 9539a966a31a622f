// Helpers of the protocols' tests.
#pragma once

#include "messages/json.hpp"
#include "protocols/core/replay.hpp"

#include <string_view>

namespace bmsd::protocols::test {

inline Bytes hex(std::string_view text) {
  return *from_hex(text);
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
