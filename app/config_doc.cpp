#include "app/config_doc.hpp"

#include "actors/battery/battery_settings.hpp"
#include "app/port_config.hpp"
#include "protocols/core/protocol.hpp"

namespace bmsd::app {

namespace {

constexpr std::string_view kHead =
    R"(; bmsd.ini: every key with its default. Remove the ';' in front of a key to change it.
;
; Later sections are laid over earlier ones: [DEFAULT] holds for every battery, [port NAME] for what is
; connected to that port, [battery ID] for one battery (id as bmsctl status shows it). The keys of
; [DEFAULT] have the names and meanings of dbus-serialbattery's config.ini: bmsd --config takes that
; file as it is. `bmsd --check-config` says all that is wrong; SIGHUP reads the file again.

[bmsd]

; The bus: system, session, a D-Bus address, or none
;BUS = system

; What must survive a restart (default: /data/apps/bmsd/state on a GX device, else /var/lib/bmsd)
;STATE_DIR =

; Control socket for bmsctl (default: /run/bmsd.sock)
;SOCKET =

; error, warning, info, debug
;LOG_LEVEL = info

; /ProductId. 0xBA77 is reserved by Victron for dbus-serialbattery: its GUI pages appear for it alone
;PRODUCT_ID = 0xBA77

; Threads for the actors besides the I/O thread. 0: they run on that one, which costs the least. More
; (2 is enough) where batteries shall not share one processor. Changes with the next start
;WORKERS = 0

[DEFAULT]
)";

constexpr std::string_view kLinks = R"(
; -- where batteries are ------------------------------------------------------------------------
; Without any of these and without [port] sections all USB serial adapters are searched.

; CAN interfaces with a battery, comma separated: vecan0, can1
;CAN_PORT =

; What BMS may be on the serial ports (keys of bmsctl protocols, comma separated); empty: any is searched for
;BMS_TYPE =

; Addresses of batteries on serial ports: 1-4 or 0x01, 0x02
;BATTERY_ADDRESSES =

; Serial ports never to open, comma separated: /dev/ttyUSB0
;EXCLUDED_DEVICES =

; Name batteries by their port instead of by what the BMS says of itself (true, false)
;USE_PORT_AS_UNIQUE_ID = false

; Batteries by MQTT: topics, comma separated, and the broker
;MQTT_TOPIC =
;MQTT_BROKER_ADDRESS = 127.0.0.1
;MQTT_BROKER_PORT = 1883
;MQTT_USERNAME =
;MQTT_PASSWORD =
;MQTT_TLS_ENABLED = false
;MQTT_TLS_PATH_TO_CA =
;MQTT_TLS_INSECURE = false
)";

constexpr std::string_view kPort = R"(
; A port of its own: [port NAME]. NAME is that of the tty, or any name together with link.
; Battery keys of [DEFAULT] may stand here too.
;[port ttyUSB0]
)";

constexpr std::string_view kBattery = R"(
; One battery: [battery ID] takes the battery keys of [DEFAULT].
;[battery 80_280_0Ah]
;MAX_BATTERY_CHARGE_CURRENT = 100
)";

} // namespace

std::string config_template() {
  std::string text(kHead);
  const battery::BatterySettings defaults;
  for (const auto& key : battery::keys()) {
    text += "\n; " + std::string(key.text);
    if (!key.unit.empty() || !key.allowed.empty()) {
      text += " (" + std::string(key.allowed) + (key.allowed.empty() || key.unit.empty() ? "" : " ") +
              std::string(key.unit) + ")";
    }
    text += "\n;" + std::string(key.name) + " = " + key.print(defaults);
    while (text.back() == ' ') {
      text.pop_back();
    }
    text += "\n";
  }
  text += kLinks;
  text += kPort;
  for (const auto& key : port_keys()) {
    text += "; " + std::string(key.text) + " (" + std::string(key.allowed) + ")\n;" + std::string(key.name) + " =\n";
  }
  for (const protocols::ProtocolInfo& info : protocols::registry()) {
    for (const auto& option : info.options) {
      text += "; " + std::string(info.key) + ": " + std::string(option.text) + " (" + std::string(option.allowed) +
              ")\n;" + std::string(option.name) + " =\n";
    }
  }
  text += kBattery;
  return text;
}

} // namespace bmsd::app
