#include "transports/address.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace bmsd::transports {

namespace {

// Lawicel CANUSB manual, command S.
constexpr std::array kSlcanBitrates = {10000, 20000, 50000, 100000, 125000, 250000, 500000, 800000, 1000000};
constexpr std::size_t kMaxInterfaceName = 15; // IFNAMSIZ - 1
constexpr std::size_t kMaxTopic = 65535;

Error rejected(std::string_view text, std::string_view why) {
  return {Fault::rejected, "\"" + std::string(text) + "\": " + std::string(why)};
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  auto port = parse_number<std::uint16_t>(text);
  return port && *port != 0 ? port : std::nullopt;
}

/// Visible ASCII without slashes. A char may be negative, or above 0x7F.
bool is_plain(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7F && c != '/'; });
}

/// "HOST", "HOST:PORT", "[V6]" or "[V6]:PORT". Without a port, `port` stays 0.
std::optional<TcpAddress> parse_host_port(std::string_view text) {
  TcpAddress address;
  std::string_view rest;
  if (text.starts_with('[')) {
    auto close = text.find(']');
    if (close == std::string_view::npos) {
      return std::nullopt;
    }
    address.host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
  } else {
    auto colon = text.find(':');
    if (colon != text.rfind(':')) {
      return std::nullopt; // an IPv6 address without brackets: where it ends is a guess
    }
    address.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? "" : text.substr(colon);
  }
  if (address.host.empty() || !is_plain(address.host)) {
    return std::nullopt;
  }
  if (!rest.empty()) {
    auto port = rest.front() == ':' ? parse_port(rest.substr(1)) : std::nullopt;
    if (!port) {
      return std::nullopt;
    }
    address.port = *port;
  }
  return address;
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

bool is_interface_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxInterfaceName && name != "." && name != ".." &&
         name.find(':') == std::string_view::npos && is_plain(name);
}

Result<LinkAddress> parse_tcp(std::string_view text, std::string_view rest) {
  auto address = parse_host_port(rest);
  if (!address || address->port == 0) {
    return rejected(text, "expected tcp:HOST:PORT with a port from 1 to 65535, tcp:[ADDRESS]:PORT for IPv6");
  }
  return LinkAddress{std::move(*address)};
}

Result<LinkAddress> parse_can(std::string_view text, std::string_view rest) {
  if (!is_interface_name(rest)) {
    return rejected(text, "expected can:INTERFACE, a name of at most 15 characters such as can0 or vecan0");
  }
  return LinkAddress{CanAddress{std::string(rest)}};
}

Result<LinkAddress> parse_slcan(std::string_view text, std::string_view rest) {
  SlcanAddress address;
  auto at = rest.rfind('@');
  address.path = rest.substr(0, at);
  if (!address.path.starts_with('/')) {
    return rejected(text, "expected slcan:/dev/TTY or slcan:/dev/TTY@BITRATE");
  }
  if (at != std::string_view::npos) {
    auto bitrate = parse_number<int>(rest.substr(at + 1));
    auto code = slcan_bitrate_code(bitrate.value_or(0));
    if (!code) {
      return rejected(text, code.error().detail);
    }
    address.bitrate = *bitrate;
  }
  return LinkAddress{std::move(address)};
}

Result<LinkAddress> parse_mqtt(std::string_view text, std::string_view rest) {
  auto slash = rest.find('/');
  auto broker = parse_host_port(rest.substr(0, slash));
  if (!broker || slash == std::string_view::npos) {
    return rejected(text, "expected mqtt:HOST/TOPIC or mqtt:HOST:PORT/TOPIC");
  }
  auto topic = rest.substr(slash + 1);
  if (!is_topic_filter(topic)) {
    return rejected(text, "the topic is empty, too long or has a wildcard (+, #) that is not a whole level");
  }
  return LinkAddress{
      MqttAddress{std::move(broker->host), broker->port == 0 ? kDefaultMqttPort : broker->port, std::string(topic)}};
}

struct Printer {
  std::string operator()(const SerialAddress& a) const { return a.path; }
  std::string operator()(const TcpAddress& a) const {
    return "tcp:" + bracketed(a.host) + ":" + std::to_string(a.port);
  }
  std::string operator()(const CanAddress& a) const { return "can:" + a.interface; }
  std::string operator()(const SlcanAddress& a) const {
    // A path that holds an @ itself needs the bit rate to be read back right.
    bool plain = a.bitrate == kDefaultSlcanBitrate && a.path.find('@') == std::string::npos;
    return "slcan:" + a.path + (plain ? "" : "@" + std::to_string(a.bitrate));
  }
  std::string operator()(const MqttAddress& a) const {
    return "mqtt:" + bracketed(a.host) + (a.port == kDefaultMqttPort ? "" : ":" + std::to_string(a.port)) + "/" +
           a.topic;
  }
};

} // namespace

Result<LinkAddress> parse_address(std::string_view text) {
  if (text.starts_with('/')) {
    return LinkAddress{SerialAddress{std::string(text)}};
  }
  using Parser = Result<LinkAddress> (*)(std::string_view, std::string_view);
  constexpr std::array<std::pair<std::string_view, Parser>, 4> kParsers = {
      {{"tcp:", parse_tcp}, {"can:", parse_can}, {"slcan:", parse_slcan}, {"mqtt:", parse_mqtt}}};
  for (auto [prefix, parse] : kParsers) {
    if (text.starts_with(prefix)) {
      return parse(text, text.substr(prefix.size()));
    }
  }
  return rejected(text, "expected /dev/TTY, tcp:HOST:PORT, can:INTERFACE, slcan:/dev/TTY[@BITRATE] or "
                        "mqtt:HOST[:PORT]/TOPIC");
}

std::string to_string(const LinkAddress& address) {
  return std::visit(Printer{}, address);
}

bool is_topic_filter(std::string_view topic) {
  if (topic.empty() || topic.size() > kMaxTopic || topic.find('\0') != std::string_view::npos) {
    return false;
  }
  while (true) {
    auto slash = topic.find('/');
    auto level = topic.substr(0, slash);
    bool last = slash == std::string_view::npos;
    if ((level.find('#') != std::string_view::npos && (level != "#" || !last)) ||
        (level.find('+') != std::string_view::npos && level != "+")) {
      return false;
    }
    if (last) {
      return true;
    }
    topic.remove_prefix(slash + 1);
  }
}

Result<char> slcan_bitrate_code(int bitrate) {
  auto found = std::find(kSlcanBitrates.begin(), kSlcanBitrates.end(), bitrate);
  if (found == kSlcanBitrates.end()) {
    std::string allowed;
    for (int each : kSlcanBitrates) {
      allowed += (allowed.empty() ? "" : ", ") + std::to_string(each);
    }
    return Error{Fault::rejected, "slcan knows the bit rates " + allowed};
  }
  return static_cast<char>('0' + (found - kSlcanBitrates.begin()));
}

} // namespace bmsd::transports
