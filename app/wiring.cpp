#include "app/wiring.hpp"

#include "actors/battery/battery_actor.hpp"
#include "actors/debug/debug_actor.hpp"
#include "actors/port/port_actor.hpp"
#include "actors/port/session.hpp"
#include "actors/publisher/publisher_actor.hpp"
#include "actors/settings/settings_actor.hpp"
#include "app/port_config.hpp"

#include <caf/actor_cast.hpp>

namespace bmsd::app {

using namespace actors;

namespace {

template <class Start>
std::shared_ptr<const ChildSpec> child(std::string name, std::string escalate_to, Start start) {
  auto spec = std::make_shared<ChildSpec>();
  spec->name = std::move(name);
  spec->escalate_to = std::move(escalate_to);
  spec->start = [start](caf::actor_system& system) { return caf::actor_cast<caf::actor>(start(system)); };
  return spec;
}

/// One that the others talk to until they have ended.
template <class Start>
std::shared_ptr<const ChildSpec> common_child(std::string name, Start start) {
  auto spec = std::make_shared<ChildSpec>(*child(std::move(name), {}, start));
  spec->ends_last = true;
  return spec;
}

constexpr std::size_t kMostOnOneLine = 16; ///< batteries; no daisy chain is longer

/// check_port() has seen that it fits.
const protocols::ProtocolInfo* protocol_of(const PortConfig& config, protocols::Medium medium) {
  if (!config.protocol.empty()) {
    return protocols::find_protocol(config.protocol);
  }
  return medium == protocols::Medium::document ? protocols::find_protocol("mqtt_json") : nullptr;
}

} // namespace

Wiring::Wiring(CorePtr core, std::string bus) : core_(std::move(core)), bus_(std::move(bus)) {}

Wiring::Spec Wiring::debug_child() const {
  return common_child("debug", [core = core_](caf::actor_system& system) { return spawn_debug(system, core); });
}

Wiring::Spec Wiring::settings_child() const {
  return common_child(
      "settings", [core = core_, bus = bus_](caf::actor_system& system) { return spawn_settings(system, core, bus); });
}

std::vector<Wiring::Spec> Wiring::port_children(const PortConfig& config) {
  const auto medium = medium_of(config.address);
  auto plan = std::make_shared<PortPlan>();
  plan->config = config;
  const auto port_name = "port/" + config.name;
  plan->port = std::make_shared<Slot<PortActor>>(port_name);
  ports_[config.name] = plan->port;

  std::vector<std::optional<std::uint32_t>> addresses(config.addresses.begin(), config.addresses.end());
  // With every address to be looked for: one that finds out what is spoken, and those that follow it.
  const std::size_t followers = config.all_addresses ? kMostOnOneLine - 1 : 0;
  if (addresses.empty()) {
    addresses.resize(1 + followers);
  }
  std::vector<std::shared_ptr<SessionPlan>> sessions;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    auto session = std::make_shared<SessionPlan>();
    session->address = addresses[i];
    session->follower = addresses[i] ? 0 : i;
    session->protocol = protocol_of(config, medium);
    const auto suffix = addresses.size() > 1 ? "#" + std::to_string(addresses[i].value_or(i + 1)) : std::string();
    session->session = std::make_shared<Slot<SessionActor>>("session/" + config.name + suffix);
    plan->sessions.push_back(session->session);
    sessions.push_back(std::move(session));
  }
  std::vector<Spec> children;
  children.push_back(
      child(port_name, {}, [core = core_, plan](caf::actor_system& system) { return spawn_port(system, core, plan); }));
  for (auto& session : sessions) {
    session->port = plan;
    children.push_back(child(session->session->name(), port_name,
                             [core = core_, session = SessionPlanPtr(session), medium](caf::actor_system& system) {
                               switch (medium) {
                               case protocols::Medium::can: return spawn_broadcast_session(system, core, session);
                               case protocols::Medium::document: return spawn_document_session(system, core, session);
                               case protocols::Medium::serial: break;
                               }
                               return spawn_exchange_session(system, core, session);
                             }));
  }
  return children;
}

BatteryFactory Wiring::battery_factory() const {
  return {[core = core_, bus = bus_](const std::string& id, const Identified& found) {
    auto slot = std::make_shared<Slot<std::shared_ptr<const Identified>>>(id);
    slot->set(std::make_shared<const Identified>(found));

    auto battery = std::make_shared<BatteryPlan>();
    battery->id = id;
    battery->battery = std::make_shared<Slot<BatteryActor>>("battery/" + id);
    battery->publisher = std::make_shared<Slot<PublisherActor>>("publisher/" + id);
    battery->found = slot;

    auto publisher = std::make_shared<PublisherPlan>();
    publisher->id = id;
    publisher->bus = bus;
    publisher->found = slot;
    publisher->publisher = battery->publisher;
    publisher->battery = battery->battery;

    BatteryFactory::Built built;
    built.battery = battery->battery;
    built.found = slot;
    built.children.push_back(
        child(battery->publisher->name(), {}, [core, plan = PublisherPlanPtr(publisher)](caf::actor_system& system) {
          return spawn_publisher(system, core, plan);
        }));
    built.children.push_back(
        child(battery->battery->name(), {}, [core, plan = BatteryPlanPtr(battery)](caf::actor_system& system) {
          return spawn_battery(system, core, plan);
        }));
    return built;
  }};
}

void Wiring::for_each_port(const std::function<void(const PortRef&)>& visit) const {
  for (const auto& [name, port] : ports_) {
    visit(port);
  }
}

} // namespace bmsd::app
