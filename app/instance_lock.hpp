// One daemon per state directory: two would fight over ports and bus names.
#pragma once

#include "messages/error.hpp"

#include <string>

namespace bmsd::app {

class InstanceLock {
public:
  explicit InstanceLock(std::string directory) : directory_(std::move(directory)) {}
  ~InstanceLock();
  InstanceLock(const InstanceLock&) = delete;
  InstanceLock& operator=(const InstanceLock&) = delete;

  /// Makes the directory where it is missing. Fault::rejected: held by another process. A directory
  /// that cannot be written (read-only /data) is no reason not to run.
  Result<void> acquire();

private:
  std::string directory_;
  int fd_ = -1;
};

} // namespace bmsd::app
