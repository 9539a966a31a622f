// The link part of a port specification: where a battery is connected.
//
//   /dev/ttyUSB0                  serial port
//   tcp:HOST:PORT                 serial device server; an IPv6 address goes in [brackets]
//   can:vecan0                    SocketCAN interface
//   slcan:/dev/ttyACM0[@500000]   CAN adapter that speaks slcan, with the bit rate of the bus
//   mqtt:HOST[:PORT]/TOPIC        documents from a broker; TOPIC may hold wildcards
//
// Pure text handling, any thread. What is wrong and what would be right is in Error::detail.
#pragma once

#include "messages/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace bmsd::transports {

struct SerialAddress {
  std::string path;
  friend bool operator==(const SerialAddress&, const SerialAddress&) = default;
};

struct TcpAddress {
  std::string host; ///< name or address, without brackets
  std::uint16_t port = 0;
  friend bool operator==(const TcpAddress&, const TcpAddress&) = default;
};

struct CanAddress {
  std::string interface;
  friend bool operator==(const CanAddress&, const CanAddress&) = default;
};

inline constexpr int kDefaultSlcanBitrate = 500000; ///< bit/s

struct SlcanAddress {
  std::string path;
  int bitrate = kDefaultSlcanBitrate; ///< bit/s
  friend bool operator==(const SlcanAddress&, const SlcanAddress&) = default;
};

inline constexpr std::uint16_t kDefaultMqttPort = 1883;

struct MqttAddress {
  std::string host;
  std::uint16_t port = kDefaultMqttPort;
  std::string topic;
  friend bool operator==(const MqttAddress&, const MqttAddress&) = default;
};

using LinkAddress = std::variant<SerialAddress, TcpAddress, CanAddress, SlcanAddress, MqttAddress>;

Result<LinkAddress> parse_address(std::string_view text);

/// The shortest text that parse_address() reads as the same address.
std::string to_string(const LinkAddress& address);

/// MQTT 3.1.1, 4.7: `#` is the whole last level, `+` a whole level.
bool is_topic_filter(std::string_view topic);

/// The letter N of the slcan command SN for a bit rate; Fault::rejected for any other rate.
Result<char> slcan_bitrate_code(int bitrate);

} // namespace bmsd::transports
