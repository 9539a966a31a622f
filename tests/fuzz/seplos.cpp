// The Seplos scripts against a BMS that answers with the fuzzer's bytes: raw, in valid frames, or in frames
// laid out as asked for, so that the fuzzer gets past checksum and counts.
#include "protocols/core/yd1363.hpp"
#include "protocols/seplos_frame.hpp"
#include "script_fuzz.hpp"

namespace {

using namespace bmsd;
namespace seplos = protocols::seplos;
namespace yd1363 = protocols::yd1363;

class Info {
public:
  explicit Info(fuzz::Input& input) : input_(input) {}
  Bytes bytes;

  void put(std::size_t size) {
    const auto taken = input_.take(size);
    bytes.insert(bytes.end(), taken.begin(), taken.end());
    bytes.insert(bytes.end(), size - taken.size(), 0);
  }
  void counted(std::size_t count, std::size_t size) {
    bytes.push_back(static_cast<std::uint8_t>(count));
    put(count * size);
  }

private:
  fuzz::Input& input_;
};

Bytes laid_out(std::uint8_t command, std::uint8_t shape, fuzz::Input& input) {
  const std::size_t cells = shape % 2 == 0 ? 16 : shape / 2 % 40;
  const std::size_t sensors = shape % 4 < 2 ? 6 : shape / 4 % 9;
  Info info(input);
  switch (command) {
  case seplos::kTelemetry:
    info.put(2);
    info.counted(cells, 2);
    info.counted(sensors, 2);
    info.put(6);
    info.counted(shape % 8 < 4 ? 10 : shape / 8 % 12, 2);
    break;
  case seplos::kAlarms:
    info.put(2);
    info.counted(cells, 1);
    info.counted(sensors, 1);
    info.put(2);
    info.counted(20, 1);
    break;
  case seplos::kParameters:
    info.put(1);
    info.counted(60, 2);
    info.counted(27, 1);
    info.counted(8, 1);
    info.put(10);
    break;
  default: info.put(32);
  }
  return info.bytes;
}

Bytes answer(const Request& request, fuzz::Input& input) {
  const auto mode = input.byte();
  if (mode % 16 == 0) {
    const auto content = input.take(input.byte());
    return Bytes(content.begin(), content.end());
  }
  const auto asked = yd1363::parse(request.tx);
  fuzz::check(asked.has_value());
  if (mode % 16 == 1) {
    const auto content = input.take(input.byte());
    return yd1363::ask(seplos::kDialect, asked->address, mode >> 4, content).tx;
  }
  return yd1363::ask(seplos::kDialect, asked->address, 0, laid_out(asked->command, input.byte(), input)).tx;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("seplos", fuzz::Input(data, size), answer);
  return 0;
}
