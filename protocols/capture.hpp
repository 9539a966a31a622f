// Decodes one line of a capture file with the code that runs in the daemon.
//
//   {"protocol":"lltjbd","exchanges":[{"tx":"dda50300fffd77","rx":"dd03..."}],"config":{...}}
//
// The format is described in docs/captures.md. Pure; any thread.
#pragma once

#include "messages/error.hpp"
#include "protocols/core/protocol.hpp"

#include <string>
#include <string_view>

namespace bmsd::protocols {

/// The values that the line's bytes determine, as one JSON object. `protocol` comes before the
/// line's own key when it is not empty; `defaults` hold where the line's config says nothing.
/// Errors: Fault::rejected for a line that is no capture or of an unknown protocol, else what the
/// recorded reply is worth.
Result<std::string> decode_capture(std::string_view line, std::string_view protocol = {},
                                   const ProtocolConfig& defaults = {});

} // namespace bmsd::protocols
