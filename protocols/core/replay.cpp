#include "protocols/core/replay.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace bmsd::protocols {

Reply receive(const Request& request, ByteView rx) {
  Reply reply;
  rx = rx.first(std::min(rx.size(), request.max_reply));
  reply.rx.assign(rx.begin(), rx.end());
  FrameScan scan = request.scan(request.tx, rx, false);
  if (scan.state == FrameScan::State::incomplete) {
    scan = request.scan(request.tx, rx, true);
  }
  if (scan.state == FrameScan::State::complete) {
    reply.begin = scan.begin;
    reply.size = scan.size;
  } else if (scan.fault != Fault::none) {
    reply.error = {scan.fault, std::string(scan.detail)};
  } else {
    reply.error = {Fault::timeout, rx.empty() ? "no answer" : std::to_string(rx.size()) + " bytes, then silence"};
  }
  return reply;
}

Recording::Recording(const ExchangeProtocol& protocol, std::vector<Exchange> exchanges) : protocol_(protocol) {
  for (auto& exchange : exchanges) {
    items_.push_back({std::move(exchange), false});
  }
}

std::optional<Reply> Recording::answer(const Request& request) {
  Item* best = nullptr;
  for (auto& item : items_) {
    if (!asks_the_same(request.tx, item.exchange.tx)) {
      continue;
    }
    best = &item;
    if (!item.used) {
      break;
    }
  }
  if (best != nullptr) {
    best->used = true;
    // The scanner compares with what was asked; that must be what the BMS saw.
    Request asked = request;
    asked.tx = best->exchange.tx;
    return receive(asked, best->exchange.rx);
  }
  for (auto& item : items_) {
    if (item.exchange.tx.empty()) { // not necessarily an answer to this
      Reply reply = receive(request, item.exchange.rx);
      if (reply.error.fault == Fault::none) {
        item.used = true;
        return reply;
      }
    }
  }
  return std::nullopt;
}

bool Recording::asks_the_same(ByteView wanted, ByteView recorded) const {
  return wanted.empty() || recorded.empty() ? wanted.empty() && recorded.empty()
                                            : protocol_.same_request(wanted, recorded);
}

std::optional<Exchange> Recording::take_unused() {
  for (auto& item : items_) {
    if (!item.used) {
      item.used = true;
      return item.exchange;
    }
  }
  return std::nullopt;
}

Result<void> play(Script script, Recording& recording) {
  ScriptRunner runner;
  runner.start(std::move(script));
  while (const Request* request = runner.pending()) {
    if (auto reply = recording.answer(*request)) {
      runner.answer(std::move(*reply));
    } else {
      runner.skip();
    }
  }
  const auto& result = runner.result();
  return !result && result.error() == ScriptRunner::not_recorded() ? Result<void>{} : result;
}

Result<void> replay(ExchangeProtocol& protocol, std::vector<Exchange> exchanges, Identity& identity, Sample& out) {
  Recording recording(protocol, std::move(exchanges));
  if (auto result = play(protocol.identify(identity), recording); !result) {
    return result;
  }
  if (auto result = play(protocol.settings(identity), recording); !result) {
    return result;
  }
  if (auto result = play(protocol.poll(out), recording); !result) {
    return result;
  }
  while (auto exchange = recording.take_unused()) {
    Recording single(protocol, {*exchange});
    if (auto result = play(protocol.replay(exchange->tx, identity, out), single); !result) {
      return result;
    }
  }
  return {};
}

} // namespace bmsd::protocols
