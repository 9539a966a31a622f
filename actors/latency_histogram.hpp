// How long something took, as quantiles. Thread-safe, fixed size.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdint>

namespace bmsd::actors {

/// Eight buckets per power of two: quantiles are right within 12 %.
class LatencyHistogram {
public:
  using Microseconds = std::chrono::microseconds;

  void record(std::chrono::nanoseconds duration) {
    const auto us = std::chrono::duration_cast<Microseconds>(duration).count();
    buckets_[bucket_of(us < 0 ? 0 : static_cast<std::uint64_t>(us))].fetch_add(1, std::memory_order_relaxed);
  }

  /// Upper end of the bucket that holds the quantile; 0 without any record.
  Microseconds quantile(double q) const {
    std::uint64_t total = 0;
    for (const auto& bucket : buckets_) {
      total += bucket.load(std::memory_order_relaxed);
    }
    auto left = static_cast<double>(total) * q;
    for (std::size_t i = 0; total > 0 && i < kBuckets; ++i) {
      left -= static_cast<double>(buckets_[i].load(std::memory_order_relaxed));
      if (left <= 0) {
        return Microseconds(upper_end(i));
      }
    }
    return Microseconds(0);
  }

private:
  static constexpr unsigned kSub = 8;
  static constexpr std::size_t kBuckets = kSub * 30;

  static std::size_t bucket_of(std::uint64_t us) {
    if (us < kSub) {
      return us;
    }
    const auto power = static_cast<unsigned>(std::bit_width(us)) - 4; // us >> power is 8..15
    const auto index = kSub * (power + 1) + ((us >> power) - kSub);
    return index < kBuckets ? index : kBuckets - 1;
  }
  static std::int64_t upper_end(std::size_t bucket) {
    if (bucket < kSub) {
      return static_cast<std::int64_t>(bucket) + 1;
    }
    const auto power = bucket / kSub - 1;
    return static_cast<std::int64_t>((kSub + bucket % kSub + 1) << power);
  }

  std::array<std::atomic<std::uint64_t>, kBuckets> buckets_{};
};

} // namespace bmsd::actors
