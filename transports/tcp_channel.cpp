#include "transports/exchange_engine.hpp"
#include "transports/lifetime.hpp"
#include "transports/links.hpp"
#include "transports/resolve.hpp"
#include "transports/sigpipe.hpp"
#include "transports/unique_fd.hpp"

#include <asio/connect.hpp>
#include <asio/steady_timer.hpp>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <optional>

namespace bmsd::transports {

namespace {

using asio::ip::tcp;

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

/// A serial device server that is unplugged sends nothing at all: only keep-alive probes tell.
void set_options(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

class TcpChannel final : public ByteChannel {
public:
  TcpChannel(asio::io_context& io, TcpOptions options)
      : io_(io), options_(std::move(options)), socket_(io), timer_(io) {}

  void open(OpenHandler handler) override {
    session_.renew();
    handler_ = std::move(handler);
    timer_.expires_after(options_.connect_limit);
    timer_.async_wait(session_.guard([this](const std::error_code& error) {
      if (!error) {
        fail("no connection in " + std::to_string(options_.connect_limit.count()) + " ms");
      }
    }));
    resolving_ = resolve_tcp(io_, options_.host, options_.port,
                             session_.guard([this](const Result<std::vector<tcp::endpoint>>& found) {
                               if (found) {
                                 connect(*found);
                               } else {
                                 fail(found.error().detail);
                               }
                             }));
  }

  void close() override {
    session_.renew();
    resolving_ = {};
    timer_.cancel();
    std::error_code ignored;
    socket_.close(ignored);
    fd_.reset();
  }

  Result<void> set_line(LineSettings) override { return {}; }
  void wake_at(std::size_t bytes) override {
    if (bytes != wake_at_ && fd_) {
      wake_at_ = bytes;
      set_option(fd_.get(), SOL_SOCKET, SO_RCVLOWAT, static_cast<int>(bytes));
    }
  }
  std::chrono::nanoseconds wire_time(std::size_t) const override { return std::chrono::nanoseconds(0); }
  std::string describe() const override {
    return "TCP " + to_string(TcpAddress{options_.host, options_.port}).substr(4);
  }

private:
  void connect(const std::vector<tcp::endpoint>& endpoints) {
    asio::async_connect(socket_, endpoints, session_.guard([this](const std::error_code& error, const tcp::endpoint&) {
      if (error) {
        fail(error.message());
      } else {
        connected();
      }
    }));
  }

  void connected() {
    timer_.cancel();
    std::error_code error;
    fd_.reset(socket_.release(error));
    set_options(fd_.get());
    wake_at_ = 1;
    ::fcntl(fd_.get(), F_SETFL, ::fcntl(fd_.get(), F_GETFL) | O_NONBLOCK);
    std::exchange(handler_, nullptr)(fd_.get());
  }

  void fail(const std::string& reason) {
    auto handler = std::exchange(handler_, nullptr);
    close();
    handler(Error{Fault::link, describe() + ": " + reason});
  }

  asio::io_context& io_;
  TcpOptions options_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  UniqueFd fd_;
  std::size_t wake_at_ = 1;
  Lifetime session_;
  BackgroundCall resolving_;
  OpenHandler handler_;
};

} // namespace

std::unique_ptr<ExchangeLink> make_tcp_link(asio::io_context& io, TcpOptions options) {
  ignore_sigpipe();
  return std::make_unique<ExchangeEngine>(io, std::make_unique<TcpChannel>(io, std::move(options)));
}

} // namespace bmsd::transports
