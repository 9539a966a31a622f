#include "protocols/core/protocol.hpp"

#include <algorithm>
#include <utility>

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

Script ExchangeProtocol::if_answered(Script work) {
  const Result<void> result = co_await std::move(work);
  const bool missing = !result && (result.error().fault == Fault::timeout || result.error().fault == Fault::refused);
  co_return missing ? done() : result;
}

Result<Sample> BroadcastProtocol::partial(std::chrono::milliseconds now) const {
  auto sample = snapshot(now);
  return sample ? std::move(sample) : Result<Sample>(Sample{});
}
Sample BroadcastProtocol::said(std::chrono::milliseconds) const {
  return {};
}

void introduce(const ProtocolInfo& info, const ProtocolConfig& config, Identity& out) {
  out.protocol = info.key;
  out.label = info.label;
  out.capabilities = config.allow_writes ? info.capabilities : Capabilities{};
}

Result<void> permitted(const ProtocolConfig& config, const Command& command) {
  if (!config.allow_writes) {
    return Error{Fault::rejected, "writing to this BMS is not allowed by the configuration"};
  }
  const bool on_off = command.value == 0 || command.value == 1;
  const bool percent = command.value >= 0 && command.value <= 100;
  if (command.kind == CommandKind::set_soc ? !percent : !on_off) {
    return Error{Fault::rejected, "value out of range"};
  }
  return {};
}

} // namespace bmsd::protocols
