// Drives scripts with whatever the fuzzer answers.
#pragma once

#include "protocols/core/replay.hpp"

#include <cstdlib>

namespace bmsd::fuzz {

/// Takes the fuzzer's bytes apart.
class Input {
public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}
  bool empty() const { return rest_.empty(); }
  std::uint8_t byte() { return rest_.empty() ? std::uint8_t{0} : take(1)[0]; }
  ByteView take(std::size_t size) {
    size = std::min(size, rest_.size());
    const ByteView out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return out;
  }

private:
  ByteView rest_;
};

/// A broken promise is a crash, so that the fuzzer keeps the input.
inline void check(bool promise) {
  if (!promise) {
    std::abort();
  }
}

/// Runs `script` to its end. `line(request, input)` is what the line delivers.
template <class Line>
Result<void> run(protocols::Script script, Input& input, Line&& line) {
  protocols::ScriptRunner runner;
  runner.start(std::move(script));
  for (int exchanges = 0; const Request* request = runner.pending(); ++exchanges) {
    check(exchanges < 100); // no script may ask for ever
    runner.answer(protocols::receive(*request, line(*request, input)));
  }
  return runner.result();
}

} // namespace bmsd::fuzz
