#include "protocols/ant.hpp"
#include "protocols/core/protocol.hpp"
#include "protocols/daly.hpp"
#include "protocols/daren_485.hpp"
#include "protocols/ecs.hpp"
#include "protocols/eg4_lifepower.hpp"
#include "protocols/eg4_ll.hpp"
#include "protocols/felicity.hpp"
#include "protocols/heltec_modbus.hpp"
#include "protocols/hlpdatabms4s.hpp"
#include "protocols/jkbms.hpp"
#include "protocols/jkbms_pb.hpp"
#include "protocols/ks48100.hpp"
#include "protocols/lltjbd.hpp"
#include "protocols/lltjbd_up16s.hpp"
#include "protocols/mqtt_json.hpp"
#include "protocols/pace.hpp"
#include "protocols/pylontech_can.hpp"
#include "protocols/renogy.hpp"
#include "protocols/revov.hpp"
#include "protocols/seplos.hpp"
#include "protocols/seplosv3.hpp"
#include "protocols/sinowealth.hpp"

#include <algorithm>

namespace bmsd::protocols {

namespace {

constexpr std::reference_wrapper<const ProtocolInfo> kRegistry[] = {
    // clang-format off
    Ant::kInfo,
    Daly::kInfo,
    Daren485::kInfo,
    Ecs::kInfo,
    Eg4Lifepower::kInfo,
    Eg4Ll::kInfo,
    Felicity::kInfo,
    HeltecModbus::kInfo,
    HlpdataBms4s::kInfo,
    Jkbms::kInfo,
    JkbmsPb::kInfo,
    Ks48100::kInfo,
    LltJbd::kInfo,
    LltJbdUp16s::kInfo,
    MqttJson::kInfo,
    Pace::kInfo,
    PylontechCan::kInfo,
    Renogy::kInfo,
    Revov::kInfo,
    Seplos::kInfo,
    SeplosV3::kInfo,
    Sinowealth::kInfo,
    // clang-format on
};

bool same_name(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

} // namespace

Registry registry() {
  return kRegistry;
}

const ProtocolInfo* find_protocol(std::string_view name) {
  for (const ProtocolInfo& info : kRegistry) {
    if (same_name(info.key, name) ||
        std::any_of(info.aliases.begin(), info.aliases.end(), [&](auto alias) { return same_name(alias, name); })) {
      return &info;
    }
  }
  return nullptr;
}

bool is_option(std::string_view name) {
  return std::any_of(std::begin(kRegistry), std::end(kRegistry), [&](const ProtocolInfo& info) {
    return std::any_of(info.options.begin(), info.options.end(),
                       [&](const auto& option) { return option.name == name; });
  });
}

} // namespace bmsd::protocols
