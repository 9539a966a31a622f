// The command line of a program.
#pragma once

#include <CLI/CLI.hpp>

#include <optional>

namespace bmsd::app {

/// The exit status of a program whose work is done by that: 0 after --help and --version, 2 after a wrong command line.
inline std::optional<int> parse_command_line(CLI::App& cli, int argc, char** argv) {
  try {
    cli.parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::ParseError& end) {
    return cli.exit(end) == 0 ? 0 : 2;
  }
}

} // namespace bmsd::app
