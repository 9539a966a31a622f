#include "app/ctl/status_view.hpp"

#include <cstdarg>
#include <cstdio>

namespace bmsd::app {

namespace {

class View {
public:
  View(const Json& status, const ViewOptions& options) : status_(status), options_(options) {}

  std::string render() {
    title();
    batteries();
    ports();
    searching();
    actors();
    counters();
    return std::move(out_);
  }

private:
  void line(const char* format, ...) __attribute__((format(printf, 2, 3))) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    out_ += text;
    out_ += '\n';
  }

  void heading(const char* text) {
    out_ += '\n';
    out_ += paint(text, "1");
    out_ += '\n';
  }

  std::string paint(const std::string& text, const char* code) const {
    return options_.color ? std::string("\033[") + code + "m" + text + "\033[0m" : text;
  }

  /// "-" where there is no value.
  static std::string number(const Json& object, const char* key, int decimals) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number()) {
      return "-";
    }
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", decimals, found->get<double>());
    return text;
  }

  void title() {
    out_ += paint("bmsd " + text_at(status_, "version"), "1");
    line("  up %s s", number(status_, "uptime", 0).c_str());
  }

  std::string link_text(const std::string& link) const {
    return paint(link + std::string(link.size() < 6 ? 6 - link.size() : 0, ' '), link == "up" ? "32" : "31");
  }

  void batteries() {
    heading("BATTERIES");
    const auto& list = status_["batteries"];
    if (list.empty()) {
      line("  none found yet");
      return;
    }
    line("  %-22s %-13s %-6s %6s %7s %8s  %-13s %7s %7s %7s  %s", "id", "protocol", "link", "SoC %", "V", "A",
         "cell min/max", "CVL V", "CCL A", "DCL A", "mode, alarms");
    for (const auto& battery : list) {
      const auto cells = number(battery, "min_cell_voltage", 3) + "/" + number(battery, "max_cell_voltage", 3);
      line("  %-22s %-13s %s %6s %7s %8s  %-13s %7s %7s %7s  %s%s", text_at(battery, "id").c_str(),
           text_at(battery, "protocol").c_str(), link_text(text_at(battery, "link")).c_str(),
           number(battery, "soc", 1).c_str(), number(battery, "voltage", 2).c_str(),
           number(battery, "current", 2).c_str(), cells.c_str(), number(battery, "cvl", 2).c_str(),
           number(battery, "ccl", 1).c_str(), number(battery, "dcl", 1).c_str(),
           text_at(battery, "charge_mode").c_str(), alarms(battery).c_str());
      if (!text_at(battery, "reason").empty()) {
        line("  %-22s %s", "", text_at(battery, "reason").c_str());
      }
    }
  }

  std::string alarms(const Json& battery) const {
    std::string text;
    const auto found = battery.find("alarms");
    if (found == battery.end() || !found->is_object()) {
      return text;
    }
    for (const auto& [name, level] : found->items()) {
      if (level.is_number() && level.get<int>() > 0) {
        text += "  " + paint(name + (level.get<int>() > 1 ? " ALARM" : " warning"), level.get<int>() > 1 ? "31" : "33");
      }
    }
    return text;
  }

  void ports() {
    heading("PORTS");
    for (const auto& port : status_["ports"]) {
      const auto state = text_at(port, "state");
      line("  %-22s %-32s %s  %s", text_at(port, "name").c_str(), text_at(port, "link").c_str(),
           paint(state, state == "open" ? "32" : "31").c_str(), text_at(port, "reason").c_str());
    }
  }

  void searching() {
    const auto found = status_.find("searching");
    if (found == status_.end() || found->empty()) {
      return;
    }
    heading("SEARCHING");
    for (const auto& session : *found) {
      line("  %-22s %-16s %s", text_at(session, "place").c_str(), text_at(session, "trying").c_str(),
           text_at(session, "last_error").c_str());
    }
  }

  void actors() {
    heading("SUPERVISION");
    for (const auto& actor : status_["actors"]) {
      const auto name = text_at(actor, "name");
      const auto failure = text_at(actor, "last_failure");
      const auto state = text_at(actor, "state");
      line("  %s%-34s %s  restarts %s%s%s", name == "supervisor" ? "" : "+- ", name.c_str(),
           paint(state, state == "running" ? "32" : "31").c_str(), number(actor, "restarts", 0).c_str(),
           failure.empty() ? "" : ", last: ", failure.c_str());
    }
  }

  void counters() {
    const auto& c = status_["counters"];
    std::string failures;
    for (const auto& [kind, count] : c["failures"].items()) {
      if (count.get<std::uint64_t>() > 0) {
        failures += " " + kind + " " + std::to_string(count.get<std::uint64_t>());
      }
    }
    heading("COUNTERS");
    line("  polls %s  samples %s  frames %s  signals %s  messages %s  restarts %s", number(c, "polls", 0).c_str(),
         number(c, "samples", 0).c_str(), number(c, "frames", 0).c_str(), number(c, "signals", 0).c_str(),
         number(c, "messages", 0).c_str(), number(c, "restarts", 0).c_str());
    line("  failures:%s", failures.empty() ? " none" : failures.c_str());
    if (options_.messages_per_second >= 0) {
      line("  messages a second: %.0f", options_.messages_per_second);
    }
  }

  const Json& status_;
  const ViewOptions& options_;
  std::string out_;
};

} // namespace

std::string render_status(const Json& status, const ViewOptions& options) {
  static const char* const kLists[] = {"batteries", "ports", "actors"};
  Json complete = status;
  for (const char* key : kLists) {
    if (!complete.contains(key)) {
      complete[key] = Json::array();
    }
  }
  if (!complete.contains("counters")) {
    complete["counters"] = {{"failures", Json::object()}};
  }
  return View(complete, options).render();
}

} // namespace bmsd::app
