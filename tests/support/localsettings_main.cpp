// localsettings_standin ADDRESS [FILE]: com.victronenergy.settings for a private bus, until SIGTERM or SIGINT.
#include "support/localsettings.hpp"

#include <csignal>
#include <cstdio>
#include <exception>

namespace {

bmsd::test::LocalSettings* settings = nullptr;

void on_signal(int) {
  settings->stop();
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s ADDRESS [FILE]\n", argv[0]);
    return 2;
  }
  try {
    bmsd::test::LocalSettings service(argv[1], argc > 2 ? argv[2] : "");
    settings = &service;
    std::signal(SIGTERM, on_signal);
    std::signal(SIGINT, on_signal);
    service.run();
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "localsettings_standin: %s\n", failure.what());
    return 1;
  }
}
