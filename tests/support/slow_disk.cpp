// Preloaded by a test: every fsync takes long, as on a worn SD card.
#include <dlfcn.h>
#include <unistd.h>

extern "C" int fsync(int fd) {
  using Fsync = int (*)(int);
  static const auto real = reinterpret_cast<Fsync>(::dlsym(RTLD_NEXT, "fsync"));
  ::usleep(400'000);
  return real(fd);
}
