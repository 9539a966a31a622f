// Preloaded into bmsd by the benchmark: counts heap allocations and writes the count to the file
// named by BMSD_ALLOC_COUNT when told to by SIGUSR2.
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<unsigned long> count{0};

void* (*real_malloc)(std::size_t) = nullptr;

void write_count(int) {
  const char* path = std::getenv("BMSD_ALLOC_COUNT");
  if (path == nullptr) {
    return;
  }
  char text[32];
  int length = 0;
  char digits[24];
  unsigned long value = count.load();
  int n = 0;
  do {
    digits[n++] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  while (n > 0) {
    text[length++] = digits[--n];
  }
  text[length++] = '\n';
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd >= 0) {
    [[maybe_unused]] const auto written = ::write(fd, text, static_cast<std::size_t>(length));
    ::close(fd);
  }
}

struct Install {
  Install() { std::signal(SIGUSR2, write_count); }
} install;

} // namespace

extern "C" void* malloc(std::size_t size) {
  if (real_malloc == nullptr) {
    real_malloc = reinterpret_cast<void* (*)(std::size_t)>(dlsym(RTLD_NEXT, "malloc"));
  }
  count.fetch_add(1, std::memory_order_relaxed);
  return real_malloc(size);
}
