// What a session is for: one battery (or the search for one) at one place.
#pragma once

#include "actors/core.hpp"
#include "actors/port/port_plan.hpp"
#include "protocols/core/protocol.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bmsd::actors {

struct SessionPlan {
  PortPlanPtr port;
  SessionRef session;
  std::optional<std::uint32_t> address; ///< absent: the protocol's default
  /// 0: finds out by itself what to speak. n: the nth other address of what was found on the line.
  std::size_t follower = 0;
  const protocols::ProtocolInfo* protocol = nullptr; ///< nullptr: searched
};
using SessionPlanPtr = std::shared_ptr<const SessionPlan>;

/// What was found at a place the last time; kept in the state directory.
std::optional<Candidate> remembered_candidate(StateStore& store, const std::string& place);
void remember_candidate(StateStore& store, const std::string& place, const Candidate& candidate);

/// In the order to try: what was there before, then by the registry's order, grouped by line
/// settings so that the line is changed as seldom as possible; unusual addresses come after all else. A configured
/// protocol, line or address leaves only what fits it. On a line of which is known what is spoken there, only that.
std::vector<Candidate> candidates(const SessionPlan& plan, const std::optional<Candidate>& remembered);
/// Whether another session of the line is trying all protocols: then only what is remembered is tried.
bool waits_for_turn(const SessionPlan& plan);
/// The same for a battery that was `lost`: it comes first and again after every other candidate, so that
/// it is found as soon as it answers again.
std::vector<Candidate> candidates_after_loss(const SessionPlan& plan, const Candidate& lost);

/// "ttyUSB0" or "ttyUSB0__2": the name of the place in state files.
std::string place_name(const SessionPlan& plan);

/// The decoder's part of the configuration.
protocols::ProtocolConfig protocol_config(const Core& core, const SessionPlan& plan, std::uint32_t address);

} // namespace bmsd::actors
