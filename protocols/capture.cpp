#include "protocols/capture.hpp"

#include "messages/json.hpp"
#include "protocols/core/json_reader.hpp"
#include "protocols/core/replay.hpp"

#include <charconv>

namespace bmsd::protocols {

using namespace std::chrono_literals;

namespace {

using nlohmann::json;

constexpr int kMaxDepth = 16;

Error not_a_capture(std::string detail) {
  return {Fault::rejected, std::move(detail)};
}

// -- the line ---------------------------------------------------------------------------

std::string plain_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, json::error_handler_t::replace);
}

ProtocolConfig read_config(const json* config, ProtocolConfig out) {
  if (config == nullptr || !config->is_object()) {
    return out;
  }
  JsonReader in;
  constexpr double kLargest = 1e9;
  auto number = [&](std::string_view key, double otherwise) {
    return in.number(config, key, 0, kLargest).value_or(otherwise);
  };
  out.address = static_cast<std::uint32_t>(number("address", out.address));
  out.soc_low_warning = number("soc_low_warning", out.soc_low_warning);
  out.soc_low_alarm = number("soc_low_alarm", out.soc_low_alarm);
  out.battery_capacity = number("battery_capacity", out.battery_capacity);
  out.soc_alarms = in.flag(config, "soc_alarms", true).value_or(out.soc_alarms);
  for (const auto& [key, value] : config->items()) {
    out.options[key] = plain_text(value);
  }
  return out;
}

/// One frame or a list; an empty list for null.
Result<std::vector<CanFrame>> read_frames(const json* item) {
  std::vector<CanFrame> frames;
  if (item == nullptr) {
    return frames;
  }
  const json list = item->is_array() ? *item : json::array({*item});
  for (const auto& entry : list) {
    JsonReader in;
    const auto id = in.text(&entry, "id");
    const auto data = in.text(&entry, "data");
    const auto bytes = data ? from_hex(*data) : std::nullopt;
    if (!id || !bytes || bytes->size() > 8) {
      return not_a_capture("a frame needs id and at most 8 bytes of data");
    }
    std::string_view digits = *id;
    if (digits.substr(0, 2) == "0x" || digits.substr(0, 2) == "0X") {
      digits.remove_prefix(2);
    }
    CanFrame frame;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), frame.id, 16);
    if (error != std::errc() || end != digits.data() + digits.size() || frame.id > 0x1FFFFFFF) {
      return not_a_capture("\"" + *id + "\" is no CAN id");
    }
    frame.extended = digits.size() > 3;
    for (auto byte : *bytes) {
      frame.data.push_back(byte);
    }
    frames.push_back(frame);
  }
  return frames;
}

/// A byte stream; a list of notifications is one stream. Empty for null.
std::optional<Bytes> read_bytes(const json* item) {
  if (item == nullptr) {
    return Bytes{};
  }
  const json list = item->is_array() ? *item : json::array({*item});
  Bytes all;
  for (const auto& part : list) {
    const auto bytes = part.is_string() ? from_hex(part.get<std::string>()) : std::nullopt;
    if (!bytes) {
      return std::nullopt;
    }
    all.insert(all.end(), bytes->begin(), bytes->end());
  }
  return all;
}

// -- the three kinds of protocols -----------------------------------------------------------

Result<void> play_exchanges(const ProtocolInfo& info, const ProtocolConfig& config, const json& list,
                            Identity& identity, Sample& out) {
  std::vector<Exchange> exchanges;
  for (const auto& item : list) {
    auto tx = read_bytes(JsonReader::find(&item, "tx"));
    auto rx = read_bytes(JsonReader::find(&item, "rx"));
    if (!tx || !rx) {
      return not_a_capture("tx and rx are hexadecimal text");
    }
    exchanges.push_back({std::move(*tx), std::move(*rx)});
  }
  auto protocol = info.exchange(config);
  return replay(*protocol, std::move(exchanges), identity, out);
}

/// One item is one cycle of the battery, a second apart.
Result<void> play_frames(const ProtocolInfo& info, const ProtocolConfig& config, const json& list, bool output,
                         Identity& identity, Sample& out) {
  auto protocol = info.broadcast(config);
  auto now = 0ms;
  for (const auto& item : list) {
    const auto frames = read_frames(JsonReader::find(&item, output ? "tx" : "rx"));
    if (!frames) {
      return frames.error();
    }
    now += 1000ms;
    for (const auto& frame : *frames) {
      protocol->on_frame(frame, now);
    }
  }
  auto sample = protocol->partial(now);
  if (!sample) {
    return sample.error();
  }
  identity = protocol->identity();
  out = std::move(*sample);
  return {};
}

/// `rx` is the payload as text.
Result<void> play_documents(const ProtocolInfo& info, const ProtocolConfig& config, const json& list,
                            Identity& identity, Sample& out) {
  auto protocol = info.document(config);
  for (const auto& item : list) {
    JsonReader in;
    const auto payload = in.text(&item, "rx");
    if (!payload) {
      return not_a_capture("rx is the payload as text");
    }
    Document document;
    document.payload = *payload;
    if (auto result = protocol->on_document(document, identity, out); !result) {
      return result;
    }
  }
  return {};
}

// -- the answer -----------------------------------------------------------------------------

/// Values that a Sample has room for but that the capture format keeps under "extra".
constexpr std::pair<std::string_view, std::string_view> kExtraNames[] = {
    {"power", "power"},
    {"consumed_ah", "consumed_ah"},
    {"charged_energy", "charged_energy_kwh"},
    {"discharged_energy", "discharged_energy_kwh"},
    {"time_to_go", "time_to_go"},
    {"min_voltage_cell_id", "min_voltage_cell_id"},
    {"max_voltage_cell_id", "max_voltage_cell_id"},
    {"min_temperature_cell_id", "min_temperature_cell_id"},
    {"max_temperature_cell_id", "max_temperature_cell_id"},
    {"balancer_enabled", "balancer_enabled"},
    {"heater_enabled", "heater_enabled"},
    {"charge_requested", "force_charge"},
};

std::string answer(const Identity& identity, const Sample& sample) {
  Json out = to_json(sample);
  Json extra = out.contains("extra") ? out["extra"] : Json::object();
  out.erase("extra");
  for (const auto& [field, name] : kExtraNames) {
    if (auto it = out.find(field); it != out.end()) {
      extra[std::string(name)] = *it;
      out.erase(it);
    }
  }
  const Json who = to_json(identity);
  for (const auto* key : {"hardware_version", "firmware_version", "serial", "model", "manufacturer", "manufacture_date",
                          "cell_count", "capacity_full"}) {
    if (auto it = who.find(key); it != who.end() && !out.contains(key)) {
      out[key] = *it;
    }
  }
  for (const auto* key : {"temperatures", "alarms"}) {
    if (!out.contains(key)) {
      out[key] = Json::object();
    }
  }
  if (!extra.empty()) {
    out["extra"] = std::move(extra);
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

Result<std::string> decode_capture(std::string_view line, std::string_view protocol, const ProtocolConfig& defaults) {
  const auto root = parse_json(line, kMaxDepth);
  if (!root) {
    return not_a_capture(root.error().detail);
  }
  JsonReader in;
  const auto key = protocol.empty() ? in.text(&*root, "protocol") : std::string(protocol);
  const auto* info = key ? find_protocol(*key) : nullptr;
  if (info == nullptr) {
    return not_a_capture(key ? "unknown protocol " + *key : "the line names no protocol");
  }
  const auto* exchanges = JsonReader::find(&*root, "exchanges");
  if (exchanges == nullptr || !exchanges->is_array() || exchanges->empty()) {
    return not_a_capture("the line has no exchanges");
  }
  const bool output = in.text(&*root, "direction") == "output";
  const auto config = read_config(JsonReader::find(&*root, "config"), defaults);

  Identity identity;
  Sample sample;
  Result<void> result;
  switch (info->medium) {
  case Medium::serial: result = play_exchanges(*info, config, *exchanges, identity, sample); break;
  case Medium::can: result = play_frames(*info, config, *exchanges, output, identity, sample); break;
  case Medium::document: result = play_documents(*info, config, *exchanges, identity, sample); break;
  }
  if (!result) {
    return result.error();
  }
  return answer(identity, sample);
}

} // namespace bmsd::protocols
