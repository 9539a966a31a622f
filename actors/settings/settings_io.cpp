#include "actors/settings/settings_io.hpp"

#include "actors/battery/kept_values.hpp"
#include "actors/settings/settings_actor.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace bmsd::actors {

void SettingsIo::start() {
  connection_ = std::make_unique<dbus::Connection>(core_->io, bus_);
  client_ = std::make_unique<dbus::SettingsClient>(*connection_);
  client_->on_available([this](bool available) {
    post_from_outside(*core_, core_->settings, SettingsAvailable{available});
    if (available) {
      for (const auto& id : added_) {
        send_name(id);
      }
    }
  });
  client_->on_changed([this](const std::string& path, const dbus::Value& value) {
    post_from_outside(*core_, core_->settings, SettingChanged{path, value});
  });
  follow_ess();
  connection_->start();
}

void SettingsIo::stop() {
  followers_.clear();
  memories_.clear();
  added_.clear();
  ess_.clear();
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
      if (const auto name = unsent_names_.find(id); name != unsent_names_.end()) {
        answer.name = name->second;
      }
      added_.insert(id);
      send_name(id);
      client_->set(base + "/LastSeen", now, [](const Result<void>&) {});
    }
    post_from_outside(*core_, core_->settings, std::move(answer));
  });
}

void SettingsIo::store_name(const std::string& id, const std::string& name) {
  if (!client_) {
    return;
  }
  unsent_names_[id] = name;
  if (client_->available() && added_.contains(id)) {
    send_name(id);
  }
}

void SettingsIo::send_name(const std::string& id) {
  const auto unsent = unsent_names_.extract(id);
  if (!unsent) {
    return;
  }
  const auto& name = unsent.mapped();
  client_->set(device_settings_path(id) + "/CustomName", name, [this, id, name](const Result<void>& stored) {
    if (stored) { // to be known also where the value is the same as before, which the service does not announce
      post_from_outside(*core_, core_->settings, SettingChanged{device_settings_path(id) + "/CustomName", name});
      return;
    }
    if (stored.error().fault == Fault::link) {
      unsent_names_.try_emplace(id, name);
    } else {
      spdlog::warn("{}: the settings service did not take the custom name: {}", id, to_string(stored.error()));
    }
  });
}

// -- what a battery remembers --------------------------------------------------------

void SettingsIo::keep(const KeepValues& wish) {
  if (!client_) {
    return;
  }
  auto& memory = memories_[wish.id];
  const bool untold = wish.fresh || memory.wish.fresh;
  memory.wish = wish;
  memory.wish.fresh = untold; // nothing is overwritten before the battery has seen it
  if (!std::exchange(memory.asked, true)) {
    add_memory(wish.id);
  } else if (!memory.stored.empty()) {
    tell_or_store(wish.id);
  }
}

/// A setting that another program made with another type keeps it.
void SettingsIo::add_memory(const std::string& id) {
  std::vector<dbus::SettingSpec> specs;
  for (const auto& [name, value] : kept_values({}).values) {
    specs.push_back({.path = device_settings_path(id) + "/" + name, .def = value, .silent = true});
  }
  client_->add(std::move(specs), [this, id](const std::vector<Result<dbus::Value>>&) {
    client_->read(device_settings_path(id), [this, id](const Result<dbus::SettingsClient::Values>& all) {
      if (!all || all->empty()) {
        memories_[id].asked = false; // the next wish tries again
        return;
      }
      for (const auto& [name, value] : *all) {
        memories_[id].stored[name] = value;
      }
      tell_or_store(id);
    });
  });
}

void SettingsIo::tell_or_store(const std::string& id) {
  auto& memory = memories_[id];
  if (std::exchange(memory.wish.fresh, false)) {
    post_from_outside(*core_, memory.wish.battery, KeptValues{{memory.stored.begin(), memory.stored.end()}});
    return;
  }
  for (const auto& [name, value] : memory.wish.kept.values) {
    const auto stored = memory.stored.find(name);
    if (stored == memory.stored.end()) {
      continue; // refused by the service
    }
    const auto wanted = in_type_of(stored->second, value);
    if (wanted == stored->second) {
      continue;
    }
    client_->set(device_settings_path(id) + "/" + name, wanted,
                 [this, id, name = name, wanted](const Result<void>& done) {
                   auto& kept = memories_[id];
                   if (done) {
                     kept.stored[name] = wanted;
                   } else if (done.error().fault != Fault::link && kept.refused.insert(name).second) {
                     spdlog::warn("{}: the settings service did not take {}: {}", id, name, to_string(done.error()));
                   }
                 });
  }
}

// -- values of others --------------------------------------------------------------

/// What the ESS assistant is set to, for the time to go.
void SettingsIo::follow_ess() {
  static constexpr std::pair<RemoteReading::Kind, const char*> kPaths[] = {
      {RemoteReading::Kind::hub4_mode, "/Settings/CGwacs/Hub4Mode"},
      {RemoteReading::Kind::battery_life_state, "/Settings/CGwacs/BatteryLife/State"},
      {RemoteReading::Kind::minimum_soc_limit, "/Settings/CGwacs/BatteryLife/MinimumSocLimit"},
      {RemoteReading::Kind::soc_limit, "/Settings/CGwacs/BatteryLife/SocLimit"},
  };
  for (const auto& [kind, path] : kPaths) {
    ess_[kind] = std::make_unique<dbus::RemoteItem>(*connection_, "com.victronenergy.settings", path,
                                                    [this, kind = kind](const dbus::Value& value) {
                                                      for (const auto& [id, follower] : followers_) {
                                                        tell(follower.battery, kind, value);
                                                      }
                                                    });
  }
}

void SettingsIo::follow(const FollowReadings& wish) {
  if (!connection_) {
    return;
  }
  auto& follower = followers_[wish.id];
  follower.battery = wish.battery;
  follower.items.clear();
  for (const auto& [kind, item] : ess_) {
    tell(wish.battery, kind, item->value());
  }
  if (wish.device.empty()) {
    return;
  }
  const auto add = [&](RemoteReading::Kind kind, const std::string& path) {
    if (!path.empty()) {
      follower.items.push_back(std::make_unique<dbus::RemoteItem>(
          *connection_, wish.device, path,
          [this, kind, battery = wish.battery](const dbus::Value& value) { tell(battery, kind, value); },
          [this, battery = wish.battery](bool available) {
            tell(battery, RemoteReading::Kind::present, std::int32_t{available ? 1 : 0});
          }));
    }
  };
  add(RemoteReading::Kind::current, wish.current_path);
  add(RemoteReading::Kind::soc, wish.soc_path);
}

void SettingsIo::tell(const BatteryRef& battery, RemoteReading::Kind kind, const dbus::Value& value) {
  RemoteReading reading;
  reading.kind = kind;
  if (const auto* real = std::get_if<double>(&value)) {
    reading.value = *real;
  } else if (const auto* whole = std::get_if<std::int32_t>(&value)) {
    reading.value = *whole;
  }
  post_from_outside(*core_, battery, reading);
}

} // namespace bmsd::actors
