#include "actors/settings/settings_actor.hpp"

#include "actors/settings/settings_io.hpp"
#include "actors/spawn.hpp"

#include <asio/dispatch.hpp>
#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <map>

namespace bmsd::actors {

namespace {

using std::chrono::seconds;

/// "battery:3"
std::optional<int> instance_of(const dbus::Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || !text->starts_with("battery:")) {
    return std::nullopt;
  }
  int instance = 0;
  const auto* begin = text->data() + 8;
  const auto* end = text->data() + text->size();
  const auto parsed = std::from_chars(begin, end, instance);
  return parsed.ec == std::errc() && parsed.ptr == end && instance >= 0 ? std::optional(instance) : std::nullopt;
}

class SettingsState {
public:
  using Self = SettingsActor::stateful_pointer<SettingsState>;
  explicit SettingsState(Self self) : self_(self) {}

  ~SettingsState() {
    if (io_) {
      asio::dispatch(core_->io, [io = std::move(io_)] { io->stop(); });
    }
  }

  static inline const char* name = "settings";
  SettingsRef slot;

  SettingsActor::behavior_type start(CorePtr core, const std::string& bus) {
    core_ = std::move(core);
    if (!bus.empty()) {
      io_ = std::make_shared<SettingsIo>(core_, bus);
      on_io([](SettingsIo& io) { io.start(); });
    }
    return {
        [this](const RegisterBattery& battery) { on_register(battery); },
        [this](const StoreCustomName& store) { return on_store_name(store); },
        [this](const FollowReadings& wish) { on_io([wish](SettingsIo& io) { io.follow(wish); }); },
        [this](const KeepValues& wish) { on_io([wish](SettingsIo& io) { io.keep(wish); }); },
        [this](const SettingsAvailable& state) { on_available(state.available); },
        [this](const SettingChanged& change) { on_changed(change); },
        [this](const DeviceAnswer& answer) { on_answer(answer); },
        [this](const Tick&) { stop_waiting(); },
        [this](const Describe&) {
          return Json{{"kind", "settings"}, {"service", available_}, {"devices", devices_.size()}};
        },
        [](const Configured&) {},
        [this](const CloseDown&) { self_->quit(); },
    };
  }

private:
  struct Device {
    PublisherRef publisher; ///< the newest
    std::optional<Registration> registration;
    std::optional<Registration> saved;     ///< of the last time
    bool name_unsent = false;              ///< the service has not confirmed it
    std::chrono::nanoseconds settle_at{0}; ///< steady time; without the service then. 0: not asked yet
    bool from_service = false;
  };

  /// On a GX device the settings service is sure to come; elsewhere there may be none.
  static constexpr std::chrono::milliseconds kPatience{500}, kPatienceOnVenus{15000};
  /// With a service that is there and does not answer, for a battery whose instance is known from the last time.
  static constexpr std::chrono::milliseconds kPatienceOfKnown{1500};
  static constexpr int kFirstInstance = 1;

  template <class F>
  void on_io(F f) {
    if (io_) {
      asio::dispatch(core_->io, [io = io_, f = std::move(f)] { f(*io); });
    }
  }

  void on_register(const RegisterBattery& battery) {
    auto& device = devices_[battery.id];
    device.publisher = battery.publisher;
    if (device.registration) {
      announce(battery.id, device);
      return;
    }
    if (device.settle_at.count() != 0) {
      return; // asked already
    }
    load(battery.id, device);
    on_io([id = battery.id, saved = device.saved, unsent = device.name_unsent](SettingsIo& io) {
      io.add_battery(id, saved ? saved->device_instance : kFirstInstance, saved ? saved->custom_name : "");
      if (saved && unsent) {
        io.store_name(id, saved->custom_name);
      }
    });
    if (device.saved && !available_) {
      device.registration = device.saved; // as the last time, until the service says otherwise
      announce(battery.id, device);
    } else if (!io_) {
      settle_alone(battery.id, device);
    } else {
      const bool comes = available_ || std::filesystem::exists("/opt/victronenergy");
      const auto patience = device.saved ? kPatienceOfKnown : comes ? kPatienceOnVenus : kPatience;
      device.settle_at = core_->now().steady + patience;
      self_->delayed_send(self_, patience, Tick{});
    }
  }

  /// The service did not come, or does not answer: as the last time, in the end without it.
  void stop_waiting() {
    for (auto& [id, device] : devices_) {
      if (!device.registration && core_->now().steady >= device.settle_at) {
        if (available_) {
          spdlog::warn("{}: the settings service does not answer", id);
        }
        settle_alone(id, device);
      }
    }
  }

  void settle_alone(const std::string& id, Device& device) {
    auto registration = device.saved.value_or(Registration{kFirstInstance, {}});
    const auto taken = [&](int instance) {
      return std::any_of(devices_.begin(), devices_.end(), [&](const auto& entry) {
        const auto& other = entry.second;
        const auto& has = other.registration ? other.registration : other.saved;
        return &other != &device && has && has->device_instance == instance;
      });
    };
    while (taken(registration.device_instance)) {
      ++registration.device_instance;
    }
    adopt(id, device, registration);
  }

  void on_answer(const DeviceAnswer& answer) {
    auto it = devices_.find(answer.id);
    if (it == devices_.end()) {
      return;
    }
    const auto instance = instance_of(answer.instance);
    if (answer.error.fault != Fault::none || !instance) {
      spdlog::warn("{}: the settings service gave no device instance: {}", answer.id, to_string(answer.error));
      if (!it->second.registration) {
        settle_alone(it->first, it->second);
      }
      return;
    }
    const auto* name = std::get_if<std::string>(&answer.name);
    it->second.from_service = true;
    adopt(it->first, it->second, {*instance, name != nullptr ? *name : std::string()});
  }

  void on_changed(const SettingChanged& change) {
    for (auto& [id, device] : devices_) {
      const auto base = device_settings_path(id);
      if (!device.registration || !change.path.starts_with(base + "/")) {
        continue;
      }
      auto registration = *device.registration;
      if (change.path == base + "/ClassAndVrmInstance") {
        registration.device_instance = instance_of(change.value).value_or(registration.device_instance);
      } else if (change.path == base + "/CustomName") {
        const auto* name = std::get_if<std::string>(&change.value);
        registration.custom_name = name != nullptr ? *name : std::string();
        device.name_unsent = false;
      }
      adopt(id, device, registration);
      return;
    }
  }

  bool on_store_name(const StoreCustomName& store) {
    auto it = devices_.find(store.id);
    if (it == devices_.end() || !it->second.registration) {
      return false;
    }
    on_io([store](SettingsIo& io) { io.store_name(store.id, store.name); });
    auto registration = *it->second.registration;
    registration.custom_name = store.name;
    it->second.name_unsent = io_ != nullptr;
    adopt(it->first, it->second, registration);
    return true;
  }

  void on_available(bool available) {
    available_ = available;
    spdlog::info("settings service {}", available ? "present" : "absent");
  }

  void adopt(const std::string& id, Device& device, const Registration& registration) {
    const bool same = device.registration && device.registration->device_instance == registration.device_instance &&
                      device.registration->custom_name == registration.custom_name;
    Json json = {{"device_instance", registration.device_instance}, {"custom_name", registration.custom_name}};
    if (device.name_unsent) {
      json["name_unsent"] = true;
    }
    if (auto saved = core_->store.save("device_" + id, json); !saved) { // the attempt before: this is another one
      spdlog::warn("{}: {}", id, saved.error().detail);
    }
    if (same) {
      return;
    }
    device.registration = registration;
    announce(id, device);
  }

  void announce(const std::string& id, const Device& device) {
    post(self_, *core_, device.publisher, *device.registration, id);
  }

  void load(const std::string& id, Device& device) {
    const auto json = core_->store.load("device_" + id);
    if (!json) {
      return;
    }
    const auto value = [&](const char* key) {
      const auto found = json->find(key);
      return found == json->end() ? Json() : *found;
    };
    const auto instance = value("device_instance"), name = value("custom_name");
    constexpr std::int64_t kMaxInstance = 1'000'000;
    if (!instance.is_number_integer() || instance.get<std::int64_t>() < 0 ||
        instance.get<std::int64_t>() > kMaxInstance || !name.is_string()) {
      spdlog::warn("{}: the file of its instance and name holds something else, which is ignored: {}", id,
                   json->dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 200));
      return;
    }
    device.saved = Registration{instance.get<int>(), name.get<std::string>()};
    device.name_unsent = value("name_unsent") == true;
  }

  Self self_;
  CorePtr core_;
  std::shared_ptr<SettingsIo> io_;
  std::map<std::string, Device> devices_;
  bool available_ = false;
};

} // namespace

std::string device_settings_path(const std::string& battery_id) {
  std::string id = sanitized(battery_id);
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::toupper(c); });
  return "/Settings/Devices/serialbattery_" + id;
}

SettingsActor spawn_settings(caf::actor_system& system, CorePtr core, const std::string& bus) {
  return spawn_in<SettingsState>(core->settings, system, core, bus);
}

} // namespace bmsd::actors
