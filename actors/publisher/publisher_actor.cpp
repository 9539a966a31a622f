#include "actors/publisher/publisher_actor.hpp"

#include "actors/publisher/publisher_io.hpp"
#include "actors/spawn.hpp"

#include <asio/dispatch.hpp>
#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <utility>

namespace bmsd::actors {

namespace {

using std::chrono::seconds;

class PublisherState {
public:
  using Self = PublisherActor::stateful_pointer<PublisherState>;
  explicit PublisherState(Self self) : self_(self) {}

  ~PublisherState() {
    if (io_) {
      asio::dispatch(core_->io, [io = std::move(io_)] { io->stop(); });
    }
  }

  static inline const char* name = "publisher";
  PublisherRef slot;

  PublisherActor::behavior_type start(CorePtr core, PublisherPlanPtr plan) {
    core_ = std::move(core);
    plan_ = std::move(plan);
    io_ = std::make_shared<PublisherIo>(core_, plan_);
    register_battery();
    return {
        [this](const Published& published) { on_status(published); },
        [this](const Identity& identity) { on_identity(identity); },
        [this](const Registration& registration) { on_registration(registration); },
        [this](const WriteRequest& write) { on_write(write); },
        [this](const PublishState& state) { on_publish_state(state); },
        [this](const Tick&) { register_battery(); },
        [this](const Describe&) { return describe(); },
        [this](const Configured&) { reconfigure(); },
        [this](const CloseDown&) { self_->quit(); },
    };
  }

private:
  /// Asked again now and then: the settings actor may have been restarted.
  static constexpr seconds kRegisterEvery{60};
  static constexpr seconds kAskAgainEvery{1}; ///< while there is none
  static constexpr seconds kWriteLimit{12};
  static constexpr std::size_t kLongestName = 4096; ///< bytes

  template <class F>
  void on_io(F f) {
    if (!plan_->bus.empty()) {
      asio::dispatch(core_->io, [io = io_, f = std::move(f)] { f(*io); });
    }
  }

  void register_battery() {
    post(self_, *core_, core_->settings, RegisterBattery{plan_->id, plan_->publisher});
    self_->delayed_send(self_, registration_ ? kRegisterEvery : kAskAgainEvery, Tick{});
  }

  // -- publishing -------------------------------------------------------------------

  void on_status(const Published& published) {
    status_ = published.status;
    if (started_ && moved()) {
      publish_anew();
    }
    if (started_ && last_word_said_ && status_->given_up) {
      withdraw();
    } else if (started_) {
      last_word_said_ = status_->given_up;
      on_io([published](PublisherIo& io) { io.update(published); });
    } else {
      publish_anew();
    }
  }

  /// The BMS has been out of reach for too long. The alarm is on the bus; now the service goes, and with it what it
  /// allowed.
  void withdraw() {
    spdlog::warn("{}: the BMS does not answer, the service leaves the bus until it does", plan_->id);
    on_io([](PublisherIo& io) { io.stop(); });
    started_ = last_word_said_ = false;
    publish_.state = "withdrawn";
    publish_.reason = "the BMS does not answer";
  }

  void on_registration(const Registration& registration) {
    const bool moved = !registration_ || registration_->device_instance != registration.device_instance;
    const bool renamed = !registration_ || registration_->custom_name != registration.custom_name;
    registration_ = registration;
    if (moved) {
      publish_anew(); // the instance must not change while the name is held
    } else if (renamed) {
      on_io([name = custom_name()](PublisherIo& io) { io.set_custom_name(name); });
    }
  }

  void on_identity(const Identity& identity) {
    const auto known = identity_of_plan();
    if (started_ && known.capabilities == published_capabilities_ && !moved()) {
      on_io([identity](PublisherIo& io) { io.set_identity(identity); });
    } else {
      publish_anew();
    }
  }

  /// To another place, with another service name.
  bool moved() {
    const auto found = plan_->found->get();
    if (found != found_ && service() == published_.service) {
      found_ = found;
    }
    return found != found_;
  }

  Identity identity_of_plan() const { return plan_->found->get()->identity; }

  /// Of the place where the battery is now.
  std::string service() const {
    const auto found = plan_->found->get();
    return service_name(found->port, found->address);
  }

  /// The name the user gave; until then the one of the port's configuration.
  std::string custom_name() const {
    if (!registration_->custom_name.empty()) {
      return registration_->custom_name;
    }
    const auto* port = port_config();
    return port != nullptr ? port->battery_name : std::string();
  }

  const PortConfig* port_config() const {
    const auto config = core_->config();
    for (const auto& port : config->ports) {
      if (port.name == plan_->found->get()->port) {
        return &port;
      }
    }
    return nullptr;
  }

  /// Nobody is to see a battery of which nothing is known yet.
  static bool has_values(const Status& status) {
    return status.sample.voltage.has_value() || !status.sample.cell_voltages.empty();
  }

  void publish_anew() {
    if (!registration_ || !status_ || status_->given_up || !has_values(*status_)) {
      return;
    }
    const auto identity = identity_of_plan();
    published_capabilities_ = identity.capabilities;
    started_ = true;
    found_ = plan_->found->get();
    published_ = options();
    on_io([options = published_, identity, status = status_](PublisherIo& io) { io.start(options, identity, status); });
  }

  /// A battery whose part of the configuration has not changed stays on the bus.
  void reconfigure() {
    if (!started_ || !registration_) {
      publish_anew();
      return;
    }
    auto fresh = options();
    const auto name = std::exchange(fresh.custom_name, published_.custom_name);
    if (fresh == published_) {
      on_io([name](PublisherIo& io) { io.set_custom_name(name); });
    } else {
      publish_anew();
    }
  }

  /// Needs a registration.
  PublisherOptions options() const {
    const auto config = core_->config();
    const auto found = plan_->found->get();
    const auto settings = config->setup_of(found->port, plan_->id).settings;
    PublisherOptions options;
    options.service = service();
    options.connection = found->connection;
    options.device_instance = registration_->device_instance;
    options.product_id = config->product_id;
    options.custom_name = custom_name();
    options.limits = settings.limits;
    options.calculated_soc = settings.soc_calculation || settings.external_soc();
    const auto* port = port_config();
    options.allow_writes = port != nullptr && port->allow_writes;
    options.midpoint = settings.midpoint;
    options.json = settings.publish_json;
    options.cell_data_format = static_cast<unsigned>(settings.cell_data_format);
    options.time_to_soc_type = static_cast<unsigned>(settings.time_to_soc_type);
    options.time_to_soc_points = settings.time_to_soc_points;
    options.temperature_names = settings.temperature_names;
    if (settings.publish_config) {
      for (const auto& key : battery::keys()) {
        options.config.emplace_back(key.name, key.print(settings));
      }
    }
    return options;
  }

  void on_publish_state(const PublishState& state) {
    if (state.state == "online") {
      spdlog::info("{}: published as {}, instance {}", plan_->id, state.service,
                   registration_ ? registration_->device_instance : 0);
    } else if (!state.reason.empty() && state.reason != publish_.reason) {
      spdlog::warn("{}: {}: {}", state.service, state.state, state.reason);
    }
    publish_ = state;
  }

  // -- writes -------------------------------------------------------------------------

  void on_write(const WriteRequest& write) {
    if (write.path == "/CustomName") {
      store_custom_name(write);
      return;
    }
    auto command = write.command;
    const bool from_control_socket = !command;
    if (from_control_socket && status_ && registration_) {
      PathTable table(options(), identity_of_plan());
      table.changes(*status_);
      command = table.command_for(write.path, write.value);
    }
    const auto battery = plan_->battery->get();
    if (!command || !battery) {
      write.done(command ? 2 : 1);
      return;
    }
    command->id = ++next_command_;
    if (core_->tap.watched()) {
      core_->tap.copy(slot->name(), plan_->battery->name(), plan_->id, *command);
    }
    self_->request(battery, kWriteLimit, *command)
        .then(
            [this, from_control_socket, done = write.done](const CommandOutcome& outcome) {
              if (!outcome.ok()) {
                spdlog::warn("{}: {} {}: {}", plan_->id, to_string(outcome.kind), outcome.value,
                             to_string(outcome.error));
              } else if (from_control_socket) {
                on_io([outcome](PublisherIo& io) { io.carried_out(outcome); });
              }
              done(outcome.ok() ? 0 : 2);
            },
            [done = write.done](const caf::error&) { done(2); });
  }

  void store_custom_name(const WriteRequest& write) {
    const auto value = dbus::convert(write.value, dbus::Type::text);
    const auto* name = value ? std::get_if<std::string>(&*value) : nullptr;
    if (name == nullptr) {
      write.done(1);
      return;
    }
    const auto settings = core_->settings->get();
    if (!settings || name->size() > kLongestName) {
      write.done(2);
      return;
    }
    self_->request(settings, kWriteLimit, StoreCustomName{plan_->id, dbus::clean(*name)})
        .then(
            [done = write.done, &store = core_->store, file = "device_" + plan_->id](bool known) {
              if (!known) {
                done(2);
                return;
              }
              store.when_written([done, &store, file] { done(store.is_kept(file) ? 0 : 2); });
            },
            [done = write.done](const caf::error&) { done(2); });
  }

  Json describe() const {
    Json json = {{"kind", "publisher"},
                 {"id", plan_->id},
                 {"service", service()},
                 {"published", plan_->bus.empty() ? "no D-Bus" : publish_.state},
                 {"reason", publish_.reason}};
    if (registration_) {
      json["device_instance"] = registration_->device_instance;
      json["custom_name"] = custom_name();
    }
    return json;
  }

  Self self_;
  CorePtr core_;
  PublisherPlanPtr plan_;
  std::shared_ptr<PublisherIo> io_;
  std::optional<Registration> registration_;
  std::shared_ptr<const Status> status_;
  std::shared_ptr<const Identified> found_; ///< as looked at last
  Capabilities published_capabilities_;
  PublisherOptions published_; ///< the name in it may be older than the one on the bus
  bool started_ = false;
  bool last_word_said_ = false; ///< given up, and told so
  PublishState publish_;
  std::uint64_t next_command_ = 0;
};

} // namespace

std::string service_name(const std::string& port, std::uint32_t address) {
  auto name = "com.victronenergy.battery." + sanitized(port);
  if (address != 0) {
    char suffix[16];
    std::snprintf(suffix, sizeof suffix, "__0x%02x", address);
    name += suffix;
  }
  return name;
}

PublisherActor spawn_publisher(caf::actor_system& system, CorePtr core, PublisherPlanPtr plan) {
  return spawn_in<PublisherState>(plan->publisher, system, core, plan);
}

} // namespace bmsd::actors
