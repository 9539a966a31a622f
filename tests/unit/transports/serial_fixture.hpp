// A serial link on a pty of which the test plays the device.
#pragma once

#include "pty.hpp"
#include "test_frame.hpp"

#include <memory>
#include <optional>

namespace bmsd::transports::test {

class Serial : public testing::Test {
protected:
  Serial() { link = make(); }

  std::unique_ptr<ExchangeLink> make() {
    SerialOptions options;
    options.path = pty.path();
    options.line.baud = 115200;
    return make_serial_link(io, options);
  }

  void start(Request request) {
    reply.reset();
    link->exchange(std::move(request), [this](Reply r) { reply = std::move(r); });
    EXPECT_FALSE(reply) << "answered inside exchange()";
  }
  bool done(Clock::duration limit = 5s) {
    return run_until(
        io, [this] { return reply.has_value(); }, limit);
  }
  /// The whole exchange, with an answer that is there as soon as the request is.
  Reply answer(Request request, const Bytes& bytes) {
    auto tx = request.tx;
    start(std::move(request));
    EXPECT_EQ(pty.read_at_least(io, tx.size()), tx);
    pty.write(bytes);
    EXPECT_TRUE(done());
    return reply.value_or(Reply{});
  }

  asio::io_context io;
  Pty pty;
  std::unique_ptr<ExchangeLink> link;
  std::optional<Reply> reply;
};

inline Bytes content(const Reply& reply) {
  return {reply.view().begin(), reply.view().end()};
}

} // namespace bmsd::transports::test
