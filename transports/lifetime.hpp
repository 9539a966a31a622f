// Keeps handlers from running after what they belong to has ended.
#pragma once

#include <concepts>
#include <memory>
#include <utility>

namespace bmsd::transports {

/// A handler wrapped by guard() does nothing once the Lifetime has been renewed or destroyed. Not
/// thread-safe: guarded handlers run on the thread that owns the Lifetime.
class Lifetime {
public:
  Lifetime() = default;
  Lifetime(const Lifetime&) = delete;
  Lifetime& operator=(const Lifetime&) = delete;

  template <class Handler>
  auto guard(Handler handler) const {
    return [ token = std::weak_ptr<char>(token_), handler = std::move(handler) ]<class... Args>(
        Args && ... args) mutable requires std::invocable<Handler&, Args...> {
      if (!token.expired()) {
        handler(std::forward<Args>(args)...);
      }
    };
  }

  /// Calls `handler` if there is one. False: that has renewed or destroyed the Lifetime; its owner may be gone.
  template <class Handler, class... Args>
  bool outlives(const Handler& handler, Args&&... args) const {
    const std::weak_ptr<char> token(token_);
    if (handler) {
      handler(std::forward<Args>(args)...);
    }
    return !token.expired();
  }

  /// Handlers guarded so far are void.
  void renew() { token_ = std::make_shared<char>(); }

private:
  std::shared_ptr<char> token_ = std::make_shared<char>();
};

} // namespace bmsd::transports
