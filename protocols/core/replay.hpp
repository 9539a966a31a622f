// Plays recorded exchanges to the scripts of a protocol: `bmsctl decode`, tests, fuzzers.
// No clock; any thread.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"
#include "messages/identity.hpp"
#include "messages/sample.hpp"
#include "protocols/core/protocol.hpp"
#include "protocols/core/script.hpp"

#include <optional>
#include <vector>

namespace bmsd::protocols {

/// What happened once on a line; an empty `tx`: the BMS spoke unasked.
struct Exchange {
  Bytes tx;
  Bytes rx;
};

/// One attempt at `request` on a line that delivers `rx` and then falls silent.
Reply receive(const Request& request, ByteView rx);

/// Answers requests from a list of exchanges. Of several that fit, the next one not used yet; when
/// all are used, the last one again. What the BMS said unasked answers any request that accepts it; a
/// request without tx only listens and gets it damaged, too, so that replay() can refuse it.
class Recording {
public:
  Recording(const ExchangeProtocol& protocol, std::vector<Exchange> exchanges);
  /// nullopt: this request was not recorded.
  std::optional<Reply> answer(const Request& request);
  /// An exchange that no request has used so far, and marks it as used.
  std::optional<Exchange> take_unused();

private:
  struct Item {
    Exchange exchange;
    bool used = false;
  };
  bool asks_the_same(ByteView wanted, ByteView recorded) const;

  const ExchangeProtocol& protocol_;
  std::vector<Item> items_;
};

/// Runs `script`, skipping what was not recorded. The error is that of a recorded reply.
Result<void> play(Script script, Recording& recording);

/// The whole protocol on a recording that may hold only a part of a cycle: identify(), settings()
/// and poll() with what they find, then replay() for each exchange that is left. `identity` and
/// `out` hold what the answered requests determine.
Result<void> replay(ExchangeProtocol& protocol, std::vector<Exchange> exchanges, Identity& identity, Sample& out);

} // namespace bmsd::protocols
