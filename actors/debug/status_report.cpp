#include "actors/debug/status_report.hpp"

namespace bmsd::actors {

namespace {

bool is(const Json& described, const char* kind) {
  return described.value("kind", std::string()) == kind;
}

} // namespace

void StatusReport::counters(const Counters& counters) {
  Json failures = Json::object();
  for (std::size_t i = 1; i < kFaultKinds; ++i) {
    failures[std::string(to_string(static_cast<Fault>(i)))] = counters.failures[i].load();
  }
  counters_ = {{"messages", counters.messages.load()},
               {"polls", counters.polls.load()},
               {"samples", counters.samples.load()},
               {"frames", counters.frames.load()},
               {"signals", counters.signals.load()},
               {"restarts", counters.restarts.load()},
               {"latency_median_us", counters.latency.quantile(0.5).count()},
               {"latency_p99_us", counters.latency.quantile(0.99).count()},
               {"failures", failures}};
}

Json StatusReport::json() const {
  Json result = {{"version", BMSD_VERSION}, {"uptime", uptime}, {"ports", Json::array()}, {"batteries", Json::array()}};
  std::map<std::string, std::uint32_t> restarts;
  for (const auto& actor : actors) {
    restarts[actor.name] = actor.restarts;
  }
  for (const auto& [name, about] : described) {
    if (is(about, "port")) {
      auto port = about;
      port.erase("kind");
      port["restarts"] = restarts[name];
      result["ports"].push_back(std::move(port));
    }
  }
  for (const auto& [name, about] : described) {
    if (!is(about, "battery")) {
      continue;
    }
    auto battery = about;
    battery.erase("kind");
    const auto id = about.value("id", std::string());
    for (const auto& [other_name, other] : described) {
      if (is(other, "session") && other.value("battery", std::string()) == id) {
        for (const char* key : {"port", "protocol", "address", "link", "samples", "failures", "last_error"}) {
          if (other.contains(key)) {
            battery[key] = other[key];
          }
        }
      } else if (is(other, "publisher") && other.value("id", std::string()) == id) {
        for (const char* key : {"service", "device_instance", "published", "custom_name"}) {
          if (other.contains(key)) {
            battery[key] = other[key];
          }
        }
      }
    }
    result["batteries"].push_back(std::move(battery));
  }
  result["searching"] = Json::array();
  for (const auto& [name, about] : described) {
    const bool optional = about.value("follower", 0) > 0; // an address where nobody needs to be
    if (is(about, "session") && !optional && about.value("battery", std::string()).empty()) {
      result["searching"].push_back(about);
    }
  }
  result["actors"] = Json::array();
  for (const auto& actor : actors) {
    result["actors"].push_back(bmsd::to_json(actor));
  }
  result["counters"] = counters_;
  return result;
}

} // namespace bmsd::actors
