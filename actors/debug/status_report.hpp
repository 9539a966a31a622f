// The JSON of `bmsctl status`, put together from what each actor says of itself. Pure.
#pragma once

#include "actors/core.hpp"
#include "messages/json.hpp"

#include <map>
#include <string>
#include <vector>

namespace bmsd::actors {

struct StatusReport {
  double uptime = 0; ///< s
  std::vector<ActorInfo> actors;
  std::map<std::string, Json> described; ///< by actor name

  void counters(const Counters& counters);
  /// {"version", "ports", "batteries", "actors", "counters"}
  Json json() const;

private:
  Json counters_;
};

} // namespace bmsd::actors
