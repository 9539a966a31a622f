#include "protocols/core/script.hpp"

#include <algorithm>

namespace bmsd::protocols {

void ScriptRunner::start(Script script, Patience patience) {
  cancel();
  patience_ = patience;
  answered_ = false;
  script_ = std::move(script);
  finished_ = false;
  failed_attempts_ = 0;
  result_ = {};
  failure_ = nullptr;
  auto& promise = script_.handle_.promise();
  promise.runner = this;
  run(script_.handle_);
}

void ScriptRunner::answer(Reply reply) {
  if (pending_ == nullptr) {
    return; // late answer to a cancelled script
  }
  if (reply.error.fault != Fault::none) {
    ++failed_attempts_;
    if (attempts_++ < pending_->retries) {
      return;
    }
    if (!answered_ && --patience_.requests <= 0) {
      result_ = reply.error;
      cancel();
      return;
    }
  } else {
    answered_ = true;
  }
  auto* waiter = std::exchange(waiter_, nullptr);
  pending_ = nullptr;
  waiter->accept(std::move(reply));
  run(waiter->resume);
}

void ScriptRunner::skip() {
  if (pending_ == nullptr) {
    return;
  }
  attempts_ = pending_->retries;
  Reply reply;
  reply.error = not_recorded();
  answer(std::move(reply));
}

const Error& ScriptRunner::not_recorded() {
  static const Error error{Fault::timeout, "not asked in this capture"};
  return error;
}

void ScriptRunner::cancel() {
  pending_ = nullptr;
  waiter_ = nullptr;
  finished_ = true;
  script_ = {};
}

void ScriptRunner::wait(Request& request, Waiter& waiter) {
  if (!answered_) {
    request.retries = patience_.retries ? request.retries : 0;
    request.first_byte = std::min(request.first_byte, patience_.first_byte);
  }
  pending_ = &request;
  waiter_ = &waiter;
  attempts_ = 0;
}

void ScriptRunner::run(std::coroutine_handle<> handle) {
  handle.resume();
  if (finished_ && script_) {
    script_ = {};
    if (failure_) {
      std::rethrow_exception(std::exchange(failure_, nullptr));
    }
  }
}

void ScriptRunner::finish(Result<void> result, std::exception_ptr failure) {
  result_ = std::move(result);
  failure_ = std::move(failure);
  finished_ = true;
}

} // namespace bmsd::protocols
