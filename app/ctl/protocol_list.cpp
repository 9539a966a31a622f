#include "app/ctl/protocol_list.hpp"

#include "app/sim/rehearsal.hpp"
#include "protocols/core/protocol.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

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

namespace {

/// What any dialect of its simulator makes a protocol say.
std::vector<Sample> rehearsals(const protocols::ProtocolInfo& info) {
  std::vector<Sample> out;
  const auto* simulator = sim::find_simulator(info.key);
  std::vector<std::string_view> dialects = {""};
  if (simulator != nullptr && !simulator->dialects.empty()) {
    dialects.assign(simulator->dialects.begin(), simulator->dialects.end());
  }
  for (const auto dialect : dialects) {
    if (auto sample = sim::rehearse(info, dialect)) {
      out.push_back(std::move(*sample));
    }
  }
  return out;
}

class ReadingRow {
public:
  explicit ReadingRow(std::vector<Sample> samples) : samples_(std::move(samples)) {}

  template <class Has>
  bool any(Has has) const {
    return std::any_of(samples_.begin(), samples_.end(), has);
  }
  /// The names of what is there, one after the other; "-": nothing.
  template <class Has>
  ReadingRow& name(std::string_view text, Has has) {
    if (any(has)) {
      cell_ += (cell_.empty() ? "" : ", ") + std::string(text);
    }
    return *this;
  }
  template <class Value>
  ReadingRow& name(std::string_view text, std::optional<Value> Sample::*member) {
    return name(text, [member](const Sample& s) { return (s.*member).has_value(); });
  }
  ReadingRow& end() {
    text_ += (cell_.empty() ? "-" : cell_) + " | ";
    cell_.clear();
    return *this;
  }
  std::size_t most(std::size_t (*count)(const Sample&)) const {
    std::size_t out = 0;
    for (const auto& sample : samples_) {
      out = std::max(out, count(sample));
    }
    return out;
  }
  ReadingRow& number(std::size_t count) {
    cell_ = count == 0 ? "" : std::to_string(count);
    return *this;
  }
  std::string text() const { return text_; }

private:
  std::vector<Sample> samples_;
  std::string cell_, text_ = "| ";
};

std::size_t sensors_of(const Sample& sample) {
  const auto& all = sample.temperatures.battery;
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [](const auto& one) { return one.has_value(); }));
}

std::size_t alarms_of(const Sample& sample) {
  std::size_t known = 0;
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    known += sample.alarms.at(i) ? 1 : 0;
  }
  return known;
}

} // namespace

std::string readings_markdown() {
  std::string text = "| Protocol | Cells | Charge | Temperatures | Limits | Switches | Balancing | Alarms |\n"
                     "|---|---|---|---|---|---|---|---|\n";
  for (const protocols::ProtocolInfo& info : protocols::registry()) {
    ReadingRow row(rehearsals(info));
    row.name("each", [](const Sample& s) { return !s.cell_voltages.empty(); });
    if (!row.any([](const Sample& s) { return !s.cell_voltages.empty(); })) {
      row.name("lowest, highest", &Sample::max_cell_voltage);
    }
    row.end();
    row.name("SoC", &Sample::soc).name("SoH", &Sample::soh).name("Ah left", &Sample::capacity_remaining);
    row.name("Ah full", &Sample::capacity_full).name("cycles", &Sample::cycles).end();
    row.number(row.most(sensors_of)).name("MOSFET", [](const Sample& s) { return s.temperatures.mos.has_value(); });
    row.name("ambient", [](const Sample& s) { return s.temperatures.env.has_value(); }).end();
    row.name("V", &Sample::max_charge_voltage).name("charge A", &Sample::max_charge_current);
    row.name("discharge A", &Sample::max_discharge_current).end();
    row.name("charge", &Sample::charge_enabled).name("discharge", &Sample::discharge_enabled);
    row.name("heater", &Sample::heating).end();
    row.name("each cell", [](const Sample& s) { return !s.balancing_cells.empty(); });
    if (!row.any([](const Sample& s) { return !s.balancing_cells.empty(); })) {
      row.name("yes", &Sample::balancing);
    }
    row.end().number(row.most(alarms_of)).end();
    auto line = row.text();
    line.pop_back();
    text += "| `" + std::string(info.key) + "` " + line + "\n";
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
