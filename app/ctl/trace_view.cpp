#include "app/ctl/trace_view.hpp"

#include <cstdio>
#include <ctime>

namespace bmsd::app {

namespace {

constexpr std::size_t kMaxBody = 160;

std::string clock_text(double time) {
  const auto seconds = static_cast<std::time_t>(time);
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  std::snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>((time - static_cast<double>(seconds)) * 1000));
  return text;
}

std::string body_text(const std::string& kind, const Json& body) {
  if (kind == "frame") {
    std::string text = body.value("direction", std::string()) + " ";
    if (body.contains("topic")) {
      return text + body.value("topic", std::string()) + " " + body.value("payload", std::string());
    }
    return text + (body.contains("id") ? body.value("id", std::string()) + " " : "") +
           body.value("data", std::string());
  }
  return body.dump();
}

} // namespace

std::string render_trace(const Json& line) {
  const auto kind = line.value("kind", std::string());
  auto from = line.value("from", std::string());
  if (line.contains("to")) {
    from += " > " + line.value("to", std::string());
  }
  auto body = body_text(kind, line.value("body", Json::object()));
  if (body.size() > kMaxBody) {
    body = body.substr(0, kMaxBody) + "...";
  }
  char head[128];
  std::snprintf(head, sizeof head, "%s %-9s %-40s ", clock_text(line.value("time", 0.0)).c_str(), kind.c_str(),
                from.c_str());
  return head + body;
}

} // namespace bmsd::app
