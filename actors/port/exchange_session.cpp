#include "actors/port/other_name.hpp"
#include "actors/port/reporter.hpp"
#include "actors/port/request_row.hpp"
#include "actors/port/search.hpp"
#include "actors/port/session.hpp"
#include "actors/spawn.hpp"

#include <asio/dispatch.hpp>
#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>

namespace bmsd::actors {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

class ExchangeSession {
public:
  using Self = SessionActor::stateful_pointer<ExchangeSession>;
  explicit ExchangeSession(Self self) : self_(self) {}

  static inline const char* name = "exchange_session";
  SessionRef slot;

  SessionActor::behavior_type start(CorePtr core, SessionPlanPtr plan) {
    core_ = std::move(core);
    plan_ = std::move(plan);
    report_.emplace(self_, core_, plan_);
    search_.emplace(plan_, plan_->follower == 0 ? remembered_candidate(core_->store, report_->place()) : std::nullopt);
    interval_ = poll_interval(plan_->protocol);
    token_ = static_cast<std::uint64_t>(core_->now().steady.count()); // no answer to a predecessor is taken for ours
    identify();
    schedule_tick();
    return {
        [this](const LinkState& state) { on_link(state); },
        [this](ExchangeDone& done) { on_done(std::move(done)); },
        [](const FrameBatch&) {},
        [](const Document&) {},
        [this](const BatteryAssigned& assigned) { report_->on_assigned(assigned); },
        [this](const Tick& tick) { on_tick(tick.generation); },
        [this](const Command& command) { return on_command(command); },
        [this](const Describe&) { return describe(); },
        [](const Configured&) {},
        [this](const CloseDown&) { self_->quit(); },
    };
  }

private:
  enum class Phase { resting, identifying, reading_settings, idle, polling, commanding };

  struct PendingCommand {
    Command command;
    caf::typed_response_promise<CommandOutcome> promise;
  };

  static constexpr std::size_t kMaxCommands = 16;
  static constexpr std::uint32_t kReidentifyAfter = 10; ///< failed polls in a row
  static constexpr int kOtherNameTimes = 2, kNamelessTimes = 4;
  static constexpr nanoseconds kAnswerLimit = seconds(15);
  static constexpr nanoseconds kLateAnswerLimit = seconds(90); ///< of a request that lets others go first

  // -- identification ---------------------------------------------------------------

  void identify() {
    const auto next = search_->next();
    if (!next) {
      end_of_round();
      return;
    }
    candidate_ = next->candidate;
    protocol_ = candidate_.protocol->exchange(protocol_config(*core_, *plan_, candidate_.address));
    identity_ = {};
    phase_ = Phase::identifying;
    runner_.start(protocol_->identify(identity_), next->patience);
    advance();
  }

  void on_identify_end(const Result<void>& result) {
    if (!result) {
      search_error_ = result.error();
      identify();
      return;
    }
    phase_ = Phase::reading_settings;
    runner_.start(protocol_->settings(identity_));
    advance();
  }

  /// Settings are useful, not necessary: their failure is no reason to leave a battery alone.
  void on_settings_end() {
    identity_.protocol = candidate_.protocol->key;
    identity_.label = candidate_.protocol->label;
    if (!believed()) {
      search_->begin();
      identify();
      return;
    }
    search_->found(candidate_);
    if (plan_->follower == 0) {
      remember_candidate(core_->store, report_->place(), candidate_);
    }
    report_->identified(identity_, candidate_.address);
    usual_row_ = {};
    interval_ = poll_interval(candidate_.protocol);
    failed_polls_ = 0;
    poll();
  }

  /// On a bad line the answer with the serial number may be missing: another battery in the place of the one that was
  /// here has to say so twice, one without a name still oftener.
  bool believed() {
    const auto& known = report_->identity();
    const auto& name = identity_.own_name();
    if (!known || known->protocol != identity_.protocol || known->own_name() == name) {
      other_.none();
      return true;
    }
    return other_.said(name, name.empty() ? kNamelessTimes : kOtherNameTimes);
  }

  /// Nobody answered to anything: rest before the next round, longer each time while no battery is known.
  void end_of_round() {
    phase_ = Phase::resting;
    protocol_.reset();
    if ((plan_->follower == 0 && !search_->idle()) || report_->assigned()) {
      report_->failed(search_error_);
    }
    rest_until_ = core_->now().steady + search_->rest();
  }

  // -- exchanges ------------------------------------------------------------------------

  void advance() {
    if (const auto* request = runner_.pending()) {
      ask(*request);
      return;
    }
    const auto result = runner_.result();
    switch (phase_) {
    case Phase::identifying: on_identify_end(result); break;
    case Phase::reading_settings: on_settings_end(); break;
    case Phase::polling: on_poll_end(result); break;
    case Phase::commanding: on_command_end(result); break;
    case Phase::idle:
    case Phase::resting: break;
    }
  }

  void ask(const Request& request) {
    asked_at_ = core_->now().steady;
    row_ = phase_ == Phase::polling ? usual_row_.asked(request) : RowPart{};
    const auto line = plan_->port->line->get().lock();
    if (!line) {
      abandon({Fault::link, "the port is not there"});
      return;
    }
    asio::dispatch(core_->io, [line, job = ExchangeJob{++token_, candidate_.line, request, row_, plan_->session,
                                                       can_wait()}]() mutable { line->exchange(std::move(job)); });
  }

  /// The batteries that answer come first.
  bool can_wait() const {
    return plan_->port->is_shared() &&
           (phase_ == Phase::identifying || (phase_ == Phase::polling && failed_polls_ > 0));
  }

  void on_done(ExchangeDone done) {
    if (done.token != token_ || runner_.pending() == nullptr) {
      return;
    }
    if (done.reply.error.fault == Fault::link) {
      abandon(done.reply.error);
      return;
    }
    received_ = done.received;
    const auto row = row_;
    hand_on(std::move(done.reply));
    for (std::size_t i = 0; i < done.further.size(); ++i) {
      const auto *asked = runner_.pending(), *guess = row.at(i + 1);
      if (asked == nullptr || guess == nullptr || !same_question(*asked, *guess)) {
        if (asked != nullptr || runner_.result()) { // else it ended for what a reply said
          usual_row_.in_vain();
        }
        break;
      }
      if (done.further[i].error.fault == Fault::link) {
        abandon(done.further[i].error);
        return;
      }
      hand_on(std::move(done.further[i]));
    }
    advance();
  }

  void hand_on(Reply reply) {
    const auto error = reply.error;
    runner_.answer(std::move(reply));
    if (error.fault == Fault::none) {
      return;
    }
    usual_row_.went_wrong();
    if (phase_ != Phase::identifying && runner_.pending() != nullptr) {
      core_->counters.count(error.fault); // asked again; the last attempt counts as a failed poll
      report_->wrong(error);
    }
  }

  /// The port is closed: no use in retries or other candidates.
  void abandon(const Error& error) {
    runner_.cancel();
    ++token_;
    refuse_commands();
    search_error_ = error;
    phase_ = Phase::resting;
    rest_until_ = core_->now().steady + seconds(1);
    report_->failed(error);
  }

  // -- polling ----------------------------------------------------------------------------

  void poll() {
    if (!commands_.empty()) {
      start_command();
      return;
    }
    phase_ = Phase::polling;
    sample_ = {};
    core_->counters.polls.fetch_add(1, std::memory_order_relaxed);
    usual_row_.poll_begins();
    runner_.start(protocol_->poll(sample_), search_->patience_after(failed_polls_));
    advance();
  }

  void on_poll_end(const Result<void>& result) {
    phase_ = Phase::idle;
    retried_ += static_cast<std::uint64_t>(runner_.failed_attempts());
    if (result && report_->in_doubt()) { // the cable may have been put to another battery
      failed_polls_ = 0;
      search_->begin();
      identify();
      return;
    }
    if (result) {
      failed_polls_ = 0;
      usual_row_.poll_ended();
      report_->sample(std::move(sample_), received_);
    } else {
      search_error_ = result.error();
      report_->failed(search_error_, &sample_);
      if (report_->in_doubt()) {
        refuse_commands(); // they are for the battery that was here
      }
      paused_until_ = core_->now().steady + search_->pause(++failed_polls_);
      if (failed_polls_ >= kReidentifyAfter) {
        failed_polls_ = 0;
        search_->begin();
        identify();
        return;
      }
    }
    if (!commands_.empty()) {
      start_command();
    }
  }

  void on_tick(std::uint64_t generation) {
    if (generation != tick_generation_) {
      return;
    }
    const auto now = core_->now().steady;
    if (runner_.pending() != nullptr && now - asked_at_ > (can_wait() ? kLateAnswerLimit : kAnswerLimit)) {
      abandon({Fault::link, "the port does not respond"});
    }
    if (phase_ == Phase::idle) {
      if (now >= paused_until_) {
        poll();
      } else {
        report_->failed(search_error_);
      }
    } else if (phase_ == Phase::resting) {
      if (now >= rest_until_) {
        search_->begin(); // others of the line may have found something meanwhile
        identify();
      } else if (report_->assigned()) {
        report_->failed(search_error_);
      }
    } else if (phase_ == Phase::identifying && report_->assigned()) {
      report_->failed(search_error_); // a search may be long: the battery it looks for is missing all the time
    }
    schedule_tick();
  }

  /// A steady rate, on one beat for all batteries of the same interval: what is read at the same
  /// moment adds up to the truth, and wakes the processor once.
  void schedule_tick() {
    const auto now = core_->now().steady;
    self_->delayed_send(self_, interval_ - now % interval_, Tick{++tick_generation_});
  }

  nanoseconds poll_interval(const protocols::ProtocolInfo* protocol) const {
    if (plan_->port->config.poll_interval) {
      return duration_cast<nanoseconds>(std::chrono::duration<double>(*plan_->port->config.poll_interval));
    }
    return protocol != nullptr ? nanoseconds(protocol->poll_interval) : nanoseconds(seconds(1));
  }

  void on_link(const LinkState& state) {
    if (state.link == Link::gone) {
      report_->gone(state.reason);
      if (phase_ != Phase::resting) {
        abandon({Fault::link, state.reason});
      }
      return;
    }
    if (phase_ == Phase::resting) {
      search_->begin();
      identify();
    }
  }

  // -- commands -----------------------------------------------------------------------------

  caf::result<CommandOutcome> on_command(const Command& command) {
    auto promise = self_->make_response_promise<CommandOutcome>();
    const bool polled = phase_ == Phase::idle || phase_ == Phase::polling || phase_ == Phase::commanding;
    const bool connected = polled && report_->assigned() && !report_->in_doubt();
    if (!connected || commands_.size() >= kMaxCommands) {
      const auto* why = connected ? "too many commands wait" : "the BMS is not connected";
      promise.deliver(
          CommandOutcome{command.id, command.kind, command.value, {connected ? Fault::rejected : Fault::link, why}});
      return promise;
    }
    commands_.push_back({command, promise});
    if (phase_ == Phase::idle) {
      start_command();
    }
    return promise;
  }

  /// Nobody may carry them out later, on another battery.
  void refuse_commands() {
    while (!commands_.empty()) {
      answer_command({Fault::link, "the BMS is not connected"});
    }
  }

  void start_command() {
    phase_ = Phase::commanding;
    runner_.start(protocol_->command(commands_.front().command));
    advance();
  }

  void on_command_end(const Result<void>& result) {
    answer_command(result ? Error{} : result.error());
    poll(); // the new state, at once
  }

  void answer_command(const Error& error) {
    if (commands_.empty()) {
      return;
    }
    auto [command, promise] = std::move(commands_.front());
    commands_.pop_front();
    CommandOutcome outcome{command.id, command.kind, command.value, error};
    if (core_->tap.watched()) {
      core_->tap.copy(slot->name(), {}, report_->battery_id(), outcome);
    }
    promise.deliver(std::move(outcome));
  }

  Json describe() const {
    static constexpr const char* kNames[] = {"resting", "identifying", "reading settings",
                                             "polling", "polling",     "commanding"};
    auto json = report_->describe(kNames[static_cast<int>(phase_)]);
    json["retried"] = retried_;
    if (phase_ == Phase::identifying && candidate_.protocol != nullptr) {
      json["trying"] = candidate_.protocol->key;
    }
    return json;
  }

  Self self_;
  CorePtr core_;
  SessionPlanPtr plan_;
  std::optional<Reporter<Self>> report_;

  std::optional<Search> search_;
  Candidate candidate_;
  nanoseconds rest_until_{0};   ///< no new round of the search before
  nanoseconds paused_until_{0}; ///< no poll before: the battery is silent and shares its line
  Error search_error_{Fault::timeout, "no BMS answered"};

  Phase phase_ = Phase::resting;
  // The runner holds the script, which refers to the protocol, identity and sample: it goes first.
  std::unique_ptr<protocols::ExchangeProtocol> protocol_;
  Identity identity_;
  OtherName other_;
  Sample sample_;
  protocols::ScriptRunner runner_;
  RequestRow usual_row_;
  RowPart row_; ///< what the line was given last
  std::uint64_t token_ = 0;
  nanoseconds asked_at_{0};
  nanoseconds received_{0};

  nanoseconds interval_{0};
  std::uint64_t tick_generation_ = 0;
  std::uint32_t failed_polls_ = 0;
  std::uint64_t retried_ = 0;
  std::deque<PendingCommand> commands_;
};

} // namespace

SessionActor spawn_exchange_session(caf::actor_system& system, CorePtr core, SessionPlanPtr plan) {
  return spawn_in<ExchangeSession>(plan->session, system, core, plan);
}

} // namespace bmsd::actors
