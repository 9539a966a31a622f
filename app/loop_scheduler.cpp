#include "app/loop_scheduler.hpp"

#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <caf/detail/simple_actor_clock.hpp>
#include <caf/execution_unit.hpp>
#include <caf/intrusive_ptr.hpp>
#include <caf/resumable.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <deque>
#include <mutex>
#include <utility>

namespace bmsd::app {

namespace {

using caf::resumable;

/// The part of CAF 0.17 that is known to this file alone. enqueue() is thread-safe, all else is for the I/O
/// thread: the clock too, since only actors use it.
class LoopScheduler final : public caf::scheduler::abstract_coordinator {
public:
  LoopScheduler(caf::actor_system& system, asio::io_context& io)
      : abstract_coordinator(system), io_(io), timer_(io), unit_(*this) {}

  void enqueue(resumable* job) override {
    const std::lock_guard lock(mutex_);
    ready_.push_back(job);
    if (!std::exchange(scheduled_, true)) {
      asio::post(io_, [this] { run_batch(); });
    }
  }

  caf::actor_clock& clock() noexcept override { return clock_; }
  bool detaches_utility_actors() const override { return false; }

protected:
  /// CAF's printer for aout, a thread of its own, is not needed.
  void start() override {}

  /// The io_context runs no more: what the last actors were sent is dropped with them.
  void stop() override {
    clock_.cancel_all();
    while (run_ready(1000) > 0) {
    }
  }

private:
  class Unit final : public caf::execution_unit {
  public:
    explicit Unit(LoopScheduler& owner) : execution_unit(&owner.system()), owner_(owner) {}
    void exec_later(resumable* job) override { owner_.enqueue(job); }

  private:
    LoopScheduler& owner_;
  };

  static constexpr std::size_t kBatch = 64; ///< jobs, then the transports have their turn

  /// CAF contains what actors throw; should it throw itself, the actors go on all the same.
  struct GoOn {
    LoopScheduler& scheduler;
    void (LoopScheduler::*after)();
    ~GoOn() { (scheduler.*after)(); }
  };

  void run_batch() {
    const GoOn go_on{*this, &LoopScheduler::end_batch};
    run_ready(kBatch);
  }

  void end_batch() {
    set_timer();
    const std::lock_guard lock(mutex_);
    scheduled_ = !ready_.empty();
    if (scheduled_) {
      asio::post(io_, [this] { run_batch(); });
    }
  }

  std::size_t run_ready(std::size_t limit) {
    std::size_t count = 0;
    while (auto job = count < limit ? next() : nullptr) {
      ++count;
      if (job->resume(&unit_, max_throughput_) == resumable::resume_later) {
        enqueue(job.detach());
      }
    }
    return count;
  }

  /// With the reference that the queue held.
  caf::intrusive_ptr<resumable> next() {
    const std::lock_guard lock(mutex_);
    if (ready_.empty()) {
      return nullptr;
    }
    auto* job = ready_.front();
    ready_.pop_front();
    return {job, false};
  }

  void set_timer() {
    const auto& schedule = clock_.schedule();
    const auto due = schedule.empty() ? caf::actor_clock::time_point::max() : schedule.begin()->first;
    if (due == due_) {
      return;
    }
    timer_.expires_at(due);
    timer_.async_wait([this](const std::error_code& error) {
      if (!error) {
        due_ = {};
        const GoOn go_on{*this, &LoopScheduler::set_timer};
        clock_.trigger_expired_timeouts();
      }
    });
    due_ = due;
  }

  asio::io_context& io_;
  asio::steady_timer timer_;
  caf::detail::simple_actor_clock clock_;
  caf::actor_clock::time_point due_{};
  Unit unit_;

  std::mutex mutex_;
  std::deque<resumable*> ready_;
  bool scheduled_ = false; ///< a batch is posted
};

} // namespace

void run_actors_on(asio::io_context& io, caf::actor_system_config& config) {
  config.module_factories.push_back([&io](caf::actor_system& system) { return new LoopScheduler(system, io); });
}

} // namespace bmsd::app
