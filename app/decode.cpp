#include "app/decode.hpp"

#include "messages/json.hpp"
#include "protocols/capture.hpp"

#include <istream>
#include <ostream>
#include <string>

namespace bmsd::app {

bool decode_captures(std::istream& in, std::ostream& out, std::string_view protocol,
                     const protocols::ProtocolConfig& defaults) {
  bool all_decoded = true;
  std::string line;
  while (std::getline(in, line)) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    if (auto decoded = protocols::decode_capture(line, protocol, defaults)) {
      out << *decoded << '\n';
    } else {
      all_decoded = false;
      out << Json{{"error", to_string(decoded.error())}}.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
    }
  }
  return all_decoded;
}

} // namespace bmsd::app
