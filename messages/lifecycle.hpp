// Links that come and go, actors that start and fail.
#pragma once

#include "messages/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace bmsd {

enum class Link : std::uint8_t {
  up,     ///< open, the BMS answers
  silent, ///< open, the BMS does not answer
  gone,   ///< not open: unplugged, refused, interface down
};

constexpr std::string_view to_string(Link link) {
  switch (link) {
  case Link::up: return "up";
  case Link::silent: return "silent";
  case Link::gone: return "gone";
  }
  return "unknown";
}

struct LinkState {
  std::string port;
  Link link = Link::gone;
  std::string reason; ///< empty while up

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("port", self.port);
    visit("link", self.link);
    visit("reason", self.reason);
  }
};

enum class LifecycleEvent : std::uint8_t { started, failed, restarted, stopped };

constexpr std::string_view to_string(LifecycleEvent event) {
  switch (event) {
  case LifecycleEvent::started: return "started";
  case LifecycleEvent::failed: return "failed";
  case LifecycleEvent::restarted: return "restarted";
  case LifecycleEvent::stopped: return "stopped";
  }
  return "unknown";
}

struct Lifecycle {
  std::string actor;
  LifecycleEvent event{};
  std::string reason;
  std::uint32_t restarts = 0;
  std::int64_t next_ms = 0; ///< failed: restart after so many milliseconds

  template <class Self, class Visitor>
  static void fields(Self& self, Visitor&& visit) {
    visit("actor", self.actor);
    visit("event", self.event);
    visit("reason", self.reason);
    visit("restarts", self.restarts);
    visit("next_ms", self.next_ms);
  }
};

} // namespace bmsd
