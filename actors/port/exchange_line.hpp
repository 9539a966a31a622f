// Where sessions hand their requests to the line of a port. Not a message to the port actor, which has nothing to say
// to it: that would be one more hop, twice in every poll. The answer comes the same way, straight to the session.
#pragma once

#include "actors/interfaces.hpp"
#include "actors/port/request_row.hpp"

#include <cstdint>
#include <memory>

namespace bmsd::actors {

/// One attempt of one request and, after good replies and while nobody else wants the line, of those that follow
/// in its row.
struct ExchangeJob {
  std::uint64_t token = 0;
  LineSettings line;
  Request request;
  RowPart row = {}; ///< begins with the request
  SessionRef reply_to;
  bool can_wait = false; ///< asks somebody who may not be there: after those who are
};

class ExchangeLine {
public:
  virtual ~ExchangeLine() = default;
  /// I/O thread. Answered by ExchangeDone to the session, later and never from within, unless the line is closed
  /// meanwhile; one that is closed, or has too many waiting, refuses with Fault::link.
  virtual void exchange(ExchangeJob job) = 0;
};

/// Empty while there is no port.
using LineSlot = Slot<std::weak_ptr<ExchangeLine>>;

} // namespace bmsd::actors
