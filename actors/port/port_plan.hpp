// What a port actor and its sessions share: fixed when the port is configured.
#pragma once

#include "actors/config.hpp"
#include "actors/interfaces.hpp"
#include "actors/port/candidate.hpp"
#include "actors/port/exchange_line.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bmsd::actors {

/// Read by the port actor, its sessions and the I/O thread; never changed after it is built, but for what
/// its slots hold.
struct PortPlan {
  PortConfig config;
  PortRef port;
  std::shared_ptr<LineSlot> line = std::make_shared<LineSlot>("line");
  std::vector<SessionRef> sessions;
  /// What the batteries on this line speak, as soon as one of them has been found.
  std::shared_ptr<Slot<std::optional<Candidate>>> spoken = std::make_shared<Slot<std::optional<Candidate>>>("spoken");

  /// The number of the session that may try all protocols: one after the other, until one battery has been found.
  std::shared_ptr<Slot<std::size_t>> turn = std::make_shared<Slot<std::size_t>>("turn");

  /// Several batteries on one line, each with an address.
  bool is_shared() const { return config.all_addresses || config.addresses.size() > 1; }
};
using PortPlanPtr = std::shared_ptr<const PortPlan>;

} // namespace bmsd::actors
