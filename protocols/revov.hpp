// Revov packs and other boards of Tian Power that want 7C as the first byte; all the rest is eg4_lifepower.hpp.
// Page for users: docs/protocols/revov.md.
#pragma once

#include "protocols/eg4_lifepower.hpp"

namespace bmsd::protocols {

class Revov final : public Eg4Lifepower {
public:
  static const ProtocolInfo kInfo;

  explicit Revov(const ProtocolConfig& config) : Eg4Lifepower(config, kInfo, 0x7C) {}
};

} // namespace bmsd::protocols
