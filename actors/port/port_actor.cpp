#include "actors/port/port_actor.hpp"

#include "actors/port/backoff.hpp"
#include "actors/port/port_io.hpp"
#include "actors/spawn.hpp"

#include <asio/dispatch.hpp>
#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <functional>

namespace bmsd::actors {

namespace {

using std::chrono::milliseconds;

class PortState {
public:
  using Self = PortActor::stateful_pointer<PortState>;
  explicit PortState(Self self) : self_(self) {}

  ~PortState() {
    if (io_) {
      asio::dispatch(core_->io, [io = std::move(io_)] { io->close(); });
    }
  }

  static inline const char* name = "port";
  PortRef slot;

  PortActor::behavior_type start(CorePtr core, PortPlanPtr plan) {
    core_ = std::move(core);
    plan_ = std::move(plan);
    io_ = std::make_shared<PortIo>(core_, plan_);
    plan_->line->set(io_);
    backoff_ = Backoff(static_cast<std::uint32_t>(std::hash<std::string>{}(plan_->config.name)));
    open();
    return {
        [this](const SendFrame& send) { on_io([frame = send.frame](PortIo& io) { io.send(frame); }); },
        [this](const LinkOpened& opened) { on_opened(opened); },
        [this](const LinkLost& lost) { on_lost(lost); },
        [this](const AdapterEvent& event) { on_adapter(event); },
        [this](const Tick& tick) { on_retry(tick.generation); },
        [this](const Describe&) { return about(); },
        [](const Configured&) {},
        [this](const CloseDown&) { self_->quit(); },
    };
  }

private:
  enum class Phase { opening, open, waiting };

  static constexpr std::chrono::seconds kHolds{10}; ///< so long open: the attempts before are forgotten

  template <class F>
  void on_io(F f) {
    asio::dispatch(core_->io, [io = io_, f = std::move(f)]() mutable { f(*io); });
  }

  void open() {
    phase_ = Phase::opening;
    on_io([generation = ++generation_](PortIo& io) { io.open(generation); });
  }

  void on_opened(const LinkOpened& opened) {
    if (opened.generation != generation_) {
      return;
    }
    if (opened.error.fault != Fault::none) {
      wait(opened.error.detail);
      return;
    }
    phase_ = Phase::open;
    opened_at_ = core_->now().steady;
    reason_.clear();
    if (!flapping_) {
      spdlog::info("{}: open ({})", plan_->config.name, describe(plan_->config));
    }
    announce(Link::up);
  }

  void on_lost(const LinkLost& lost) {
    if (lost.generation == generation_) {
      wait(lost.reason);
    }
  }

  void wait(const std::string& reason) {
    const bool was_open = phase_ == Phase::open;
    phase_ = Phase::waiting;
    reason_ = reason;
    // A link that opens and breaks at once, like that of a serial server that is in use, is no better than
    // one that doesn't open.
    const bool held = was_open && core_->now().steady - opened_at_ >= kHolds;
    if (held) {
      backoff_.reset();
      logged_reason_.clear();
    }
    flapping_ = was_open && !held && (flapping_ || logged_reason_ == reason);
    const auto delay = backoff_.next();
    if (logged_reason_ != reason) { // once per cause, not per attempt
      spdlog::warn("{}: {}; next attempt in {:.1f} s", plan_->config.name, reason,
                   std::chrono::duration<double>(delay).count());
      logged_reason_ = reason;
    }
    core_->counters.count(Fault::link);
    if (was_open) {
      ++losses_;
    }
    announce(Link::gone);
    self_->delayed_send(self_, delay, Tick{++generation_});
  }

  void on_retry(std::uint64_t generation) {
    if (phase_ == Phase::waiting && generation == generation_) {
      open();
    }
  }

  void on_adapter(const AdapterEvent& event) {
    if (event.added && phase_ == Phase::waiting) {
      backoff_.reset();
      open();
    }
  }

  void announce(Link link) {
    for (const auto& session : plan_->sessions) {
      post(self_, *core_, session, LinkState{plan_->config.name, link, reason_}, plan_->config.name);
    }
  }

  Json about() const {
    static constexpr const char* kNames[] = {"opening", "open", "waiting"};
    Json json = {{"kind", "port"},
                 {"name", plan_->config.name},
                 {"link", transports::to_string(plan_->config.address)},
                 {"state", kNames[static_cast<int>(phase_)]},
                 {"reason", reason_},
                 {"losses", losses_}};
    return json;
  }

  Self self_;
  CorePtr core_;
  PortPlanPtr plan_;
  std::shared_ptr<PortIo> io_;
  Backoff backoff_{0};
  Phase phase_ = Phase::opening;
  std::uint64_t generation_ = 0;
  std::uint32_t losses_ = 0;
  std::chrono::nanoseconds opened_at_{0};
  bool flapping_ = false; ///< opens and breaks again and again
  std::string reason_;
  std::string logged_reason_;
};

} // namespace

PortActor spawn_port(caf::actor_system& system, CorePtr core, PortPlanPtr plan) {
  return spawn_in<PortState>(plan->port, system, core, plan);
}

} // namespace bmsd::actors
