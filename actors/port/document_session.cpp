#include "actors/port/other_name.hpp"
#include "actors/port/reporter.hpp"
#include "actors/port/session.hpp"
#include "actors/spawn.hpp"

#include <caf/all.hpp>

#include <string>
#include <utility>

namespace bmsd::actors {

namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// Takes the documents of one topic. Only valid, live documents count as a sign of life.
class DocumentSession {
public:
  using Self = SessionActor::stateful_pointer<DocumentSession>;
  explicit DocumentSession(Self self) : self_(self) {}

  static inline const char* name = "document_session";
  SessionRef slot;

  SessionActor::behavior_type start(CorePtr core, SessionPlanPtr plan) {
    core_ = std::move(core);
    plan_ = std::move(plan);
    report_.emplace(self_, core_, plan_);
    protocol_ = plan_->protocol->document(protocol_config(*core_, *plan_, 0));
    last_good_ = core_->now().steady;
    self_->delayed_send(self_, kTick, Tick{});
    return {
        [this](const LinkState& state) { on_link(state); },
        [](const ExchangeDone&) {},
        [](const FrameBatch&) {},
        [this](const Document& document) { on_document(document); },
        [this](const BatteryAssigned& assigned) { report_->on_assigned(assigned); },
        [this](const Tick&) { on_tick(); },
        [](const Command& command) {
          return CommandOutcome{
              command.id, command.kind, command.value, {Fault::unsupported, "an MQTT battery takes no commands"}};
        },
        [this](const Describe&) { return report_->describe(seen_ ? "polling" : "identifying"); },
        [](const Configured&) {},
        [this](const CloseDown&) { self_->quit(); },
    };
  }

private:
  static constexpr seconds kTick{1};

  void on_document(const Document& document) {
    core_->counters.polls.fetch_add(1, std::memory_order_relaxed);
    Identity identity;
    Sample sample;
    if (auto taken = protocol_->on_document(document, identity, sample); !taken) {
      report_->failed(taken.error());
      return;
    }
    if (said_by_another(identity)) {
      report_->failed({Fault::implausible, "another serial number, " + identity.own_name()});
      return;
    }
    if (document.retained) {
      return; // of unknown age: tells who the battery is, not how it is
    }
    seen_ = true;
    offline_ = false;
    const auto& known = report_->identity();
    if (known && identity.own_name().empty()) { // not every document names the battery
      identity.unique_id = known->unique_id;
      identity.serial = known->serial;
    }
    identity.protocol = plan_->protocol->key;
    identity.label = plan_->protocol->label;
    report_->identified(identity, 0);
    last_good_ = core_->now().steady;
    report_->sample(std::move(sample), last_good_);
  }

  /// One document does not make another battery of it, two in a row do.
  bool said_by_another(const Identity& identity) {
    const auto& known = report_->identity();
    const auto& name = identity.own_name();
    if (!known || name.empty() || name == known->own_name()) {
      other_.none();
      return false;
    }
    return !other_.said(name, 2);
  }

  void on_tick() {
    self_->delayed_send(self_, kTick, Tick{});
    const auto limit = duration_cast<nanoseconds>(duration<double>(plan_->port->config.stale_after));
    const auto age = core_->now().steady - last_good_;
    if (offline_) {
      report_->failed({Fault::timeout, reason_});
    } else if (age > limit) {
      report_->failed(
          {open_ ? Fault::timeout : Fault::link,
           open_ ? "no valid message for " + std::to_string(duration_cast<seconds>(age).count()) + " s" : reason_});
    }
  }

  void on_link(const LinkState& state) {
    open_ = state.link != Link::gone;
    offline_ = state.link == Link::silent;
    reason_ = state.reason;
    if (offline_) {
      report_->link(Link::silent, reason_);
    }
    if (!open_) {
      report_->gone(state.reason);
    }
  }

  Self self_;
  CorePtr core_;
  SessionPlanPtr plan_;
  std::optional<Reporter<Self>> report_;
  std::unique_ptr<protocols::DocumentProtocol> protocol_;
  nanoseconds last_good_{0};
  bool open_ = false;
  bool seen_ = false;
  OtherName other_;
  bool offline_ = false; ///< says its availability topic
  std::string reason_ = "not connected yet";
};

} // namespace

SessionActor spawn_document_session(caf::actor_system& system, CorePtr core, SessionPlanPtr plan) {
  return spawn_in<DocumentSession>(plan->session, system, core, plan);
}

} // namespace bmsd::actors
