// Reads bmsd.ini, or the config.ini of dbus-serialbattery.
//
//   [bmsd]          the daemon: bus, directories, product id
//   [DEFAULT]       every battery; keys and meanings of dbus-serialbattery's config.ini
//   [port NAME]     one port, and battery keys for what is connected to it
//   [battery ID]    one battery
#pragma once

#include "actors/config.hpp"
#include "messages/error.hpp"
#include "protocols/core/protocol.hpp"

#include <spdlog/common.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bmsd::app {

/// What concerns the process rather than its batteries.
struct DaemonOptions {
  std::string bus; ///< each empty: not said
  std::string state_dir;
  std::string socket;
  std::string log_level;
  unsigned workers = 0; ///< threads of their own for the actors; 0: they run on the I/O thread
};

struct ConfigMessage {
  std::string where; ///< "bmsd.ini:12"
  std::string text;
  bool error = true; ///< false: worth knowing, nothing is wrong
};

struct LoadedConfig {
  actors::DaemonConfig config;
  DaemonOptions options;
  std::vector<ConfigMessage> messages;
  bool names_ports = false; ///< at least one, even if something is wrong with each

  bool has_errors() const;
};

/// error, warning, info, debug; in any case.
std::optional<spdlog::level::level_enum> log_level(std::string_view name);

/// Fault::rejected: the file cannot be read at all. All else is in the messages: the keys that are
/// right count, a wrong one leaves its default (a safety-relevant one stops the batteries it is for).
Result<LoadedConfig> load_config(const std::string& path);

/// What a decoder must know of [DEFAULT].
protocols::ProtocolConfig decoder_defaults(const actors::DaemonConfig& config);

} // namespace bmsd::app
