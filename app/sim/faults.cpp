#include "app/sim/faults.hpp"

#include <algorithm>
#include <charconv>

namespace bmsd::sim {

namespace {

constexpr std::chrono::seconds kSilence{10};
constexpr int kShortestDelay = 200; // ms
constexpr int kLongestDelay = 1500; // ms
constexpr std::size_t kMostGarbage = 16;

} // namespace

Result<void> FaultRates::set(std::string_view text) {
  const auto equals = text.find('=');
  const auto kind = std::find(kFaultNames.begin(), kFaultNames.end(), text.substr(0, equals));
  if (equals == std::string_view::npos || kind == kFaultNames.end()) {
    std::string allowed;
    for (auto name : kFaultNames) {
      allowed += " " + std::string(name) + "=RATE";
    }
    return Error{Fault::rejected, "fault '" + std::string(text) + "' is none of" + allowed};
  }
  const auto number = text.substr(equals + 1);
  double rate = -1.0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), rate);
  if (error != std::errc{} || end != number.data() + number.size() || !(rate >= 0.0 && rate <= 1.0)) {
    return Error{Fault::rejected, "fault '" + std::string(text) + "': the rate must be a number from 0 to 1"};
  }
  rates_[static_cast<std::size_t>(kind - kFaultNames.begin())] = rate;
  return {};
}

bool FaultInjector::happens(FaultKind kind) {
  // A draw for each kind at each reply, also for those that are off: switching one on leaves the others as they were.
  return static_cast<double>(random_() >> 11) * 0x1p-53 < rates_[kind];
}

FaultInjector::Fate FaultInjector::next(Clock::time_point now) {
  Fate fate;
  fate.lost = happens(FaultKind::drop);
  fate.corrupt = happens(FaultKind::corrupt);
  const bool late = happens(FaultKind::delay);
  fate.truncate = happens(FaultKind::truncate);
  fate.garbage = happens(FaultKind::garbage);
  if (happens(FaultKind::silent) && now >= silent_until_) {
    silent_until_ = now + kSilence;
  }
  fate.lost |= now < silent_until_;
  const auto delay = static_cast<int>(below(kLongestDelay - kShortestDelay)) + kShortestDelay;
  fate.delay = std::chrono::milliseconds(late ? delay : 0);
  return fate;
}

void FaultInjector::damage(Bytes& bytes, const Fate& fate) {
  if (fate.corrupt && !bytes.empty()) {
    bytes[below(bytes.size())] ^= static_cast<std::uint8_t>(1U << below(8));
  }
  if (fate.truncate && !bytes.empty()) {
    bytes.resize(below(bytes.size()));
  }
  if (fate.garbage) {
    Bytes garbage(1 + below(kMostGarbage));
    std::generate(garbage.begin(), garbage.end(), [this] { return static_cast<std::uint8_t>(below(256)); });
    bytes.insert(bytes.begin(), garbage.begin(), garbage.end());
  }
}

} // namespace bmsd::sim
