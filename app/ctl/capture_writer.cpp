#include "app/ctl/capture_writer.hpp"

namespace bmsd::app {

namespace {

constexpr std::size_t kMaxExchanges = 64;

} // namespace

std::optional<Json> CaptureWriter::take(const std::string& name, Port& port) {
  if (port.exchanges.empty()) {
    return std::nullopt;
  }
  Json line = {{"protocol", port.protocol},
               {"name", name + "-" + std::to_string(++port.lines)},
               {"kind", "real"},
               {"exchanges", port.exchanges}};
  port.exchanges = Json::array();
  return line;
}

std::optional<Json> CaptureWriter::add(const Json& frame) {
  const auto name = frame.value("port", std::string());
  auto& port = ports_[name];
  const bool is_tx = frame.value("direction", std::string()) == "tx";
  std::optional<Json> finished;
  const auto begin = [&](const std::string& key) {
    if (key == port.first || port.exchanges.size() >= kMaxExchanges) {
      finished = take(name, port);
    }
    if (port.exchanges.empty()) {
      port.first = key;
    }
  };
  if (frame.contains("topic")) {
    begin(frame["topic"].get<std::string>());
    port.exchanges.push_back({{"tx", nullptr}, {"rx", frame["payload"]}});
  } else if (frame.contains("id")) {
    if (is_tx) {
      return std::nullopt;
    }
    const auto id = frame["id"].get<std::string>();
    if (!port.exchanges.empty() && id == port.first) {
      finished = take(name, port);
    }
    if (port.exchanges.empty()) {
      port.first = id;
      port.exchanges.push_back({{"tx", nullptr}, {"rx", Json::array()}});
    }
    port.exchanges.back()["rx"].push_back({{"id", id}, {"data", frame["data"]}});
  } else if (is_tx) {
    begin(frame["data"].get<std::string>());
    port.exchanges.push_back({{"tx", frame["data"]}, {"rx", ""}});
  } else if (!port.exchanges.empty()) {
    auto& rx = port.exchanges.back()["rx"];
    rx = rx.get<std::string>() + frame["data"].get<std::string>();
  }
  return finished;
}

} // namespace bmsd::app
