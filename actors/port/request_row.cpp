#include "actors/port/request_row.hpp"

#include <algorithm>
#include <utility>

namespace bmsd::actors {

namespace {

constexpr int kEnoughWrongGuesses = 3;
constexpr unsigned kForgivenAfter = 1000; ///< polls

} // namespace

bool same_question(const Request& a, const Request& b) {
  return a.tx == b.tx && a.scan == b.scan && a.max_reply == b.max_reply;
}

void RequestRow::poll_begins() {
  heard_.clear();
  inside_ = outside_ = 0;
  clean_ = true;
  if (++polls_ % kForgivenAfter == 0) {
    wrong_guesses_ = 0;
  }
}

RowPart RequestRow::asked(const Request& request) {
  if (wrong_guesses_ >= kEnoughWrongGuesses) {
    return {};
  }
  if (!known_) {
    heard_.push_back(request);
    return {};
  }
  const auto same = std::ranges::find_if(*known_, [&](const auto& each) { return same_question(each, request); });
  if (same == known_->end()) {
    ++outside_;
    return {};
  }
  inside_ = std::max(inside_, static_cast<std::size_t>(known_->end() - same));
  return {known_, static_cast<std::size_t>(same - known_->begin())};
}

void RequestRow::went_wrong() {
  known_.reset();
  clean_ = false;
}

void RequestRow::in_vain() {
  went_wrong();
  ++wrong_guesses_;
}

void RequestRow::poll_ended() {
  if (known_ && outside_ >= std::max<std::size_t>(inside_, 1)) {
    known_.reset(); // it was that of another kind of poll
  } else if (!known_ && clean_ && !heard_.empty() && heard_.size() <= kLongest) {
    known_ = std::make_shared<const std::vector<Request>>(std::exchange(heard_, {}));
  }
}

} // namespace bmsd::actors
