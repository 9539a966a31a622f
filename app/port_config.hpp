// Ports as users write them: `--port` SPEC and the keys of a [port NAME] section.
#pragma once

#include "actors/config.hpp"
#include "messages/error.hpp"
#include "protocols/core/protocol.hpp"

#include <span>
#include <string>
#include <string_view>

namespace bmsd::app {

/// One key of a port, in a SPEC (lower case) or a [port] section.
struct PortKey {
  std::string_view name;
  std::string_view allowed;
  std::string_view text; ///< one line for the documentation
  Result<void> (*apply)(actors::PortConfig&, std::string_view value);
};

std::span<const PortKey> port_keys();

/// Fault::unsupported: no such key; Fault::rejected: a value that is not allowed, with what is.
Result<void> apply_port_key(actors::PortConfig& port, std::string_view key, std::string_view value);

/// What a link is good for.
protocols::Medium medium_of(const transports::LinkAddress& address);

/// Whether its keys fit each other: a protocol that can be spoken on this link, and addresses that it has.
Result<void> check_port(const actors::PortConfig& port);
/// Whether its protocol has these options.
Result<void> check_options(const actors::PortConfig& port);

/// `LINK[,key=value]...`, as in `--port`. Commas inside an MQTT topic are not possible.
Result<actors::PortConfig> parse_port_spec(std::string_view spec);

/// The name a port has when the user gives none: "ttyUSB0", "tcp_host_9999", "vecan0", "mqtt_topic".
std::string default_port_name(const transports::LinkAddress& address);

/// "1-4", "1,3", "0x02", 0..255 each; or "auto".
struct AddressChoice {
  bool all = false; ///< "auto"
  std::vector<std::uint32_t> list;
};
Result<AddressChoice> parse_addresses(std::string_view text);

/// Two ports of one name would share a bus name and state.
Result<void> check_ports(const actors::DaemonConfig& config);

/// true/false, yes/no, on/off, 1/0.
Result<bool> parse_bool(std::string_view text);
Result<double> parse_number(std::string_view text, double low, double high);

} // namespace bmsd::app
