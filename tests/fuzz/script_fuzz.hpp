// Drives scripts with whatever the fuzzer answers.
#pragma once

#include "messages/command.hpp"
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

/// A whole life of a protocol object: identified, read, polled and commanded in an order that the
/// fuzzer chooses. What a poll cycle accepts must be possible, as far as the protocol judges it: `highest_soc` and
/// `highest_cell` (V) are what the wire can hold where the battery logic does.
template <class Line>
void exchange(std::string_view key, Input input, Line&& line, double highest_soc = 100, double highest_cell = 5) {
  protocols::ProtocolConfig config;
  config.allow_writes = true;
  config.address = input.byte();
  const auto protocol = protocols::find_protocol(key)->exchange(config);
  Identity identity;
  (void)run(protocol->identify(identity), input, line);
  (void)run(protocol->settings(identity), input, line);
  while (!input.empty()) {
    if (const auto choice = input.byte(); choice % 4 == 0) {
      Command command;
      command.kind = static_cast<CommandKind>(choice / 4 % 8);
      command.value = input.byte();
      (void)run(protocol->command(command), input, line);
      continue;
    }
    Sample sample;
    if (run(protocol->poll(sample), input, line)) {
      check(!sample.soc || (*sample.soc >= 0 && *sample.soc <= highest_soc));
      check(!sample.soh || (*sample.soh >= 0 && *sample.soh <= 100));
      check(!sample.cell_count || sample.cell_voltages.empty() ||
            sample.cell_voltages.size() == static_cast<std::size_t>(*sample.cell_count));
      check(!sample.max_charge_current || *sample.max_charge_current >= 0);
      check(!sample.max_discharge_current || *sample.max_discharge_current >= 0);
      for (const auto& volts : sample.cell_voltages) {
        check(!volts || (*volts >= 0 && *volts <= highest_cell));
      }
    }
  }
}

} // namespace bmsd::fuzz
