#include "support/localsettings.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <vector>

namespace bmsd::test {

namespace {

constexpr const char* kName = "com.victronenergy.settings";
constexpr const char* kItem = "com.victronenergy.BusItem";

/// int32, int64, double and text; others are refused, as localsettings does for defaults.
std::optional<Setting::Value> read_variant(sd_bus_message* message) {
  char type = 0;
  const char* contents = nullptr;
  if (sd_bus_message_peek_type(message, &type, &contents) <= 0 || type != 'v') {
    return std::nullopt;
  }
  std::int64_t wide = 0;
  std::int32_t integer = 0;
  double real = 0;
  const char* text = nullptr;
  switch (contents[0]) {
  case 'i': sd_bus_message_read(message, "v", "i", &integer); return integer;
  case 'x': sd_bus_message_read(message, "v", "x", &wide); return static_cast<std::int32_t>(wide);
  case 'd': sd_bus_message_read(message, "v", "d", &real); return real;
  case 's': sd_bus_message_read(message, "v", "s", &text); return std::string(text);
  default: sd_bus_message_skip(message, "v"); return std::nullopt;
  }
}

double as_number(const std::optional<Setting::Value>& value) {
  if (!value) {
    return 0;
  }
  auto* integer = std::get_if<std::int32_t>(&*value);
  auto* real = std::get_if<double>(&*value);
  return integer ? *integer : real ? *real : 0;
}

void append_variant(sd_bus_message* message, const Setting::Value& value) {
  if (auto* integer = std::get_if<std::int32_t>(&value)) {
    sd_bus_message_append(message, "v", "i", *integer);
  } else if (auto* real = std::get_if<double>(&value)) {
    sd_bus_message_append(message, "v", "d", *real);
  } else {
    sd_bus_message_append(message, "v", "s", std::get<std::string>(value).c_str());
  }
}

std::string as_text(const Setting::Value& value) {
  if (auto* integer = std::get_if<std::int32_t>(&value)) {
    return std::to_string(*integer);
  }
  auto* real = std::get_if<double>(&value);
  return real ? std::to_string(*real) : std::get<std::string>(value);
}

Setting::Value limit(const Setting& setting, double number) {
  bool real = std::holds_alternative<double>(setting.value) && (setting.min != 0 || setting.max != 0);
  return real ? Setting::Value(number) : Setting::Value(static_cast<std::int32_t>(number));
}

/// Where a relative path of a call on `object` leads.
std::string below(const std::string& object, const std::string& relative) {
  return (object == "/" ? "" : object) + (relative.starts_with("/") ? "" : "/") + relative;
}

int reply_code(sd_bus_message* call, int code) {
  return sd_bus_reply_method_return(call, "i", code);
}

struct Reply {
  explicit Reply(sd_bus_message* call) { sd_bus_message_new_method_return(call, &message); }
  ~Reply() { sd_bus_message_unref(message); }
  int send() { return sd_bus_send(nullptr, message, nullptr); }
  sd_bus_message* message = nullptr;
};

} // namespace

LocalSettings::LocalSettings(const std::string& address, const std::string& file)
    : store_(file), wake_(eventfd(0, EFD_CLOEXEC)) {
  if (sd_bus_new(&bus_) < 0 || sd_bus_set_address(bus_, address.c_str()) < 0 || sd_bus_set_bus_client(bus_, 1) < 0 ||
      sd_bus_start(bus_) < 0 || sd_bus_add_fallback(bus_, nullptr, "/", on_call, this) < 0 ||
      sd_bus_request_name(bus_, kName, 0) < 0) {
    throw std::runtime_error("no bus at " + address + ", or the settings service runs already");
  }
}

LocalSettings::~LocalSettings() {
  sd_bus_close_unref(bus_);
  close(wake_);
}

void LocalSettings::run() {
  while (!stopping_) {
    int result = sd_bus_process(bus_, nullptr);
    if (result < 0) {
      return;
    }
    if (result > 0) {
      continue;
    }
    pollfd fds[] = {{sd_bus_get_fd(bus_), static_cast<short>(sd_bus_get_events(bus_)), 0}, {wake_, POLLIN, 0}};
    poll(fds, 2, -1);
  }
}

void LocalSettings::stop() {
  stopping_ = true;
  std::uint64_t one = 1;
  [[maybe_unused]] auto written = write(wake_, &one, sizeof one);
}

int LocalSettings::on_call(sd_bus_message* call, void* user, sd_bus_error*) {
  auto& self = *static_cast<LocalSettings*>(user);
  std::string path = sd_bus_message_get_path(call);
  if (!self.store_.find(path) && !self.store_.is_group(path)) {
    return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_UNKNOWN_OBJECT, "%s", path.c_str());
  }
  std::string member = sd_bus_message_get_member(call);
  int handled = self.settings_call(call, member);
  handled = handled != 0 ? handled : self.item_call(call, member);
  return handled != 0 ? 1 : sd_bus_reply_method_errorf(call, SD_BUS_ERROR_UNKNOWN_METHOD, "%s", member.c_str());
}

int LocalSettings::settings_call(sd_bus_message* call, const std::string& member) {
  if (member == "AddSetting" || member == "AddSilentSetting") {
    return add_setting(call, member == "AddSilentSetting");
  }
  if (member == "AddSettings") {
    return add_settings(call);
  }
  return member == "RemoveSettings" ? remove_settings(call) : 0;
}

int LocalSettings::item_call(sd_bus_message* call, const std::string& member) {
  std::string path = sd_bus_message_get_path(call);
  Setting* setting = store_.find(path);
  if (!setting) {
    return member == "GetItems" && path == "/" ? get_items(call) : member == "GetValue" ? get_group(call, path) : 0;
  }
  if (member == "SetValue") {
    return set_value(call, path);
  }
  if (member == "GetText") {
    return sd_bus_reply_method_return(call, "s", as_text(setting->value).c_str());
  }
  Reply reply(call);
  if (member == "GetValue") {
    append_variant(reply.message, setting->value);
  } else if (member == "GetDefault") {
    append_variant(reply.message, setting->def);
  } else if (member == "GetMin") {
    append_variant(reply.message, limit(*setting, setting->min));
  } else if (member == "GetMax") {
    append_variant(reply.message, limit(*setting, setting->max));
  } else {
    return 0;
  }
  return reply.send();
}

int LocalSettings::add_setting(sd_bus_message* call, bool silent) {
  const char *group = nullptr, *name = nullptr, *type = nullptr;
  sd_bus_message_read(call, "ss", &group, &name);
  auto def = read_variant(call);
  sd_bus_message_read(call, "s", &type);
  auto min = read_variant(call);
  auto max = read_variant(call);
  if (!type || !def) {
    return reply_code(call, -6);
  }
  if (std::strchr("ifs", *type) == nullptr || *type == '\0') {
    return reply_code(call, -3);
  }
  if (*type == 'f' && std::holds_alternative<std::int32_t>(*def)) {
    def = as_number(def);
  }
  std::string object = sd_bus_message_get_path(call);
  auto relative = std::string(group).empty() ? std::string(name) : std::string(group) + "/" + name;
  return reply_code(call, store_.add(below(object == "/" ? "/Settings" : object, relative),
                                     {*def, *def, as_number(min), as_number(max), silent}));
}

int LocalSettings::add_settings(sd_bus_message* call) {
  std::string object = sd_bus_message_get_path(call);
  Reply reply(call);
  sd_bus_message_open_container(reply.message, 'a', "a{sv}");
  sd_bus_message_enter_container(call, 'a', "a{sv}");
  while (sd_bus_message_enter_container(call, 'a', "{sv}") > 0) {
    std::map<std::string, std::optional<Setting::Value>> fields;
    while (sd_bus_message_enter_container(call, 'e', "sv") > 0) {
      const char* key = nullptr;
      sd_bus_message_read(call, "s", &key);
      auto& field = fields[key];
      field = read_variant(call);
      sd_bus_message_exit_container(call);
    }
    sd_bus_message_exit_container(call);
    auto name = fields["path"];
    auto def = fields["default"];
    int code = !name ? -4 : !def ? -6 : 0;
    auto path = name ? below(object, std::get<std::string>(*name)) : "";
    if (code == 0) {
      code = store_.add(
          path, {*def, *def, as_number(fields["min"]), as_number(fields["max"]), as_number(fields["silent"]) != 0});
    }
    sd_bus_message_open_container(reply.message, 'a', "{sv}");
    sd_bus_message_append(reply.message, "{sv}", "path", "s", name ? std::get<std::string>(*name).c_str() : "");
    sd_bus_message_append(reply.message, "{sv}", "error", "i", code);
    if (code == 0) {
      sd_bus_message_open_container(reply.message, 'e', "sv");
      sd_bus_message_append(reply.message, "s", "value");
      append_variant(reply.message, store_.find(path)->value);
      sd_bus_message_close_container(reply.message);
    }
    sd_bus_message_close_container(reply.message);
  }
  sd_bus_message_close_container(reply.message);
  return reply.send();
}

int LocalSettings::remove_settings(sd_bus_message* call) {
  std::string object = sd_bus_message_get_path(call);
  Reply reply(call);
  sd_bus_message_open_container(reply.message, 'a', "i");
  sd_bus_message_enter_container(call, 'a', "s");
  const char* path = nullptr;
  while (sd_bus_message_read_basic(call, 's', &path) > 0) {
    sd_bus_message_append(reply.message, "i", store_.remove(below(object, path)));
  }
  sd_bus_message_close_container(reply.message);
  return reply.send();
}

int LocalSettings::set_value(sd_bus_message* call, const std::string& path) {
  auto value = read_variant(call);
  Setting& setting = *store_.find(path);
  if (value && std::holds_alternative<double>(setting.value) && std::holds_alternative<std::int32_t>(*value)) {
    value = as_number(value);
  } else if (value && std::holds_alternative<std::int32_t>(setting.value) && std::holds_alternative<double>(*value)) {
    value = static_cast<std::int32_t>(std::lround(as_number(value)));
  }
  auto before = setting.value;
  int code = value ? store_.set(path, *value) : -1;
  if (setting.value != before) {
    signal_change(path);
  }
  return reply_code(call, code);
}

void LocalSettings::signal_change(const std::string& path) {
  sd_bus_message* signal = nullptr;
  const auto& value = store_.find(path)->value;
  sd_bus_message_new_signal(bus_, &signal, path.c_str(), kItem, "PropertiesChanged");
  sd_bus_message_open_container(signal, 'a', "{sv}");
  sd_bus_message_open_container(signal, 'e', "sv");
  sd_bus_message_append(signal, "s", "Value");
  append_variant(signal, value);
  sd_bus_message_close_container(signal);
  sd_bus_message_append(signal, "{sv}", "Text", "s", as_text(value).c_str());
  sd_bus_message_close_container(signal);
  sd_bus_send(bus_, signal, nullptr);
  sd_bus_message_unref(signal);
}

int LocalSettings::get_items(sd_bus_message* call) {
  Reply reply(call);
  auto* m = reply.message;
  sd_bus_message_open_container(m, 'a', "{sa{sv}}");
  for (const auto& [path, setting] : store_.all()) {
    sd_bus_message_open_container(m, 'e', "sa{sv}");
    sd_bus_message_append(m, "s", path.c_str());
    sd_bus_message_open_container(m, 'a', "{sv}");
    std::vector<std::pair<const char*, Setting::Value>> entries = {{"Value", setting.value},
                                                                   {"Text", as_text(setting.value)},
                                                                   {"Min", limit(setting, setting.min)},
                                                                   {"Max", limit(setting, setting.max)},
                                                                   {"Default", setting.def}};
    for (const auto& [key, value] : entries) {
      sd_bus_message_open_container(m, 'e', "sv");
      sd_bus_message_append(m, "s", key);
      append_variant(m, value);
      sd_bus_message_close_container(m);
    }
    sd_bus_message_close_container(m);
    sd_bus_message_close_container(m);
  }
  sd_bus_message_close_container(m);
  return reply.send();
}

int LocalSettings::get_group(sd_bus_message* call, const std::string& path) {
  Reply reply(call);
  auto prefix = path == "/" ? path : path + "/";
  sd_bus_message_open_container(reply.message, 'v', "a{sv}");
  sd_bus_message_open_container(reply.message, 'a', "{sv}");
  for (const auto& [name, setting] : store_.all()) {
    if (name.starts_with(prefix)) {
      sd_bus_message_open_container(reply.message, 'e', "sv");
      sd_bus_message_append(reply.message, "s", name.c_str() + prefix.size());
      append_variant(reply.message, setting.value);
      sd_bus_message_close_container(reply.message);
    }
  }
  sd_bus_message_close_container(reply.message);
  sd_bus_message_close_container(reply.message);
  return reply.send();
}

} // namespace bmsd::test
