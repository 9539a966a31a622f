// Lays out INFO of YD/T 1363.3 from the fuzzer's bytes, so that it gets past checksum and counts.
#pragma once

#include "protocols/core/yd1363.hpp"
#include "script_fuzz.hpp"

namespace bmsd::fuzz {

class Info {
public:
  explicit Info(Input& input) : input_(input) {}
  Bytes bytes;

  /// Zeros when the input is used up.
  Info& put(std::size_t size) {
    const auto taken = input_.take(size);
    bytes.insert(bytes.end(), taken.begin(), taken.end());
    bytes.insert(bytes.end(), size - taken.size(), 0);
    return *this;
  }
  Info& byte(std::size_t value) {
    bytes.push_back(static_cast<std::uint8_t>(value));
    return *this;
  }
  Info& counted(std::size_t count, std::size_t size) { return byte(count).put(count * size); }

private:
  Input& input_;
};

/// Raw bytes, a frame with any content and return code, or one with what `laid_out(asked, shape, input)` gives.
template <class LaidOut>
Bytes answer(const Request& request, Input& input, char start, LaidOut&& laid_out) {
  namespace yd1363 = protocols::yd1363;
  const auto mode = input.byte();
  if (mode % 16 == 0) {
    const auto content = input.take(input.byte());
    return Bytes(content.begin(), content.end());
  }
  const auto asked = yd1363::parse(request.tx);
  check(asked.has_value());
  const yd1363::Dialect dialect{.version = asked->version, .device = asked->device, .start = start};
  if (mode % 16 == 1) {
    const auto content = input.take(input.byte());
    return yd1363::ask(dialect, asked->address, mode >> 4, content).tx;
  }
  return yd1363::ask(dialect, asked->address, 0, laid_out(*asked, input.byte(), input)).tx;
}

} // namespace bmsd::fuzz
