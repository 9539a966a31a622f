#include "app/ctl/control_client.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

namespace bmsd::app {

namespace {

/// Readable for ever once a signal has come. Of the process, as signals are.
volatile std::sig_atomic_t signalled = -1;

} // namespace

ControlClient::~ControlClient() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

void ControlClient::stop_by_signal() {
  signalled = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct sigaction action {}; // without SA_RESTART: writing to a pipe that nobody reads ends as well
  action.sa_handler = [](int) {
    const int before = errno;
    ::eventfd_write(signalled, 1);
    errno = before;
  };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

Result<void> ControlClient::connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return Error{Fault::rejected, "the socket path is too long: " + path};
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    std::string text = "no daemon at " + path + ": " + std::strerror(errno);
    if (errno == ENOENT || errno == ECONNREFUSED) {
      text += " (is bmsd running? --socket PATH if it uses another one)";
    } else if (errno == EACCES) {
      text += " (the socket belongs to the user that runs bmsd)";
    }
    return Error{Fault::link, text};
  }
  return {};
}

Result<void> ControlClient::send(const Json& request) {
  const auto line = request.dump() + "\n";
  std::size_t done = 0;
  while (done < line.size()) {
    const auto n = ::send(fd_, line.data() + done, line.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return Error{Fault::link, std::string("the daemon closed the connection: ") + std::strerror(errno)};
    }
    done += static_cast<std::size_t>(n);
  }
  return {};
}

Result<Json> ControlClient::receive(double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
  while (true) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      auto json = Json::parse(buffer_.substr(0, end), nullptr, false);
      buffer_.erase(0, end + 1);
      return json.is_discarded() ? Result<Json>(Error{Fault::framing, "the daemon sent something that is no JSON"})
                                 : Result<Json>(std::move(json));
    }
    int wait = -1;
    if (seconds >= 0) {
      wait = static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count());
      if (wait <= 0) {
        return Error{Fault::timeout, "the daemon does not answer"};
      }
    }
    std::array<pollfd, 2> waiting = {{{fd_, POLLIN, 0}, {signalled, POLLIN, 0}}}; // one below 0 is left out
    const int ready = ::poll(waiting.data(), waiting.size(), wait);
    if (waiting[1].revents != 0) {
      interrupted_ = true;
      return Error{Fault::link, "interrupted"};
    }
    if (ready > 0) {
      char chunk[16384];
      const auto n = ::read(fd_, chunk, sizeof chunk);
      if (n <= 0) {
        return Error{Fault::link, "the daemon closed the connection"};
      }
      buffer_.append(chunk, static_cast<std::size_t>(n));
    }
  }
}

Result<Json> ControlClient::ask(const Json& request) {
  const auto sent = send(request);
  auto answer = receive(10); // who has closed the connection may have said why
  if (!answer && !sent) {
    return sent.error();
  }
  if (answer && answer->contains("error")) {
    return Error{Fault::refused, (*answer)["error"].get<std::string>()};
  }
  return answer;
}

} // namespace bmsd::app
