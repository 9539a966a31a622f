// KS48100, Bemory, CERRNSS, PAPool, VoltPolska (boards SNS01, Ho20-T1) on RS485: the second generation of DR-1363.
//
// Sources: see protocols/dr1363.hpp; for what differs, the driver of dbus-serialbattery and pull requests 168, 344,
// 499 and 500 there. No recording of a real board is public. Page for users: docs/protocols/ks48100.md.
#pragma once

#include "protocols/dr1363.hpp"

namespace bmsd::protocols {

class Ks48100 final : public Dr1363 {
public:
  static const ProtocolInfo kInfo;

  explicit Ks48100(const ProtocolConfig& config);

  Script identify(Identity& out) override;

private:
  static const Generation kGeneration;
};

} // namespace bmsd::protocols
