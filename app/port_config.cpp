#include "app/port_config.hpp"

#include "actors/state_store.hpp"
#include "messages/text.hpp"
#include "protocols/core/protocol.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

namespace bmsd::app {

namespace {

using actors::PortConfig;

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

Error bad(std::string_view value, std::string_view allowed) {
  return {Fault::rejected, "\"" + std::string(value) + "\" is not allowed; allowed is " + std::string(allowed)};
}

Result<void> set_bool(bool& target, std::string_view value) {
  auto parsed = parse_bool(value);
  if (!parsed) {
    return parsed.error();
  }
  target = *parsed;
  return {};
}

template <std::string actors::MqttAccess::*kMember>
Result<void> set_mqtt_text(PortConfig& port, std::string_view value) {
  port.mqtt.*kMember = value;
  return {};
}

template <bool actors::MqttAccess::*kMember>
Result<void> set_mqtt_flag(PortConfig& port, std::string_view value) {
  return set_bool(port.mqtt.*kMember, value);
}

Result<void> set_link(PortConfig& port, std::string_view value) {
  auto address = transports::parse_address(value);
  if (!address) {
    return address.error();
  }
  port.address = *address;
  return {};
}

Result<void> set_protocol(PortConfig& port, std::string_view value) {
  if (lower(value) == "auto" || value.empty()) {
    port.protocol.clear();
    return {};
  }
  const auto* info = protocols::find_protocol(value);
  if (info == nullptr) {
    return Error{Fault::rejected, "there is no protocol \"" + std::string(value) + "\"; see bmsctl protocols"};
  }
  port.protocol = info->key;
  return {};
}

Result<void> set_addresses(PortConfig& port, std::string_view value) {
  auto addresses = parse_addresses(value);
  if (!addresses) {
    return addresses.error();
  }
  port.addresses = addresses->list;
  port.all_addresses = addresses->all;
  return {};
}

Result<void> set_baud(PortConfig& port, std::string_view value) {
  auto baud = parse_number(value, 300, 4000000);
  if (!baud) {
    return baud.error();
  }
  if (!port.line) {
    port.line = LineSettings{};
  }
  port.line->baud = static_cast<int>(*baud);
  return {};
}

Result<void> set_parity(PortConfig& port, std::string_view value) {
  const auto name = lower(value);
  if (name != "none" && name != "even" && name != "odd") {
    return bad(value, "none, even, odd");
  }
  if (!port.line) {
    port.line = LineSettings{};
  }
  port.line->parity = name == "even" ? Parity::even : name == "odd" ? Parity::odd : Parity::none;
  return {};
}

Result<void> set_poll(PortConfig& port, std::string_view value) {
  auto seconds = parse_number(value, 0.1, 3600);
  if (!seconds) {
    return seconds.error();
  }
  port.poll_interval = *seconds;
  return {};
}

Result<void> set_stale_after(PortConfig& port, std::string_view value) {
  auto seconds = parse_number(value, 1, 3600);
  if (!seconds) {
    return seconds.error();
  }
  port.stale_after = *seconds;
  return {};
}

constexpr PortKey kPortKeys[] = {
    {"link", "/dev/TTY, tcp:HOST:PORT, can:IF, slcan:/dev/TTY[@BITRATE], mqtt:HOST[:PORT]/TOPIC",
     "what the battery is connected to; /dev/NAME without it", set_link},
    {"protocol", "a key of bmsctl protocols, or auto", "what the BMS speaks; searched without it", set_protocol},
    {"address", "auto, or numbers 0..255 as 1-4 or 1,3", "addresses of the batteries on this line", set_addresses},
    {"baud", "300..4000000", "baud rate; the protocol's own without it", set_baud},
    {"parity", "none, even, odd", "parity; the protocol's own without it", set_parity},
    {"poll", "0.1..3600 s", "poll interval; the protocol's own without it", set_poll},
    {"name", "text", "name of the battery until the user gives another one",
     [](PortConfig& port, std::string_view value) -> Result<void> {
       port.battery_name = value;
       return {};
     }},
    {"adapter", "USB serial number or path", "find this adapter whatever its tty name is",
     [](PortConfig& port, std::string_view value) -> Result<void> {
       port.adapter = value;
       return {};
     }},
    {"allow_writes", "true, false", "commands may change the BMS",
     [](PortConfig& port, std::string_view value) { return set_bool(port.allow_writes, value); }},
    {"stale_after", "1..3600 s", "MQTT: silent after so long without a valid message", set_stale_after},
    {"mqtt_tls", "true, false", "encrypted connection to the broker", set_mqtt_flag<&actors::MqttAccess::tls>},
    {"mqtt_ca", "file", "certificate authority of the broker; the system's without it",
     set_mqtt_text<&actors::MqttAccess::ca_file>},
    {"mqtt_insecure", "true, false", "do not check who the broker is", set_mqtt_flag<&actors::MqttAccess::insecure>},
    {"mqtt_username", "text", "user at the broker", set_mqtt_text<&actors::MqttAccess::username>},
    {"mqtt_password", "text", "password at the broker", set_mqtt_text<&actors::MqttAccess::password>},
    {"mqtt_password_file", "file", "file whose first line is the password",
     set_mqtt_text<&actors::MqttAccess::password_file>},
    {"mqtt_certificate", "file", "client certificate", set_mqtt_text<&actors::MqttAccess::certificate>},
    {"mqtt_key", "file", "key of the client certificate", set_mqtt_text<&actors::MqttAccess::key>},
    {"mqtt_availability_topic", "topic", "a topic that says offline when the device is gone",
     set_mqtt_text<&actors::MqttAccess::availability_topic>},
};

} // namespace

std::span<const PortKey> port_keys() {
  return kPortKeys;
}

Result<bool> parse_bool(std::string_view text) {
  const auto word = lower(trimmed(text));
  if (word == "true" || word == "yes" || word == "on" || word == "1") {
    return true;
  }
  if (word == "false" || word == "no" || word == "off" || word == "0") {
    return false;
  }
  return bad(text, "true or false");
}

Result<double> parse_number(std::string_view text, double low, double high) {
  text = trimmed(text);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value) || value < low ||
      value > high) {
    char range[64];
    std::snprintf(range, sizeof range, "a number %g..%g", low, high);
    return bad(text, range);
  }
  return value;
}

Result<AddressChoice> parse_addresses(std::string_view text) {
  static constexpr std::string_view kAllowed = "auto, or numbers 0..255 as 1-4 or 1,3 or 0x02";
  std::vector<std::uint32_t> addresses;
  text = trimmed(text);
  if (lower(text) == "auto") {
    return AddressChoice{true, {}};
  }
  const auto number = [](std::string_view digits) -> std::optional<std::uint32_t> {
    digits = trimmed(digits);
    int base = 10;
    if (digits.starts_with("0x") || digits.starts_with("0X")) {
      digits.remove_prefix(2);
      base = 16;
    }
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    return digits.empty() || error != std::errc() || end != digits.data() + digits.size() || value > 255
               ? std::nullopt
               : std::optional(value);
  };
  while (true) {
    const auto comma = text.find_first_of(",;+");
    const auto part = text.substr(0, comma);
    const auto dash = part.find('-');
    const auto first = number(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number(part.substr(dash + 1));
    if (!first || !last || *first > *last) {
      return bad(part, kAllowed);
    }
    for (auto address = *first; address <= *last; ++address) {
      if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
        addresses.push_back(address);
      }
    }
    if (comma == std::string_view::npos) {
      return AddressChoice{false, std::move(addresses)};
    }
    text.remove_prefix(comma + 1);
  }
}

Result<void> apply_port_key(PortConfig& port, std::string_view key, std::string_view value) {
  const auto name = lower(trimmed(key));
  value = trimmed(value);
  for (const auto& known : kPortKeys) {
    if (known.name == name) {
      auto applied = known.apply(port, value);
      return applied ? applied : Result<void>(Error{Fault::rejected, name + ": " + applied.error().detail});
    }
  }
  if (protocols::is_option(name)) {
    port.options[name] = value;
    return {};
  }
  return Error{Fault::unsupported, "unknown key " + std::string(key)};
}

protocols::Medium medium_of(const transports::LinkAddress& address) {
  if (std::holds_alternative<transports::MqttAddress>(address)) {
    return protocols::Medium::document;
  }
  const bool can = std::holds_alternative<transports::CanAddress>(address) ||
                   std::holds_alternative<transports::SlcanAddress>(address);
  return can ? protocols::Medium::can : protocols::Medium::serial;
}

Result<void> check_port(const PortConfig& port) {
  const auto* info = port.protocol.empty() ? nullptr : protocols::find_protocol(port.protocol);
  const auto medium = medium_of(port.address);
  if (info == nullptr) {
    return {};
  }
  const auto wrong = [&](const std::string& what) { return Error{Fault::rejected, "port " + port.name + ": " + what}; };
  if (info->medium != medium) {
    return wrong(port.protocol + " is a protocol for " + std::string(to_string(info->medium)) + " links, " +
                 transports::to_string(port.address) + " is a link for " + std::string(to_string(medium)));
  }
  const bool addresses = port.all_addresses || std::any_of(port.addresses.begin(), port.addresses.end(),
                                                           [](std::uint32_t address) { return address != 0; });
  if (medium == protocols::Medium::serial && addresses && !info->has_addresses()) {
    return wrong(port.protocol + " has no addresses: one battery per line");
  }
  return {};
}

Result<void> check_options(const PortConfig& port) {
  const auto* info = port.protocol.empty() ? nullptr : protocols::find_protocol(port.protocol);
  for (const auto& each : port.options) {
    const auto is_own = [&](const auto& option) { return option.name == each.first; };
    if (info != nullptr && std::none_of(info->options.begin(), info->options.end(), is_own)) {
      return Error{Fault::rejected, "port " + port.name + ": " + port.protocol + " has no option " + each.first};
    }
  }
  return {};
}

std::string default_port_name(const transports::LinkAddress& address) {
  struct {
    static std::string last_part(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }
    std::string operator()(const transports::SerialAddress& a) {
      return a.path.starts_with("/dev/pts/") ? "pts_" + last_part(a.path) : last_part(a.path);
    }
    std::string operator()(const transports::TcpAddress& a) { return "tcp_" + a.host + "_" + std::to_string(a.port); }
    std::string operator()(const transports::CanAddress& a) { return a.interface; }
    std::string operator()(const transports::SlcanAddress& a) { return "slcan_" + last_part(a.path); }
    std::string operator()(const transports::MqttAddress& a) { return "mqtt_" + a.topic; }
  } name;
  return actors::sanitized(std::visit(name, address));
}

Result<void> check_ports(const actors::DaemonConfig& config) {
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const auto& a = config.ports[i];
      const auto& b = config.ports[j];
      if (a.name == b.name || a.address == b.address) {
        return Error{Fault::rejected, "port " + a.name + " (" + transports::to_string(a.address) + ") is given twice"};
      }
    }
  }
  return {};
}

Result<PortConfig> parse_port_spec(std::string_view spec) {
  PortConfig port;
  const auto comma = spec.find(',');
  if (auto link = set_link(port, spec.substr(0, comma)); !link) {
    return link.error();
  }
  port.name = default_port_name(port.address);
  std::string_view rest = comma == std::string_view::npos ? "" : spec.substr(comma + 1);
  while (!rest.empty()) {
    // A part without '=' belongs to a list before it: address=1,3
    auto end = rest.find(',');
    while (end != std::string_view::npos) {
      const auto next = rest.substr(end + 1);
      if (next.substr(0, next.find(',')).find('=') != std::string_view::npos) {
        break;
      }
      end = rest.find(',', end + 1);
    }
    const auto part = rest.substr(0, end);
    const auto equals = part.find('=');
    if (equals == std::string_view::npos) {
      return Error{Fault::rejected, "\"" + std::string(part) + "\" is not key=value"};
    }
    if (auto applied = apply_port_key(port, part.substr(0, equals), part.substr(equals + 1)); !applied) {
      return applied.error();
    }
    rest = end == std::string_view::npos ? "" : rest.substr(end + 1);
  }
  for (const auto& fits : {check_port(port), check_options(port)}) {
    if (!fits) {
      return fits.error();
    }
  }
  return port;
}

} // namespace bmsd::app
