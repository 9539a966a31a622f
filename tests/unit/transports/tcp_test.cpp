#include "pty.hpp"
#include "test_frame.hpp"

#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <gmock/gmock.h>

#include <array>
#include <memory>
#include <vector>

namespace bmsd::transports::test {
namespace {

using asio::ip::tcp;
using testing::HasSubstr;

class Tcp : public testing::Test {
protected:
  Tcp() { link = make("127.0.0.1"); }

  std::unique_ptr<ExchangeLink> make(const std::string& host) {
    TcpOptions options;
    options.host = host;
    options.port = acceptor.local_endpoint().port();
    options.connect_limit = 1s;
    return make_tcp_link(io, options);
  }

  /// A device that answers every request with `answers`, one piece at a time.
  void serve(std::vector<Bytes> answers) {
    pieces = std::move(answers);
    acceptor.async_accept([this](std::error_code error, tcp::socket socket) {
      if (!error) {
        device.emplace(std::move(socket));
        read();
      }
    });
  }
  void read() {
    asio::async_read(*device, asio::buffer(request), [this](std::error_code error, std::size_t) {
      if (!error) {
        write(std::make_shared<std::vector<Bytes>>(pieces), 0);
        read();
      }
    });
  }
  void write(std::shared_ptr<std::vector<Bytes>> answer, std::size_t index) {
    if (index < answer->size()) {
      asio::async_write(*device, asio::buffer((*answer)[index]), [this, answer, index](std::error_code, std::size_t) {
        auto wait = std::make_shared<asio::steady_timer>(io, 3ms);
        wait->async_wait([this, answer, index, wait](std::error_code) { write(answer, index + 1); });
      });
    }
  }

  Reply exchange(Request r) {
    std::optional<Reply> reply;
    link->exchange(std::move(r), [&](Reply got) { reply = std::move(got); });
    EXPECT_TRUE(run_until(io, [&] { return reply.has_value(); }));
    return reply.value_or(Reply{});
  }

  asio::io_context io;
  tcp::acceptor acceptor{io, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)};
  std::optional<tcp::socket> device;
  std::vector<Bytes> pieces;
  std::array<char, 2> request{};
  std::unique_ptr<ExchangeLink> link;
};

TEST_F(Tcp, exchange_in_one_piece_and_in_many) {
  auto whole = frame_reply(3, {1, 2, 3, 4});
  serve({whole});
  ASSERT_TRUE(open(io, *link));
  auto reply = exchange(frame_request(3));
  EXPECT_EQ(reply.error.fault, Fault::none) << reply.error.detail;
  EXPECT_EQ(reply.rx, whole);
  pieces.clear();
  for (auto byte : whole) {
    pieces.push_back({byte});
  }
  reply = exchange(frame_request(3));
  EXPECT_EQ(reply.error.fault, Fault::none) << reply.error.detail;
  EXPECT_EQ(reply.rx, whole);
}

TEST_F(Tcp, name_is_resolved) {
  link = make("localhost");
  serve({frame_reply(3, {})});
  ASSERT_TRUE(open(io, *link));
  EXPECT_EQ(exchange(frame_request(3)).error.fault, Fault::none);
  EXPECT_EQ(link->describe(), "TCP localhost:" + std::to_string(acceptor.local_endpoint().port()));
}

TEST_F(Tcp, line_settings_mean_nothing) {
  EXPECT_TRUE(link->set_line({19200, Parity::even}));
}

TEST_F(Tcp, no_answer) {
  serve({});
  ASSERT_TRUE(open(io, *link));
  EXPECT_EQ(exchange(frame_request(3)).error, (Error{Fault::timeout, "no answer"}));
}

TEST_F(Tcp, server_closes_then_open_again) {
  std::string reason;
  link->on_lost = [&](std::string text) { reason = std::move(text); };
  serve({frame_reply(3, {})});
  ASSERT_TRUE(open(io, *link));
  ASSERT_TRUE(run_until(io, [&] { return device.has_value(); }));
  device->close();
  ASSERT_TRUE(run_until(io, [&] { return !reason.empty(); }));
  EXPECT_EQ(exchange(frame_request(3)).error.fault, Fault::link);
  serve({frame_reply(3, {})});
  ASSERT_TRUE(open(io, *link));
  EXPECT_EQ(exchange(frame_request(3)).error.fault, Fault::none);
}

TEST_F(Tcp, refused) {
  acceptor.close();
  TcpOptions options;
  options.host = "127.0.0.1";
  options.port = 1;
  link = make_tcp_link(io, options);
  auto outcome = open(io, *link);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error(), (Error{Fault::link, "TCP 127.0.0.1:1: Connection refused"}));
}

TEST_F(Tcp, unknown_host) {
  link = make("no-such-host.invalid");
  auto outcome = open(io, *link, 30s);
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().detail, HasSubstr("no-such-host.invalid"));
}

TEST_F(Tcp, close_while_connecting_answers_open) {
  std::optional<Result<void>> outcome;
  link->open([&](Result<void> result) { outcome = std::move(result); });
  link->close();
  ASSERT_TRUE(run_until(io, [&] { return outcome.has_value(); }));
  EXPECT_EQ(outcome->error().fault, Fault::link);
  run_for(io, 50ms);
}

TEST_F(Tcp, destroyed_while_resolving) {
  link = make("localhost");
  link->open([](const Result<void>&) { FAIL() << "called after the destructor"; });
  link.reset();
  run_for(io, 50ms);
}

} // namespace
} // namespace bmsd::transports::test
