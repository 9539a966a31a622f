#include "protocols/core/protocol.hpp"

namespace bmsd::protocols {

Script ExchangeProtocol::settings(Identity &) {
  co_return Result<void>{};
}

Script ExchangeProtocol::command(Command) {
  co_return Error{Fault::unsupported, "this BMS takes no commands"};
}

} // namespace bmsd::protocols
