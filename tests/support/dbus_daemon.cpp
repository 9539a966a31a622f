#include "support/dbus_daemon.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace bmsd::test {

namespace {

std::string make_directory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "bmsd-bus-XXXXXX").string();
  if (!mkdtemp(pattern.data())) {
    throw std::runtime_error("no temporary directory");
  }
  return pattern;
}

void write_config(const std::string& directory) {
  std::ofstream(directory + "/bus.conf") << R"(<busconfig>
  <type>system</type>
  <listen>unix:path=)" << directory << R"(/socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow receive_sender="*"/>
  </policy>
  <limit name="max_connections_per_user">1024</limit>
  <limit name="max_replies_per_connection">50000</limit>
</busconfig>
)";
}

} // namespace

DbusDaemon::DbusDaemon() : directory_(make_directory()), address_("unix:path=" + directory_ + "/socket") {
  write_config(directory_);
  start();
}

DbusDaemon::~DbusDaemon() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void DbusDaemon::start() {
  int ready[2] = {-1, -1};
  if (pid_ >= 0 || pipe(ready) != 0) {
    throw std::runtime_error("dbus-daemon runs already, or no pipe");
  }
  auto config = "--config-file=" + directory_ + "/bus.conf";
  auto print = "--print-address=" + std::to_string(ready[1]);
  pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL); // no left-overs of a test that crashed
    if (getppid() != parent) {
      _exit(1);
    }
    close(ready[0]);
    [[maybe_unused]] auto* log = std::freopen((directory_ + "/log").c_str(), "a", stderr);
    execlp("dbus-daemon", "dbus-daemon", "--nofork", "--nopidfile", config.c_str(), print.c_str(), nullptr);
    _exit(127);
  }
  close(ready[1]);
  pollfd wait{ready[0], POLLIN, 0};
  char byte = 0;
  bool up = poll(&wait, 1, 10'000) == 1 && read(ready[0], &byte, 1) == 1;
  close(ready[0]);
  if (!up) {
    stop();
    throw std::runtime_error("dbus-daemon did not start");
  }
}

void DbusDaemon::stop() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
    std::error_code ignored;
    std::filesystem::remove(directory_ + "/socket", ignored);
  }
}

void DbusDaemon::freeze() {
  kill(pid_, SIGSTOP);
}

void DbusDaemon::thaw() {
  kill(pid_, SIGCONT);
}

} // namespace bmsd::test
