#include "app/daemon.hpp"

#include "actors/core.hpp"
#include "actors/debug/control_server.hpp"
#include "actors/debug/debug_actor.hpp"
#include "actors/settings/settings_actor.hpp"
#include "actors/supervisor/supervisor_actor.hpp"
#include "app/instance_lock.hpp"
#include "app/loop_scheduler.hpp"
#include "app/port_config.hpp"
#include "app/watchdog.hpp"
#include "app/wiring.hpp"
#include "transports/adapter.hpp"
#include "transports/hotplug.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <thread>

namespace bmsd::app {

namespace {

using namespace actors;

constexpr std::chrono::milliseconds kCloseDownLimit{1500};

caf::actor_system_config& scheduled(caf::actor_system_config& config, unsigned workers, asio::io_context& io) {
  if (workers == 0) {
    run_actors_on(io, config);
  } else {
    // The default policy keeps idle workers spinning; sharing costs a thirtieth of it.
    config.set("scheduler.policy", caf::atom("sharing"));
    config.set("scheduler.max-threads", workers);
  }
  return config;
}

void log(const std::vector<ConfigMessage>& messages) {
  for (const auto& message : messages) {
    spdlog::log(message.error ? spdlog::level::err : spdlog::level::info, "{}: {}", message.where, message.text);
  }
}

} // namespace

class Daemon::Impl {
public:
  explicit Impl(DaemonSetup setup)
      : setup_(std::move(setup)), core_(std::make_shared<Core>(io_, setup_.options.state_dir)),
        system_(scheduled(system_config_, setup_.options.workers, io_)), signals_(io_), deadline_(io_) {}

  int run() {
    InstanceLock lock(setup_.options.state_dir);
    if (auto taken = lock.acquire(); !taken) {
      spdlog::error("{}", taken.error().detail);
      return 1;
    }
    auto bus = dbus::bus_address(setup_.options.bus);
    if (!bus) {
      spdlog::error("--bus {}: {}", setup_.options.bus, bus.error().detail);
      return 1;
    }
    // Before anybody can know that we run: a signal that comes early waits for the loop.
    watch_signals();
    const Watchdog watchdog(io_);
    if (!serve_control_socket()) {
      return 1;
    }
    spdlog::info("bmsd {} starts", BMSD_VERSION);
    core_->set_config(std::make_shared<DaemonConfig>(setup_.config));
    start_actors(*bus);
    for (const auto& port : setup_.config.ports) {
      add_port(port);
    }
    watch_adapters();
    auto work = asio::make_work_guard(io_);
    while (!done_) {
      try {
        io_.run();
        break;
      } catch (const std::exception& e) {
        // A handler that throws is a bug; it must not take the other batteries with it.
        spdlog::error("I/O thread: {}", e.what());
        core_->counters.count(Fault::internal);
      }
    }
    if (setup_.options.workers == 0) {
      system_.await_actors_before_shutdown(false); // nobody runs them any more
    }
    static_cast<void>(core_->store.flush()); // what failed is in the log
    return exit_code_;
  }

  void stop() {
    asio::post(io_, [this] { close_down(); });
  }

private:
  // -- start ------------------------------------------------------------------------

  void start_actors(const std::string& bus) {
    core_->tap.set_sink([core = core_](std::shared_ptr<const Traced> traced) {
      if (auto debug = core->debug->get()) {
        caf::anon_send(debug, std::move(traced));
      }
    });
    wiring_ = std::make_unique<Wiring>(core_, bus);
    auto supervisor = spawn_supervisor(system_, core_, wiring_->battery_factory());
    supervisor->attach_functor([this](const caf::error&) { asio::post(io_, [this] { on_supervisor_gone(); }); });
    tell_supervisor(AddChild{wiring_->debug_child()});
    tell_supervisor(AddChild{wiring_->settings_child()});
  }

  template <class Message>
  void tell_supervisor(Message message) {
    post_from_outside(*core_, core_->supervisor, std::move(message));
  }

  bool serve_control_socket() {
    control_ = std::make_unique<ControlServer>(
        io_, setup_.options.socket,
        ControlServer::Handlers{
            .on_request =
                [core = core_](std::uint64_t client, Json request, std::function<void(Json)> answer) {
                  if (auto debug = core->debug->get()) {
                    caf::anon_send(debug, ControlRequest{client, std::move(request), std::move(answer)});
                  } else {
                    answer({{"error", "starting"}});
                  }
                },
            .on_gone =
                [core = core_](std::uint64_t client) {
                  if (auto debug = core->debug->get()) {
                    caf::anon_send(debug, ClientGone{client});
                  }
                },
            .on_fault = [core = core_](Fault fault) { core->counters.count(fault); },
        });
    if (auto listening = control_->listen(); !listening) {
      spdlog::error("{}", listening.error().detail);
      return false;
    }
    return true;
  }

  // -- ports ---------------------------------------------------------------------------

  void add_port(const PortConfig& config) {
    for (const auto& child : wiring_->port_children(config)) {
      tell_supervisor(AddChild{child});
    }
    ports_[config.name] = config;
  }

  void remove_port(const std::string& name) {
    tell_supervisor(RemovePort{name});
    ports_.erase(name);
    searched_.erase(name);
  }

  void watch_adapters() {
    hotplug_ = std::make_unique<transports::HotplugMonitor>(io_, [this](const std::string& action,
                                                                        const std::string& tty) {
      const bool added = action == "add";
      if (added) {
        search_adapters();
      }
      wiring_->for_each_port([&](const PortRef& port) { post_from_outside(*core_, port, AdapterEvent{tty, added}); });
    });
    search_adapters();
  }

  /// Without a configured port every USB serial adapter that is nobody else's is searched.
  void search_adapters() {
    const auto config = core_->config();
    if (!config->search_ports) {
      return;
    }
    const auto& excluded = config->excluded_devices;
    for (const auto& adapter : transports::list_serial_adapters(*adapters_)) {
      const auto name = sanitized(adapter.tty.substr(adapter.tty.find_last_of('/') + 1));
      if (ports_.contains(name) || std::find(excluded.begin(), excluded.end(), adapter.tty) != excluded.end()) {
        continue;
      }
      searched_.insert(name);
      add_port(searched_port(*config, name, adapter.tty));
    }
  }

  static PortConfig searched_port(const DaemonConfig& config, const std::string& name, const std::string& tty) {
    PortConfig port;
    port.name = name;
    port.address = transports::SerialAddress{tty};
    port.expect(config.serial_protocols);
    port.addresses = config.addresses;
    port.all_addresses = config.all_addresses;
    port.options = config.options;
    return port;
  }

  /// Whether a port that nobody has configured would be searched now, and in the same way.
  bool still_searched(const DaemonConfig& config, const PortConfig& port) const {
    const auto* serial = std::get_if<transports::SerialAddress>(&port.address);
    const auto& excluded = config.excluded_devices;
    return config.search_ports && serial != nullptr && searched_.contains(port.name) &&
           std::find(excluded.begin(), excluded.end(), serial->path) == excluded.end() &&
           searched_port(config, port.name, serial->path) == port;
  }

  // -- signals -------------------------------------------------------------------------

  void watch_signals() {
    signals_.add(SIGTERM);
    signals_.add(SIGINT);
    signals_.add(SIGHUP);
    next_signal();
  }

  void next_signal() {
    signals_.async_wait([this](asio::error_code error, int signal) {
      if (error) {
        return;
      }
      if (signal == SIGHUP) {
        reload();
      } else {
        spdlog::info("signal {}: closing down", signal);
        close_down();
      }
      next_signal();
    });
  }

  void reload() {
    if (!setup_.reload) {
      return;
    }
    auto loaded = setup_.reload();
    if (!loaded) {
      spdlog::error("the configuration stays as it was: {}", loaded.error().detail);
      return;
    }
    log(loaded->messages);
    apply(loaded->options);
    std::map<std::string, PortConfig> wanted;
    for (const auto& port : loaded->config.ports) {
      wanted[port.name] = port;
    }
    if (loaded->config.port_as_id != core_->config()->port_as_id) {
      spdlog::warn("USE_PORT_AS_UNIQUE_ID changes with the next start");
    }
    core_->set_config(std::make_shared<DaemonConfig>(loaded->config));
    const auto present = ports_;
    for (const auto& [name, port] : present) {
      auto it = wanted.find(name);
      const bool stays = it == wanted.end() ? still_searched(loaded->config, port) : it->second == port;
      if (!stays) {
        remove_port(name);
      }
    }
    for (const auto& [name, port] : wanted) {
      if (!ports_.contains(name)) {
        add_port(port);
      }
    }
    search_adapters();
    tell_supervisor(Configured{});
    spdlog::info("configuration read again");
  }

  void apply(const DaemonOptions& options) {
    if (const auto level = log_level(options.log_level)) {
      spdlog::set_level(*level);
    }
    const auto& present = setup_.options;
    if (options.bus != present.bus || options.state_dir != present.state_dir || options.socket != present.socket ||
        options.workers != present.workers) {
      spdlog::warn("BUS, STATE_DIR, SOCKET and WORKERS change with the next start");
    }
  }

  void close_down() {
    if (closing_) {
      return;
    }
    closing_ = true;
    control_->close();
    deadline_.expires_after(kCloseDownLimit);
    deadline_.async_wait([this](asio::error_code error) {
      if (!error) {
        spdlog::warn("not everything ended in time");
        finish();
      }
    });
    tell_supervisor(CloseDown{});
  }

  void on_supervisor_gone() {
    if (!closing_) {
      spdlog::critical("the supervisor died");
      exit_code_ = 1;
    }
    finish();
  }

  void finish() {
    done_ = true;
    deadline_.cancel();
    signals_.cancel();
    hotplug_.reset();
    control_->close();
    // What was posted before this (closing ports, releasing names) runs first.
    asio::post(io_, [this] { io_.stop(); });
  }

  asio::io_context io_{1};
  DaemonSetup setup_;
  CorePtr core_;
  caf::actor_system_config system_config_;
  caf::actor_system system_;
  asio::signal_set signals_;
  asio::steady_timer deadline_;
  std::unique_ptr<Wiring> wiring_;
  std::unique_ptr<ControlServer> control_;
  std::unique_ptr<transports::AdapterSource> adapters_ = transports::make_udev_source();
  std::unique_ptr<transports::HotplugMonitor> hotplug_;
  std::map<std::string, PortConfig> ports_;
  std::set<std::string> searched_; ///< those of them that nobody has configured
  bool closing_ = false;
  bool done_ = false;
  int exit_code_ = 0;
};

Daemon::Daemon(DaemonSetup setup) : impl_(std::make_unique<Impl>(std::move(setup))) {}
Daemon::~Daemon() = default;

int Daemon::run() {
  return impl_->run();
}

void Daemon::stop() {
  impl_->stop();
}

} // namespace bmsd::app
