#include "protocols/core/protocol.hpp"

#include <algorithm>

namespace bmsd::protocols {

Script ExchangeProtocol::settings(Identity&) {
  co_return Result<void>{};
}

Script ExchangeProtocol::command(Command) {
  co_return Error{Fault::unsupported, "this BMS takes no commands"};
}

bool ExchangeProtocol::same_request(ByteView wanted, ByteView recorded) const {
  return std::equal(wanted.begin(), wanted.end(), recorded.begin(), recorded.end());
}

Script ExchangeProtocol::replay(Bytes, Identity&, Sample&) {
  co_return Error{Fault::unsupported, "request that this protocol does not send"};
}

Result<Sample> BroadcastProtocol::partial(std::chrono::milliseconds now) const {
  auto sample = snapshot(now);
  return sample ? std::move(sample) : Result<Sample>(Sample{});
}

} // namespace bmsd::protocols
