#include "app/ctl/control_client.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

namespace bmsd::app {

ControlClient::~ControlClient() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
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
    pollfd waiting{fd_, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, wait);
    if (ready < 0 && errno == EINTR) {
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
  if (auto sent = send(request); !sent) {
    return sent.error();
  }
  auto answer = receive(10);
  if (answer && answer->contains("error")) {
    return Error{Fault::refused, (*answer)["error"].get<std::string>()};
  }
  return answer;
}

} // namespace bmsd::app
