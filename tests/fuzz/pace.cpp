// The PACE scripts against a BMS that answers with the fuzzer's bytes.
#include "protocols/pace_frame.hpp"
#include "yd1363_info.hpp"

namespace {

using namespace bmsd;
namespace pace = protocols::pace;

Bytes laid_out(const protocols::yd1363::Frame& asked, std::uint8_t shape, fuzz::Input& input) {
  const std::size_t cells = shape % 2 == 0 ? 16 : shape / 2 % 40;
  const std::size_t sensors = shape % 4 < 2 ? 6 : shape / 4 % 14;
  const std::size_t packs = shape % 8 == 7 ? 2 : 1, more = shape % 16 == 5 ? 14 : 0;
  fuzz::Info info(input);
  info.byte(0).byte(packs > 1 || asked.info.empty() ? packs : asked.info[0]);
  switch (asked.command) {
  case pace::kAnalog:
    for (std::size_t i = 0; i < packs; ++i) {
      info.counted(cells, 2).counted(sensors, 2).put(13 + more);
    }
    break;
  case pace::kWarnings:
    for (std::size_t i = 0; i < packs; ++i) {
      info.counted(cells, 1).counted(sensors, 1).put(12 + more / 14);
    }
    break;
  case pace::kSwitchCharge:
  case pace::kSwitchDischarge: return fuzz::Info(input).put(1).bytes;
  case pace::kVersion: return fuzz::Info(input).put(20).bytes;
  case pace::kProduct: return fuzz::Info(input).put(40).bytes;
  case pace::kBalancing: return fuzz::Info(input).put(4).bytes;
  case pace::kChargeOvercurrent:
  case pace::kDischargeOvercurrent:
  case pace::kFullCharge: return fuzz::Info(input).put(6).bytes;
  default: return fuzz::Info(input).put(8).bytes;
  }
  return info.bytes;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::exchange("pace", fuzz::Input(data, size), [](const Request& request, fuzz::Input& input) {
    return fuzz::answer(request, input, '~', laid_out);
  });
  return 0;
}
