// bmsctl: the tool for people.
#include "app/command_line.hpp"
#include "app/config_file.hpp"
#include "app/ctl/capture_writer.hpp"
#include "app/ctl/control_client.hpp"
#include "app/ctl/probe.hpp"
#include "app/ctl/protocol_list.hpp"
#include "app/ctl/status_view.hpp"
#include "app/ctl/trace_view.hpp"
#include "app/decode.hpp"
#include "app/defaults.hpp"
#include "app/limits.hpp"
#include "app/port_config.hpp"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>

namespace {

using namespace bmsd;

int fail(const std::string& text) {
  std::cerr << "bmsctl: " << text << "\n";
  return 1;
}

bool on_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}

/// FILE or standard input.
int with_input(const std::string& file, const std::function<int(std::istream&)>& use) {
  if (file.empty() || file == "-") {
    return use(std::cin);
  }
  std::ifstream stream(file);
  if (std::filesystem::is_directory(file)) {
    return fail(file + " is a directory");
  }
  return stream ? use(stream) : fail("cannot read " + file);
}

// -- status -------------------------------------------------------------------------

struct StatusOptions {
  bool json = false;
  bool watch = false;
  double interval = 1.0;
};

int status(const std::string& socket, const StatusOptions& options) {
  app::ControlClient client;
  if (auto connected = client.connect(socket); !connected) {
    return fail(connected.error().detail);
  }
  if (options.watch) {
    client.stop_by_signal();
  }
  double last_messages = -1;
  auto last_time = std::chrono::steady_clock::now();
  while (true) {
    auto answer = client.ask({{"cmd", "status"}});
    if (!answer) {
      return client.interrupted() ? 0 : fail(to_string(answer.error()));
    }
    if (options.json) {
      std::cout << answer->dump() << std::endl;
    } else {
      app::ViewOptions view;
      view.color = on_terminal();
      const auto now = std::chrono::steady_clock::now();
      const double messages = (*answer)["counters"].value("messages", 0.0);
      if (last_messages >= 0) {
        view.messages_per_second = (messages - last_messages) / std::chrono::duration<double>(now - last_time).count();
      }
      last_messages = messages;
      last_time = now;
      if (options.watch && on_terminal()) {
        std::cout << "\033[H\033[2J";
      }
      std::cout << app::render_status(*answer, view) << std::flush;
    }
    if (!options.watch || !std::cout) { // | head
      return 0;
    }
    // Nothing comes unasked: the pause until the next view, which a signal or the end of the daemon cuts short.
    if (auto pause = client.receive(options.interval); !pause && pause.error().fault != Fault::timeout) {
      return client.interrupted() ? 0 : fail(pause.error().detail);
    }
  }
}

// -- trace, capture -------------------------------------------------------------------

struct TraceOptions {
  bool json = false;
  std::vector<std::string> only;
  std::string battery;
};

/// Whether there is a battery or port of that name now.
bool knows(app::ControlClient& client, const std::string& name) {
  const auto answer = client.ask({{"cmd", "status"}});
  const Json status = answer ? *answer : Json::object();
  bool found = false;
  for (const auto& [list, key] : {std::pair("batteries", "id"), std::pair("ports", "name")}) {
    for (const auto& item : status.value(list, Json::array())) {
      found = found || item.value(key, std::string()) == name;
    }
  }
  return found;
}

int trace(const std::string& socket, const TraceOptions& options) {
  app::ControlClient client;
  if (auto connected = client.connect(socket); !connected) {
    return fail(connected.error().detail);
  }
  client.stop_by_signal();
  if (!options.battery.empty() && !knows(client, options.battery)) {
    std::cerr << "bmsctl: no battery and no port is called \"" << options.battery << "\" now; waiting for one\n";
  }
  Json request = {{"cmd", "trace"}};
  if (!options.only.empty()) {
    request["only"] = options.only;
  }
  if (!options.battery.empty()) {
    request["battery"] = options.battery;
  }
  if (auto watching = client.ask(request); !watching) {
    return client.interrupted() ? 0 : fail(to_string(watching.error()));
  }
  while (true) {
    auto line = client.receive(-1);
    if (!line) {
      return client.interrupted() ? 0 : fail(line.error().detail);
    }
    std::cout << (options.json ? line->dump() : app::render_trace(*line)) << std::endl;
    if (!std::cout) {
      return 0; // | head
    }
  }
}

struct CaptureOptions {
  bool json = false;
  std::string file;
  double seconds = 0; ///< 0: until Ctrl-C
};

int capture(const std::string& socket, const CaptureOptions& options) {
  const auto& [json, file, seconds] = options;
  app::ControlClient client;
  if (auto connected = client.connect(socket); !connected) {
    return fail(connected.error().detail);
  }
  auto status = client.ask({{"cmd", "status"}});
  if (!status) {
    return fail(to_string(status.error()));
  }
  app::CaptureWriter writer;
  for (const auto& battery : (*status)["batteries"]) {
    writer.set_protocol(battery.value("port", std::string()), battery.value("protocol", std::string()));
  }
  std::ofstream stream(file, std::ios::app);
  if (!stream) {
    return fail("cannot write " + file);
  }
  if (auto watching = client.ask({{"cmd", "trace"}, {"only", {"frame"}}}); !watching) {
    return fail(to_string(watching.error()));
  }
  client.stop_by_signal();
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  int lines = 0;
  while (true) {
    const auto left = std::chrono::duration<double>(end - std::chrono::steady_clock::now()).count();
    if (seconds > 0 && left <= 0) {
      break;
    }
    auto traced = client.receive(seconds > 0 ? left : -1);
    if (!traced) {
      if (traced.error().fault == Fault::timeout || client.interrupted()) {
        break;
      }
      return fail(traced.error().detail);
    }
    if (auto line = writer.add((*traced)["body"])) {
      stream << line->dump() << std::endl;
      ++lines;
      if (on_terminal() && !json) {
        std::cout << "\r" << lines << " cycles written to " << file << std::flush;
      }
    }
  }
  if (json) {
    std::cout << Json{{"file", file}, {"cycles", lines}}.dump() << "\n";
  } else {
    std::cout << (on_terminal() ? "\r" : "") << lines << " cycles written to " << file << "\n";
  }
  return 0;
}

// -- set, restart ------------------------------------------------------------------------

/// As text, or for programs what the daemon answered.
int say(bool json, const Json& answer, const std::string& text) {
  std::cout << (json ? answer.dump() : text) << "\n";
  return 0;
}

struct SetOptions {
  bool json = false;
  std::string battery, path, value;
};

int set(const std::string& socket, const SetOptions& options) {
  const auto& path = options.path;
  auto value = Json::parse(options.value, nullptr, false);
  if (value.is_discarded() || path == "/CustomName") {
    value = options.value;
  }
  app::ControlClient client;
  if (auto connected = client.connect(socket); !connected) {
    return fail(connected.error().detail);
  }
  if (auto sent = client.send({{"cmd", "set"}, {"battery", options.battery}, {"path", path}, {"value", value}});
      !sent) {
    return fail(sent.error().detail);
  }
  auto answer = client.receive(20);
  if (!answer) {
    return fail(to_string(answer.error()));
  }
  if (answer->contains("error")) {
    return fail((*answer)["error"].get<std::string>());
  }
  switch (answer->value("code", 2)) {
  case 0: return say(options.json, *answer, "ok");
  case 1: return fail(path + " cannot be written, or the value is not allowed there");
  default: return fail("refused by the battery; the daemon's log says why");
  }
}

int restart(const std::string& socket, const std::string& actor, bool json) {
  app::ControlClient client;
  if (auto connected = client.connect(socket); !connected) {
    return fail(connected.error().detail);
  }
  auto answer = client.ask({{"cmd", "restart"}, {"actor", actor}});
  return answer ? say(json, *answer, "restarted " + actor) : fail(answer.error().detail);
}

} // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App cli{"bmsctl " BMSD_VERSION ": looks into a running bmsd, and tries things without one."};
  cli.require_subcommand(0, 1);
  cli.set_version_flag("--version", "bmsctl " BMSD_VERSION);
  std::string socket = app::defaults().socket;
  cli.add_option("--socket", socket, "control socket of the daemon")->type_name("PATH")->capture_default_str();
  cli.fallthrough();
  int result = 0;

  StatusOptions status_options;
  auto* status_command = cli.add_subcommand("status", "batteries, ports, supervision tree, counters");
  status_command->add_flag("--json", status_options.json, "for programs");
  status_command->add_flag("--watch,-w", status_options.watch, "again and again, until Ctrl-C");
  status_command->add_option("--interval", status_options.interval, "seconds between two views")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  status_command->callback([&] { result = status(socket, status_options); });

  TraceOptions trace_options;
  auto* trace_command = cli.add_subcommand("trace", "follows the messages between the actors, until Ctrl-C");
  trace_command->add_flag("--json", trace_options.json, "one JSON object a line");
  trace_command
      ->add_option("--only", trace_options.only,
                   "kinds to show: frame, sample, status, command, outcome, "
                   "identity, lifecycle, link, failure")
      ->delimiter(',')
      ->type_name("KIND,...");
  trace_command->add_option("--battery", trace_options.battery, "of this battery or port alone")->type_name("ID");
  trace_command->callback([&] { result = trace(socket, trace_options); });

  CaptureOptions capture_options;
  auto* capture_command = cli.add_subcommand("capture", "appends the frames of all ports to FILE, for bmsctl decode");
  capture_command->add_option("FILE", capture_options.file)->required();
  capture_command->add_flag("--json", capture_options.json, "for programs, at the end");
  capture_command->add_option("--seconds", capture_options.seconds, "end after so long [until Ctrl-C]")
      ->check(CLI::Range(0.1, 1e6));
  capture_command->callback([&] { result = capture(socket, capture_options); });

  std::string decode_protocol, decode_config, decode_file;
  auto* decode_command = cli.add_subcommand("decode", "decodes capture lines with the protocol code of the daemon");
  decode_command->add_option("--protocol", decode_protocol, "protocol of all lines [as each line says]")
      ->type_name("KEY");
  decode_command->add_option("--config", decode_config, "configuration file for the decoder's settings")
      ->type_name("FILE");
  bool decode_json = false;
  decode_command->add_flag("--json", decode_json, "one JSON object a line, as without a terminal");
  decode_command->add_option("FILE", decode_file, "capture lines [standard input]");
  decode_command->callback([&] {
    protocols::ProtocolConfig defaults;
    if (!decode_config.empty()) {
      auto loaded = app::load_config(decode_config);
      if (!loaded) {
        result = fail(loaded.error().detail);
        return;
      }
      defaults = app::decoder_defaults(loaded->config);
    }
    if (!decode_protocol.empty() && protocols::find_protocol(decode_protocol) == nullptr) {
      result = fail("there is no protocol \"" + decode_protocol + "\"; see bmsctl protocols");
      return;
    }
    result = with_input(decode_file, [&](std::istream& in) {
      const auto output = on_terminal() && !decode_json ? app::DecodeOutput::readable : app::DecodeOutput::json;
      return app::decode_captures(in, std::cout, decode_protocol, defaults, output) ? 0 : 1;
    });
  });

  bool protocols_json = false;
  auto* protocols_command = cli.add_subcommand("protocols", "lists what bmsd speaks");
  bool protocols_markdown = false;
  auto* json_flag = protocols_command->add_flag("--json", protocols_json, "for programs");
  protocols_command->add_flag("--markdown", protocols_markdown, "the two tables of the README")->excludes(json_flag);
  protocols_command->callback([&] {
    std::cout << (protocols_json       ? app::protocols_json().dump(2) + "\n"
                  : protocols_markdown ? app::protocols_markdown() + "\n" + app::readings_markdown()
                                       : app::protocols_table());
  });

  std::string probe_port;
  app::ProbeOptions probe_options;
  auto* probe_command = cli.add_subcommand("probe", "finds out what is connected to a port that no daemon uses");
  probe_command->add_option("PORT", probe_port, "as bmsd --port: /dev/ttyUSB0, tcp:HOST:PORT, can:vecan0 ...")
      ->required();
  probe_command->add_flag("--json", probe_options.json, "one JSON object per find");
  probe_command->add_flag("--all", probe_options.all, "go on after the first find");
  probe_command->callback([&] {
    auto port = app::parse_port_spec(probe_port);
    if (!port) {
      result = fail(port.error().detail);
      return;
    }
    if (auto probed = app::probe(*port, probe_options, std::cout); !probed) {
      result = fail(probed.error().detail);
    }
  });

  SetOptions set_options;
  auto* set_command = cli.add_subcommand("set", "writes a path of a battery, as the GUI does");
  set_command->add_option("BATTERY", set_options.battery, "id, as bmsctl status shows it")->required();
  set_command->add_option("PATH", set_options.path, "/Settings/ForceChargingOff, /CustomName ...")->required();
  set_command->add_option("VALUE", set_options.value)->required();
  set_command->add_flag("--json", set_options.json, "for programs");
  set_command->callback([&] { result = set(socket, set_options); });

  std::string restart_actor;
  auto* restart_command = cli.add_subcommand(
      "restart",
      "ends an actor as a failure would; it comes back by itself. With the supervisor the daemon ends, for the "
      "service manager to start it again");
  restart_command->add_option("ACTOR", restart_actor, "name, as bmsctl status shows it")->required();
  bool restart_json = false;
  restart_command->add_flag("--json", restart_json, "for programs");
  restart_command->callback([&] { result = restart(socket, restart_actor, restart_json); });

  auto* limits_command = cli.add_subcommand("limits", "runs a recorded series through the charge control");
  app::LimitsOptions limits_options;
  limits_options.log = &std::cerr;
  std::string limits_file, limits_config;
  limits_command->add_option("FILE", limits_file, "series, JSON Lines [standard input]");
  limits_command->add_option("--config", limits_config, "settings to try, laid over those of the series")
      ->type_name("FILE");
  limits_command->add_flag("--csv", limits_options.csv, "for spreadsheets");
  limits_command->add_option("--plot", limits_options.plot, "draw voltage, limits, SoC and mode")
      ->type_name("FILE.svg");
  limits_command->callback([&] {
    if (!limits_config.empty()) {
      auto loaded = app::load_config(limits_config);
      if (!loaded) {
        result = fail(loaded.error().detail);
        return;
      }
      for (const auto& message : loaded->messages) {
        std::cerr << message.where << ": " << message.text << "\n";
      }
      for (const auto& line : loaded->config.defaults) {
        if (line.problem.empty()) {
          limits_options.config[line.key] = line.value;
        }
      }
    }
    result = with_input(limits_file, [&](std::istream& in) { return app::run_limits(in, std::cout, limits_options); });
  });

  if (const auto status = app::parse_command_line(cli, argc, argv)) {
    return *status;
  }
  if (cli.get_subcommands().empty()) {
    std::cerr << cli.help();
    return 2;
  }
  return app::after_output(result);
}
