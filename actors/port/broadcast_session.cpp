#include "actors/port/reporter.hpp"
#include "actors/port/session.hpp"
#include "actors/spawn.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

namespace bmsd::actors {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

/// Listens to a bus. Several protocols may be listened for until one is identified.
class BroadcastSession {
public:
  using Self = SessionActor::stateful_pointer<BroadcastSession>;
  explicit BroadcastSession(Self self) : self_(self) {}

  static inline const char* name = "broadcast_session";
  SessionRef slot;

  SessionActor::behavior_type start(CorePtr core, SessionPlanPtr plan) {
    core_ = std::move(core);
    plan_ = std::move(plan);
    report_.emplace(self_, core_, plan_);
    remembered_ = remembered();
    listen();
    self_->delayed_send(self_, kTick, Tick{});
    return {
        [this](const LinkState& state) { on_link(state); },
        [](const ExchangeDone&) {},
        [this](const FrameBatch& batch) { on_frames(batch); },
        [](const Document&) {},
        [this](const BatteryAssigned& assigned) { report_->on_assigned(assigned); },
        [this](const Tick&) { on_tick(); },
        [](const Command& command) {
          return CommandOutcome{
              command.id, command.kind, command.value, {Fault::unsupported, "this BMS takes no commands"}};
        },
        [this](const Describe&) { return report_->describe(protocol_ != nullptr ? "polling" : "identifying"); },
        [](const Configured&) {},
        [this](const CloseDown&) { self_->quit(); },
    };
  }

private:
  static constexpr seconds kTick{1};
  static constexpr milliseconds kSilence{1500}; ///< a set comes once a second; so long without one is a miss

  struct Listener {
    const protocols::ProtocolInfo* info = nullptr;
    std::unique_ptr<protocols::BroadcastProtocol> protocol;
  };

  void listen() {
    listeners_.clear();
    protocol_ = nullptr;
    last_identity_.reset();
    waits_ = confirmed_ = false;
    nameless_sets_ = 0;
    for (const protocols::ProtocolInfo& info : protocols::registry()) {
      const bool wanted = plan_->protocol == nullptr || plan_->protocol->key == info.key;
      if (info.medium == protocols::Medium::can && wanted) {
        listeners_.push_back({&info, info.broadcast(protocol_config(*core_, *plan_, plan_->address.value_or(0)))});
      }
    }
  }

  void on_frames(const FrameBatch& batch) {
    if (confirmed_ && report_->in_doubt() && batch.at - last_set_ > kSilence) {
      listen(); // maybe another battery by now; what the first one said of itself does not age
    }
    for (const auto& frame : batch.frames) {
      for (auto& listener : listeners_) {
        const auto problem = listener.protocol->on_frame(frame, batch.at);
        if (problem.fault != Fault::none && protocol_ != nullptr) {
          wrong(frame, problem);
        }
      }
    }
    if (protocol_ == nullptr) {
      find(batch.at);
    }
    if (protocol_ != nullptr &&
        (protocol_->take_complete() || (waits_ && protocol_->identity().unique_id == remembered_))) {
      take(batch.at);
    }
  }

  void wrong(const CanFrame& frame, const protocols::FrameProblem& problem) {
    core_->counters.count(problem.fault);
    char number[16];
    std::snprintf(number, sizeof number, "0x%03x", static_cast<unsigned>(frame.id));
    report_->wrong({problem.fault, "frame " + std::string(number) + " " + std::string(problem.detail)});
  }

  void find(milliseconds now) {
    auto it = std::find_if(listeners_.begin(), listeners_.end(),
                           [&](const auto& listener) { return listener.protocol->identified(now); });
    if (it == listeners_.end()) {
      return;
    }
    auto winner = std::move(*it);
    listeners_.clear();
    listeners_.push_back(std::move(winner));
    info_ = listeners_.front().info;
    protocol_ = listeners_.front().protocol.get();
  }

  void take(milliseconds now) {
    core_->counters.polls.fetch_add(1, std::memory_order_relaxed);
    last_set_ = now;
    auto snapshot = protocol_->snapshot(now);
    if (!snapshot) {
      const auto said = protocol_->said(now);
      report_->failed(snapshot.error(), &said);
      return;
    }
    if (auto identity = settled()) {
      report_->identified(*identity, plan_->address.value_or(0));
      report_->sample(std::move(*snapshot), now);
    }
  }

  /// Who it is: the one it said in two sets in a row, or that of the last time. Its serial number comes in frames of
  /// their own, maybe some sets later, and a damaged one is not another battery. Nothing: not known yet.
  std::optional<Identity> settled() {
    auto identity = protocol_->identity();
    identity.protocol = info_->key;
    identity.label = info_->label;
    const bool twice = std::exchange(last_identity_, identity) == identity;
    const bool nameless =
        identity.unique_id.empty() && !remembered_.value_or("").empty() && ++nameless_sets_ < kNameless;
    const auto known = confirmed_ ? report_->identity() : std::nullopt;
    if (known && (*known == identity || !twice || nameless)) {
      return known;
    }
    waits_ = nameless || (!twice && identity.unique_id != remembered_);
    if (waits_) {
      return std::nullopt;
    }
    confirmed_ = true;
    remember(identity.unique_id);
    return identity;
  }

  std::string file() const { return "port_" + report_->place(); }

  std::optional<std::string> remembered() const {
    const auto json = core_->store.load(file());
    return json && json->contains("unique_id") ? std::optional(text_at(*json, "unique_id")) : std::nullopt;
  }

  void remember(const std::string& unique_id) {
    remembered_ = unique_id;
    // A state directory that cannot be written costs a second at the next start, no more.
    [[maybe_unused]] const auto saved = core_->store.save(file(), {{"protocol", info_->key}, {"unique_id", unique_id}});
  }

  void on_tick() {
    self_->delayed_send(self_, kTick, Tick{});
    const auto now = duration_cast<milliseconds>(core_->now().steady);
    if (protocol_ != nullptr) {
      for (const auto& frame : protocol_->keep_alive()) {
        post(self_, *core_, plan_->port->port, SendFrame{frame});
      }
    }
    if (now - last_set_ > kSilence && (report_->assigned() || open_)) {
      auto snapshot = protocol_ != nullptr ? protocol_->snapshot(now)
                                           : Result<Sample>(Error{Fault::timeout, "no frames of a known BMS"});
      report_->failed(snapshot ? Error{Fault::timeout, "no complete set of frames"} : snapshot.error());
      if (report_->failures_in_a_row() == kForgetAfter) {
        listen(); // maybe another BMS by now
      }
    }
  }

  void on_link(const LinkState& state) {
    open_ = state.link != Link::gone;
    if (!open_) {
      report_->gone(state.reason);
      listen();
    }
  }

  static constexpr std::uint32_t kForgetAfter = 30;
  static constexpr int kNameless = 30; ///< sets without the serial number that was there the last time

  Self self_;
  CorePtr core_;
  SessionPlanPtr plan_;
  std::optional<Reporter<Self>> report_;
  std::vector<Listener> listeners_;
  const protocols::ProtocolInfo* info_ = nullptr;
  protocols::BroadcastProtocol* protocol_ = nullptr;
  std::optional<Identity> last_identity_; ///< of the last set
  std::optional<std::string> remembered_; ///< unique id
  bool waits_ = false;                    ///< for a set that says the same of itself
  bool confirmed_ = false;                ///< who it is, since it is listened to
  int nameless_sets_ = 0;
  milliseconds last_set_{0}; ///< when the last one was complete, good or not
  bool open_ = false;
};

} // namespace

SessionActor spawn_broadcast_session(caf::actor_system& system, CorePtr core, SessionPlanPtr plan) {
  return spawn_in<BroadcastSession>(plan->session, system, core, plan);
}

} // namespace bmsd::actors
