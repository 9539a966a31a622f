// Any line of a capture file: a JSON object or an error.
#include "protocols/capture.hpp"

#include "script_fuzz.hpp"

#include <nlohmann/json.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bmsd;
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  for (const auto* protocol : {"", "pylontech_can"}) {
    if (const auto decoded = protocols::decode_capture(line, protocol)) {
      fuzz::check(nlohmann::json::parse(*decoded, nullptr, false).is_object());
    }
  }
  return 0;
}
