// Which of the traced messages a client wants. Pure.
#pragma once

#include "actors/interfaces.hpp"
#include "messages/error.hpp"

#include <set>
#include <string>

namespace bmsd::actors {

class TraceFilter {
public:
  /// {"only": ["frame", "sample"], "battery": "id"}; both may be absent. Fault::rejected names an unknown kind.
  static Result<TraceFilter> parse(const Json& request);

  bool wants(const Traced& traced) const;

private:
  std::set<std::string, std::less<>> kinds_; ///< empty: all
  std::string subject_;                      ///< battery or port; empty: all
};

/// One line of the live stream.
Json to_json(const Traced& traced);

} // namespace bmsd::actors
