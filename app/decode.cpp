#include "app/decode.hpp"

#include "messages/json.hpp"
#include "protocols/capture.hpp"

#include <iomanip>
#include <istream>
#include <ostream>
#include <string>

namespace bmsd::app {

namespace {

/// Objects and lists of numbers stay on one line.
void write_readable(const Json& decoded, std::size_t number, std::ostream& out) {
  out << number << ":\n";
  for (const auto& [key, value] : decoded.items()) {
    out << "  " << std::left << std::setw(24) << key
        << (value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace))
        << "\n";
  }
}

} // namespace

bool decode_captures(std::istream& in, std::ostream& out, std::string_view protocol,
                     const protocols::ProtocolConfig& defaults, DecodeOutput output) {
  bool all_decoded = true;
  std::string line;
  std::size_t number = 0;
  while (std::getline(in, line)) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    const auto decoded = protocols::decode_capture(line, protocol, defaults);
    all_decoded = all_decoded && decoded;
    const Json error = decoded ? Json() : Json{{"error", to_string(decoded.error())}};
    if (output == DecodeOutput::readable) {
      write_readable(decoded ? Json::parse(*decoded) : error, number, out);
    } else {
      out << (decoded ? *decoded : error.dump(-1, ' ', false, Json::error_handler_t::replace)) << '\n';
    }
  }
  return all_decoded;
}

} // namespace bmsd::app
