#include "app/sim/byte_line.hpp"

namespace bmsd::sim {

Result<std::unique_ptr<ByteLine>> open_byte_line(asio::io_context& io, const transports::LinkAddress& address) {
  if (const auto* serial = std::get_if<transports::SerialAddress>(&address)) {
    return open_pty_line(io, serial->path);
  }
  if (const auto* tcp = std::get_if<transports::TcpAddress>(&address)) {
    return open_tcp_line(io, tcp->host, tcp->port);
  }
  return Error{Fault::unsupported,
               "'" + to_string(address) + "' is no link for this battery: give PATH or tcp:HOST:PORT"};
}

} // namespace bmsd::sim
