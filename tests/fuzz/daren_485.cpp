#include "dr1363_info.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bmsd::fuzz::dr1363("daren_485", '~', data, size);
  return 0;
}
