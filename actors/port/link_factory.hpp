// The link that a port's configuration asks for.
#pragma once

#include "actors/config.hpp"
#include "transports/link.hpp"

#include <asio/io_context.hpp>

#include <memory>
#include <string>

namespace bmsd::actors {

/// One of the three kinds, the other pointers are null.
struct MadeLink {
  std::unique_ptr<transports::ExchangeLink> line;
  std::unique_ptr<transports::FrameLink> bus;
  std::unique_ptr<transports::DocumentLink> broker;

  transports::Link* get() const;
};

/// I/O thread, like the link itself.
MadeLink make_link(asio::io_context& io, const PortConfig& config);

/// For people, and as /Mgmt/Connection: "Serial /dev/ttyUSB0".
std::string describe(const PortConfig& config);

} // namespace bmsd::actors
