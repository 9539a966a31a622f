#include "app/instance_lock.hpp"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace bmsd::app {

InstanceLock::~InstanceLock() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Result<void> InstanceLock::acquire() {
  if (directory_.empty()) {
    return {};
  }
  std::error_code ignored;
  std::filesystem::create_directories(directory_, ignored);
  const auto path = directory_ + "/bmsd.lock";
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0) {
    spdlog::warn("state directory {}: {}; nothing will be remembered", directory_, std::strerror(errno));
    return {};
  }
  if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    return Error{Fault::rejected, "another bmsd uses the state directory " + directory_};
  }
  return {};
}

} // namespace bmsd::app
