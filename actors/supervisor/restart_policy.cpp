#include "actors/supervisor/restart_policy.hpp"

#include <algorithm>

namespace bmsd::actors {

RestartPolicy::Decision RestartPolicy::on_failure(Duration now) {
  const bool calm = delay_ == Duration::zero() || now - last_ > std::max(kCalm, 2 * delay_);
  delay_ = calm ? kFirstDelay : std::min(2 * delay_, kMaxDelay);
  last_ = now;
  recent_.push_back(now);
  while (now - recent_.front() > kWindow) {
    recent_.pop_front();
  }
  if (recent_.size() > kMaxFailures) {
    recent_.clear();
    return {delay_, true};
  }
  return {delay_, false};
}

} // namespace bmsd::actors
