// Any document: taken whole and plausible, or refused without a trace.
#include "protocols/mqtt_json.hpp"

#include "script_fuzz.hpp"

#include <cmath>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bmsd;
  protocols::MqttJson protocol({});
  Document document;
  document.payload.assign(reinterpret_cast<const char*>(data), size);
  Identity identity;
  Sample sample;
  sample.soc = 50;
  const Sample before = sample;
  if (!protocol.on_document(document, identity, sample)) {
    fuzz::check(sample == before && identity == Identity{});
    return 0;
  }
  fuzz::check(*sample.soc >= 0 && *sample.soc <= 100);
  fuzz::check(std::isfinite(*sample.current) && std::isfinite(*sample.voltage));
  for (const auto& volts : sample.cell_voltages) {
    fuzz::check(!volts || (*volts >= 0.5 && *volts <= 5));
  }
  return 0;
}
