#include "actors/supervisor/supervisor_actor.hpp"

#include "actors/spawn.hpp"
#include "actors/supervisor/restart_policy.hpp"
#include "actors/supervisor/roster.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

namespace bmsd::actors {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

struct Child {
  std::shared_ptr<const ChildSpec> spec;
  caf::actor handle;
  RestartPolicy policy;
  std::uint32_t restarts = 0;
  std::string last_failure;
  std::uint64_t generation = 0; ///< of the restart that is due, 0: none
  RestartPolicy::Duration due{0};
  bool removed = false;
};

std::string text_of(const caf::error& reason, caf::actor_system& system) {
  if (reason == caf::exit_reason::kill) {
    return "killed";
  }
  return system.render(reason);
}

class SupervisorState {
public:
  using Self = SupervisorActor::stateful_pointer<SupervisorState>;
  explicit SupervisorState(Self self) : self_(self) {}

  static inline const char* name = "supervisor";
  SupervisorRef slot;

  SupervisorActor::behavior_type start(CorePtr core, BatteryFactory factory) {
    core_ = std::move(core);
    factory_ = std::move(factory);
    roster_ = Roster(core_->config()->port_as_id, core_->store.load(kRosterFile).value_or(Json()));
    self_->set_down_handler([this](caf::down_msg& down) { on_down(down); });
    return {
        [this](const AddChild& add) { this->add(add.spec); },
        [this](const RemovePort& port) { remove_port(port.name); },
        [this](const Identified& found) { on_identified(found); },
        [this](const Vacated& place) { on_vacated(place); },
        [this](const Tick& tick) { tick.generation == kSeatAgain ? on_seat_again() : on_restart_due(tick.generation); },
        [this](const RestartChild& restart) { return this->restart(restart.name, "restarted by request"); },
        [this](const ListActors&) { return list(); },
        [this](const Configured&) { tell_all_configured(); },
        [this](const CloseDown&) { close_down(); },
    };
  }

private:
  static constexpr const char* kRosterFile = "roster";
  static constexpr std::uint64_t kSeatAgain = 0; ///< generations of restarts begin with 1
  static constexpr milliseconds kSeatAgainAfter{500}, kOwnerLimit{5000};

  using Batteries = std::map<std::string, BatteryFactory::Built>;

  // -- children -----------------------------------------------------------------

  void add(const std::shared_ptr<const ChildSpec>& spec) {
    auto& child = children_[spec->name];
    if (child.handle && !child.removed) {
      return;
    }
    child = Child{};
    child.spec = spec;
    launch(child, LifecycleEvent::started);
  }

  void launch(Child& child, LifecycleEvent event) {
    child.generation = 0;
    child.handle = child.spec->start(self_->system());
    self_->monitor(child.handle);
    announce(child, event, {}, {});
  }

  void remove_port(const std::string& port) {
    std::vector<std::string> names;
    for (const auto& [name, child] : children_) {
      if (name == "port/" + port || child.spec->escalate_to == "port/" + port) {
        names.push_back(name);
      }
    }
    for (const auto& name : names) {
      remove(name);
    }
    std::erase_if(waiting_, [&](const Waiting& each) { return each.found.port == port; });
    roster_.vacate_port(port);
    withdraw(port);
    seat_waiting();
  }

  void remove(const std::string& name) {
    auto it = children_.find(name);
    if (it == children_.end()) {
      return;
    }
    it->second.removed = true;
    if (it->second.handle) {
      caf::anon_send(it->second.handle, CloseDown{});
    } else {
      children_.erase(it);
    }
  }

  bool restart(const std::string& name, const std::string& reason) {
    if (name == slot->name()) { // nobody is above but the service manager
      self_->quit(caf::exit_reason::kill);
      return true;
    }
    auto it = children_.find(name);
    if (it == children_.end() || !it->second.handle) {
      return false;
    }
    spdlog::warn("{}: {}", name, reason);
    self_->send_exit(it->second.handle, caf::exit_reason::kill);
    return true;
  }

  Child* find(const caf::actor_addr& address) {
    for (auto& [name, child] : children_) {
      if (child.handle && child.handle.address() == address) {
        return &child;
      }
    }
    return nullptr;
  }

  void on_down(const caf::down_msg& down) {
    auto* child = find(down.source);
    if (child == nullptr) {
      return;
    }
    child->handle = nullptr;
    if (closing_ || child->removed) {
      announce(*child, LifecycleEvent::stopped, {}, {});
      const bool removed = child->removed;
      if (removed) {
        children_.erase(std::string(child->spec->name));
      }
      if (closing_) {
        finish_if_empty();
      }
      return;
    }
    const auto now = core_->now().steady;
    const auto decision = child->policy.on_failure(now);
    child->last_failure = text_of(down.reason, self_->system());
    child->due = now + decision.delay;
    child->generation = ++generation_;
    core_->counters.restarts.fetch_add(1, std::memory_order_relaxed);
    announce(*child, LifecycleEvent::failed, child->last_failure, decision.delay);
    self_->delayed_send(self_, decision.delay, Tick{child->generation});
    if (decision.escalate && !child->spec->escalate_to.empty()) {
      restart(child->spec->escalate_to, "restarted because " + child->spec->name + " keeps failing");
    }
  }

  void on_restart_due(std::uint64_t generation) {
    for (auto& [name, child] : children_) {
      if (child.generation == generation && !closing_) {
        ++child.restarts;
        launch(child, LifecycleEvent::restarted);
        return;
      }
    }
  }

  void announce(const Child& child, LifecycleEvent event, const std::string& reason, RestartPolicy::Duration delay) {
    Lifecycle lifecycle{child.spec->name, event, reason, child.restarts, duration_cast<milliseconds>(delay).count()};
    switch (event) {
    case LifecycleEvent::failed:
      spdlog::error("{} failed: {}; restart in {} ms", lifecycle.actor, reason, lifecycle.next_ms);
      break;
    case LifecycleEvent::restarted: spdlog::info("{} restarted ({})", lifecycle.actor, lifecycle.restarts); break;
    default: spdlog::debug("{} {}", lifecycle.actor, to_string(event)); break;
    }
    core_->tap.copy(slot->name(), {}, lifecycle.actor, lifecycle);
  }

  // -- batteries ------------------------------------------------------------------

  void on_vacated(const Vacated& place) {
    waits_no_more(place.port, place.address);
    roster_.vacate(place.port, place.address);
    seat_waiting(); // it may be the one that was here
  }

  void waits_no_more(const std::string& port, std::uint32_t address) {
    std::erase_if(waiting_,
                  [&](const Waiting& each) { return each.found.port == port && each.found.address == address; });
  }

  void on_identified(const Identified& found) {
    auto since = core_->now().steady;
    for (const auto& each : waiting_) { // CAN batteries say it again with every set
      if (each.found.port == found.port && each.found.address == found.address &&
          each.found.identity.own_name() == found.identity.own_name()) {
        since = each.since;
      }
    }
    waits_no_more(found.port, found.address); // whoever it was before
    seat(found, since);
  }

  void seat(const Identified& found, RestartPolicy::Duration since) {
    if (closing_) {
      return;
    }
    const bool may_wait = core_->now().steady - since < kOwnerLimit;
    const auto seating = roster_.seat(found.port, found.address, found.identity, may_wait);
    if (!seating.left.empty()) {
      spdlog::info("{}: another battery is here now, {} is not", found.port, seating.left);
      withdraw_battery(batteries_.find(seating.left));
    }
    if (seating.id.empty()) {
      waiting_.push_back({found, since});
      if (!std::exchange(seat_again_, true)) {
        self_->delayed_send(self_, kSeatAgainAfter, Tick{kSeatAgain});
      }
      return;
    }
    // A disk that cannot be written costs what is remembered, no more; the batteries' own files say so in the log.
    [[maybe_unused]] const auto saved = core_->store.save(kRosterFile, roster_.memory());
    assign(seating.id, found);
    seat_waiting(); // for this one, maybe
  }

  void on_seat_again() {
    seat_again_ = false;
    seat_waiting();
  }

  void seat_waiting() {
    for (const auto& each : std::exchange(waiting_, {})) {
      seat(each.found, each.since);
    }
  }

  void assign(const std::string& id, const Identified& found) {
    auto it = batteries_.find(id);
    if (it == batteries_.end()) {
      it = batteries_.emplace(id, factory_.build(id, found)).first;
      for (const auto& spec : it->second.children) {
        add(spec);
      }
    }
    const auto& built = it->second;
    if (const auto before = built.found->get(); before && before->session != found.session) {
      post(self_, *core_, before->session, BatteryAssigned{}, id); // has no say in it any more
    }
    built.found->set(std::make_shared<const Identified>(found));
    post(self_, *core_, built.battery, found.identity, id);
    post(self_, *core_, found.session, BatteryAssigned{id, built.battery}, id);
  }

  /// The configuration has no such port any more: its batteries leave the bus with it.
  void withdraw(const std::string& port) {
    for (auto it = batteries_.begin(); it != batteries_.end();) {
      it = it->second.found->get()->port == port ? withdraw_battery(it) : std::next(it);
    }
  }

  // -- the whole tree ----------------------------------------------------------------

  ActorList list() {
    ActorList result;
    result.infos.push_back({"supervisor", "running", 0, {}});
    result.handles.emplace_back();
    const auto now = core_->now().steady;
    for (const auto& [name, child] : children_) {
      ActorInfo info{name, "running", child.restarts, child.last_failure};
      if (!child.handle) {
        const auto left = duration_cast<milliseconds>(child.due - now).count();
        info.state = "restarting in " + std::to_string(std::max<std::int64_t>(left, 0)) + " ms";
      }
      result.infos.push_back(std::move(info));
      result.handles.push_back(child.handle);
    }
    return result;
  }

  void tell_all_configured() {
    for (auto& [name, child] : children_) {
      if (child.handle) {
        caf::anon_send(child.handle, Configured{});
      }
    }
  }

  void close_down() {
    closing_ = true;
    close_all(false);
    finish_if_empty();
  }

  void close_all(bool last) {
    for (auto& [name, child] : children_) {
      if (child.handle && child.spec->ends_last == last) {
        caf::anon_send(child.handle, CloseDown{});
      }
    }
  }

  bool any_left(bool last) const {
    return std::any_of(children_.begin(), children_.end(), [last](const auto& entry) {
      return entry.second.handle && entry.second.spec->ends_last == last;
    });
  }

  void finish_if_empty() {
    if (any_left(false)) {
      return;
    }
    if (!std::exchange(closing_last_, true)) {
      close_all(true);
    }
    if (!any_left(true)) {
      self_->quit();
    }
  }

  Batteries::iterator withdraw_battery(Batteries::iterator it) {
    if (it == batteries_.end()) {
      return it;
    }
    for (const auto& spec : it->second.children) {
      remove(spec->name);
    }
    return batteries_.erase(it);
  }

  Self self_;
  CorePtr core_;
  BatteryFactory factory_;
  std::map<std::string, Child> children_;
  Batteries batteries_;
  Roster roster_;
  struct Waiting {
    Identified found;
    RestartPolicy::Duration since{0};
  };
  bool seat_again_ = false;      ///< is due
  std::vector<Waiting> waiting_; ///< whose id another place has, or had before the restart
  std::uint64_t generation_ = 0;
  bool closing_ = false, closing_last_ = false;
};

} // namespace

SupervisorActor spawn_supervisor(caf::actor_system& system, CorePtr core, BatteryFactory factory) {
  return spawn_in<SupervisorState>(core->supervisor, system, core, factory);
}

} // namespace bmsd::actors
