// Any frames at any time: snapshots are plausible or errors.
#include "protocols/pylontech_can.hpp"

#include "script_fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bmsd;
  fuzz::Input input(data, size);
  protocols::ProtocolConfig config;
  if (const auto group = input.byte() % 4; group != 0) {
    config.options["group"] = std::to_string(group);
  }
  protocols::PylontechCan protocol(config);
  std::chrono::milliseconds now{0};
  while (!input.empty()) {
    const auto head = input.byte();
    CanFrame frame;
    frame.extended = (head & 1) != 0;
    frame.id = frame.extended ? (head & 6U) << 11 | 0x300U | input.byte() : 0x300U | input.byte();
    for (auto byte : input.take(head >> 4 & 15)) {
      frame.data.push_back(byte);
    }
    now += std::chrono::milliseconds((head & 8) != 0 ? 700 : 1);
    protocol.on_frame(frame, now);
    (void)protocol.take_complete();
    (void)protocol.identity();
    (void)protocol.partial(now);
    if (const auto sample = protocol.snapshot(now)) {
      fuzz::check(*sample->soc >= 0 && *sample->soc <= 100);
      fuzz::check(*sample->voltage >= 8 && *sample->voltage <= 70);
      fuzz::check(*sample->max_charge_voltage >= 8 && *sample->max_charge_voltage <= 70);
      fuzz::check(*sample->max_charge_current >= 0 && *sample->max_discharge_current >= 0);
    }
  }
  return 0;
}
