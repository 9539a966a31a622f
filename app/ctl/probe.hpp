// `bmsctl probe PORT`: what is connected there? Needs no daemon.
#pragma once

#include "actors/config.hpp"
#include "messages/error.hpp"

#include <iosfwd>

namespace bmsd::app {

struct ProbeOptions {
  bool json = false;
  bool all = false; ///< go on after the first find: every address
};

/// Prints what it tries and what it finds. Sends nothing that could change a setting.
/// Fault::timeout: nobody answered.
Result<void> probe(const actors::PortConfig& port, const ProbeOptions& options, std::ostream& out);

} // namespace bmsd::app
