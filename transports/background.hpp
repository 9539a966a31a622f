// Blocking calls that have no asynchronous form (name resolution) on a short-lived thread.
#pragma once

#include <asio/io_context.hpp>

#include <functional>
#include <memory>

namespace bmsd::transports {

/// Runs `work` on a thread of its own, then the function that it gave on the I/O thread. Destroying
/// the object drops the outcome without waiting: a resolver that hangs holds nobody up. `work` must
/// own all that it uses.
class BackgroundCall {
public:
  using Done = std::function<void()>;

  BackgroundCall() = default;
  BackgroundCall(asio::io_context& io, std::function<Done()> work);
  BackgroundCall(BackgroundCall&&) = default;
  BackgroundCall& operator=(BackgroundCall&& other) noexcept;
  ~BackgroundCall();

private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace bmsd::transports
