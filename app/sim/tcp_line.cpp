#include "app/sim/byte_line.hpp"
#include "transports/lifetime.hpp"

#include <asio/buffer.hpp>
#include <asio/ip/tcp.hpp>

#include <array>

namespace bmsd::sim {

namespace {

using asio::ip::tcp;

class TcpLine : public ByteLine {
public:
  explicit TcpLine(asio::io_context& io) : acceptor_(io), client_(io) {}

  Result<void> open(const std::string& host, std::uint16_t port) {
    asio::error_code error;
    tcp::resolver resolver(acceptor_.get_executor());
    const auto found = resolver.resolve(host, std::to_string(port), error);
    if (!error) {
      const tcp::endpoint endpoint = *found.begin();
      acceptor_.open(endpoint.protocol(), error);
      acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
      acceptor_.bind(endpoint, error);
    }
    if (!error) {
      acceptor_.listen(1, error);
    }
    if (error) {
      return Error{Fault::link, "tcp:" + host + ":" + std::to_string(port) + ": " + error.message()};
    }
    link_ = "tcp:" + host + ":" + std::to_string(acceptor_.local_endpoint().port());
    accept();
    return {};
  }

  void write(ByteView bytes) override {
    asio::error_code lost;
    if (client_.is_open()) {
      client_.write_some(asio::buffer(bytes.data(), bytes.size()), lost);
    }
  }

  std::string link() const override { return link_; }

private:
  void accept() {
    acceptor_.async_accept(life_.guard([this](const asio::error_code& error, tcp::socket socket) {
      if (!error) {
        serve(std::move(socket));
        accept();
      }
    }));
  }

  void serve(tcp::socket socket) {
    client_life_.renew();
    client_ = std::move(socket);
    asio::error_code ignored;
    client_.set_option(tcp::no_delay(true), ignored);
    client_.non_blocking(true, ignored);
    receive();
  }

  void receive() {
    const auto received = [this](const asio::error_code& error, std::size_t size) {
      asio::error_code ignored;
      if (error) {
        client_.close(ignored);
        return;
      }
      on_bytes(ByteView(buffer_).first(size));
      receive();
    };
    client_.async_read_some(asio::buffer(buffer_), client_life_.guard(received));
  }

  tcp::acceptor acceptor_;
  tcp::socket client_;
  std::string link_;
  std::array<std::uint8_t, 512> buffer_{};
  transports::Lifetime life_;        // until the station ends
  transports::Lifetime client_life_; // until another client comes
};

} // namespace

Result<std::unique_ptr<ByteLine>> open_tcp_line(asio::io_context& io, const std::string& host, std::uint16_t port) {
  auto line = std::make_unique<TcpLine>(io);
  if (auto opened = line->open(host, port); !opened) {
    return opened.error();
  }
  return std::unique_ptr<ByteLine>(std::move(line));
}

} // namespace bmsd::sim
