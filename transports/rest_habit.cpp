#include "transports/rest_habit.hpp"

#include <algorithm>

namespace bmsd::transports {

namespace {

using namespace std::chrono_literals;

/// Drivers that work leave 20 to 50 ms. Who does not answer after that has another reason.
constexpr RestHabit::Duration kFirstStep = 20ms, kEnough = 50ms;

} // namespace

void RestHabit::unanswered(ByteView request, Duration rest) {
  const bool hurried = rest < kEnough;
  hurried_.assign(request.begin(), hurried ? request.end() : request.begin());
}

void RestHabit::answered(ByteView request) {
  if (!hurried_.empty() && std::ranges::equal(hurried_, request)) {
    needed_ = needed_ < kFirstStep ? kFirstStep : kEnough;
  }
  hurried_.clear();
}

} // namespace bmsd::transports
