// Daren DR-JC03 and DR48100, Basen and unbranded 16S racks on RS485: the first generation of DR-1363.
// Sources: see protocols/dr1363.hpp. Page for users: docs/protocols/daren_485.md.
#pragma once

#include "protocols/dr1363.hpp"

namespace bmsd::protocols {

class Daren485 final : public Dr1363 {
public:
  static const ProtocolInfo kInfo;

  explicit Daren485(const ProtocolConfig& config);

  Script identify(Identity& out) override;

private:
  Script find_group(Identity& out);

  static const Generation kGeneration;
};

} // namespace bmsd::protocols
