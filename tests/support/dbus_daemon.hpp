// A private dbus-daemon with an open policy, in a directory of its own. For tests.
#pragma once

#include <sys/types.h>

#include <string>

namespace bmsd::test {

/// Runs from construction to destruction. Throws std::runtime_error when the daemon does not come up.
class DbusDaemon {
public:
  DbusDaemon();
  ~DbusDaemon();
  DbusDaemon(const DbusDaemon&) = delete;
  DbusDaemon& operator=(const DbusDaemon&) = delete;

  /// The same after stop() and start().
  const std::string& address() const { return address_; }
  const std::string& directory() const { return directory_; }
  void start();
  /// Kills it, as a crash would.
  void stop();
  /// Stops it from running without ending it: a bus that hangs.
  void freeze();
  void thaw();

private:
  std::string directory_, address_;
  pid_t pid_ = -1;
};

} // namespace bmsd::test
