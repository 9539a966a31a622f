// A peer that has gone must be an error of write(), not a signal that ends the daemon.
#pragma once

#include <csignal>

namespace bmsd::transports {

/// For the whole process: libmosquitto and OpenSSL write to sockets without MSG_NOSIGNAL. Leaves a
/// handler alone that the program has set.
inline void ignore_sigpipe() {
  struct sigaction present {};
  if (::sigaction(SIGPIPE, nullptr, &present) == 0 && present.sa_handler == SIG_DFL) {
    std::signal(SIGPIPE, SIG_IGN);
  }
}

} // namespace bmsd::transports
