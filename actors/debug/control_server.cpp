#include "actors/debug/control_server.hpp"

#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/read_until.hpp>
#include <asio/streambuf.hpp>
#include <asio/write.hpp>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <deque>

namespace bmsd::actors {

namespace {

using Protocol = asio::local::stream_protocol;

constexpr std::size_t kMaxRequest = 64 * 1024;
constexpr std::size_t kMaxQueued = 4 * 1024 * 1024; ///< bytes that wait for a slow reader
constexpr std::size_t kMaxClients = 32;

} // namespace

class ControlServer::Client : public std::enable_shared_from_this<Client> {
public:
  Client(Protocol::socket socket, std::uint64_t id, ControlServer& server)
      : socket_(std::move(socket)), id_(id), server_(&server), input_(kMaxRequest) {}

  void read() {
    asio::async_read_until(socket_, input_, '\n', [self = shared_from_this()](asio::error_code error, std::size_t n) {
      if (error) {
        if (error == asio::error::not_found) {
          self->send({{"error", "request longer than 64 kB"}});
        }
        self->close();
        return;
      }
      const auto data = self->input_.data();
      std::string line(asio::buffers_begin(data), asio::buffers_begin(data) + static_cast<std::ptrdiff_t>(n));
      self->input_.consume(n);
      self->handle(line);
      self->read();
    });
  }

  void close() {
    asio::error_code ignored;
    socket_.close(ignored);
    if (server_ != nullptr) {
      auto* server = std::exchange(server_, nullptr);
      server->on_gone_(id_);
      server->clients_.erase(id_);
    }
  }

  void detach() { server_ = nullptr; }

private:
  void handle(const std::string& line) {
    auto request = Json::parse(line, nullptr, false);
    if (!request.is_object()) {
      send({{"error", "a request is one JSON object a line"}});
      return;
    }
    if (server_ == nullptr) {
      return;
    }
    auto answer = [weak = weak_from_this(), executor = socket_.get_executor()](Json json) {
      asio::post(executor, [weak, json = std::move(json)] {
        if (auto self = weak.lock()) {
          self->send(json);
        }
      });
    };
    server_->on_request_(id_, std::move(request), std::move(answer));
  }

  void send(const Json& json) {
    auto line = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    if (queued_ + line.size() > kMaxQueued) {
      if (++lost_ == 1) {
        spdlog::warn("control socket: client {} does not read; lines are lost", id_);
      }
      return;
    }
    queued_ += line.size();
    queue_.push_back(std::move(line));
    if (queue_.size() == 1) {
      write();
    }
  }

  void write() {
    asio::async_write(socket_, asio::buffer(queue_.front()),
                      [self = shared_from_this()](asio::error_code error, std::size_t) {
                        if (error) {
                          self->queue_.clear();
                          self->close();
                          return;
                        }
                        self->queued_ -= self->queue_.front().size();
                        self->queue_.pop_front();
                        if (!self->queue_.empty()) {
                          self->write();
                        }
                      });
  }

  Protocol::socket socket_;
  std::uint64_t id_;
  ControlServer* server_;
  asio::streambuf input_;
  std::deque<std::string> queue_;
  std::size_t queued_ = 0;
  std::uint64_t lost_ = 0;
};

ControlServer::ControlServer(asio::io_context& io, std::string path, RequestHandler on_request, GoneHandler on_gone)
    : io_(io), path_(std::move(path)), on_request_(std::move(on_request)), on_gone_(std::move(on_gone)), acceptor_(io) {
}

ControlServer::~ControlServer() {
  close();
}

Result<void> ControlServer::listen() {
  asio::error_code error;
  Protocol::socket probe(io_);
  probe.connect(Protocol::endpoint(path_), error);
  if (!error) {
    return Error{Fault::rejected, "another bmsd serves the control socket " + path_};
  }
  ::unlink(path_.c_str());
  try {
    acceptor_.open();
    // The mode must be right from the first moment.
    const auto mask = ::umask(0177);
    acceptor_.bind(Protocol::endpoint(path_), error);
    ::umask(mask);
    if (!error) {
      acceptor_.listen(asio::socket_base::max_listen_connections, error);
    }
  } catch (const std::system_error& e) {
    return Error{Fault::rejected, "control socket " + path_ + ": " + e.what()};
  }
  if (error) {
    acceptor_.close();
    return Error{Fault::rejected, "control socket " + path_ + ": " + error.message()};
  }
  listening_ = true;
  accept();
  return {};
}

void ControlServer::accept() {
  acceptor_.async_accept([this](asio::error_code error, Protocol::socket socket) {
    if (error == asio::error::operation_aborted) {
      return;
    }
    if (!error && clients_.size() < kMaxClients) {
      const auto id = next_client_++;
      auto client = std::make_shared<Client>(std::move(socket), id, *this);
      clients_[id] = client;
      client->read();
    }
    accept();
  });
}

void ControlServer::close() {
  if (!listening_) {
    return;
  }
  listening_ = false;
  asio::error_code ignored;
  acceptor_.close(ignored);
  for (auto& [id, client] : clients_) {
    client->detach();
    client->close();
  }
  clients_.clear();
  ::unlink(path_.c_str());
}

} // namespace bmsd::actors
