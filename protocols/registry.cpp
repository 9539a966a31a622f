#include "protocols/core/protocol.hpp"
#include "protocols/daly.hpp"
#include "protocols/ecs.hpp"
#include "protocols/hlpdatabms4s.hpp"
#include "protocols/jkbms_pb.hpp"
#include "protocols/lltjbd.hpp"
#include "protocols/mqtt_json.hpp"
#include "protocols/pylontech_can.hpp"
#include "protocols/renogy.hpp"
#include "protocols/seplos.hpp"

#include <algorithm>

namespace bmsd::protocols {

namespace {

constexpr std::reference_wrapper<const ProtocolInfo> kRegistry[] = {
    // clang-format off
    Daly::kInfo,
    Ecs::kInfo,
    HlpdataBms4s::kInfo,
    JkbmsPb::kInfo,
    LltJbd::kInfo,
    MqttJson::kInfo,
    PylontechCan::kInfo,
    Renogy::kInfo,
    Seplos::kInfo,
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
