// The control socket: a Unix socket (mode 0600) with one JSON object a line, both ways.
#pragma once

#include "actors/log_limit.hpp"
#include "messages/error.hpp"
#include "messages/json.hpp"

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace bmsd::actors {

/// I/O thread only. A client that does not read loses lines, after 30 s its connection; it never delays
/// anybody, and what waits for all clients is a few MB at most. A request that is no JSON object is answered with an
/// error. Who wants nothing makes room when there are too many.
class ControlServer {
public:
  /// `answer` may be called from any thread, any number of times, also after the client has gone.
  using RequestHandler = std::function<void(std::uint64_t client, Json request, std::function<void(Json)> answer)>;
  using GoneHandler = std::function<void(std::uint64_t client)>;
  /// For the counters: a client has misbehaved. The log has it already.
  using FaultHandler = std::function<void(Fault)>;

  struct Handlers {
    RequestHandler on_request;
    GoneHandler on_gone;
    FaultHandler on_fault;
  };

  ControlServer(asio::io_context& io, std::string path, Handlers handlers);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  /// Fault::rejected: another daemon serves this path, or it cannot be made.
  Result<void> listen();
  void close();

private:
  class Client;
  enum class Trouble : std::uint8_t { no_request, too_long, too_many, lines_lost, deaf };
  void accept();
  /// Refuses it if there is no place.
  void admit(asio::local::stream_protocol::socket socket);
  bool make_room();
  void complain(Trouble trouble, const std::string& text);

  asio::io_context& io_;
  std::string path_;
  Handlers handlers_;
  asio::local::stream_protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  std::map<std::uint64_t, std::shared_ptr<Client>> clients_;
  std::size_t queued_ = 0; ///< bytes that wait for all clients
  std::uint64_t next_client_ = 1;
  bool listening_ = false;
  LogLimits<Trouble> complaints_{std::chrono::minutes(1)};
};

} // namespace bmsd::actors
