#include "actors/battery/battery_actor.hpp"

#include "actors/battery/controller.hpp"
#include "actors/battery/kept_values.hpp"
#include "actors/log_limit.hpp"
#include "actors/spawn.hpp"
#include "protocols/core/protocol.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

namespace bmsd::actors {

namespace {

using std::chrono::duration;
using std::chrono::duration_cast;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

class BatteryState {
public:
  using Self = BatteryActor::stateful_pointer<BatteryState>;
  explicit BatteryState(Self self) : self_(self) {}

  static inline const char* name = "battery";
  BatteryRef slot;

  BatteryActor::behavior_type start(CorePtr core, BatteryPlanPtr plan) {
    core_ = std::move(core);
    plan_ = std::move(plan);
    identity_ = plan_->found->get()->identity;
    port_ = plan_->found->get()->port;
    auto saved = load();
    fresh_until_ = saved ? nanoseconds(0) : core_->now().steady + kTakeOverWithin;
    make_controller(std::move(saved));
    keep(fresh_until_.count() != 0);
    self_->delayed_send(self_, kSaveEvery, Tick{kSave});
    heard_ = core_->now().steady;
    schedule_watch();
    follow_readings();
    return {
        [this](const Identity& identity) { on_identity(identity); },
        [this](const Polled& polled) { on_sample(polled); },
        [this](const PollFailed& failed) { on_poll_failed(failed.doubtful.get()); },
        [this](const LinkState& state) { link_ = state; },
        [this](const RemoteReading& reading) { on_remote(reading); },
        [this](const KeptValues& kept) { take_over(kept); },
        [this](const Tick& tick) { tick.generation == kWatch ? on_watch_tick() : on_save_tick(); },
        [this](const Command& command) { return on_command(command); },
        [this](const Describe&) { return describe(); },
        [this](const Configured&) { reconfigure(); },
        [this](const CloseDown&) {
          save();
          self_->quit();
        },
    };
  }

private:
  /// Often enough that a kill -9 costs little, seldom enough for flash memory.
  static constexpr minutes kSaveEvery{5};
  static constexpr seconds kCommandLimit{10};
  /// The charge state is worth more than the rest, and changes a few times a day.
  static constexpr seconds kLookEvery{15};
  static constexpr seconds kTakeOverWithin{120};
  static constexpr seconds kWarnEvery{60};
  static constexpr seconds kWatchEvery{10};
  static constexpr seconds kLongestSilence{30}; ///< and three polls
  static constexpr std::uint64_t kSave = 0, kWatch = 1;

  // -- samples ---------------------------------------------------------------------

  void on_identity(const Identity& identity) {
    identity_ = identity;
    if (const auto port = plan_->found->get()->port; std::exchange(port_, port) != port) {
      reconfigure();
    }
    post(self_, *core_, plan_->publisher, Identity(identity), plan_->id);
  }

  void on_sample(const Polled& polled) {
    const auto now = core_->now();
    last_sample_ = now.steady;
    heard_from_session(now);
    publish(controller_->on_sample(polled.sample, identity_, now), polled.received);
    if (!controller_->last_sample_good()) {
      core_->counters.count(Fault::implausible);
    }
    if (auto wanted = controller_->take_bms_command()) {
      send_to_bms(*wanted);
    }
    if (now.steady - looked_ >= kLookEvery) {
      looked_ = now.steady;
      if (!same_charge_state(kept_, controller_->settled_state(now))) {
        save();
      }
    }
  }

  void on_poll_failed(const Sample* doubtful) {
    const auto now = core_->now();
    heard_from_session(now);
    publish(controller_->on_poll_failed(now, doubtful));
  }

  void heard_from_session(const Now& now) {
    heard_ = now.steady;
    if (std::exchange(unspoken_, false)) {
      spdlog::info("{}: its driver is back", plan_->id);
    }
  }

  /// On the beat of the polls: a moment of its own would wake the processor once more.
  void schedule_watch() { self_->delayed_send(self_, kWatchEvery - core_->now().steady % kWatchEvery, Tick{kWatch}); }

  /// A session that keeps failing says nothing at all, not even that the BMS is lost.
  void on_watch_tick() {
    schedule_watch();
    if (core_->now().steady - heard_ <= longest_silence()) {
      return;
    }
    if (!std::exchange(unspoken_, true)) {
      spdlog::warn("{}: no word from its driver; the battery counts as lost", plan_->id);
    }
    publish(controller_->on_poll_failed(core_->now()));
  }

  nanoseconds longest_silence() const {
    const auto* protocol = protocols::find_protocol(identity_.protocol);
    auto poll = protocol != nullptr ? duration<double>(protocol->poll_interval) : duration<double>(1);
    for (const auto& port : core_->config()->ports) {
      if (port.name == port_) {
        poll = duration<double>(port.poll_interval.value_or(poll.count()));
        if (protocol != nullptr && protocol->medium == protocols::Medium::document) {
          poll = std::max(poll, duration<double>(port.stale_after));
        }
      }
    }
    return kLongestSilence + duration_cast<nanoseconds>(3 * poll);
  }

  void publish(const Status& status, nanoseconds received = {}) {
    log_warning(status);
    auto published = std::make_shared<Status>(status);
    if (!settings_safe_) { // limits computed from settings that are wrong protect nobody
      stop_current(*published, "Settings");
    } else if (status.given_up && published->ccl) { // the last word before the service leaves the bus
      stop_current(*published, "Disconnected");
    }
    post(self_, *core_, plan_->publisher, Published{std::move(published), received}, plan_->id);
  }

  /// What makes a battery stop by itself is not left to be found out.
  void log_warning(const Status& status) {
    if (status.warning == warning_ || !warnings_.due(core_->now().steady)) {
      return;
    }
    warning_ = status.warning;
    if (warning_.empty()) {
      spdlog::info("{}: nothing is doubtful any more", plan_->id);
    } else {
      spdlog::warn("{}: {}", plan_->id, warning_);
    }
  }

  static void stop_current(Status& status, const char* why) {
    status.ccl = 0.0;
    status.dcl = 0.0;
    status.allow_charge = false;
    status.allow_discharge = false;
    status.charge_limitation = status.discharge_limitation = why;
  }

  void follow_readings() {
    const auto& settings = controller_->settings();
    post(self_, *core_, core_->settings,
         FollowReadings{plan_->id, plan_->battery, settings.external_device, settings.external_current_path,
                        settings.external_soc_path});
  }

  void on_remote(const RemoteReading& reading) {
    switch (reading.kind) {
    case RemoteReading::Kind::present: external_.present = reading.value.value_or(0) != 0; break;
    case RemoteReading::Kind::current: external_.current = reading.value; break;
    case RemoteReading::Kind::soc: external_.soc = reading.value; break;
    case RemoteReading::Kind::hub4_mode: ess_.hub4_mode = whole(reading.value); break;
    case RemoteReading::Kind::battery_life_state: ess_.battery_life_state = whole(reading.value); break;
    case RemoteReading::Kind::minimum_soc_limit: ess_.minimum_soc_limit = reading.value; break;
    case RemoteReading::Kind::soc_limit: ess_.soc_limit = reading.value; break;
    }
    controller_->set_external(external_);
    controller_->set_ess(ess_);
  }

  static std::optional<int> whole(const std::optional<double>& value) {
    return value ? std::optional<int>(static_cast<int>(*value)) : std::nullopt;
  }

  // -- commands ----------------------------------------------------------------------

  caf::result<CommandOutcome> on_command(const Command& command) {
    const auto reply = controller_->on_command(command, core_->now());
    if (!reply.to_bms) {
      publish(controller_->status());
      return reply.outcome;
    }
    auto promise = self_->make_response_promise<CommandOutcome>();
    auto refuse = [promise, command](const std::string& why) mutable {
      promise.deliver(CommandOutcome{command.id, command.kind, command.value, {Fault::link, why}});
    };
    const auto session = session_actor();
    if (!session) {
      refuse("the BMS is not connected");
      return promise;
    }
    self_->request(session, kCommandLimit, *reply.to_bms)
        .then([promise](const CommandOutcome& outcome) mutable { promise.deliver(outcome); },
              [refuse](const caf::error&) mutable { refuse("the BMS did not answer in time"); });
    return promise;
  }

  /// The logic's own wish: nobody waits for the outcome, but it is worth a line.
  void send_to_bms(const Command& command) {
    const auto session = session_actor();
    if (!session) {
      return;
    }
    self_->request(session, kCommandLimit, command)
        .then(
            [id = plan_->id](const CommandOutcome& outcome) {
              if (outcome.ok()) {
                spdlog::info("{}: {} {} done", id, to_string(outcome.kind), outcome.value);
              } else {
                spdlog::warn("{}: {} {}: {}", id, to_string(outcome.kind), outcome.value, to_string(outcome.error));
              }
            },
            [](const caf::error&) {});
  }

  SessionActor session_actor() const {
    const auto session = plan_->found->get()->session;
    return session ? session->get() : SessionActor();
  }

  // -- settings and state ---------------------------------------------------------------

  void make_controller(std::optional<battery::SavedState> saved) {
    auto setup = core_->config()->setup_of(port_, plan_->id);
    for (const auto& issue : setup.issues) {
      spdlog::error("{}: {}{}{}", plan_->id, issue.where, issue.where.empty() ? "" : ": ", issue.text);
    }
    settings_safe_ = setup.safe;
    if (!setup.safe) {
      spdlog::error("{}: neither charged nor discharged until its settings are right", plan_->id);
      setup.settings.faulty = true;
    }
    controller_.emplace(std::move(setup.settings), std::move(saved), core_->now());
    controller_->set_external(external_);
    controller_->set_ess(ess_);
  }

  void reconfigure() {
    const auto now = core_->now();
    external_ = {};
    make_controller(controller_->saved_state(now));
    follow_readings();
  }

  std::optional<battery::SavedState> load() {
    const auto json = core_->store.load("battery_" + plan_->id);
    if (!json) {
      return std::nullopt;
    }
    std::string ignored;
    auto state = battery::saved_state_from_json(*json, &ignored).settled();
    if (!ignored.empty()) {
      spdlog::warn("{}: its state file holds what cannot be read, which is ignored: {}", plan_->id, ignored);
    }
    return state;
  }

  void on_save_tick() {
    self_->delayed_send(self_, kSaveEvery, Tick{kSave});
    follow_readings(); // the settings actor may have been restarted
    save();
  }

  /// The settings service has a memory of this battery, and this battery has none of its own.
  void take_over(const KeptValues& kept) {
    const auto now = core_->now();
    const auto state = state_of(kept);
    if (state && now.steady < fresh_until_) {
      fresh_until_ = {};
      controller_->take_over(*state, now);
      spdlog::info("{}: charge state and history as the settings service has them", plan_->id);
    }
  }

  /// Tells the settings service what to keep.
  void keep(bool fresh) {
    kept_ = controller_->settled_state(core_->now());
    post(self_, *core_, core_->settings, KeepValues{plan_->id, plan_->battery, kept_values(kept_), fresh});
  }

  void save() {
    keep(false);
    const auto& state = kept_;
    if (auto saved = core_->store.save("battery_" + plan_->id, to_json(state)); !saved) {
      if (!save_failed_) {
        spdlog::warn("{}: state is not kept: {}", plan_->id, saved.error().detail);
      }
      save_failed_ = true;
      return;
    }
    save_failed_ = false;
  }

  // -- for people ------------------------------------------------------------------------

  Json describe() const {
    const auto& status = controller_->status();
    Json json = {{"kind", "battery"}, {"id", plan_->id}, {"label", identity_.label}, {"model", identity_.model}};
    json["link"] = to_string(unspoken_ ? Link::silent : link_.link);
    json["reason"] = unspoken_ ? "its driver has failed" : link_.reason;
    if (last_sample_.count() != 0) {
      json["age"] = std::chrono::duration<double>(core_->now().steady - last_sample_).count();
    }
    json.update(to_json(status.sample)); // the measured values, under the names of the capture format
    auto in_use = to_json(status);
    in_use.erase("sample");
    // A value that is not in use any more is not what was measured last.
    Status::fields(status, [&json](std::string_view name, const auto&) { json.erase(std::string(name)); });
    json.update(in_use);
    return json;
  }

  Self self_;
  CorePtr core_;
  BatteryPlanPtr plan_;
  Identity identity_;
  std::optional<battery::Controller> controller_;
  battery::External external_;
  battery::EssSettings ess_;
  std::string port_; ///< whose section of the configuration it has
  LinkState link_;
  nanoseconds last_sample_{0};
  nanoseconds heard_{0};       ///< of the session, good or bad
  bool unspoken_ = false;      ///< nothing for too long
  nanoseconds looked_{0};      ///< at the charge state
  nanoseconds fresh_until_{0}; ///< until then it may learn from the settings service
  std::string warning_;        ///< as in the log
  LogLimit warnings_{kWarnEvery};
  battery::SavedState kept_;
  bool settings_safe_ = true;
  bool save_failed_ = false;
};

} // namespace

BatteryActor spawn_battery(caf::actor_system& system, CorePtr core, BatteryPlanPtr plan) {
  return spawn_in<BatteryState>(plan->battery, system, core, plan);
}

} // namespace bmsd::actors
