#include "support/localsettings.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>

namespace bmsd::test {

namespace {

constexpr std::string_view kInstance = "/ClassAndVrmInstance";

bool limited(const Setting& setting) {
  return (setting.min != 0 || setting.max != 0) && !std::holds_alternative<std::string>(setting.value);
}

bool in_range(const Setting& setting, const Setting::Value& value) {
  if (!limited(setting)) {
    return true;
  }
  auto* integer = std::get_if<std::int32_t>(&value);
  double number = integer ? *integer : std::get<double>(value);
  return number >= setting.min && number <= setting.max;
}

bool is_instance(std::string_view path) {
  return path.starts_with("/Settings/Devices/") && path.ends_with(kInstance);
}

nlohmann::json to_json(const Setting::Value& value) {
  return std::visit([](const auto& v) { return nlohmann::json(v); }, value);
}

Setting::Value from_json(const nlohmann::json& json) {
  if (json.is_string()) {
    return json.get<std::string>();
  }
  return json.is_number_float() ? Setting::Value(json.get<double>()) : Setting::Value(json.get<std::int32_t>());
}

} // namespace

SettingsStore::SettingsStore(std::string file) : file_(std::move(file)) {
  std::ifstream in(file_);
  auto document = nlohmann::json::parse(in, nullptr, false);
  if (!document.is_object()) {
    return;
  }
  for (const auto& [path, entry] : document.items()) {
    settings_[path] = {from_json(entry["value"]), from_json(entry["default"]), entry["min"], entry["max"],
                       entry["silent"]};
  }
}

int SettingsStore::add(const std::string& path, Setting fresh) {
  if (!path.starts_with("/Settings/")) {
    return -9;
  }
  if (path.find("/_") != std::string::npos) {
    return -2;
  }
  if (is_group(path)) {
    return -8;
  }
  if (!in_range(fresh, fresh.def)) {
    return -7;
  }
  if (Setting* known = find(path)) {
    if (known->value.index() != fresh.value.index()) {
      return -5;
    }
    fresh.value = known->value;
  } else if (is_instance(path)) {
    make_unique(path, fresh.value);
  }
  settings_[path] = std::move(fresh);
  save();
  return 0;
}

int SettingsStore::remove(const std::string& path) {
  bool known = settings_.erase(path) > 0;
  save();
  return known ? 0 : -1;
}

int SettingsStore::set(const std::string& path, const Setting::Value& value) {
  Setting* setting = find(path);
  if (!setting || setting->value.index() != value.index() || !in_range(*setting, value)) {
    return -1;
  }
  auto wanted = value;
  if (is_instance(path)) {
    make_unique(path, wanted);
  }
  setting->value = wanted;
  save();
  return 0;
}

bool SettingsStore::is_group(const std::string& path) const {
  auto prefix = path == "/" ? path : path + "/";
  auto next = settings_.lower_bound(prefix);
  return path == "/" || path == "/Settings" || (next != settings_.end() && next->first.starts_with(prefix));
}

Setting* SettingsStore::find(const std::string& path) {
  auto found = settings_.find(path);
  return found == settings_.end() ? nullptr : &found->second;
}

/// "battery:1": the number grows until no other device of the class has it.
void SettingsStore::make_unique(const std::string& path, Setting::Value& value) const {
  auto& text = std::get<std::string>(value);
  auto colon = text.find(':');
  if (colon == std::string::npos) {
    return;
  }
  auto taken = [&](const std::string& candidate) {
    return std::any_of(settings_.begin(), settings_.end(), [&](const auto& entry) {
      return entry.first != path && is_instance(entry.first) && entry.second.value == Setting::Value(candidate);
    });
  };
  int number = std::atoi(text.c_str() + colon + 1);
  auto name = text.substr(0, colon + 1);
  while (taken(name + std::to_string(number))) {
    ++number;
  }
  text = name + std::to_string(number);
}

void SettingsStore::save() const {
  if (file_.empty()) {
    return;
  }
  nlohmann::json document = nlohmann::json::object();
  for (const auto& [path, setting] : settings_) {
    document[path] = {{"value", to_json(setting.value)},
                      {"default", to_json(setting.def)},
                      {"min", setting.min},
                      {"max", setting.max},
                      {"silent", setting.silent}};
  }
  std::ofstream(file_) << document.dump(1);
}

} // namespace bmsd::test
