#include "transports/resolve.hpp"

#include <netdb.h>

#include <cstring>

namespace bmsd::transports {

namespace {

using Endpoints = std::vector<asio::ip::tcp::endpoint>;

Result<Endpoints> look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list); error != 0) {
    return Error{Fault::link, host + ": " + ::gai_strerror(error)};
  }
  Endpoints endpoints;
  for (auto* entry = list; entry != nullptr; entry = entry->ai_next) {
    asio::ip::tcp::endpoint endpoint;
    if (entry->ai_addrlen <= endpoint.capacity()) {
      std::memcpy(endpoint.data(), entry->ai_addr, entry->ai_addrlen);
      endpoint.resize(entry->ai_addrlen);
      endpoints.push_back(endpoint);
    }
  }
  ::freeaddrinfo(list);
  return endpoints;
}

} // namespace

BackgroundCall resolve_tcp(asio::io_context& io, std::string host, std::uint16_t port,
                           std::function<void(Result<std::vector<asio::ip::tcp::endpoint>>)> done) {
  return {io, [host = std::move(host), port, done = std::move(done)]() -> BackgroundCall::Done {
            return [done, endpoints = look_up(host, port)] { done(endpoints); };
          }};
}

} // namespace bmsd::transports
