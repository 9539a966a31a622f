#include "actors/settings/settings_io.hpp"

#include "actors/settings/settings_actor.hpp"

#include <spdlog/spdlog.h>

namespace bmsd::actors {

void SettingsIo::start() {
  connection_ = std::make_unique<dbus::Connection>(core_->io, bus_);
  client_ = std::make_unique<dbus::SettingsClient>(*connection_);
  client_->on_available(
      [this](bool available) { post_from_outside(*core_, core_->settings, SettingsAvailable{available}); });
  client_->on_changed([this](const std::string& path, const dbus::Value& value) {
    post_from_outside(*core_, core_->settings, SettingChanged{path, value});
  });
  connection_->start();
}

void SettingsIo::stop() {
  client_.reset();
  connection_.reset();
}

void SettingsIo::add_battery(const std::string& id, int preferred_instance, const std::string& custom_name) {
  if (!client_) {
    return;
  }
  const auto base = device_settings_path(id);
  const auto now = static_cast<std::int32_t>(core_->now().wall.count());
  std::vector<dbus::SettingSpec> specs;
  specs.push_back({.path = base + "/ClassAndVrmInstance", .def = "battery:" + std::to_string(preferred_instance)});
  specs.push_back({.path = base + "/CustomName", .def = custom_name});
  specs.push_back({.path = base + "/UniqueIdentifier", .def = id});
  specs.push_back({.path = base + "/LastSeen", .def = now, .silent = true});
  client_->add(std::move(specs), [this, id, base, now](const std::vector<Result<dbus::Value>>& values) {
    DeviceAnswer answer;
    answer.id = id;
    if (values.size() < 2 || !values[0] || !values[1]) {
      const auto* failed = values.empty() ? nullptr : !values[0] ? &values[0] : &values[1];
      answer.error = failed != nullptr ? failed->error() : Error{Fault::link, "no answer"};
    } else {
      answer.instance = *values[0];
      answer.name = *values[1];
      client_->set(base + "/LastSeen", now, [](const Result<void>&) {});
    }
    post_from_outside(*core_, core_->settings, std::move(answer));
  });
}

void SettingsIo::store_name(const std::string& id, const std::string& name) {
  if (!client_ || !client_->available()) {
    return;
  }
  client_->set(device_settings_path(id) + "/CustomName", name, [id](const Result<void>& stored) {
    if (!stored) {
      spdlog::warn("{}: the settings service did not take the custom name: {}", id, to_string(stored.error()));
    }
  });
}

} // namespace bmsd::actors
