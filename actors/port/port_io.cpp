#include "actors/port/port_io.hpp"

#include <asio/post.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace bmsd::actors {

namespace {

std::int64_t wall_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

} // namespace

/// A job that has the line.
struct PortIo::Running {
  explicit Running(ExchangeJob next) : job(std::move(next)) {}
  ExchangeJob job;
  std::vector<Reply> replies;

  const Request& request() const { return replies.empty() ? job.request : *job.row.at(replies.size()); }
};

PortIo::PortIo(CorePtr core, PortPlanPtr plan)
    : core_(std::move(core)), plan_(std::move(plan)), late_timer_(core_->io) {}

// -- opening ----------------------------------------------------------------------

void PortIo::open(std::uint64_t generation) {
  generation_ = generation;
  if (link_.get() == nullptr) {
    make();
  }
  opening_ = true;
  link_.get()->open([weak = weak_from_this(), generation](Result<void> result) {
    if (auto self = weak.lock()) {
      post_from_outside(*self->core_, self->plan_->port, LinkOpened{generation, result ? Error{} : result.error()});
      self->on_opened(result ? std::string() : result.error().detail);
    }
  });
}

/// Those who have asked meanwhile get their turn, or hear why not.
void PortIo::on_opened(std::string closed) {
  opening_ = false;
  closed_ = std::move(closed);
  if (closed_.empty()) {
    if (!busy_ && (!waiting_.empty() || !late_.empty())) {
      run_next();
    }
    return;
  }
  for (auto& job : std::exchange(waiting_, {})) {
    refuse(std::move(job), closed_);
  }
  for (auto& late : std::exchange(late_, {})) {
    refuse(std::move(late.job), closed_);
  }
}

void PortIo::close() {
  waiting_.clear();
  late_.clear();
  late_timer_.cancel();
  busy_ = opening_ = false;
  link_ = {};
  closed_ = "the port is closed";
}

void PortIo::make() {
  link_ = make_link(core_->io, plan_->config);
  link_.get()->on_lost = [this](std::string reason) {
    closed_ = reason;
    post_from_outside(*core_, plan_->port, LinkLost{generation_, std::move(reason)});
  };
  link_.get()->on_notice = [this](const std::string& text) { on_notice(text); };
  if (link_.bus) {
    link_.bus->on_frame = [this](const CanFrame& frame) { on_frame(frame); };
    link_.bus->on_loss = [this](transports::FrameLoss loss, std::uint64_t frames) { on_loss(loss, frames); };
  }
  if (link_.broker) {
    link_.broker->on_document = [this](const Document& document) { on_document(document); };
    link_.broker->on_available = [this](bool available) {
      for (const auto& session : plan_->sessions) {
        post_from_outside(*core_, session,
                          LinkState{plan_->config.name, available ? Link::up : Link::silent,
                                    available ? "" : "the device says that it is offline"});
      }
    };
  }
}

// -- lines ---------------------------------------------------------------------------

void PortIo::exchange(ExchangeJob job) {
  if (auto reason = refusal(); !reason.empty()) {
    refuse(std::move(job), std::move(reason));
    return;
  }
  if (job.can_wait) {
    late_.push_back({std::move(job), core_->now().steady});
  } else {
    waiting_.push_back(std::move(job));
  }
  if (!busy_ && !opening_) {
    run_next();
  }
}

void PortIo::refuse(ExchangeJob job, std::string reason) {
  Reply refused;
  refused.error = {Fault::link, std::move(reason)};
  finish(std::move(job), std::move(refused));
}

std::string PortIo::refusal() const {
  if (!closed_.empty() && !opening_) {
    return closed_;
  }
  if (!link_.line) {
    return "nobody can be asked on this port";
  }
  return waiting_.size() + late_.size() < kMaxWaiting ? "" : "too many requests wait for the line";
}

bool PortIo::late_is_overdue() const {
  return !late_.empty() && core_->now().steady - late_.front().since >= kLongestWait;
}

void PortIo::run_next() {
  if (!link_.line) {
    return;
  }
  if (waiting_.empty() || (late_is_overdue() && !late_had_it_)) {
    run_late();
    return;
  }
  auto job = std::move(waiting_.front());
  waiting_.pop_front();
  run(std::move(job));
}

void PortIo::run_late() {
  if (late_.empty()) {
    return;
  }
  const auto now = core_->now().steady;
  const auto from = std::min<std::chrono::nanoseconds>(spoke_at_ + kPauseInPoll, late_.front().since + kLongestWait);
  if (now >= from) {
    auto job = std::move(late_.front().job);
    late_.pop_front();
    run(std::move(job));
    return;
  }
  late_timer_.expires_after(from - now);
  late_timer_.async_wait([weak = weak_from_this()](const std::error_code& error) {
    if (auto self = weak.lock(); self && !error && !self->busy_) {
      self->run_next();
    }
  });
}

void PortIo::run(ExchangeJob next) {
  busy_ = true;
  late_timer_.cancel();
  auto running = std::make_shared<Running>(std::move(next));
  late_had_it_ = running->job.can_wait;
  if (auto set = link_.line->set_line(running->job.line); !set) {
    Reply failed;
    failed.error = set.error();
    busy_ = false;
    finish(std::move(running->job), std::move(failed));
    run_next();
    return;
  }
  ask(running);
}

void PortIo::ask(const std::shared_ptr<Running>& running) {
  const auto& request = running->request();
  if (core_->tap.watched()) {
    watch(Direction::tx, request.tx);
  }
  link_.line->exchange(request, [weak = weak_from_this(), running](Reply reply) {
    if (auto self = weak.lock()) {
      self->on_reply(running, std::move(reply));
    }
  });
}

void PortIo::on_reply(const std::shared_ptr<Running>& running, Reply reply) {
  if (!running->job.can_wait) {
    spoke_at_ = core_->now().steady;
  }
  look_at_stray(running->request().tx, reply);
  if (core_->tap.watched() && !reply.rx.empty()) {
    watch(Direction::rx, reply.rx);
  }
  const bool good = reply.error.fault == Fault::none;
  running->replies.push_back(std::move(reply));
  const bool others_wait = !waiting_.empty() || late_is_overdue(); // they take turns, request by request
  if (good && !others_wait && running->job.row.at(running->replies.size()) != nullptr) {
    ask(running);
    return;
  }
  busy_ = false;
  auto first = std::move(running->replies.front());
  running->replies.erase(running->replies.begin());
  finish(std::move(running->job), std::move(first), std::move(running->replies));
  run_next();
}

/// Bytes before a good reply that are not an adapter's echo of the request.
void PortIo::look_at_stray(const Bytes& tx, const Reply& reply) {
  const bool echo = reply.begin == tx.size() && std::equal(tx.begin(), tx.end(), reply.rx.begin());
  if (reply.error.fault != Fault::none || reply.begin == 0 || echo) {
    return;
  }
  core_->counters.count(Fault::framing);
  if (strays_.due(core_->now().steady)) {
    spdlog::warn("{}: {} bytes before a reply that are none of it{}", plan_->config.name, reply.begin,
                 strays_.passed_over());
  }
}

void PortIo::finish(ExchangeJob job, Reply reply, std::vector<Reply> further) {
  core_->counters.frames.fetch_add(1 + further.size(), std::memory_order_relaxed);
  post_from_outside(*core_, job.reply_to,
                    ExchangeDone{job.token, std::move(reply), core_->now().steady, std::move(further)});
}

void PortIo::watch(Direction direction, Bytes bytes) {
  core_->tap.copy(Frame{plan_->config.name, direction, wall_us(), std::move(bytes)});
}

// -- buses and brokers ------------------------------------------------------------------

/// Frames that arrive together travel together.
void PortIo::on_frame(const CanFrame& frame) {
  if (batch_.frames.empty()) {
    asio::post(core_->io, [weak = weak_from_this()] {
      if (auto self = weak.lock()) {
        self->flush_frames();
      }
    });
  }
  batch_.frames.push_back(frame);
}

void PortIo::on_document(const Document& document) {
  core_->counters.frames.fetch_add(1, std::memory_order_relaxed);
  if (core_->tap.watched()) {
    core_->tap.copy(Frame{plan_->config.name, Direction::rx, wall_us(), document});
  }
  for (const auto& session : plan_->sessions) {
    post_from_outside(*core_, session, Document(document));
  }
}

/// Something that does not end the link: a document that is too long, an interface that is down.
void PortIo::on_notice(const std::string& text) {
  if (link_.broker) {
    core_->counters.count(Fault::framing);
  }
  if (notices_.due(core_->now().steady)) {
    spdlog::warn("{}: {}{}", plan_->config.name, text, notices_.passed_over());
  }
}

void PortIo::on_loss(transports::FrameLoss loss, std::uint64_t frames) {
  core_->counters.count(Fault::framing, frames);
  if (auto& limit = losses_[loss]; limit.due(core_->now().steady)) {
    spdlog::warn("{}: CAN frames {}: {}{}", plan_->config.name, transports::to_string(loss), frames,
                 limit.passed_over());
  }
}

void PortIo::flush_frames() {
  using namespace std::chrono;
  core_->counters.frames.fetch_add(batch_.frames.size(), std::memory_order_relaxed);
  batch_.at = duration_cast<milliseconds>(core_->now().steady);
  if (core_->tap.watched()) {
    for (const auto& frame : batch_.frames) {
      core_->tap.copy(Frame{plan_->config.name, Direction::rx, wall_us(), frame});
    }
  }
  for (const auto& session : plan_->sessions) {
    post_from_outside(*core_, session, FrameBatch(batch_));
  }
  batch_.frames.clear();
}

void PortIo::send(const CanFrame& frame) {
  if (!link_.bus) {
    return;
  }
  if (auto sent = link_.bus->send(frame); !sent) {
    core_->counters.count(sent.error().fault);
    return;
  }
  if (core_->tap.watched()) {
    core_->tap.copy(Frame{plan_->config.name, Direction::tx, wall_us(), frame});
  }
}

} // namespace bmsd::actors
