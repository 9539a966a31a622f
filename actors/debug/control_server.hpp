// The control socket: a Unix socket (mode 0600) with one JSON object a line, both ways.
#pragma once

#include "messages/error.hpp"
#include "messages/json.hpp"

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace bmsd::actors {

/// I/O thread only. A client that does not read loses lines, after 30 s its connection; it never delays
/// anybody, and what waits for all clients is a few MB at most. A request that is no JSON object is answered with an
/// error.
class ControlServer {
public:
  /// `answer` may be called from any thread, any number of times, also after the client has gone.
  using RequestHandler = std::function<void(std::uint64_t client, Json request, std::function<void(Json)> answer)>;
  using GoneHandler = std::function<void(std::uint64_t client)>;

  ControlServer(asio::io_context& io, std::string path, RequestHandler on_request, GoneHandler on_gone);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Fault::rejected: another daemon serves this path, or it cannot be made.
  Result<void> listen();
  void close();

private:
  class Client;
  void accept();

  asio::io_context& io_;
  std::string path_;
  RequestHandler on_request_;
  GoneHandler on_gone_;
  asio::local::stream_protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  std::map<std::uint64_t, std::shared_ptr<Client>> clients_;
  std::size_t queued_ = 0; ///< bytes that wait for all clients
  std::uint64_t next_client_ = 1;
  bool listening_ = false;
};

} // namespace bmsd::actors
