// `--can-probe`: exit status 0 when this kernel and user can make a vcan interface.
#include "vcan.hpp"

#include <cstdlib>
#include <string_view>

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--can-probe") {
    bool socket = ::socket(AF_CAN, SOCK_RAW, CAN_RAW) >= 0;
    return socket && bmsd::transports::test::Vcan("vcanprobe").set_up(true) ? 0 : 1;
  }
  if (std::getenv("CANVM") != nullptr) {
    ::setenv("TMPDIR", "/dev/shm", 1); // the file system of the host takes no sockets of the guest
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
