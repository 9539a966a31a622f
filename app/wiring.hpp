// Which actors there are, and who talks to whom.
#pragma once

#include "actors/core.hpp"
#include "actors/port/port_plan.hpp"
#include "actors/supervisor/supervisor_actor.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace bmsd::app {

/// I/O thread, except for what battery_factory() gives, which the supervisor calls.
class Wiring {
public:
  /// `bus`: as from dbus::bus_address(); empty: no D-Bus.
  Wiring(actors::CorePtr core, std::string bus);

  using Spec = std::shared_ptr<const actors::ChildSpec>;
  Spec debug_child() const;
  Spec settings_child() const;
  /// The port first, then its sessions.
  std::vector<Spec> port_children(const actors::PortConfig& config);
  actors::BatteryFactory battery_factory() const;

  void for_each_port(const std::function<void(const actors::PortRef&)>& visit) const;

private:
  actors::CorePtr core_;
  std::string bus_;
  std::map<std::string, actors::PortRef> ports_;
};

} // namespace bmsd::app
