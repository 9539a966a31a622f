// The command line of bmssim.
#pragma once

#include "app/sim/station.hpp"

#include <CLI/App.hpp>

#include <optional>
#include <string>
#include <vector>

namespace bmsd::sim {

/// As typed; units as in the help text.
struct CommandLine {
  std::string protocol;
  std::string link;
  int count = 1;
  std::optional<int> cells; ///< default: 16, or the nearest that this BMS can have
  double capacity = 280.0;
  double soc = 50.0;
  double current = 0.0;
  double temperature = 25.0;
  double imbalance_mv = 4.0;
  double resistance_mohm = 0.5;
  double charge_voltage = 3.45;
  std::string load_profile = "constant";
  double period = 86400.0;
  double speed = 1.0;
  bool noise = false;
  std::vector<std::string> alarms;
  std::uint32_t address = 0;
  int chain = 1;
  std::string name;
  std::string serial = "SIM1";
  std::string dialect;
  std::optional<int> baud;
  int answer_delay_ms = 0;
  int interval_ms = 1000;
  std::vector<std::string> faults;
  std::uint64_t seed = 1;
  std::string mqtt_user;
  std::string mqtt_password;
  std::string mqtt_ca;
  bool print_ready = false;
};

void describe(CLI::App& app, CommandLine& out);
/// One entry for each of the `count` batteries. Fault::rejected says what doesn't go together.
Result<std::vector<StationOptions>> stations_of(const CommandLine& line);

} // namespace bmsd::sim
