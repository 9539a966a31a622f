// The configuration as the actors see it; read from files by app/config_file.
#pragma once

#include "actors/battery/battery_settings.hpp"
#include "messages/frame.hpp"
#include "transports/address.hpp"
#include "transports/dbus/bus_address.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bmsd::actors {

/// Access to a broker, for ports of the form mqtt:HOST/TOPIC.
struct MqttAccess {
  bool tls = false;
  std::string ca_file;   ///< empty: the system's store
  bool insecure = false; ///< do not verify the broker's name
  std::string username, password, password_file;
  std::string certificate, key; ///< client certificate
  std::string availability_topic;
  friend bool operator==(const MqttAccess&, const MqttAccess&) = default;
};

struct PortConfig {
  std::string name; ///< short and unique: "ttyUSB0", "vecan0", "mqtt_battery_1"
  transports::LinkAddress address;
  std::string protocol;                  ///< registry key; empty: searched
  std::vector<std::string> search_among; ///< registry keys; empty: all
  std::vector<std::uint32_t> addresses;  ///< empty: the protocol's default
  bool all_addresses = false;            ///< every address of the protocol is looked for
  std::optional<LineSettings> line;      ///< empty: the protocol's own
  std::optional<double> poll_interval;   ///< s
  std::string battery_name;              ///< custom name as long as the user has set none
  std::string adapter;                   ///< USB serial number or path; empty: by tty name
  MqttAccess mqtt;
  double stale_after = 10.0; ///< s without a document until the battery counts as silent
  bool allow_writes = false;
  std::map<std::string, std::string, std::less<>> options; ///< of one protocol, lower case
  friend bool operator==(const PortConfig&, const PortConfig&) = default;

  /// For a serial port that does not say itself what is spoken there; none: anything.
  void expect(const std::vector<std::string>& protocols);
};

/// One line of a configuration file, kept to be laid over the defaults of one battery.
struct ConfigLine {
  std::string key, value, where; ///< "bmsd.ini:12"
  std::string problem;           ///< why the value could not be read; empty: it could
  friend bool operator==(const ConfigLine&, const ConfigLine&) = default;
};

struct ConfigIssue {
  std::string where; ///< "bmsd.ini:12"; empty: no line sets any of the keys
  std::string text;
};

/// The settings of one battery, and what is wrong with them.
struct BatterySetup {
  battery::BatterySettings settings;
  std::vector<ConfigIssue> issues;
  bool safe = true; ///< false: a problem in a safety-relevant key; do not charge or discharge
};

struct DaemonConfig {
  std::vector<PortConfig> ports;
  bool search_ports = false; ///< no port configured: use the adapters that are there
  std::vector<std::string> excluded_devices;
  std::vector<std::string> serial_protocols;               ///< BMS_TYPE; empty: all are searched
  std::vector<std::uint32_t> addresses;                    ///< BATTERY_ADDRESSES
  bool all_addresses = false;                              ///< BATTERY_ADDRESSES = auto
  std::map<std::string, std::string, std::less<>> options; ///< of single protocols
  bool port_as_id = false;                                 ///< USE_PORT_AS_UNIQUE_ID
  int product_id = 0xBA77;
  bool publish_config_values = false;
  bool publish_json = false;
  std::vector<ConfigLine> defaults;                             ///< [DEFAULT]
  std::map<std::string, std::vector<ConfigLine>> port_lines;    ///< [port NAME], battery keys only
  std::map<std::string, std::vector<ConfigLine>> battery_lines; ///< [battery ID]

  /// [DEFAULT], then [port], then [battery].
  BatterySetup setup_of(const std::string& port, const std::string& battery_id) const;
};

} // namespace bmsd::actors
