#include "actors/port/search.hpp"

#include <algorithm>

namespace bmsd::actors {

namespace {

using std::chrono::seconds;

/// Who does not answer soon is looked for again in the next round with all patience.
protocols::Patience brief(const Candidate& candidate) {
  const auto& info = *candidate.protocol;
  return {.requests = info.first_requests, .retries = false, .first_byte = info.answers_within};
}
/// One timeout and no more.
constexpr protocols::Patience kOneTry{.requests = 1, .retries = false};

constexpr seconds kShortestRest{1}, kRestOfLost{2}, kLongestRest{30}, kRestOfFollower{300}, kLongestPause{10};
constexpr unsigned kSilentAfter = 3;

Search::Duration grown(seconds first, unsigned doublings, seconds longest) {
  return std::min<Search::Duration>(first * (1U << std::min(doublings, 10U)), longest);
}

} // namespace

Search::Search(SessionPlanPtr plan, std::optional<Candidate> remembered)
    : plan_(std::move(plan)), remembered_(std::move(remembered)) {
  begin();
}

void Search::begin() {
  waits_ = waits_for_turn(*plan_);
  candidates_ = known_ && !plan_->port->is_shared() ? candidates_after_loss(*plan_, *known_)
                                                    : candidates(*plan_, known_ ? known_ : remembered_);
  next_ = 0;
}

std::optional<Search::Try> Search::next() {
  if (next_ >= candidates_.size()) {
    rounds_ += candidates_.empty() || waits_ ? 0 : 1; // who waits for others has not searched
    pass_turn();
    return std::nullopt;
  }
  const auto& candidate = candidates_[next_++];
  if (plan_->port->is_shared() && (known_ || plan_->port->spoken->get())) {
    return Try{candidate, plan_->follower > 0 && !known_ && rounds_ % 2 == 0 ? brief(candidate) : kOneTry};
  }
  return Try{candidate, deserves_patience(candidate) ? protocols::Patience() : brief(candidate)};
}

void Search::pass_turn() {
  const auto& port = *plan_->port;
  if (!waits_ && plan_->address && !port.sessions.empty() && port.sessions[port.turn->get()] == plan_->session) {
    port.turn->set((port.turn->get() + 1) % port.sessions.size());
  }
}

/// What was there before, what the user says is there, and everything in every other round.
bool Search::deserves_patience(const Candidate& candidate) const {
  return rounds_ % 2 == 1 || plan_->protocol != nullptr || candidate == known_ || candidate == remembered_;
}

void Search::found(const Candidate& candidate) {
  known_ = remembered_ = candidate;
  rounds_ = 0;
  if (plan_->follower == 0 && plan_->port->is_shared()) {
    plan_->port->spoken->set(candidate);
  }
}

Search::Duration Search::rest() {
  if (plan_->follower > 0 && !known_) {
    return plan_->port->spoken->get() ? grown(kShortestRest, rounds_, kRestOfFollower) : kShortestRest;
  }
  const bool quick = known_ && !plan_->port->is_shared();
  return grown(kShortestRest, std::max(rounds_, 1U) - 1, quick ? kRestOfLost : kLongestRest);
}

Search::Duration Search::pause(unsigned times) const {
  return times < kSilentAfter || !plan_->port->is_shared()
             ? Duration(0)
             : grown(kShortestRest, times - kSilentAfter + 1, kLongestPause);
}

protocols::Patience Search::patience_after(unsigned silent) const {
  return plan_->port->is_shared() && silent > 0 ? kOneTry : protocols::Patience();
}

} // namespace bmsd::actors
