// The daemon: builds the actors from the configuration and runs the I/O thread.
#pragma once

#include "app/config_file.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace bmsd::app {

struct DaemonSetup {
  actors::DaemonConfig config;
  DaemonOptions options;
  /// Reads everything again for SIGHUP; an error leaves the present configuration in force.
  std::function<Result<LoadedConfig>()> reload;
};

/// Runs until SIGTERM or SIGINT (or stop()). Gives the exit status: 0 after an orderly end,
/// 1 when it could not start or its root actor died.
class Daemon {
public:
  explicit Daemon(DaemonSetup setup);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  int run();
  /// From any thread.
  void stop();

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace bmsd::app
