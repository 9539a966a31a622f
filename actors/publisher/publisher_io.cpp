#include "actors/publisher/publisher_io.hpp"

#include <asio/post.hpp>
#include <spdlog/spdlog.h>

#include <utility>

namespace bmsd::actors {

namespace {

/// A little less than a second: polls come with some jitter.
constexpr std::chrono::milliseconds kShortest{900}, kSecond{1000};

bool is_urgent(const Status& before, const Status& now) {
  const auto stricter = [](const auto& was, const auto& is) { return was && (!is || *is < *was); };
  return stricter(before.cvl, now.cvl) || stricter(before.ccl, now.ccl) || stricter(before.dcl, now.dcl) ||
         before.alarms != now.alarms || before.connected != now.connected || before.given_up != now.given_up ||
         before.allow_charge != now.allow_charge || before.allow_discharge != now.allow_discharge;
}

} // namespace

void PublisherIo::start(PublisherOptions options, const Identity& identity,
                        const std::shared_ptr<const Status>& status) {
  service_.reset();
  service_ = std::make_unique<dbus::Service>(core_->io, plan_->bus, options.service);
  table_.emplace(std::move(options), identity);
  status_ = told_ = status;
  if (auto added = service_->add(table_->items(*status)); !added) {
    spdlog::error("{}: {}", plan_->id, added.error().detail);
  }
  service_->set_write_handler([this](const std::string& path, const dbus::Value& value,
                                     dbus::Service::WriteReply reply) { on_write(path, value, std::move(reply)); });
  service_->on_refusal([this](const std::string& path, int code) { on_refusal(path, code); });
  service_->on_state([this](dbus::ServiceState state, const std::string& reason) {
    post_from_outside(*core_, plan_->publisher,
                      PublishState{service_->name(), std::string(dbus::to_string(state)), reason});
  });
  service_->start();
}

void PublisherIo::update(const Published& published) {
  if (!service_) {
    return;
  }
  const bool due = core_->now().steady - told_at_ >= kShortest || is_urgent(*told_, *published.status);
  status_ = published.status;
  if (due) {
    tell(published.received);
  } else if (!std::exchange(waiting_, true)) {
    later_.expires_after(kSecond - (core_->now().steady - told_at_));
    later_.async_wait([weak = weak_from_this()](const std::error_code& error) {
      if (auto self = weak.lock(); self && !error) {
        self->tell({});
      }
    });
  }
}

/// `received`: when the answer came that is told; 0: not now.
void PublisherIo::tell(std::chrono::nanoseconds received) {
  if (!service_) {
    return;
  }
  const auto now = core_->now().steady;
  if (std::exchange(waiting_, false)) {
    later_.cancel();
  }
  told_ = status_;
  const auto changes = table_->changes(*status_);
  if (!changes.empty()) {
    told_at_ = now;
    core_->counters.signals.fetch_add(1, std::memory_order_relaxed);
    service_->update(changes);
    if (received.count() != 0) {
      core_->counters.latency.record(now - received);
    }
  }
}

void PublisherIo::set_custom_name(const std::string& name) {
  if (table_) {
    table_->set_custom_name(name);
    tell({}); // whoever changed it looks at it now
  }
}

void PublisherIo::set_identity(const Identity& identity) {
  if (table_) {
    table_->set_identity(identity);
  }
}

void PublisherIo::carried_out(const CommandOutcome& command) {
  if (table_) {
    table_->carried_out(command.kind, command.value);
    tell({});
  }
}

void PublisherIo::stop() {
  service_.reset();
  table_.reset();
  later_.cancel();
  waiting_ = false;
  status_.reset();
  told_.reset();
}

void PublisherIo::on_refusal(const std::string& path, int code) {
  core_->counters.count(Fault::rejected);
  if (refusals_.due(core_->now().steady)) {
    spdlog::warn("{}: a D-Bus client wrote {}: {}{}", plan_->id, path,
                 code == 1 ? "not writable, or of another type" : "a value that is not allowed",
                 refusals_.passed_over());
  }
}

/// The actor decides; the answer comes back here, where the table learns of an accepted write.
void PublisherIo::on_write(const std::string& path, const dbus::Value& value, dbus::Service::WriteReply reply) {
  std::optional<Command> command;
  if (path != "/CustomName") {
    command = table_->command_for(path, value);
    if (!command) {
      reply(2);
      on_refusal(path, 2);
      return;
    }
  }
  auto done = [weak = weak_from_this(), path, value, reply = std::move(reply)](int code) {
    if (auto self = weak.lock()) {
      asio::post(self->core_->io, [self, path, value, reply, code] {
        reply(code);
        if (code == 0 && self->table_) {
          self->table_->written(path, value);
        }
      });
    }
  };
  post_from_outside(*core_, plan_->publisher, WriteRequest{path, value, command, std::move(done)});
}

} // namespace bmsd::actors
