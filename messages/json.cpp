#include "messages/json.hpp"

#include <cstdio>

namespace bmsd {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return c - 'A' + 10;
  }
  return std::nullopt;
}

/// Calls `visit(name, value)` for each sensor that is there; battery sensors are "1", "2", ...
template <class Visitor>
void for_each_sensor(const Temperatures& t, Visitor&& visit) {
  for (std::size_t i = 0; i < t.battery.size(); ++i) {
    if (t.battery[i]) {
      visit(std::to_string(i + 1), *t.battery[i]);
    }
  }
  const std::pair<const char*, const std::optional<double>*> named[] = {
      {"mos", &t.mos}, {"env", &t.env}, {"balancer", &t.balancer}, {"pack", &t.pack}, {"board", &t.board}};
  for (const auto& [name, value] : named) {
    if (*value) {
      visit(name, **value);
    }
  }
}

} // namespace

std::string to_hex(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (auto byte : bytes) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 0x0F];
  }
  return text;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return std::nullopt;
  }
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    auto high = hex_digit(text[i]);
    auto low = hex_digit(text[i + 1]);
    if (!high || !low) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<std::uint8_t>(*high << 4 | *low));
  }
  return bytes;
}

std::string text_at(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

namespace detail {

Json json_of(const Alarms& alarms) {
  Json object = Json::object();
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    if (auto level = alarms.at(i)) {
      object[std::string(kAlarmNames[i])] = *level;
    }
  }
  return object;
}

Json json_of(const Temperatures& temperatures) {
  Json object = Json::object();
  for_each_sensor(temperatures, [&](const std::string& name, double value) { object[name] = value; });
  return object;
}

bool is_present(const Temperatures& temperatures) {
  bool any = false;
  for_each_sensor(temperatures, [&](const std::string&, double) { any = true; });
  return any;
}

Json json_of(const std::vector<Extra>& extras) {
  Json object = Json::object();
  for (const auto& extra : extras) {
    object[std::string(extra.name)] = std::visit([](const auto& value) { return Json(value); }, extra.value);
  }
  return object;
}

Json json_of(const TimeToSoc& entry) {
  Json object = {{"percent", entry.percent}};
  object["seconds"] = json_of(entry.seconds);
  if (!entry.text.empty()) {
    object["text"] = entry.text;
  }
  return object;
}

} // namespace detail

Json to_json(const CanFrame& frame) {
  char id[16];
  std::snprintf(id, sizeof id, frame.extended ? "%08x" : "%03x", frame.id);
  return {{"id", id}, {"data", to_hex(frame.data.view())}};
}

Json to_json(const Frame& frame) {
  Json object = {{"port", frame.port},
                 {"direction", frame.direction == Direction::tx ? "tx" : "rx"},
                 {"time", static_cast<double>(frame.wall_us) / 1e6}};
  struct {
    Json& object;
    void operator()(const Bytes& bytes) { object["data"] = to_hex(bytes); }
    void operator()(const CanFrame& can) { object.update(to_json(can)); }
    void operator()(const Document& document) {
      object["topic"] = document.topic;
      object["payload"] = document.payload;
    }
  } content{object};
  std::visit(content, frame.content);
  return object;
}

} // namespace bmsd
