#include "transports/reply_pace.hpp"

#include <functional>
#include <string_view>

namespace bmsd::transports {

namespace {

/// Fewer bytes may come in one piece on any line.
constexpr std::size_t kTelling = 8;
/// Once may be the fault of a busy machine, which read the first bytes late.
constexpr int kTrust = 2;

std::size_t hash(ByteView bytes) {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

} // namespace

std::size_t ReplyPace::usual_reply(ByteView request) const {
  auto key = hash(request);
  const auto& entry = known_[key % known_.size()];
  return entry.request == key ? entry.reply : 0;
}

void ReplyPace::replied(ByteView request, std::size_t bytes) {
  auto key = hash(request);
  known_[key % known_.size()] = {key, bytes};
}

void ReplyPace::arrived(std::size_t bytes, Duration elapsed, Duration wire) {
  if (bytes >= kTelling && wire.count() > 0) {
    steady_ = elapsed > wire * 8 / 10;
    overslept_ = 0;
  }
}

void ReplyPace::slept(bool too_long) {
  overslept_ = too_long ? overslept_ + 1 : 0;
  steady_ = steady_ && overslept_ < kTrust;
}

} // namespace bmsd::transports
