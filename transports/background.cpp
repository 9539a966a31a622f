#include "transports/background.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <atomic>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace bmsd::transports {

/// The thread may outlive the io_context, so it touches that only under the mutex and only while
/// the owner has not left.
struct BackgroundCall::State {
  explicit State(asio::io_context& context) : io(&context), work(asio::make_work_guard(context)) {}
  std::mutex mutex;
  asio::io_context* io;
  asio::executor_work_guard<asio::io_context::executor_type> work;
  bool abandoned = false;
};

BackgroundCall::BackgroundCall(asio::io_context& io, std::function<Done()> work) : state_(std::make_shared<State>(io)) {
  auto run = [state = state_, work = std::move(work)] {
    auto done = work();
    std::lock_guard lock(state->mutex);
    if (!state->abandoned) {
      asio::post(*state->io, [state, done = std::move(done)] {
        if (!state->abandoned) {
          done();
        }
      });
      state->work.reset();
    }
  };
  try {
    std::thread(run).detach();
  } catch (const std::system_error&) {
    run(); // no thread to be had: late is better than never
  }
}

BackgroundCall& BackgroundCall::operator=(BackgroundCall&& other) noexcept {
  BackgroundCall old(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}

BackgroundCall::~BackgroundCall() {
  if (state_) {
    std::lock_guard lock(state_->mutex);
    state_->abandoned = true;
    state_->work.reset();
  }
}

} // namespace bmsd::transports
