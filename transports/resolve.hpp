// Host name to addresses, without blocking the I/O thread.
#pragma once

#include "messages/error.hpp"
#include "transports/background.hpp"

#include <asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bmsd::transports {

/// Calls `done` on the I/O thread, unless the returned call is destroyed first. Fault::link when
/// there is no such host.
BackgroundCall resolve_tcp(asio::io_context& io, std::string host, std::uint16_t port,
                           std::function<void(Result<std::vector<asio::ip::tcp::endpoint>>)> done);

} // namespace bmsd::transports
