#include "app/ctl/protocol_list.hpp"

#include "protocols/core/protocol.hpp"

#include <cstdio>

namespace bmsd::app {

namespace {

std::string lines_text(const protocols::ProtocolInfo& info) {
  if (info.medium == protocols::Medium::can) {
    return std::to_string(info.can_bitrate / 1000) + " kbit/s";
  }
  std::string text;
  for (const auto& line : info.lines) {
    text += (text.empty() ? "" : ", ") + std::to_string(line.baud) +
            (line.parity == Parity::even  ? " 8E1"
             : line.parity == Parity::odd ? " 8O1"
                                          : " 8N1");
  }
  return text.empty() ? "-" : text;
}

} // namespace

std::string protocols_table() {
  std::string text;
  char line[256];
  std::snprintf(line, sizeof line, "%-16s %-8s %-14s %-7s %s\n", "key", "medium", "line", "search", "batteries");
  text += line;
  for (const protocols::ProtocolInfo& info : protocols::registry()) {
    std::snprintf(line, sizeof line, "%-16s %-8s %-14s %-7s %s\n", std::string(info.key).c_str(),
                  std::string(to_string(info.medium)).c_str(), lines_text(info).c_str(),
                  info.detect_order >= 0 ? "yes" : "no", std::string(info.about).c_str());
    text += line;
  }
  return text;
}

namespace {

std::string commands_text(const Capabilities& can) {
  std::string text;
  const auto add = [&](bool able, std::string_view what) {
    if (able) {
      text += (text.empty() ? "" : ", ") + std::string(what);
    }
  };
  add(can.charge_switch, "charge");
  add(can.discharge_switch, "discharge");
  add(can.balance_switch, "balancing");
  add(can.heat_switch, "heating");
  add(can.soc_reset, "SoC");
  add(can.soc_reset_only_full, "SoC 100 %");
  return text.empty() ? "-" : text;
}

std::string link_text(const protocols::ProtocolInfo& info) {
  switch (info.medium) {
  case protocols::Medium::serial: return "serial " + lines_text(info) + ", TCP";
  case protocols::Medium::can: return "CAN " + lines_text(info);
  case protocols::Medium::document: break;
  }
  return "MQTT";
}

} // namespace

std::string protocols_markdown() {
  std::string text = "| Protocol | Link | Batteries | Several on a line | Found by itself | Commands |\n"
                     "|---|---|---|---|---|---|\n";
  for (const protocols::ProtocolInfo& info : protocols::registry()) {
    const std::string key(info.key);
    text += "| [`" + key + "`](docs/protocols/" + key + ".md) | " + link_text(info) + " | " + std::string(info.about) +
            " | " + (info.daisy_chain() ? "yes" : "-") + " | " + (info.detect_order >= 0 ? "yes" : "-") + " | " +
            commands_text(info.capabilities) + " |\n";
  }
  return text;
}

Json protocols_json() {
  Json list = Json::array();
  for (const protocols::ProtocolInfo& info : protocols::registry()) {
    Json lines = Json::array();
    for (const auto& line : info.lines) {
      lines.push_back({{"baud", line.baud},
                       {"parity", line.parity == Parity::even  ? "even"
                                  : line.parity == Parity::odd ? "odd"
                                                               : "none"}});
    }
    Json json = {{"key", info.key},
                 {"label", info.label},
                 {"about", info.about},
                 {"medium", to_string(info.medium)},
                 {"lines", lines},
                 {"can_bitrate", info.can_bitrate},
                 {"searched", info.detect_order >= 0},
                 {"daisy_chain", info.daisy_chain()},
                 {"poll_interval_ms", info.poll_interval.count()},
                 {"capabilities", to_json(info.capabilities)}};
    json["options"] = Json::array();
    for (const auto& option : info.options) {
      json["options"].push_back({{"name", option.name}, {"allowed", option.allowed}, {"text", option.text}});
    }
    json["aliases"] = Json::array();
    for (auto alias : info.aliases) {
      json["aliases"].push_back(alias);
    }
    list.push_back(std::move(json));
  }
  return list;
}

} // namespace bmsd::app
