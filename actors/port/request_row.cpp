#include "actors/port/request_row.hpp"

#include <algorithm>
#include <utility>

namespace bmsd::actors {

namespace {

constexpr int kEnoughWrongGuesses = 3;

} // namespace

void RequestRow::poll_begins() {
  heard_.clear();
  inside_ = outside_ = 0;
  clean_ = true;
}

RowPart RequestRow::asked(const Request& request) {
  if (wrong_guesses_ >= kEnoughWrongGuesses) {
    return {};
  }
  if (!known_) {
    heard_.push_back(request);
    return {};
  }
  const auto same = std::ranges::find(*known_, request.tx, &Request::tx);
  if (same == known_->end()) {
    ++outside_;
    return {};
  }
  ++inside_;
  return {known_, static_cast<std::size_t>(same - known_->begin())};
}

void RequestRow::in_vain() {
  known_.reset();
  clean_ = false;
  ++wrong_guesses_;
}

void RequestRow::poll_ended() {
  if (known_ && outside_ >= std::max<std::size_t>(inside_, 1)) {
    known_.reset(); // it was that of another kind of poll
  } else if (!known_ && clean_ && heard_.size() <= kLongest) {
    known_ = std::make_shared<const std::vector<Request>>(std::exchange(heard_, {}));
  }
}

} // namespace bmsd::actors
