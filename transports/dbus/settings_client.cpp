#include "transports/dbus/settings_client.hpp"

#include "transports/dbus/remote_service.hpp"

#include <algorithm>
#include <list>
#include <map>

namespace bmsd::dbus {

namespace {

constexpr const char* kSettings = "com.victronenergy.Settings";

Error add_error(std::int32_t code) {
  switch (code) {
  case -2: return {Fault::refused, "a path element starts with an underscore"};
  case -3: return {Fault::refused, "unknown type"};
  case -4: return {Fault::refused, "path missing"};
  case -5: return {Fault::refused, "exists with another type"};
  case -6: return {Fault::refused, "bad default"};
  case -7: return {Fault::refused, "default out of range"};
  case -8: return {Fault::refused, "is a group"};
  case -9: return {Fault::refused, "not below /Settings"};
  default: return {Fault::refused, "error " + std::to_string(code)};
  }
}

void append_spec(sd_bus_message* call, const SettingSpec& spec) {
  sd_bus_message_open_container(call, SD_BUS_TYPE_ARRAY, "{sv}");
  append_entry(call, "path", spec.path);
  append_entry(call, "default", view(spec.def));
  if (spec.min) {
    append_entry(call, "min", view(*spec.min));
  }
  if (spec.max) {
    append_entry(call, "max", view(*spec.max));
  }
  if (spec.silent) {
    append_entry(call, "silent", std::int32_t{1});
  }
  sd_bus_message_close_container(call);
}

/// One entry of the answer to AddSettings.
Result<Value> read_added(sd_bus_message* reply) {
  std::int32_t code = -3;
  std::optional<Value> value;
  bool whole = read_dictionary(reply, "v", [&](const char* key) {
    auto content = read_variant(reply);
    if (std::string_view(key) == "error") {
      code = content && std::holds_alternative<std::int32_t>(*content) ? std::get<std::int32_t>(*content) : -3;
    } else if (std::string_view(key) == "value") {
      value = std::move(content);
    }
    return true;
  });
  if (!whole) {
    return Error{Fault::refused, "answer not understood"};
  }
  return code != 0 || !value ? Result<Value>(add_error(code)) : Result<Value>(std::move(*value));
}

std::vector<Result<Value>> read_all_added(sd_bus_message* reply, std::size_t expected) {
  std::vector<Result<Value>> results;
  if (sd_bus_message_enter_container(reply, SD_BUS_TYPE_ARRAY, "a{sv}") > 0) {
    while (sd_bus_message_at_end(reply, 0) == 0) {
      results.push_back(read_added(reply));
      if (!results.back() && results.back().error().detail == "answer not understood") {
        break;
      }
    }
  }
  if (results.size() != expected) {
    results.assign(expected, Error{Fault::refused, "answer not understood"});
  }
  return results;
}

Result<SettingsClient::Values> read_values(sd_bus_message* reply) {
  SettingsClient::Values values;
  if (sd_bus_message_has_signature(reply, "v") <= 0) {
    return Error{Fault::refused, "answer not understood"};
  }
  char type = 0;
  const char* contents = nullptr;
  sd_bus_message_peek_type(reply, &type, &contents);
  if (contents == nullptr || std::string_view(contents) != "a{sv}") {
    if (auto value = read_variant(reply)) {
      values.emplace_back("", std::move(*value));
    }
    return values;
  }
  sd_bus_message_enter_container(reply, SD_BUS_TYPE_VARIANT, "a{sv}");
  bool whole = read_dictionary(reply, "v", [&](const char* key) {
    if (auto value = read_variant(reply)) {
      values.emplace_back(key, std::move(*value));
    }
    return true;
  });
  return whole ? Result<SettingsClient::Values>(std::move(values)) : Error{Fault::refused, "answer not understood"};
}

} // namespace

class SettingsClient::Impl : public std::enable_shared_from_this<SettingsClient::Impl> {
public:
  Impl(Connection& connection, std::string service)
      : service_(connection, std::move(service), [this](bool present) { on_presence(present); }) {}

  void start() {
    auto follow = [weak = weak_from_this()](sd_bus_message* signal) {
      if (auto self = weak.lock()) {
        visit_changes(signal, [&](std::string_view path, const Value& value) { self->learn(path, value); });
      }
    };
    service_.subscribe("member='PropertiesChanged'", follow);
    service_.subscribe("member='ItemsChanged'", follow);
    service_.start();
  }

  void shut() {
    available_handler = nullptr;
    change_handler = nullptr;
    batches_.clear();
  }

  bool available() const { return service_.present(); }

  void add(std::vector<SettingSpec> specs, AddHandler handler) {
    for (const auto& spec : specs) {
      replace(spec.path);
    }
    batches_.push_back({std::move(specs), std::move(handler), ++last_batch_});
    if (service_.present()) {
      send(batches_.back());
    }
  }

  void set(const std::string& path, const Value& value, DoneHandler handler) {
    auto fill = [&](sd_bus_message* call) { append_variant(call, view(value)); };
    service_.call(path, kBusItem, "SetValue", fill,
                  [handler = std::move(handler)](sd_bus_message* reply, const Error& error) {
                    handler(reply ? read_stored(reply) : Result<void>(error));
                  });
  }

  void read(const std::string& path, ReadHandler handler) {
    service_.call(path, kBusItem, "GetValue", nullptr,
                  [handler = std::move(handler)](sd_bus_message* reply, const Error& error) {
                    handler(reply ? read_values(reply) : Result<Values>(error));
                  });
  }

  void remove(const std::vector<std::string>& paths, DoneHandler handler) {
    for (const auto& path : paths) {
      values_.erase(path);
      replace(path);
    }
    auto fill = [&](sd_bus_message* call) {
      sd_bus_message_open_container(call, SD_BUS_TYPE_ARRAY, "s");
      for (const auto& path : paths) {
        sd_bus_message_append_basic(call, SD_BUS_TYPE_STRING, path.c_str());
      }
      sd_bus_message_close_container(call);
    };
    service_.call("/", kSettings, "RemoveSettings", fill,
                  [handler = std::move(handler)](sd_bus_message* reply, const Error& error) {
                    handler(reply ? read_removed(reply) : Result<void>(error));
                  });
  }

  AvailableHandler available_handler;
  ChangeHandler change_handler;

private:
  struct Batch {
    std::vector<SettingSpec> specs;
    AddHandler handler; // empty once answered
    std::uint64_t id = 0;
  };

  static Result<void> read_stored(sd_bus_message* reply) {
    std::int32_t code = -1;
    bool read = sd_bus_message_read_basic(reply, SD_BUS_TYPE_INT32, &code) > 0;
    return read && code == 0 ? Result<void>() : Error{Fault::rejected, "refused with " + std::to_string(code)};
  }

  static Result<void> read_removed(sd_bus_message* reply) {
    const void* codes = nullptr;
    std::size_t size = 0;
    if (sd_bus_message_read_array(reply, SD_BUS_TYPE_INT32, &codes, &size) < 0) {
      return Error{Fault::refused, "answer not understood"};
    }
    auto* begin = static_cast<const std::int32_t*>(codes);
    bool all = std::all_of(begin, begin + size / sizeof(std::int32_t), [](std::int32_t code) { return code == 0; });
    return all ? Result<void>() : Error{Fault::rejected, "not all of them existed"};
  }

  void on_presence(bool present) {
    auto self = weak_from_this().lock();
    if (!self) {
      return;
    }
    if (present) {
      for (auto& batch : batches_) {
        send(batch);
      }
    }
    if (auto handler = available_handler) {
      handler(present);
    }
  }

  void send(const Batch& batch) {
    auto fill = [&](sd_bus_message* call) {
      sd_bus_message_open_container(call, SD_BUS_TYPE_ARRAY, "a{sv}");
      for (const auto& spec : batch.specs) {
        append_spec(call, spec);
      }
      sd_bus_message_close_container(call);
    };
    service_.call("/", kSettings, "AddSettings", fill,
                  [weak = weak_from_this(), id = batch.id](sd_bus_message* reply, const Error& error) {
                    if (auto self = weak.lock()) {
                      self->on_added(id, reply, error);
                    }
                  });
  }

  void on_added(std::uint64_t id, sd_bus_message* reply, const Error& error) {
    auto batch = std::find_if(batches_.begin(), batches_.end(), [&](const Batch& b) { return b.id == id; });
    if (batch == batches_.end() || !service_.present() || error.fault == Fault::link) {
      return; // sent again when the service is back
    }
    if (!reply && error.fault == Fault::timeout) {
      send(*batch);
      return;
    }
    auto results = reply ? read_all_added(reply, batch->specs.size())
                         : std::vector<Result<Value>>(batch->specs.size(), Result<Value>(error));
    auto handler = std::exchange(batch->handler, nullptr);
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (!results[i]) {
        continue;
      }
      const auto& path = batch->specs[i].path;
      handler ? static_cast<void>(values_.insert_or_assign(path, *results[i])) : learn(path, *results[i]);
    }
    if (handler) {
      handler(results);
    }
  }

  void learn(std::string_view path, const Value& value) {
    auto known = values_.find(path);
    if (known != values_.end() && known->second != value) {
      known->second = value;
      if (auto handler = change_handler) {
        handler(std::string(path), value);
      }
    }
  }

  /// Drops the older definition of a setting.
  void replace(const std::string& path) {
    for (auto& batch : batches_) {
      if (!batch.handler) {
        std::erase_if(batch.specs, [&](const SettingSpec& spec) { return spec.path == path; });
      }
    }
    std::erase_if(batches_, [](const Batch& batch) { return !batch.handler && batch.specs.empty(); });
  }

  std::list<Batch> batches_;
  std::uint64_t last_batch_ = 0;
  std::map<std::string, Value, std::less<>> values_;
  RemoteService service_;
};

SettingsClient::SettingsClient(Connection& connection, std::string service)
    : impl_(std::make_shared<Impl>(connection, std::move(service))) {
  impl_->start();
}

SettingsClient::~SettingsClient() {
  impl_->shut();
}

bool SettingsClient::available() const {
  return impl_->available();
}

void SettingsClient::on_available(AvailableHandler handler) {
  impl_->available_handler = std::move(handler);
}

void SettingsClient::on_changed(ChangeHandler handler) {
  impl_->change_handler = std::move(handler);
}

void SettingsClient::add(std::vector<SettingSpec> specs, AddHandler handler) {
  impl_->add(std::move(specs), std::move(handler));
}

void SettingsClient::set(const std::string& path, const Value& value, DoneHandler handler) {
  impl_->set(path, value, std::move(handler));
}

void SettingsClient::read(const std::string& path, ReadHandler handler) {
  impl_->read(path, std::move(handler));
}

void SettingsClient::remove(const std::vector<std::string>& paths, DoneHandler handler) {
  impl_->remove(paths, std::move(handler));
}

} // namespace bmsd::dbus
