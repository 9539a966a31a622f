#include "app/config_file.hpp"

#include "actors/state_store.hpp"
#include "app/ini_reader.hpp"
#include "app/port_config.hpp"
#include "protocols/core/protocol.hpp"
#include "transports/dbus/bus_address.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

namespace bmsd::app {

namespace {

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::toupper(c); });
  return result;
}

std::vector<std::string> list_of(const std::string& text) {
  std::vector<std::string> items;
  std::string item;
  for (char c : text + ",") {
    if (c == ',') {
      if (!item.empty()) {
        items.push_back(item);
      }
      item.clear();
    } else if (c != ' ' && c != '\t') {
      item += c;
    }
  }
  return items;
}

/// Keys of dbus-serialbattery that mean something to its installer or to what bmsd does by itself.
constexpr std::array kWithoutEffect = {
    "BLUETOOTH_BMS",
    "BLUETOOTH_USE_POLLING",
    "BLUETOOTH_FORCE_RESET_BLE_STACK",
    "BLUETOOTH_USE_USB",
    "SERIAL_STARTER_ENABLED",
    "GUI_INSTALL_CUSTOMIZATIONS",
    "TELEMETRY",
    "BMS_CAPTURE_RAW_DATA",
    "BMS_CAPTURE_RAW_DATA_MAX_SIZE_MB",
    "BMS_CAPTURE_RAW_DATA_BACKUP_COUNT",
};

/// Options of single protocols, under the names that dbus-serialbattery gives them in [DEFAULT].
constexpr std::array kProtocolOptions = {
    "UP16S_REQUIRE_DIRECT_CONNECTION",
    "INVERT_CURRENT_MEASUREMENT",
    "GREENMETER_ADDRESS",
    "LIPRO_START_ADDRESS",
    "LIPRO_END_ADDRESS",
    "LIPRO_CELL_COUNT",
    "UBMS_CAN_MODULE_SERIES",
    "UBMS_CAN_MODULE_PARALLEL",
};

template <class List>
bool contains(const List& list, std::string_view key) {
  return std::find(list.begin(), list.end(), key) != list.end();
}

class Loader {
public:
  explicit Loader(const std::string& path) : file_(path.substr(path.find_last_of('/') + 1)) {}

  LoadedConfig load(const IniFile& ini) {
    for (const auto& line : ini.lines) {
      take(line);
    }
    for (const auto& problem : ini.problems) {
      take_problem(problem, ini.rest_lost && &problem == &ini.problems.back());
    }
    make_ports();
    drop_duplicates();
    check_batteries();
    sort_messages();
    return std::move(loaded_);
  }

private:
  std::string where(int line) const { return file_ + ":" + std::to_string(line); }
  void error(int line, std::string text) { loaded_.messages.push_back({where(line), std::move(text), true}); }
  void note(int line, std::string text) { loaded_.messages.push_back({where(line), std::move(text), false}); }

  void take(const IniLine& line) {
    if (line.begins) {
      begin(line);
    } else if (auto* lines = battery::is_battery_key(upper(line.key)) ? battery_lines_of(line.section) : nullptr) {
      take_battery_key(*lines, line);
    } else if (line.section.empty() || line.section == "DEFAULT") {
      take_default(line);
    } else if (line.section == "bmsd") {
      take_daemon(line);
    } else if (line.section.starts_with("port ")) {
      take_port(line, line.section.substr(5));
    } else if (line.section.starts_with("battery ")) {
      error(line.line, "unknown key " + line.key + "; [battery ID] takes the battery keys of [DEFAULT]");
    }
  }

  /// A line that cannot be read. With a battery key it is an error of that key.
  void take_problem(const IniProblem& problem, bool rest_lost) {
    if (rest_lost) { // whatever it said of voltages and currents: the defaults may be too much for these batteries
      loaded_.config.defaults.push_back({"", "", where(problem.line), problem.text});
      return;
    }
    if (battery::is_battery_key(upper(problem.key))) {
      if (auto* lines = battery_lines_of(problem.section)) {
        lines->push_back({problem.key, "", where(problem.line), problem.key + ": " + problem.text});
        return;
      }
    }
    if (problem.section.starts_with("port ") && upper(problem.key) == "LINK") {
      without_link_.insert(problem.section.substr(5));
    }
    error(problem.line, problem.text);
  }

  std::vector<actors::ConfigLine>* battery_lines_of(const std::string& section) {
    auto& config = loaded_.config;
    return section.empty() || section == "DEFAULT" ? &config.defaults
           : section.starts_with("port ")          ? &config.port_lines[actors::sanitized(section.substr(5))]
           : section.starts_with("battery ")       ? &config.battery_lines[section.substr(8)]
                                                   : nullptr;
  }

  void begin(const IniLine& line) {
    const auto& section = line.section;
    if (section.starts_with("port ")) {
      begin_port(line, section.substr(5));
    } else if (section != "DEFAULT" && section != "bmsd" && !section.starts_with("battery ")) {
      error(line.line, "unknown section [" + section + "]; there are [bmsd], [DEFAULT], [port NAME], [battery ID]");
    }
  }

  // -- [bmsd] -------------------------------------------------------------------------

  void take_daemon(const IniLine& line) {
    auto& options = loaded_.options;
    const auto key = upper(line.key);
    if (key == "BUS") {
      take_bus(line);
    } else if (key == "STATE_DIR") {
      options.state_dir = line.value;
    } else if (key == "SOCKET") {
      options.socket = line.value;
    } else if (key == "LOG_LEVEL") {
      take_log_level(line);
    } else if (key == "PRODUCT_ID") {
      if (const auto id = number_up_to(0xFFFF, "0xFFFF", line)) {
        loaded_.config.product_id = static_cast<int>(*id);
      }
    } else if (key == "WORKERS") {
      options.workers = number_up_to(8, "8", line).value_or(0);
    } else {
      error(line.line,
            "unknown key " + line.key + "; [bmsd] has BUS, STATE_DIR, SOCKET, LOG_LEVEL, PRODUCT_ID, WORKERS");
    }
  }

  void take_bus(const IniLine& line) {
    loaded_.options.bus = line.value; // a wrong one, too: bmsd does not start on another bus instead
    if (auto bus = dbus::bus_address(line.value); !bus && !line.value.empty()) {
      error(line.line, "BUS: " + bus.error().detail);
    }
  }

  void take_log_level(const IniLine& line) {
    if (log_level(line.value)) {
      loaded_.options.log_level = line.value;
    } else if (!line.value.empty()) {
      error(line.line, line.key + ": \"" + line.value + "\" is not allowed; allowed is error, warning, info, debug");
    }
  }

  std::optional<unsigned> number_up_to(unsigned limit, const char* limit_text, const IniLine& line) {
    char* end = nullptr;
    const long number = std::strtol(line.value.c_str(), &end, 0);
    if (line.value.empty() || *end != '\0' || number < 0 || number > static_cast<long>(limit)) {
      error(line.line, line.key + ": \"" + line.value + "\" is not allowed; allowed is 0.." + limit_text);
      return std::nullopt;
    }
    return static_cast<unsigned>(number);
  }

  // -- [DEFAULT] ----------------------------------------------------------------------

  void take_default(const IniLine& line) {
    const auto key = upper(line.key);
    if (contains(kProtocolOptions, key)) {
      std::string name = key;
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
      options_[name] = line.value;
    } else if (contains(kWithoutEffect, key)) {
      if (!line.value.empty()) {
        note(line.line, line.key + " has no effect in bmsd");
      }
    } else if (key.starts_with("MQTT_")) {
      take_mqtt(line, key);
    } else if (key == "LOGGING") {
      take_log_level(line);
    } else if (key == "CAN_PORT") {
      can_ports_ = list_of(line.value);
    } else if (key == "EXCLUDED_DEVICES") {
      loaded_.config.excluded_devices = list_of(line.value);
    } else if (key == "BMS_TYPE") {
      take_bms_type(line);
    } else if (key == "BATTERY_ADDRESSES" || key == "MODBUS_ADDRESSES") {
      take_addresses(line);
    } else if (key == "USE_PORT_AS_UNIQUE_ID") {
      if (auto on = parse_bool(line.value); on) {
        loaded_.config.port_as_id = *on;
      } else {
        error(line.line, key + ": " + on.error().detail);
      }
    } else {
      error(line.line, "unknown key " + line.key);
    }
  }

  void take_battery_key(std::vector<actors::ConfigLine>& lines, const IniLine& line) {
    if (auto name = battery::renamed(line.key)) {
      note(line.line, line.key + " is called " + std::string(*name) + " now");
    }
    lines.push_back({line.key, line.value, where(line.line), {}});
  }

  void take_mqtt(const IniLine& line, const std::string& key) {
    auto& access = mqtt_.mqtt;
    const auto flag = [&](bool& target) {
      if (auto on = parse_bool(line.value); on) {
        target = *on;
      } else if (!line.value.empty()) {
        error(line.line, key + ": " + on.error().detail);
      }
    };
    if (key == "MQTT_TOPIC") {
      topics_ = list_of(line.value);
    } else if (key == "MQTT_BROKER_ADDRESS") {
      broker_.host = line.value;
    } else if (key == "MQTT_BROKER_PORT") {
      if (auto port = parse_number(line.value, 1, 65535); port) {
        broker_.port = static_cast<std::uint16_t>(*port);
      } else {
        error(line.line, key + ": " + port.error().detail);
      }
    } else if (key == "MQTT_TLS_ENABLED") {
      flag(access.tls);
    } else if (key == "MQTT_TLS_PATH_TO_CA") {
      access.ca_file = line.value;
    } else if (key == "MQTT_TLS_INSECURE") {
      flag(access.insecure);
    } else if (key == "MQTT_USERNAME") {
      access.username = line.value;
    } else if (key == "MQTT_PASSWORD") {
      access.password = line.value;
    } else {
      error(line.line, "unknown key " + line.key);
    }
  }

  void take_bms_type(const IniLine& line) {
    serial_protocols_.clear();
    for (const auto& type : list_of(line.value)) {
      const auto* info = protocols::find_protocol(type);
      if (info == nullptr) {
        error(line.line, "BMS_TYPE: there is no protocol \"" + type + "\"; see bmsctl protocols");
      } else if (info->medium == protocols::Medium::serial) {
        serial_protocols_.emplace_back(info->key);
      }
    }
  }

  void take_addresses(const IniLine& line) {
    if (line.value.empty()) {
      return;
    }
    if (auto addresses = parse_addresses(line.value); addresses) {
      addresses_ = addresses->list;
      all_addresses_ = addresses->all;
    } else {
      error(line.line, line.key + ": " + addresses.error().detail);
    }
  }

  // -- [port] ---------------------------------------------------------------------------

  void begin_port(const IniLine& line, const std::string& name) {
    loaded_.names_ports = true;
    if (auto [it, is_new] = ports_.try_emplace(name); is_new) {
      it->second.name = actors::sanitized(name);
      it->second.address = transports::SerialAddress{"/dev/" + name};
      port_order_.push_back(name);
      port_lines_[it->second.name] = line.line;
    }
  }

  void take_port(const IniLine& line, const std::string& name) {
    if (auto applied = apply_port_key(ports_[name], line.key, line.value); !applied) {
      error(line.line, applied.error().detail);
      if (upper(line.key) == "LINK") {
        without_link_.insert(name); // that of its name is another one
      }
    }
  }

  // -- the whole -------------------------------------------------------------------------

  void make_ports() {
    auto& ports = loaded_.config.ports;
    for (const auto& name : port_order_) {
      const auto& port = ports_[name];
      if (auto fits = check_port(port); !fits) {
        error(port_lines_[port.name], fits.error().detail);
      } else if (!without_link_.contains(name)) {
        if (auto options = check_options(port); !options) {
          error(port_lines_[port.name], options.error().detail);
        }
        ports.push_back(port);
      }
    }
    for (const auto& interface : can_ports_) {
      actors::PortConfig port;
      port.address = transports::CanAddress{interface};
      port.name = default_port_name(port.address);
      ports.push_back(port);
    }
    for (const auto& topic : topics_) {
      auto port = mqtt_;
      auto address = broker_;
      address.topic = topic;
      port.address = address;
      port.name = default_port_name(port.address);
      ports.push_back(port);
    }
    for (auto& port : ports) {
      port.options.insert(options_.begin(), options_.end());
      if (std::holds_alternative<transports::SerialAddress>(port.address)) {
        if (port.protocol.empty()) {
          port.expect(serial_protocols_);
        }
        const auto* protocol = port.protocol.empty() ? nullptr : protocols::find_protocol(port.protocol);
        const bool addressed = protocol == nullptr || protocol->has_addresses();
        if (addressed && port.addresses.empty() && !port.all_addresses) {
          port.addresses = addresses_;
          port.all_addresses = all_addresses_;
        }
      }
    }
    loaded_.config.options = options_;
    loaded_.config.serial_protocols = serial_protocols_;
    loaded_.config.addresses = addresses_;
    loaded_.config.all_addresses = all_addresses_;
  }

  /// Two batteries' worth of requests on one line would disturb each other: the first one has it.
  void drop_duplicates() {
    std::vector<actors::PortConfig> kept;
    for (auto& port : loaded_.config.ports) {
      const auto twin = std::find_if(kept.begin(), kept.end(), [&](const auto& other) {
        return other.name == port.name || other.address == port.address;
      });
      if (twin == kept.end()) {
        kept.push_back(std::move(port));
        continue;
      }
      const auto line = port_lines_.find(port.name);
      const auto text = "port " + port.name + " (" + transports::to_string(port.address) + ") is given twice; " +
                        twin->name + " (" + transports::to_string(twin->address) + ") counts";
      loaded_.messages.push_back({line == port_lines_.end() ? file_ : where(line->second), text, true});
    }
    loaded_.config.ports = std::move(kept);
  }

  /// Relations between keys show only when all sections are laid over one another.
  void check_batteries() {
    std::set<std::string> seen;
    const auto look = [&](const std::string& port, const std::string& battery) {
      for (const auto& issue : loaded_.config.setup_of(port, battery).issues) {
        if (seen.insert(issue.where + issue.text).second) {
          loaded_.messages.push_back({issue.where.empty() ? file_ : issue.where, issue.text, true});
        }
      }
    };
    look({}, {});
    for (const auto& [port, lines] : loaded_.config.port_lines) {
      look(port, {});
    }
    for (const auto& [battery, lines] : loaded_.config.battery_lines) {
      look({}, battery);
    }
  }

  void sort_messages() {
    const auto line = [](const ConfigMessage& message) {
      const auto colon = message.where.find_last_of(':');
      return colon == std::string::npos ? 0 : std::atoi(message.where.c_str() + colon + 1);
    };
    std::stable_sort(loaded_.messages.begin(), loaded_.messages.end(),
                     [&](const auto& a, const auto& b) { return line(a) < line(b); });
  }

  std::string file_;
  LoadedConfig loaded_;
  std::set<std::string> without_link_;
  std::map<std::string, actors::PortConfig> ports_;
  std::vector<std::string> port_order_;
  std::map<std::string, int> port_lines_; ///< where each begins
  std::vector<std::string> can_ports_, topics_;
  actors::PortConfig mqtt_;
  transports::MqttAddress broker_{"127.0.0.1", transports::kDefaultMqttPort, {}};
  std::vector<std::string> serial_protocols_;
  std::vector<std::uint32_t> addresses_;
  bool all_addresses_ = false;
  std::map<std::string, std::string, std::less<>> options_;
};

} // namespace

std::optional<spdlog::level::level_enum> log_level(std::string_view name) {
  const auto level = upper(name);
  if (level == "ERROR") {
    return spdlog::level::err;
  }
  if (level == "WARNING" || level == "WARN") {
    return spdlog::level::warn;
  }
  if (level == "INFO") {
    return spdlog::level::info;
  }
  if (level == "DEBUG") {
    return spdlog::level::debug;
  }
  return std::nullopt;
}

protocols::ProtocolConfig decoder_defaults(const actors::DaemonConfig& config) {
  const auto settings = config.setup_of({}, {}).settings;
  protocols::ProtocolConfig defaults;
  defaults.soc_low_warning = settings.soc_low_warning;
  defaults.soc_low_alarm = settings.soc_low_alarm;
  defaults.soc_alarms = !settings.soc_calculation;
  defaults.battery_capacity = settings.battery_capacity;
  defaults.options = config.options;
  return defaults;
}

bool LoadedConfig::has_errors() const {
  return std::any_of(messages.begin(), messages.end(), [](const auto& message) { return message.error; });
}

Result<LoadedConfig> load_config(const std::string& path) {
  auto ini = read_ini(path);
  if (!ini) {
    return ini.error();
  }
  return Loader(path).load(*ini);
}

} // namespace bmsd::app
