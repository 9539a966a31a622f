// Makes links. Every link lives on the I/O thread of its io_context, which must outlive it; see
// link.hpp for what all of them promise. Nothing is opened before open().
#pragma once

#include "transports/address.hpp"
#include "transports/link.hpp"

#include <asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace bmsd::transports {

/// Where a tty is now. Called at each open, so that an adapter is found under another name after it
/// has been unplugged; empty: it is not there.
using PathResolver = std::function<std::string()>;

struct SerialOptions {
  std::string path;     ///< for describe(), and to open when there is no resolver
  PathResolver resolve; ///< optional
  LineSettings line;
};

struct TcpOptions {
  std::string host;
  std::uint16_t port = 0;
  std::chrono::milliseconds connect_limit{5000};
};

struct SlcanOptions {
  std::string path;
  PathResolver resolve; ///< optional
  int bitrate = kDefaultSlcanBitrate;
  /// Of the tty; without meaning for USB adapters.
  int baud = 115200;
};

enum class LocalSenders {
  automatic, ///< heard on a vcan interface, where all traffic is local; ignored on a real bus
  heard,
  ignored,
};

struct CanOptions {
  std::string interface;
  /// Frames that another program of this host sends are its own talk with a device, not the BMS.
  LocalSenders local_senders = LocalSenders::automatic;
  struct Filter {
    std::uint32_t id = 0;
    std::uint32_t mask = 0x1FFFFFFF;
    bool extended = false;
  };
  std::vector<Filter> filters; ///< empty: all frames; else those that any filter lets through
};

/// A broker. Links with equal options share one connection.
struct MqttOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = kDefaultMqttPort;
  std::string user;
  std::string password;
  std::string password_file; ///< its first line, read at each connection; used if `password` is empty
  bool tls = false;
  std::string ca_file;     ///< empty: the certificates that the system trusts
  std::string client_cert; ///< with client_key: proves who we are
  std::string client_key;
  bool tls_insecure = false; ///< the broker's certificate is not checked
  std::chrono::seconds keep_alive{60};
  std::chrono::milliseconds connect_limit{5000};
  friend bool operator==(const MqttOptions&, const MqttOptions&) = default;
  friend auto operator<=>(const MqttOptions&, const MqttOptions&) = default;
};

struct MqttTopics {
  std::string documents;    ///< may hold wildcards
  std::string availability; ///< optional: "offline" there means that the device is gone
};

std::unique_ptr<ExchangeLink> make_serial_link(asio::io_context& io, SerialOptions options);
std::unique_ptr<ExchangeLink> make_tcp_link(asio::io_context& io, TcpOptions options);
std::unique_ptr<FrameLink> make_slcan_link(asio::io_context& io, SlcanOptions options);
std::unique_ptr<FrameLink> make_socketcan_link(asio::io_context& io, CanOptions options);
std::unique_ptr<DocumentLink> make_mqtt_link(asio::io_context& io, MqttOptions options, MqttTopics topics);

} // namespace bmsd::transports
