#include "transports/reply_habit.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace bmsd::transports {

namespace {

/// A sleep below this costs more than it saves.
constexpr std::chrono::milliseconds kWorthSleep{3};
/// Every so many times the guess is checked, twice as seldom after each check that changed little. Looking costs one
/// wake-up for all ports, listening several for each.
constexpr unsigned kFirstTrust = 8;
constexpr unsigned kMostTrust = 64;
constexpr int kLittle = 8; ///< this part of the time

std::size_t hash(ByteView bytes) {
  return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

} // namespace

std::optional<ReplyHabit::Expected> ReplyHabit::expected(ByteView request) {
  const auto key = hash(request);
  auto& known = entry(key);
  if (known.request != key || known.reply.after < kWorthSleep) {
    return std::nullopt;
  }
  auto reply = known.reply;
  reply.doubt = ++known.guesses >= known.trust;
  return reply.doubt && !known.exact ? std::nullopt : std::optional(reply);
}

/// A single slow answer (a busy machine, a busy BMS) shall not make all following ones slow.
void ReplyHabit::heard(ByteView request, Expected reply) {
  const auto key = hash(request);
  auto& known = entry(key);
  const bool slower = known.request == key && known.exact && known.reply.after < reply.after;
  const auto change = known.request == key ? std::chrono::abs(known.reply.after - reply.after) : reply.after;
  const unsigned trust = change < reply.after / kLittle ? std::min(known.trust * 2, kMostTrust) : kFirstTrust;
  const auto rest = known.request == key ? known.reply.rest : Duration{0};
  known = {key, {reply.bytes, slower ? (known.reply.after + reply.after) / 2 : reply.after, rest}, 0, trust, true};
}

void ReplyHabit::came_late(ByteView request, Expected reply) {
  const auto key = hash(request);
  if (auto& known = entry(key); known.request == key) {
    known.reply = {reply.bytes, (known.reply.after + reply.after) / 2, known.reply.rest};
    known.exact = false;
  }
}

void ReplyHabit::came_as_ever(ByteView request) {
  const auto key = hash(request);
  if (auto& known = entry(key); known.request == key) {
    known.guesses = 0;
    known.trust = std::min(known.trust * 2, kMostTrust);
  }
}

void ReplyHabit::came_early(ByteView request) {
  const auto key = hash(request);
  if (auto& known = entry(key); known.request == key) {
    known.exact = false; // and it is still doubted: somebody listens the next time
  }
}

void ReplyHabit::led_to_a_failure(ByteView request) {
  const auto key = hash(request);
  if (auto& known = entry(key); known.request == key) {
    known.exact = false;
    known.guesses = known.trust;
  }
}

void ReplyHabit::followed(ByteView request, Duration rest) {
  const auto key = hash(request);
  if (auto& known = entry(key); known.request == key) {
    known.reply.rest = rest;
  }
}

} // namespace bmsd::transports
