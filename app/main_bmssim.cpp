// bmssim: a battery simulator that speaks the protocols of bmsd. See docs/bmssim.md.
#include "app/command_line.hpp"
#include "app/sim/options.hpp"

#include <asio/io_context.hpp>
#include <asio/signal_set.hpp>

#include <csignal>
#include <iostream>

int main(int argc, char** argv) {
  using namespace bmsd;
  CLI::App cli;
  sim::CommandLine line;
  sim::describe(cli, line);
  if (const auto status = app::parse_command_line(cli, argc, argv)) {
    return *status;
  }

  const auto plan = sim::stations_of(line);
  if (!plan) {
    std::cerr << "bmssim: " << plan.error().detail << "\n";
    return 2;
  }

  asio::io_context io(1);
  std::signal(SIGPIPE, SIG_IGN);
  asio::signal_set signals(io, SIGINT, SIGTERM);
  signals.async_wait([&io](const asio::error_code&, int) { io.stop(); });

  const auto ready = [&line](const std::string& link) {
    if (line.print_ready) {
      std::cout << "ready " << link << std::endl;
    } else if (line.link.empty()) {
      std::cout << link << std::endl;
    }
  };
  std::vector<std::unique_ptr<sim::Station>> stations;
  for (const auto& options : *plan) {
    auto station = sim::make_station(io, options, ready);
    if (!station) {
      std::cerr << "bmssim: " << station.error().detail << "\n";
      return 1;
    }
    stations.push_back(std::move(*station));
  }
  io.run();
  return 0;
}
