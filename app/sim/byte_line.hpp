// A byte stream that the daemon can open: a pseudo-terminal, or a TCP port as a serial device server.
//
// I/O thread only. Bytes that nobody reads are lost, as on a real line.
#pragma once

#include "messages/error.hpp"
#include "messages/frame.hpp"
#include "transports/address.hpp"

#include <asio/io_context.hpp>

#include <functional>
#include <memory>
#include <string>

namespace bmsd::sim {

class ByteLine {
public:
  virtual ~ByteLine() = default;
  virtual void write(ByteView bytes) = 0;
  /// What to give to the daemon: "/tmp/pack0", "tcp:127.0.0.1:4001".
  virtual std::string link() const = 0;

  std::function<void(ByteView)> on_bytes;
};

/// A pty whose slave is linked from `path`; empty: no link. The link goes away with the object. A
/// stale symlink at `path` is replaced, anything else there is an error.
Result<std::unique_ptr<ByteLine>> open_pty_line(asio::io_context& io, const std::string& path);
/// Listens; port 0 takes a free one. One client at a time, a new one takes the place of the old one.
Result<std::unique_ptr<ByteLine>> open_tcp_line(asio::io_context& io, const std::string& host, std::uint16_t port);
/// By the kind of address; Fault::unsupported for those that are no byte stream.
Result<std::unique_ptr<ByteLine>> open_byte_line(asio::io_context& io, const transports::LinkAddress& address);

} // namespace bmsd::sim
