// One thing to try on a line.
#pragma once

#include "messages/frame.hpp"
#include "protocols/core/protocol.hpp"

#include <cstdint>

namespace bmsd::actors {

struct Candidate {
  const protocols::ProtocolInfo* protocol = nullptr;
  LineSettings line;
  std::uint32_t address = 0;
  friend bool operator==(const Candidate&, const Candidate&) = default;
};

} // namespace bmsd::actors
