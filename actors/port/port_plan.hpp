// What a port actor and its sessions share: fixed when the port is configured.
#pragma once

#include "actors/config.hpp"
#include "actors/interfaces.hpp"

#include <memory>
#include <string>
#include <vector>

namespace bmsd::actors {

/// Read by the port actor, its sessions and the I/O thread; never changed after it is built.
struct PortPlan {
  PortConfig config;
  PortRef port;
  std::vector<SessionRef> sessions;
};
using PortPlanPtr = std::shared_ptr<const PortPlan>;

} // namespace bmsd::actors
