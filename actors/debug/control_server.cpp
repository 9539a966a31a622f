#include "actors/debug/control_server.hpp"

#include <asio/buffer.hpp>
#include <asio/post.hpp>
#include <asio/read_until.hpp>
#include <asio/streambuf.hpp>
#include <asio/write.hpp>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <string_view>

namespace bmsd::actors {

namespace {

using Protocol = asio::local::stream_protocol;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxRequest = 64 * 1024;
constexpr std::size_t kMaxQueued = 1024 * 1024;          ///< bytes that wait for one slow reader
constexpr std::size_t kMaxQueuedOfAll = 3 * 1024 * 1024; ///< and for all of them
constexpr std::size_t kMaxClients = 32;
constexpr int kMaxUnanswered = 16; ///< requests of one client; then it is not read from
constexpr std::chrono::seconds kReadLimit{30}, kAcceptPause{1};

} // namespace

class ControlServer::Client : public std::enable_shared_from_this<Client> {
public:
  Client(Protocol::socket socket, std::uint64_t id, ControlServer& server)
      : socket_(std::move(socket)), id_(id), server_(&server), input_(kMaxRequest), patience_(socket_.get_executor()) {}

  void read() {
    reading_ = true;
    asio::async_read_until(socket_, input_, '\n', [self = shared_from_this()](asio::error_code error, std::size_t n) {
      if (error) {
        if (error == asio::error::not_found) {
          self->send({{"error", "request longer than 64 kB"}});
          self->complain(Trouble::too_long, "sends a request longer than 64 kB; closed");
        }
        error == asio::error::eof ? self->asks_no_more() : self->close();
        return;
      }
      const auto data = self->input_.data();
      std::string line(asio::buffers_begin(data), asio::buffers_begin(data) + static_cast<std::ptrdiff_t>(n));
      self->input_.consume(n);
      self->reading_ = false;
      self->active_ = Clock::now();
      self->handle(line);
      self->read_on();
    });
  }

  void close() {
    asio::error_code ignored;
    socket_.close(ignored);
    patience_.cancel();
    if (server_ != nullptr) {
      server_->queued_ -= queued_;
      auto* server = std::exchange(server_, nullptr);
      server->handlers_.on_gone(id_);
      server->clients_.erase(id_);
    }
  }

  bool owes_nothing() const { return unanswered_ == 0 && queue_.empty(); }
  Clock::time_point active() const { return active_; }

private:
  void complain(Trouble trouble, const std::string& text) {
    if (server_ != nullptr) {
      server_->complain(trouble, "client " + std::to_string(id_) + " " + text);
    }
  }

  /// The client has closed its direction, as `nc -N` does; while it still listens it gets its answers.
  void asks_no_more() {
    asks_no_more_ = true;
    pollfd state{socket_.native_handle(), 0, 0};
    if (owes_nothing() || ::poll(&state, 1, 0) != 0) {
      close();
      return;
    }
    socket_.async_wait(Protocol::socket::wait_error, [self = shared_from_this()](asio::error_code) { self->close(); });
  }

  /// A client that asks without end and reads nothing waits until it has read.
  void read_on() {
    if (asks_no_more_ && owes_nothing()) {
      close();
    } else if (!reading_ && socket_.is_open() && unanswered_ < kMaxUnanswered && queued_ < kMaxRequest) {
      read();
    }
  }

  void handle(const std::string& line) {
    auto request = Json::parse(line, nullptr, false);
    if (!request.is_object()) {
      send({{"error", "a request is one JSON object a line"}});
      complain(Trouble::no_request, "sends what is no request");
      return;
    }
    if (server_ == nullptr) {
      return;
    }
    // Counts as long as somebody holds it, so a request that nobody answers does not count for ever.
    ++unanswered_;
    std::shared_ptr<void> open(nullptr, [weak = weak_from_this(), executor = socket_.get_executor()](void*) {
      asio::post(executor, [weak] {
        if (auto self = weak.lock()) {
          --self->unanswered_;
          self->read_on();
        }
      });
    });
    auto answer = [weak = weak_from_this(), open, executor = socket_.get_executor()](Json json) {
      asio::post(executor, [weak, json = std::move(json)] {
        if (auto self = weak.lock()) {
          self->send(json);
        }
      });
    };
    server_->handlers_.on_request(id_, std::move(request), std::move(answer));
  }

  void send(const Json& json) {
    if (server_ == nullptr) {
      return;
    }
    auto line = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    if (!queue_.empty() && (queued_ + line.size() > kMaxQueued || server_->queued_ + line.size() > kMaxQueuedOfAll)) {
      if (++lost_ == 1) {
        complain(Trouble::lines_lost, "does not read; lines are lost");
      }
      return;
    }
    queued_ += line.size();
    server_->queued_ += line.size();
    queue_.push_back(std::move(line));
    if (queue_.size() == 1) {
      write();
    }
  }

  void write() {
    patience_.expires_after(kReadLimit);
    patience_.async_wait([weak = weak_from_this()](asio::error_code error) {
      if (auto self = weak.lock(); self && !error) {
        self->complain(Trouble::deaf, "has read nothing for " + std::to_string(kReadLimit.count()) + " s, " +
                                          std::to_string(self->lost_) + " lines lost; closed");
        self->close();
      }
    });
    asio::async_write(socket_, asio::buffer(queue_.front()),
                      [self = shared_from_this()](asio::error_code error, std::size_t) {
                        self->patience_.cancel();
                        if (error || self->server_ == nullptr) {
                          self->close();
                          return;
                        }
                        self->queued_ -= self->queue_.front().size();
                        self->server_->queued_ -= self->queue_.front().size();
                        self->queue_.pop_front();
                        if (!self->queue_.empty()) {
                          self->write();
                        }
                        self->read_on();
                      });
  }

  Protocol::socket socket_;
  std::uint64_t id_;
  ControlServer* server_;
  asio::streambuf input_;
  asio::steady_timer patience_;
  Clock::time_point active_ = Clock::now(); ///< its last request
  bool reading_ = false;
  bool asks_no_more_ = false;
  int unanswered_ = 0;
  std::deque<std::string> queue_;
  std::size_t queued_ = 0;
  std::uint64_t lost_ = 0;
};

ControlServer::ControlServer(asio::io_context& io, std::string path, Handlers handlers)
    : io_(io), path_(std::move(path)), handlers_(std::move(handlers)), acceptor_(io), pause_(io) {}

ControlServer::~ControlServer() {
  close();
}

Result<void> ControlServer::listen() {
  const auto problem = [this](const std::string& what) {
    return Error{Fault::rejected, "control socket " + path_ + ": " + what};
  };
  if (path_.size() >= sizeof(sockaddr_un::sun_path)) {
    return problem("the path is longer than " + std::to_string(sizeof(sockaddr_un::sun_path) - 1) + " characters");
  }
  struct stat there {};
  if (::lstat(path_.c_str(), &there) == 0 && !S_ISSOCK(there.st_mode)) {
    return problem("there is something that is no socket");
  }
  asio::error_code error;
  Protocol::socket probe(io_);
  probe.connect(Protocol::endpoint(path_), error);
  if (!error) {
    return Error{Fault::rejected, "another bmsd serves the control socket " + path_};
  }
  ::unlink(path_.c_str());
  acceptor_.open(Protocol(), error);
  if (!error) {
    // The mode must be right from the first moment.
    const auto mask = ::umask(0177);
    acceptor_.bind(Protocol::endpoint(path_), error);
    ::umask(mask);
  }
  if (!error) {
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) {
    asio::error_code ignored;
    acceptor_.close(ignored);
    return problem(error.message());
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
    if (error) { // no file descriptor left: asking at once again would be asking all the time
      pause_.expires_after(kAcceptPause);
      pause_.async_wait([this](asio::error_code stopped) {
        if (!stopped) {
          accept();
        }
      });
      return;
    }
    admit(std::move(socket));
    accept();
  });
}

void ControlServer::admit(Protocol::socket socket) {
  if (clients_.size() >= kMaxClients && !make_room()) {
    constexpr std::string_view kRefusal = "{\"error\":\"too many clients of the control socket; try again later\"}\n";
    asio::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(kRefusal), ignored);
    return;
  }
  const auto id = next_client_++;
  clients_[id] = std::make_shared<Client>(std::move(socket), id, *this);
  clients_[id]->read();
}

/// Closes the one that has wanted nothing for longest.
bool ControlServer::make_room() {
  std::shared_ptr<Client> idle;
  for (const auto& [id, client] : clients_) {
    if (client->owes_nothing() && (!idle || client->active() < idle->active())) {
      idle = client;
    }
  }
  complain(Trouble::too_many,
           idle ? "too many clients; one that asks nothing is closed" : "too many clients; one is refused");
  if (idle) {
    idle->close();
  }
  return idle != nullptr;
}

void ControlServer::complain(Trouble trouble, const std::string& text) {
  handlers_.on_fault(Fault::rejected);
  if (auto& limit = complaints_[trouble]; limit.due(Clock::now().time_since_epoch())) {
    spdlog::warn("control socket: {}{}", text, limit.passed_over());
  }
}

void ControlServer::close() {
  if (!listening_) {
    return;
  }
  listening_ = false;
  asio::error_code ignored;
  acceptor_.close(ignored);
  pause_.cancel();
  while (!clients_.empty()) {
    clients_.begin()->second->close();
  }
  ::unlink(path_.c_str());
}

} // namespace bmsd::actors
