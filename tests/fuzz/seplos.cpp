// The Seplos scripts against a BMS that answers with the fuzzer's bytes: raw, in valid frames, or in frames
// laid out as asked for, so that the fuzzer gets past checksum and counts.
#include "protocols/seplos_frame.hpp"
#include "yd1363_info.hpp"

namespace {

using namespace bmsd;
namespace seplos = protocols::seplos;

Bytes laid_out(const protocols::yd1363::Frame& asked, std::uint8_t shape, fuzz::Input& input) {
  const std::size_t cells = shape % 2 == 0 ? 16 : shape / 2 % 40;
  const std::size_t sensors = shape % 4 < 2 ? 6 : shape / 4 % 9;
  fuzz::Info info(input);
  switch (asked.command) {
  case seplos::kTelemetry:
    return info.put(2)
        .counted(cells, 2)
        .counted(sensors, 2)
        .put(6)
        .counted(shape % 8 < 4 ? 10 : shape / 8 % 12, 2)
        .bytes;
  case seplos::kAlarms: return info.put(2).counted(cells, 1).counted(sensors, 1).put(2).counted(20, 1).bytes;
  case seplos::kParameters: return info.put(1).counted(60, 2).counted(27, 1).counted(8, 1).put(10).bytes;
  default: return info.put(32).bytes;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("seplos", fuzz::Input(data, size), [](const Request& request, fuzz::Input& input) {
    return fuzz::answer(request, input, '~', laid_out);
  });
  return 0;
}
