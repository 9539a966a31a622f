// A child process of a test, with its output in a file. Killed at the latest by the destructor.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace bmsd::test {

/// Waits for a condition, never for luck. False: not within the limit.
bool wait_until(const std::function<bool()>& done, std::chrono::milliseconds limit = std::chrono::seconds(10));

class Process {
public:
  Process() = default;
  Process(std::vector<std::string> command, std::string log);
  ~Process();
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  bool running();
  void signal(int number) const;
  /// The exit status, or -1 when it does not end in time (128 + signal when killed).
  int wait(std::chrono::milliseconds limit = std::chrono::seconds(10));
  void kill();
  /// All that it has printed so far.
  std::string output() const;

private:
  pid_t pid_ = -1;
  int status_ = -1;
  std::string log_;
};

/// Runs a command to its end.
struct Finished {
  int status = -1;
  std::string output;
};
Finished run(std::vector<std::string> command, std::chrono::milliseconds limit = std::chrono::seconds(20));

/// A directory of its own, removed at the end.
class TemporaryDirectory {
public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

private:
  std::string path_;
};

} // namespace bmsd::test
