// The command line of a program.
#pragma once

#include <CLI/CLI.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>
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

/// The exit status at the end of a program that has printed its result: a full disk is a failure, a reader that has
/// seen enough (| head) is not.
inline int after_output(int status) {
  struct stat output {};
  if (std::cout.flush() ||
      (::fstat(STDOUT_FILENO, &output) == 0 && !S_ISREG(output.st_mode) && !S_ISCHR(output.st_mode))) {
    return status;
  }
  std::cerr << "cannot write to standard output\n";
  return 1;
}

} // namespace bmsd::app
