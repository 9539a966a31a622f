#include "actors/debug/debug_actor.hpp"

#include "actors/debug/status_report.hpp"
#include "actors/debug/trace_filter.hpp"
#include "actors/spawn.hpp"

#include <caf/all.hpp>

#include <deque>
#include <map>

namespace bmsd::actors {

namespace {

using std::chrono::seconds;

class DebugState {
public:
  using Self = DebugActor::stateful_pointer<DebugState>;
  explicit DebugState(Self self) : self_(self) {}

  ~DebugState() {
    for (std::size_t i = 0; i < watchers_.size(); ++i) {
      core_->tap.remove_watcher();
    }
  }

  static inline const char* name = "debug";
  DebugRef slot;

  DebugActor::behavior_type start(CorePtr core) {
    core_ = std::move(core);
    return {
        [this](const std::shared_ptr<const Traced>& traced) { on_traced(traced); },
        [this](const ControlRequest& request) { on_request(request); },
        [this](const ClientGone& gone) { drop_watcher(gone.client); },
        [](const Tick&) {},
        [this](const Describe&) {
          return Json{{"kind", "debug"}, {"ring", ring_.size()}, {"dropped", dropped_}, {"watchers", watchers_.size()}};
        },
        [](const Configured&) {},
        [this](const CloseDown&) { self_->quit(); },
    };
  }

private:
  static constexpr std::size_t kRing = 500;
  static constexpr seconds kPatience{2};

  struct Watcher {
    TraceFilter filter;
    std::function<void(Json)> answer;
  };
  /// A status being collected from all actors.
  struct Gathering {
    StatusReport report;
    std::size_t missing = 0;
    std::function<void(Json)> answer;
  };

  void on_traced(const std::shared_ptr<const Traced>& traced) {
    if (ring_.size() == kRing) {
      ring_.pop_front();
      ++dropped_;
    }
    ring_.push_back(traced);
    for (auto& [client, watcher] : watchers_) {
      if (watcher.filter.wants(*traced)) {
        watcher.answer(to_json(*traced));
      }
    }
  }

  void on_request(const ControlRequest& request) {
    const auto command = text_at(request.request, "cmd");
    if (command == "status") {
      gather(request.answer);
    } else if (command == "trace") {
      watch(request);
    } else if (command == "ring") {
      Json list = Json::array();
      for (const auto& traced : ring_) {
        list.push_back(to_json(*traced));
      }
      request.answer({{"ring", list}, {"dropped", dropped_}});
    } else if (command == "set") {
      set(request);
    } else if (command == "restart") {
      restart(request);
    } else {
      request.answer({{"error", "unknown command \"" + command + "\"; there are status, trace, ring, set, restart"}});
    }
  }

  // -- live stream --------------------------------------------------------------------

  void watch(const ControlRequest& request) {
    auto filter = TraceFilter::parse(request.request);
    if (!filter) {
      request.answer({{"error", filter.error().detail}});
      return;
    }
    drop_watcher(request.client);
    watchers_.emplace(request.client, Watcher{*filter, request.answer});
    core_->tap.add_watcher();
    request.answer({{"watching", true}});
  }

  void drop_watcher(std::uint64_t client) {
    if (watchers_.erase(client) > 0) {
      core_->tap.remove_watcher();
    }
  }

  // -- status -------------------------------------------------------------------------

  void gather(const std::function<void(Json)>& answer) {
    auto gathering = std::make_shared<Gathering>();
    gathering->answer = answer;
    self_->request(core_->supervisor->get(), kPatience, ListActors{})
        .then([this, gathering](const ActorList& list) { ask_all(gathering, list); },
              [gathering](const caf::error&) {
                gathering->answer({{"error", "the supervisor does not answer"}});
              });
  }

  void ask_all(const std::shared_ptr<Gathering>& gathering, const ActorList& list) {
    gathering->report.actors = list.infos;
    for (std::size_t i = 0; i < list.handles.size(); ++i) {
      if (!list.handles[i] || list.handles[i].address() == self_->address()) {
        continue;
      }
      ++gathering->missing;
      self_->request(list.handles[i], kPatience, Describe{})
          .then(
              [gathering, name = list.infos[i].name](const Json& json) {
                gathering->report.described[name] = json;
                finish(*gathering);
              },
              [gathering](const caf::error&) { finish(*gathering); });
    }
    ++gathering->missing; // for the counters, which need nobody's answer
    gathering->report.counters(core_->counters);
    gathering->report.uptime = std::chrono::duration<double>(std::chrono::steady_clock::now() - core_->started).count();
    finish(*gathering);
  }

  static void finish(Gathering& gathering) {
    if (--gathering.missing == 0) {
      gathering.answer(gathering.report.json());
    }
  }

  // -- commands -------------------------------------------------------------------------

  void set(const ControlRequest& request) {
    const auto battery = text_at(request.request, "battery");
    const auto path = text_at(request.request, "path");
    const auto value = value_of(request.request);
    if (!value) {
      request.answer({{"error", "\"value\" must be a number, a text or null"}});
      return;
    }
    self_->request(core_->supervisor->get(), kPatience, ListActors{})
        .then(
            [answer = request.answer, battery, path, value = *value](const ActorList& list) {
              for (std::size_t i = 0; i < list.infos.size(); ++i) {
                if (list.infos[i].name == "publisher/" + battery && list.handles[i]) {
                  caf::anon_send(list.handles[i], WriteRequest{path, value, {}, [answer](int code) {
                                                                 answer({{"code", code}, {"ok", code == 0}});
                                                               }});
                  return;
                }
              }
              answer({{"error", "there is no battery \"" + battery + "\""}});
            },
            [answer = request.answer](const caf::error&) {
              answer({{"error", "the supervisor does not answer"}});
            });
  }

  static std::optional<dbus::Value> value_of(const Json& request) {
    const auto found = request.find("value");
    if (found == request.end() || found->is_null()) {
      return dbus::Value{};
    }
    if (found->is_string()) {
      return dbus::Value{found->get<std::string>()};
    }
    if (found->is_number_integer() && std::abs(found->get<double>()) < 2e9) {
      return dbus::Value{found->get<std::int32_t>()};
    }
    if (found->is_number()) {
      return dbus::Value{found->get<double>()};
    }
    return std::nullopt;
  }

  void restart(const ControlRequest& request) {
    const auto actor = text_at(request.request, "actor");
    if (actor == slot->name() || actor == core_->supervisor->name()) {
      request.answer({{"ok", true}}); // nobody will be here to say it afterwards
    }
    self_->request(core_->supervisor->get(), kPatience, RestartChild{actor})
        .then(
            [answer = request.answer, actor](bool done) {
              answer(done ? Json{{"ok", true}} : Json{{"error", "there is no running actor \"" + actor + "\""}});
            },
            [answer = request.answer](const caf::error&) {
              answer({{"error", "the supervisor does not answer"}});
            });
  }

  Self self_;
  CorePtr core_;
  std::deque<std::shared_ptr<const Traced>> ring_;
  std::uint64_t dropped_ = 0;
  std::map<std::uint64_t, Watcher> watchers_;
};

} // namespace

DebugActor spawn_debug(caf::actor_system& system, CorePtr core) {
  return spawn_in<DebugState>(core->debug, system, core);
}

} // namespace bmsd::actors
