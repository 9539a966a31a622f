// Exchange protocols as C++20 coroutines: a Script yields requests and receives replies.
//
//   Script LltJbd::poll(Sample& out) {
//     co_await decode(kBasicInfo, co_await ask(read(Register::basic_info)), out);
//   }
//
// `co_await ask(request)` gives the reply's bytes (valid until the next request of the script) or
// ends the script with the error. `co_await attempt(request)` gives a Result instead. `co_await`
// on a Result ends the script if it holds an error. `co_await other_script()` runs a script inside
// and gives its Result<void>; `co_await part(other_script())` ends the outer script too if it fails,
// except that a part whose request was skipped (ScriptRunner::skip, for replays of half a cycle) is
// passed over. A script holds no I/O and no clock: a ScriptRunner is driven by the session actor, a
// test, a replay or a fuzzer. Not thread-safe; one thread at a time.
//
// GCC 12 miscompiles braced lists, and ?: between scripts, inside co_await expressions: use functions and if.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"

#include <chrono>
#include <coroutine>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

namespace bmsd::protocols {

class ScriptRunner;

class [[nodiscard]] Script {
public:
  struct promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  Script() = default;
  Script(Script&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Script& operator=(Script&& other) noexcept {
    if (this != &other) {
      destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;
  ~Script() { destroy(); }

  explicit operator bool() const { return handle_ != nullptr; }

private:
  friend class ScriptRunner;
  friend struct promise_type;
  explicit Script(Handle handle) : handle_(handle) {}
  void destroy() {
    if (handle_) {
      handle_.destroy();
      handle_ = {};
    }
  }
  Handle handle_;
};

struct Ask {
  Request request;
};
struct Attempt {
  Request request;
};
struct Part {
  Script script;
};
inline Ask ask(Request request) {
  return {std::move(request)};
}
inline Attempt attempt(Request request) {
  return {std::move(request)};
}
inline Part part(Script script) {
  return {std::move(script)};
}

/// `co_return done();`
inline Result<void> done() {
  return {};
}

/// How much a BMS that has not answered anything yet is asked. As soon as it has answered, its requests are
/// taken as they are.
struct Patience {
  int requests = std::numeric_limits<int>::max();  ///< the script ends when so many went unanswered
  bool retries = true;                             ///< as the requests say; false: none
  std::chrono::milliseconds first_byte{1'000'000}; ///< waits at most so long for an answer to begin
};

/// Runs one script at a time and keeps count of the attempts of its pending request.
class ScriptRunner {
public:
  ScriptRunner() = default;
  ScriptRunner(const ScriptRunner&) = delete;
  ScriptRunner& operator=(const ScriptRunner&) = delete;

  /// Runs to the first request. An exception thrown inside the script (a bug) leaves here.
  void start(Script script, Patience patience = {});
  /// What has to be sent now; nullptr: finished or idle.
  const Request* pending() const { return pending_; }
  /// Outcome of one attempt at pending(). A failed one is repeated (pending() stays) until the
  /// request's retries are used up. Exceptions as in start().
  void answer(Reply reply);
  /// There is nothing to answer pending() with, now or later (a capture without it): the request
  /// fails with not_recorded() at once, and the parts that end by it don't end the whole script.
  void skip();
  static const Error& not_recorded();
  bool finished() const { return finished_; }
  const Result<void>& result() const { return result_; }
  /// Attempts that failed since start(), the ones that a retry healed included.
  int failed_attempts() const { return failed_attempts_; }
  /// Ends the script at once; its local objects are destroyed.
  void cancel();

private:
  friend struct Script::promise_type;
  struct Waiter {
    std::coroutine_handle<> resume;
    virtual void accept(Reply reply) = 0;
    virtual ~Waiter() = default;
  };
  template <bool kEndsScript>
  struct RequestAwaiter;

  void wait(Request& request, Waiter& waiter);
  void run(std::coroutine_handle<> handle);
  void finish(Result<void> result, std::exception_ptr failure);

  Script script_;
  const Request* pending_ = nullptr;
  Waiter* waiter_ = nullptr;
  int attempts_ = 0;
  int failed_attempts_ = 0;
  Patience patience_;
  bool answered_ = false; ///< anything since start()
  bool finished_ = true;
  Result<void> result_;
  std::exception_ptr failure_;
};

struct Script::promise_type {
  ScriptRunner* runner = nullptr;
  std::coroutine_handle<> parent;         ///< empty for the outermost script
  promise_type* parent_promise = nullptr; ///< of a part: ends with it
  Result<void> result;
  std::exception_ptr failure;

  Script get_return_object() { return Script(Handle::from_promise(*this)); }
  std::suspend_always initial_suspend() noexcept { return {}; }
  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(Handle handle) noexcept { return handle.promise().ended(); }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }
  void return_value(Result<void> value) { result = std::move(value); }
  void unhandled_exception() { failure = std::current_exception(); }

  /// Hands the outcome to whoever waits; gives what to resume next.
  std::coroutine_handle<> ended() noexcept {
    if (!parent) {
      runner->finish(std::move(result), failure);
      return std::noop_coroutine();
    }
    if (parent_promise != nullptr && !failure && !result && result.error() != ScriptRunner::not_recorded()) {
      parent_promise->result = std::move(result);
      return parent_promise->ended();
    }
    return parent;
  }

  auto await_transform(Ask ask);
  auto await_transform(Attempt attempt);

  template <class T>
  auto await_transform(Result<T> value) {
    struct Awaiter {
      Result<T> value;
      bool await_ready() const { return value.has_value(); }
      std::coroutine_handle<> await_suspend(Handle handle) {
        handle.promise().result = value.error();
        return handle.promise().ended();
      }
      T await_resume() {
        if constexpr (!std::is_void_v<T>) {
          return std::move(*value);
        }
      }
    };
    return Awaiter{std::move(value)};
  }

  auto await_transform(Script child) { return ChildAwaiter<false>{std::move(child)}; }
  auto await_transform(Part part) { return ChildAwaiter<true>{std::move(part.script)}; }

private:
  template <bool kIsPart>
  struct ChildAwaiter {
    Script child;
    bool await_ready() const { return false; }
    std::coroutine_handle<> await_suspend(Handle handle) {
      auto& promise = child.handle_.promise();
      promise.runner = handle.promise().runner;
      promise.parent = handle;
      promise.parent_promise = kIsPart ? &handle.promise() : nullptr;
      return child.handle_;
    }
    auto await_resume() {
      auto& promise = child.handle_.promise();
      if (promise.failure) {
        std::rethrow_exception(promise.failure);
      }
      if constexpr (!kIsPart) {
        return std::move(promise.result);
      }
    }
  };
};

/// The awaiter of ask (ends the script on failure) and attempt (gives the failure).
template <bool kEndsScript>
struct ScriptRunner::RequestAwaiter final : ScriptRunner::Waiter {
  explicit RequestAwaiter(Request r) : request(std::move(r)) {}
  Request request;
  Reply reply;
  Script::Handle script;

  bool await_ready() const { return false; }
  void await_suspend(Script::Handle handle) {
    script = handle;
    resume = handle;
    handle.promise().runner->wait(request, *this);
  }
  void accept(Reply r) override {
    reply = std::move(r);
    if (kEndsScript && reply.error.fault != Fault::none) {
      script.promise().result = reply.error;
      resume = script.promise().ended();
    }
  }
  auto await_resume() {
    if constexpr (kEndsScript) {
      return take();
    } else {
      return reply.error.fault == Fault::none ? Result<Bytes>(take()) : Result<Bytes>(reply.error);
    }
  }
  /// The reply alone, without what surrounded it on the line.
  Bytes take() {
    auto begin = reply.rx.begin() + static_cast<std::ptrdiff_t>(reply.begin);
    reply.rx.erase(begin + static_cast<std::ptrdiff_t>(reply.size), reply.rx.end());
    reply.rx.erase(reply.rx.begin(), begin);
    return std::move(reply.rx);
  }
};

inline auto Script::promise_type::await_transform(Ask ask) {
  return ScriptRunner::RequestAwaiter<true>(std::move(ask.request));
}
inline auto Script::promise_type::await_transform(Attempt attempt) {
  return ScriptRunner::RequestAwaiter<false>(std::move(attempt.request));
}

} // namespace bmsd::protocols
