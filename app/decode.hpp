// `bmsctl decode`: capture lines in, decoded values out.
#pragma once

#include "protocols/core/protocol.hpp"

#include <iosfwd>
#include <string_view>

namespace bmsd::app {

enum class DecodeOutput {
  json,    ///< one object per line
  readable ///< one value per line
};

/// For each line that is not empty what it means, {"error": "..."} for one that cannot be decoded.
/// `protocol`: key or alias, empty: as each line says. False if any line failed.
bool decode_captures(std::istream& in, std::ostream& out, std::string_view protocol,
                     const protocols::ProtocolConfig& defaults = {}, DecodeOutput output = DecodeOutput::json);

} // namespace bmsd::app
