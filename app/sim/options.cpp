#include "app/sim/options.hpp"

#include "app/sim/rehearsal.hpp"
#include "protocols/core/protocol.hpp"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <sstream>

namespace bmsd::sim {

namespace {

constexpr double kCapacityStep = 0.01; // Ah between packs of one process: some BMS have no other mark of their own

std::vector<std::string> protocol_keys() {
  std::vector<std::string> keys;
  for (const SimulatorInfo& simulator : simulators()) {
    keys.emplace_back(simulator.key);
  }
  return keys;
}

std::string protocol_help() {
  std::string text = "Battery to simulate:";
  for (const SimulatorInfo& simulator : simulators()) {
    text += "\n" + std::string(simulator.key) + ": " + std::string(simulator.about);
  }
  return text;
}

std::string shortest(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

Error rejected(std::string detail) {
  return {Fault::rejected, std::move(detail)};
}

/// The k-th of `count` links: its last part gets the number.
transports::LinkAddress numbered(transports::LinkAddress link, int k) {
  const auto number = std::to_string(k);
  if (auto* serial = std::get_if<transports::SerialAddress>(&link); serial != nullptr && !serial->path.empty()) {
    serial->path += number;
  } else if (auto* tcp = std::get_if<transports::TcpAddress>(&link)) {
    tcp->port = static_cast<std::uint16_t>(tcp->port + k);
  } else if (auto* mqtt = std::get_if<transports::MqttAddress>(&link)) {
    mqtt->topic += number;
  }
  return link;
}

Result<transports::LinkAddress> link_of(const std::string& text) {
  if (text.find(':') == std::string::npos) {
    return transports::LinkAddress(transports::SerialAddress{text}); // also a relative path, which no port ever has
  }
  return transports::parse_address(text);
}

BatteryConfig battery_of(const CommandLine& line) {
  BatteryConfig out;
  out.capacity = line.capacity;
  out.soc = line.soc;
  out.temperature = line.temperature;
  out.resistance = line.resistance_mohm / 1000.0;
  out.imbalance = line.imbalance_mv / 1000.0;
  out.current = line.current;
  out.charge_voltage = line.charge_voltage;
  out.profile = line.load_profile == "day" ? LoadProfile::day : LoadProfile::constant;
  out.period = line.period;
  out.noise = line.noise;
  out.seed = line.seed;
  for (const auto& name : line.alarms) {
    const auto found = std::find(kAlarmNames.begin(), kAlarmNames.end(), name);
    out.raised.set(static_cast<std::size_t>(found - kAlarmNames.begin()));
  }
  return out;
}

std::string dialect_help() {
  std::string text = "One of these (default: the first)";
  for (const SimulatorInfo& info : simulators()) {
    if (!info.dialects.empty()) {
      text += "\n" + std::string(info.key) + ":";
      for (auto dialect : info.dialects) {
        text += " " + std::string(dialect);
      }
    }
  }
  return text;
}

} // namespace

void describe(CLI::App& app, CommandLine& out) {
  app.description("bmssim: a battery that isn't there.\n"
                  "Behaves like a battery management system at the end of a cable, for tests, the demo and people\n"
                  "without hardware. Give its link to bmsd as --port.");
  app.set_version_flag("--version", BMSD_VERSION);
  app.add_option("--protocol", out.protocol, protocol_help())->required()->check(CLI::IsMember(protocol_keys()));
  app.add_option("--link", out.link,
                 "PATH: pty with a symlink (CAN protocols speak slcan there)\n"
                 "tcp:HOST:PORT: listens like a serial device server\n"
                 "can:IFACE: sends on SocketCAN\n"
                 "mqtt:HOST[:PORT]/TOPIC: publishes\n"
                 "Without it: a pty, whose name is printed");
  app.add_option("--count", out.count, "Batteries in this process, with links PATH0, PATH1, ... (TCP: ports from PORT)")
      ->check(CLI::Range(1, 256));
  app.add_flag("--print-ready", out.print_ready, "Print \"ready LINK\" for each battery once its link is there");

  auto* battery = app.add_option_group("The battery");
  battery->add_option("--cells", out.cells, "Cells in series (default: 16, or the nearest that this BMS can have)")
      ->check(CLI::Range(1, 32));
  battery->add_option("--capacity", out.capacity, "Ah")->check(CLI::Range(0.1, 100'000.0))->capture_default_str();
  battery->add_option("--soc", out.soc, "% at the start")->check(CLI::Range(0.0, 100.0))->capture_default_str();
  battery->add_option("--current", out.current, "A that charger (positive) or load (negative) want")
      ->check(CLI::Range(-5000.0, 5000.0));
  battery->add_option("--load-profile", out.load_profile, "constant, or day: a sine of --current, charging first")
      ->check(CLI::IsMember({"constant", "day"}));
  battery->add_option("--period", out.period, "s, of --load-profile day")->check(CLI::Range(1.0, 1e7));
  battery->add_option("--charge-voltage", out.charge_voltage, "V per cell that the charger holds at most")
      ->check(CLI::Range(2.0, 5.0));
  battery->add_option("--temperature", out.temperature, "°C around the battery")->check(CLI::Range(-60.0, 150.0));
  battery->add_option("--imbalance", out.imbalance_mv, "mV between the cells at the start")
      ->check(CLI::Range(0.0, 1000.0));
  battery->add_option("--internal-resistance", out.resistance_mohm, "mOhm per cell")->check(CLI::Range(0.0, 100.0));
  battery->add_option("--speed", out.speed, "Seconds of the battery in one real second")->check(CLI::Range(0.0, 1e6));
  battery->add_flag("--noise", out.noise, "All values move a little at every poll");
  battery->add_option("--alarm", out.alarms, "Trips this protection for good (HighCellVoltage, ...)")
      ->check(CLI::IsMember(std::vector<std::string>(kAlarmNames.begin(), kAlarmNames.end())));

  auto* bms = app.add_option_group("The BMS and its cable");
  bms->add_option("--address", out.address, "Address on the bus, where the protocol has one");
  bms->add_option("--chain", out.chain, "Batteries on this one line, with addresses from --address on")
      ->check(CLI::Range(1, 16));
  bms->add_option("--name", out.name, "Model or name that it tells");
  bms->add_option("--serial", out.serial, "Serial number that it tells");
  bms->add_option("--dialect", out.dialect, dialect_help());
  bms->add_option("--baud", out.baud, "Line speed to keep to; 0: no limit (default: that of the protocol)")
      ->check(CLI::Range(0, 4'000'000));
  bms->add_option("--answer-delay", out.answer_delay_ms, "ms that it thinks before an answer")
      ->check(CLI::Range(0, 60'000));
  bms->add_option("--interval", out.interval_ms, "ms between two sets of CAN frames or two documents")
      ->check(CLI::Range(1, 3'600'000));
  bms->add_option("--fault", out.faults,
                  "KIND=RATE, 0..1 per reply, frame or document: drop, corrupt, delay, truncate, garbage, silent\n"
                  "(silent: nothing for 10 s; silent=1: never anything)");
  bms->add_option("--seed", out.seed, "Same seed, same faults and same cells");
  bms->add_option("--mqtt-user", out.mqtt_user, "For brokers that ask for it");
  bms->add_option("--mqtt-password", out.mqtt_password, "Visible in the process list: for tests");
  bms->add_option("--mqtt-ca", out.mqtt_ca, "CA file: connects with TLS")->check(CLI::ExistingFile);
}

Result<std::vector<StationOptions>> stations_of(const CommandLine& line) {
  StationOptions common;
  common.simulator = find_simulator(line.protocol);
  const auto& simulator = *common.simulator;
  const double largest = line.capacity + kCapacityStep * (line.count + line.chain - 2);
  if (largest > simulator.max_capacity) {
    return rejected(line.protocol + " has no number for a capacity above " + shortest(simulator.max_capacity) + " Ah");
  }
  if (line.address != 0 && !simulator.addressed) {
    return rejected(line.protocol + " has no addresses");
  }
  const auto* protocol = protocols::find_protocol(line.protocol);
  const auto first_address =
      line.chain > 1 && line.address == 0 && protocol != nullptr ? protocol->chain.first : line.address;
  if (line.chain > 1 && (!simulator.addressed || simulator.stream == nullptr)) {
    return rejected("several " + line.protocol + " on one line: they have no addresses");
  }
  const auto& dialects = simulator.dialects;
  if (!line.dialect.empty() && std::find(dialects.begin(), dialects.end(), line.dialect) == dialects.end()) {
    return rejected(line.protocol + " has no dialect '" + line.dialect + "'");
  }
  auto link = link_of(line.link);
  if (!link) {
    return link.error();
  }
  if (line.count > 1 && std::holds_alternative<transports::CanAddress>(*link)) {
    return rejected("one battery on a CAN interface: --count does not go with can:");
  }
  if (const auto* tcp = std::get_if<transports::TcpAddress>(&*link); tcp != nullptr && tcp->port + line.count > 65536) {
    return rejected("no " + std::to_string(line.count) + " TCP ports from " + std::to_string(tcp->port) + " on");
  }
  if (const auto* mqtt = std::get_if<transports::MqttAddress>(&*link);
      mqtt != nullptr && mqtt->topic.find_first_of("+#") != std::string::npos) {
    return rejected("'" + mqtt->topic + "': a topic to publish on has no wildcards");
  }
  for (const auto& fault : line.faults) {
    if (auto set = common.faults.set(fault); !set) {
      return set.error();
    }
  }
  if (line.cells && (*line.cells < simulator.min_cells || *line.cells > simulator.max_cells)) {
    return rejected(line.protocol + " has " + std::to_string(simulator.min_cells) + " to " +
                    std::to_string(simulator.max_cells) + " cells");
  }
  common.battery = battery_of(line);
  common.battery.cells = line.cells.value_or(usual_battery(simulator).cells);
  common.device = {first_address, line.name.empty() ? "bmssim-" + line.protocol : line.name, line.serial, line.dialect};
  common.speed = line.speed;
  common.baud = line.baud.value_or(simulator.baud);
  common.answer_delay = std::chrono::milliseconds(line.answer_delay_ms);
  common.interval = std::chrono::milliseconds(line.interval_ms);
  common.mqtt.user = line.mqtt_user;
  common.mqtt.password = line.mqtt_password;
  common.mqtt.ca_file = line.mqtt_ca;
  common.mqtt.tls = !line.mqtt_ca.empty();

  std::vector<StationOptions> out(static_cast<std::size_t>(line.count), common);
  for (int k = 0; k < line.count; ++k) {
    auto& station = out[static_cast<std::size_t>(k)];
    station.link = line.count > 1 ? numbered(*link, k) : *link;
    station.battery.capacity += kCapacityStep * k;
    station.battery.seed += static_cast<std::uint64_t>(k);
    if (line.count > 1) {
      station.device.name += "-" + std::to_string(k);
      station.device.serial += "-" + std::to_string(k);
    }
    for (int n = 1; n < line.chain; ++n) {
      Neighbour next{station.battery, station.device};
      next.battery.capacity += kCapacityStep * n;
      next.battery.seed += static_cast<std::uint64_t>(100 * n);
      next.device.address += static_cast<std::uint32_t>(n);
      next.device.name += "-" + std::to_string(next.device.address);
      next.device.serial += "-" + std::to_string(next.device.address);
      station.neighbours.push_back(std::move(next));
    }
  }
  return out;
}

} // namespace bmsd::sim
