#include "protocols/core/protocol.hpp"
#include "protocols/lltjbd.hpp"
#include "protocols/mqtt_json.hpp"
#include "protocols/pylontech_can.hpp"

#include <algorithm>
#include <array>

namespace bmsd::protocols {

namespace {

template <class Protocol>
std::unique_ptr<ExchangeProtocol> exchange(const ProtocolConfig& config) {
  return std::make_unique<Protocol>(config);
}
template <class Protocol>
std::unique_ptr<BroadcastProtocol> broadcast(const ProtocolConfig& config) {
  return std::make_unique<Protocol>(config);
}
template <class Protocol>
std::unique_ptr<DocumentProtocol> document(const ProtocolConfig& config) {
  return std::make_unique<Protocol>(config);
}

constexpr LineSettings k9600[] = {{.baud = 9600}};

constexpr std::string_view kLltJbdNames[] = {"LltJbd", "LLT/JBD", "jbd", "overkill"};
constexpr std::string_view kPylontechCanNames[] = {"Pylontech_Can", "pylon_can", "victron_can"};
constexpr std::string_view kMqttJsonNames[] = {"Generic_Mqtt", "mqtt"};

constexpr ProtocolOption kLltJbdOptions[] = {
    {"mos_sensor", "0..32", "which temperature sensor is the MOSFET's; 0: none"},
};
constexpr ProtocolOption kPylontechCanOptions[] = {
    {"group", "0..15", "group behind a hub"},
    {"min_voltage", "V", "lowest voltage of a battery"},
    {"max_voltage", "V", "highest voltage of a battery"},
    {"temperature_zero", "true, false", "0.0 degrees without other evidence is a measurement"},
    {"keep_alive", "true, false", "send 0x305 once a second"},
};
constexpr ProtocolOption kMqttJsonOptions[] = {
    {"dialect", "path_tree, wrapped, generic", "structure of the documents; found out without it"},
    {"use_limits", "true, false", "take limits from the document"},
    {"max_current", "A", "larger currents are not believed"},
};

/// By key. The gaps in detect_order leave room for what must be tried in between: boards of the
/// UP series answer lltjbd too, so their own protocol goes first.
constexpr std::array kRegistry = {
    ProtocolInfo{.key = "lltjbd",
                 .label = "LLT/JBD",
                 .about = "LLT Power, Jiabaida (JBD), Overkill Solar, Xiaoxiang; UART, RS485, RS232",
                 .aliases = kLltJbdNames,
                 .medium = Medium::serial,
                 .lines = k9600,
                 .detect_order = 40,
                 .capabilities = LltJbd::kCapabilities,
                 .options = kLltJbdOptions,
                 .exchange = exchange<LltJbd>},
    ProtocolInfo{.key = "mqtt_json",
                 .label = "MQTT",
                 .about = "JSON by MQTT: Venus path tree, dbus-serialbattery's /JsonData, generic BMS",
                 .aliases = kMqttJsonNames,
                 .medium = Medium::document,
                 .options = kMqttJsonOptions,
                 .document = document<MqttJson>},
    ProtocolInfo{.key = "pylontech_can",
                 .label = "Pylontech CAN",
                 .about = "Pylontech low voltage, Pytes, BYD LVS and others in \"Victron\" or \"Pylon\" mode; CAN",
                 .aliases = kPylontechCanNames,
                 .medium = Medium::can,
                 .can_bitrate = 500000,
                 .options = kPylontechCanOptions,
                 .broadcast = broadcast<PylontechCan>},
};

bool same_name(std::string_view a, std::string_view b) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

} // namespace

std::span<const ProtocolInfo> registry() {
  return kRegistry;
}

const ProtocolInfo* find_protocol(std::string_view name) {
  auto it = std::find_if(kRegistry.begin(), kRegistry.end(), [&](const ProtocolInfo& info) {
    return same_name(info.key, name) ||
           std::any_of(info.aliases.begin(), info.aliases.end(), [&](auto alias) { return same_name(alias, name); });
  });
  return it == kRegistry.end() ? nullptr : &*it;
}

bool is_option(std::string_view name) {
  return std::any_of(kRegistry.begin(), kRegistry.end(), [&](const ProtocolInfo& info) {
    return std::any_of(info.options.begin(), info.options.end(),
                       [&](const auto& option) { return option.name == name; });
  });
}

} // namespace bmsd::protocols
