// What every kind of session does the same way: tell the supervisor who is there, and the battery
// actor what it said.
#pragma once

#include "actors/core.hpp"
#include "actors/log_limit.hpp"
#include "actors/port/link_factory.hpp"
#include "actors/port/session_plan.hpp"

#include <spdlog/spdlog.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace bmsd::actors {

/// Member of a session's state; same thread as the session.
template <class Self>
class Reporter {
public:
  Reporter(Self self, CorePtr core, SessionPlanPtr plan)
      : self_(self), core_(std::move(core)), plan_(std::move(plan)), place_(place_name(*plan_)) {}

  const std::string& place() const { return place_; }
  bool assigned() const { return battery_ != nullptr; }
  const std::string& battery_id() const { return battery_id_; }
  const std::optional<Identity>& identity() const { return identity_; }

  /// A BMS was recognised. The same one as before is no news.
  void identified(const Identity& identity, std::uint32_t address) {
    const bool same = identity_ && *identity_ == identity && battery_ != nullptr && !vacated_;
    const bool another = !identity_ || identity_->own_name() != identity.own_name();
    identity_ = identity;
    if (same) {
      return;
    }
    vacated_ = false;
    failures_in_a_row_ = 0;
    address_ = address;
    if (another) { // what it says is not that battery's
      battery_.reset();
      battery_id_.clear();
      early_.reset();
    }
    if (finds_.due(core_->now().steady) || another) { // damaged frames change a name each time
      spdlog::info("{}: found {} {} {}{}", place_, identity.label, identity.model, identity.unique_id,
                   finds_.passed_over());
    }
    post(self_, *core_, core_->supervisor,
         Identified{plan_->session, plan_->port->config.name, shown_address(), actors::describe(plan_->port->config),
                    identity},
         place_);
  }

  void on_assigned(const BatteryAssigned& assigned) {
    battery_id_ = assigned.id;
    battery_ = assigned.battery;
    if (!battery_) {
      return;
    }
    post(self_, *core_, battery_, LinkState{plan_->port->config.name, link_, reason_}, battery_id_);
    if (early_) {
      post(self_, *core_, battery_, std::move(*early_), battery_id_);
      early_.reset();
    }
  }

  /// A good sample. Kept until the supervisor has said whose it is.
  void sample(Sample sample, std::chrono::nanoseconds received) {
    core_->counters.samples.fetch_add(1, std::memory_order_relaxed);
    ++samples_;
    failures_in_a_row_ = 0;
    link(Link::up, {});
    if (battery_) {
      post(self_, *core_, battery_, Polled{std::move(sample), received}, battery_id_);
    } else {
      early_ = Polled{std::move(sample), received};
    }
  }

  /// `said`: what else was in an implausible answer.
  void failed(const Error& error, const Sample* said = nullptr) {
    core_->counters.count(error.fault);
    ++failures_;
    ++failures_in_a_row_;
    last_error_ = error;
    if (samples_ > 0 || plan_->protocol != nullptr) { // a search hears much that is not meant for it
      wrong(error);
    }
    if (failures_in_a_row_ == kSilentAfter) {
      silent_logged_ = silences_.due(core_->now().steady);
      if (silent_logged_) {
        spdlog::warn("{}: no good answer: {}{}", who(), to_string(error), silences_.passed_over());
      }
      link(Link::silent, to_string(error));
      leave();
    }
    if (core_->tap.watched()) {
      core_->tap.copy(plan_->session->name(), {}, who(), error);
    }
    if (battery_) {
      PollFailed failed{error};
      if (said != nullptr && error.fault == Fault::implausible && *said != Sample()) {
        failed.doubtful = std::make_shared<const Sample>(*said);
      }
      post(self_, *core_, battery_, std::move(failed), battery_id_);
    }
  }

  /// An answer that is none, asked for again or not: a line for each kind now and then.
  void wrong(const Error& error) {
    const bool data = error.fault != Fault::none && error.fault != Fault::timeout && error.fault != Fault::link;
    if (auto& limit = mistakes_[error.fault]; data && limit.due(core_->now().steady)) {
      spdlog::warn("{}: wrong data: {}{}", who(), to_string(error), limit.passed_over());
    }
  }

  void link(Link link, const std::string& reason) {
    if (link == link_ && reason == reason_) {
      return;
    }
    if (link == Link::up && link_ != Link::up && samples_ > 1 && silent_logged_) {
      spdlog::info("{}: answers again", who());
    }
    link_ = link;
    reason_ = reason;
    if (battery_) {
      post(self_, *core_, battery_, LinkState{plan_->port->config.name, link_, reason_}, battery_id_);
    }
  }

  /// The port is closed.
  void gone(const std::string& reason) {
    link(Link::gone, reason);
    leave();
  }

  /// Silent or gone since it was identified: who answers now may be another battery.
  bool in_doubt() const { return vacated_; }
  std::uint32_t failures_in_a_row() const { return failures_in_a_row_; }
  const Error& last_error() const { return last_error_; }

  Json describe(const char* phase) const {
    Json json = {{"kind", "session"},
                 {"place", place_},
                 {"port", plan_->port->config.name},
                 {"state", phase},
                 {"battery", battery_id_},
                 {"link", to_string(link_)},
                 {"samples", samples_},
                 {"failures", failures_},
                 {"last_error", last_error_.fault == Fault::none ? "" : to_string(last_error_)}};
    if (identity_) {
      json["protocol"] = identity_->protocol;
    }
    json["address"] = address_;
    if (plan_->follower > 0) {
      json["follower"] = plan_->follower;
    }
    return json;
  }

private:
  static constexpr std::uint32_t kSilentAfter = 3;

  /// The battery may turn up at another place; if it is here again, it has to say who it is.
  void leave() {
    if (identity_ && !vacated_) {
      vacated_ = true;
      early_.reset();
      post(self_, *core_, core_->supervisor, Vacated{plan_->port->config.name, shown_address()}, battery_id_);
    }
  }

  const std::string& who() const { return battery_ ? battery_id_ : place_; }

  /// A battery that is alone on its line needs no address in its name, unless the user has given one.
  std::uint32_t shown_address() const { return plan_->address || plan_->port->is_shared() ? address_ : 0; }

  Self self_;
  CorePtr core_;
  SessionPlanPtr plan_;
  std::string place_;
  std::optional<Identity> identity_;
  std::uint32_t address_ = 0;
  std::string battery_id_;
  BatteryRef battery_;
  bool vacated_ = false;
  std::optional<Polled> early_;
  Link link_ = Link::gone;
  std::string reason_ = "not open yet";
  std::uint64_t samples_ = 0;
  std::uint64_t failures_ = 0;
  std::uint32_t failures_in_a_row_ = 0;
  Error last_error_;
  LogLimits<Fault> mistakes_{std::chrono::minutes(10)};
  LogLimit silences_{std::chrono::minutes(1)}, finds_{std::chrono::seconds(10)};
  bool silent_logged_ = true;
};

} // namespace bmsd::actors
