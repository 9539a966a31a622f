// bmsd: the daemon's command line.
#include "app/command_line.hpp"
#include "app/config_doc.hpp"
#include "app/config_file.hpp"
#include "app/daemon.hpp"
#include "app/defaults.hpp"
#include "app/port_config.hpp"
#include "transports/dbus/bus_address.hpp"

#include <CLI/CLI.hpp>
#include <malloc.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>
#include <filesystem>
#include <iostream>

namespace {

using namespace bmsd;

struct CommandLine {
  std::string config;
  std::vector<std::string> ports;
  std::string bus, state_dir, socket, log_level;
  bool check_config = false;
};

/// The configuration with the command line laid over it.
Result<app::LoadedConfig> load(const CommandLine& line) {
  if (auto bus = dbus::bus_address(line.bus); !bus && !line.bus.empty()) {
    return Error{Fault::rejected, "--bus: " + bus.error().detail};
  }
  app::LoadedConfig loaded;
  const auto place = app::defaults();
  const auto path = line.config.empty() ? place.config : line.config;
  if (!line.config.empty() || std::filesystem::exists(path)) {
    auto file = app::load_config(path);
    if (!file) {
      return file.error();
    }
    loaded = std::move(*file);
  }
  const auto lay_over = [](std::string& target, const std::string& given, const std::string& otherwise) {
    target = !given.empty() ? given : !target.empty() ? target : otherwise;
  };
  lay_over(loaded.options.bus, line.bus, "system");
  lay_over(loaded.options.state_dir, line.state_dir, place.state_dir);
  lay_over(loaded.options.socket, line.socket, place.socket);
  lay_over(loaded.options.log_level, line.log_level, "info");
  if (!line.ports.empty()) {
    loaded.config.ports.clear();
  }
  for (const auto& spec : line.ports) {
    auto port = app::parse_port_spec(spec);
    if (!port) {
      return Error{Fault::rejected, "--port " + spec + ": " + port.error().detail};
    }
    loaded.config.ports.push_back(*port);
  }
  loaded.config.search_ports = loaded.config.ports.empty() && !loaded.names_ports;
  if (auto unique = app::check_ports(loaded.config); !unique) {
    return unique.error();
  }
  return loaded;
}

bool set_log_level(const std::string& name) {
  const auto level = app::log_level(name);
  if (level) {
    spdlog::set_level(*level);
  }
  return level.has_value();
}

int check(const app::LoadedConfig& loaded) {
  for (const auto& message : loaded.messages) {
    std::cout << message.where << ": " << (message.error ? "" : "note: ") << message.text << "\n";
  }
  if (loaded.has_errors()) {
    return 1;
  }
  std::cout << "configuration ok: " << loaded.config.ports.size() << " port(s)"
            << (loaded.config.search_ports ? ", USB serial adapters are searched" : "") << "\n";
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App cli{"bmsd " BMSD_VERSION ": serves the batteries of a Victron GX device.\n"
               "Speaks to battery management systems over serial, TCP, CAN and MQTT, computes charge limits\n"
               "and publishes com.victronenergy.battery.* on D-Bus. Runs in the foreground, logs to stdout."};
  CommandLine line;
  const auto place = app::defaults();
  cli.add_option("--config", line.config, "configuration file [" + place.config + "]")->type_name("FILE");
  cli.add_option("--port", line.ports,
                 "a port to serve; may be given many times. LINK[,key=value]... with LINK one of\n"
                 "/dev/TTY, tcp:HOST:PORT, can:IF, slcan:/dev/TTY[@BITRATE], mqtt:HOST[:PORT]/TOPIC\n"
                 "and keys protocol, address, baud, parity, poll, name, adapter, allow_writes ...\n"
                 "Without any, the configuration's; without those, all USB serial adapters are searched")
      ->type_name("SPEC");
  cli.add_option("--bus", line.bus, "system, session, a D-Bus address, or none [system]")->type_name("BUS");
  cli.add_option("--state-dir", line.state_dir, "what must survive a restart [" + place.state_dir + "]")
      ->type_name("DIR");
  cli.add_option("--socket", line.socket, "control socket for bmsctl [" + place.socket + "]")->type_name("PATH");
  cli.add_option("--log-level", line.log_level, "error, warning, info, debug [info]")->type_name("LEVEL");
  cli.add_flag("--check-config", line.check_config, "read the configuration, say all that is wrong with it, and end");
  bool print_config = false;
  cli.add_flag("--print-config", print_config, "print a configuration file with every key explained, and end");
  cli.set_version_flag("--version", "bmsd " BMSD_VERSION);
  if (const auto status = app::parse_command_line(cli, argc, argv)) {
    return *status;
  }
  if (print_config) {
    std::cout << app::config_template();
    return app::after_output(0);
  }

  spdlog::set_default_logger(spdlog::stdout_logger_mt("main"));
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S.%e %l: %v");
  spdlog::flush_on(spdlog::level::debug);
  std::signal(SIGPIPE, SIG_IGN);
  mallopt(M_ARENA_MAX, 2); // few threads; each further arena is memory that nobody gets back

  auto loaded = load(line);
  if (!loaded) {
    std::cerr << "bmsd: " << loaded.error().detail << "\n";
    return 2;
  }
  if (line.check_config) {
    return app::after_output(check(*loaded));
  }
  if (!set_log_level(loaded->options.log_level)) {
    std::cerr << "bmsd: unknown log level \"" << loaded->options.log_level
              << "\"; there are error, warning, info, debug\n";
    return 2;
  }
  for (const auto& message : loaded->messages) {
    spdlog::log(message.error ? spdlog::level::err : spdlog::level::info, "{}: {}", message.where, message.text);
  }
  app::DaemonSetup setup{std::move(loaded->config), std::move(loaded->options), [line] { return load(line); }};
  return app::Daemon(std::move(setup)).run();
}
