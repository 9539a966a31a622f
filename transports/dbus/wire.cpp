#include "transports/dbus/wire.hpp"

#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>

namespace bmsd::dbus {

namespace {

constexpr std::uint64_t kCallTimeout = 10'000'000; // µs

template <class Number>
std::optional<Value> read_number(sd_bus_message* message, char type) {
  Number number{};
  if (sd_bus_message_read_basic(message, type, &number) < 0) {
    return std::nullopt;
  }
  if (std::in_range<std::int32_t>(number)) {
    return static_cast<std::int32_t>(number);
  }
  return static_cast<double>(number);
}

std::optional<Value> read_real(sd_bus_message* message) {
  double number = 0;
  if (sd_bus_message_read_basic(message, SD_BUS_TYPE_DOUBLE, &number) < 0) {
    return std::nullopt;
  }
  std::optional<Value> value(std::in_place);
  if (std::isfinite(number)) {
    *value = number;
  }
  return value;
}

std::optional<Value> read_bool(sd_bus_message* message) {
  int flag = 0;
  if (sd_bus_message_read_basic(message, SD_BUS_TYPE_BOOLEAN, &flag) < 0) {
    return std::nullopt;
  }
  return std::optional<Value>(std::in_place, flag != 0 ? 1 : 0);
}

std::optional<Value> read_text(sd_bus_message* message) {
  const char* text = nullptr;
  if (sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &text) < 0) {
    return std::nullopt;
  }
  return std::optional<Value>(std::in_place, std::string(text));
}

/// Readers treat an empty array of any type as invalid.
std::optional<Value> read_array(sd_bus_message* message, const char* contents) {
  if (sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, contents + 1) < 0) {
    return std::nullopt;
  }
  bool empty = sd_bus_message_at_end(message, 0) > 0;
  while (sd_bus_message_at_end(message, 0) == 0 && sd_bus_message_skip(message, nullptr) >= 0) {
  }
  sd_bus_message_exit_container(message);
  return empty ? std::optional<Value>(std::in_place) : std::nullopt;
}

std::optional<Value> read_content(sd_bus_message* message, const char* contents) {
  switch (contents[0]) {
  case SD_BUS_TYPE_BYTE: return read_number<std::uint8_t>(message, contents[0]);
  case SD_BUS_TYPE_INT16: return read_number<std::int16_t>(message, contents[0]);
  case SD_BUS_TYPE_UINT16: return read_number<std::uint16_t>(message, contents[0]);
  case SD_BUS_TYPE_INT32: return read_number<std::int32_t>(message, contents[0]);
  case SD_BUS_TYPE_UINT32: return read_number<std::uint32_t>(message, contents[0]);
  case SD_BUS_TYPE_INT64: return read_number<std::int64_t>(message, contents[0]);
  case SD_BUS_TYPE_UINT64: return read_number<std::uint64_t>(message, contents[0]);
  case SD_BUS_TYPE_DOUBLE: return read_real(message);
  case SD_BUS_TYPE_BOOLEAN: return read_bool(message);
  case SD_BUS_TYPE_STRING: return read_text(message);
  case SD_BUS_TYPE_ARRAY: return read_array(message, contents);
  default: sd_bus_message_skip(message, contents); return std::nullopt;
  }
}

int on_reply(sd_bus_message* reply, void* user, sd_bus_error*) {
  auto& handler = *static_cast<ReplyHandler*>(user);
  if (const sd_bus_error* error = sd_bus_message_get_error(reply)) {
    bool silent = sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY) != 0 ||
                  sd_bus_error_has_name(error, SD_BUS_ERROR_TIMEOUT) != 0;
    bool gone = sd_bus_error_has_name(error, SD_BUS_ERROR_SERVICE_UNKNOWN) != 0 ||
                sd_bus_error_has_name(error, SD_BUS_ERROR_NAME_HAS_NO_OWNER) != 0 ||
                sd_bus_error_has_name(error, SD_BUS_ERROR_DISCONNECTED) != 0;
    auto fault = silent ? Fault::timeout : gone ? Fault::link : Fault::refused;
    handler(nullptr, Error{fault, error->message ? error->message : error->name});
  } else {
    handler(reply, Error{});
  }
  return 1;
}

} // namespace

Message retain(sd_bus_message* message) {
  return Message(sd_bus_message_ref(message));
}

std::string error_text(int negative_errno) {
  return std::strerror(-negative_errno);
}

void append_variant(sd_bus_message* message, const ValueView& value) {
  if (auto* number = std::get_if<double>(&value); number && std::isfinite(*number)) {
    sd_bus_message_open_container(message, SD_BUS_TYPE_VARIANT, "d");
    sd_bus_message_append_basic(message, SD_BUS_TYPE_DOUBLE, number);
  } else if (auto* integer = std::get_if<std::int32_t>(&value)) {
    sd_bus_message_open_container(message, SD_BUS_TYPE_VARIANT, "i");
    sd_bus_message_append_basic(message, SD_BUS_TYPE_INT32, integer);
  } else if (auto* text = std::get_if<std::string_view>(&value)) {
    sd_bus_message_open_container(message, SD_BUS_TYPE_VARIANT, "s");
    char* space = nullptr;
    if (sd_bus_message_append_string_space(message, text->size(), &space) >= 0) {
      text->copy(space, text->size());
    }
  } else {
    sd_bus_message_open_container(message, SD_BUS_TYPE_VARIANT, "ai");
    sd_bus_message_append_array(message, SD_BUS_TYPE_INT32, nullptr, 0);
  }
  sd_bus_message_close_container(message);
}

void append_entry(sd_bus_message* message, const char* key, const ValueView& value) {
  sd_bus_message_open_container(message, SD_BUS_TYPE_DICT_ENTRY, "sv");
  sd_bus_message_append_basic(message, SD_BUS_TYPE_STRING, key);
  append_variant(message, value);
  sd_bus_message_close_container(message);
}

void append_item(sd_bus_message* message, const Item& item, bool with_limits) {
  sd_bus_message_open_container(message, SD_BUS_TYPE_DICT_ENTRY, "sa{sv}");
  sd_bus_message_append_basic(message, SD_BUS_TYPE_STRING, item.path.c_str());
  sd_bus_message_open_container(message, SD_BUS_TYPE_ARRAY, "{sv}");
  append_entry(message, "Value", view(item.value));
  append_entry(message, "Text", item.text);
  if (const auto* limits = item.writable.get(); limits != nullptr && with_limits) {
    for (auto& [key, limit] : {std::pair{"Min", &limits->min}, {"Max", &limits->max}, {"Default", &limits->def}}) {
      if (*limit) {
        append_entry(message, key, view(**limit));
      }
    }
  }
  sd_bus_message_close_container(message);
  sd_bus_message_close_container(message);
}

std::optional<Value> read_variant(sd_bus_message* message) {
  char type = 0;
  const char* contents = nullptr;
  if (sd_bus_message_peek_type(message, &type, &contents) <= 0 || type != SD_BUS_TYPE_VARIANT) {
    return std::nullopt;
  }
  std::string signature = contents;
  if (sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, signature.c_str()) < 0) {
    return std::nullopt;
  }
  auto value = read_content(message, signature.c_str());
  sd_bus_message_exit_container(message);
  return value;
}

bool read_dictionary(sd_bus_message* message, const char* content, const std::function<bool(const char*)>& visit) {
  auto entry = std::string("s") + content;
  if (sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, ("{" + entry + "}").c_str()) <= 0) {
    return false;
  }
  while (sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, entry.c_str()) > 0) {
    const char* key = nullptr;
    if (sd_bus_message_read_basic(message, SD_BUS_TYPE_STRING, &key) < 0 || !visit(key) ||
        sd_bus_message_exit_container(message) < 0) {
      return false;
    }
  }
  return sd_bus_message_exit_container(message) >= 0;
}

std::optional<Value> read_value_entry(sd_bus_message* message) {
  std::optional<Value> value;
  bool whole = read_dictionary(message, "v", [&](const char* key) {
    if (std::string_view(key) == "Value") {
      value = read_variant(message);
      return true;
    }
    return sd_bus_message_skip(message, "v") >= 0;
  });
  return whole ? value : std::nullopt;
}

bool call_async(sd_bus* bus, sd_bus_message* call, ReplyHandler handler) {
  auto owned = std::make_unique<ReplyHandler>(std::move(handler));
  sd_bus_slot* slot = nullptr;
  if (!bus || sd_bus_call_async(bus, &slot, call, on_reply, owned.get(), kCallTimeout) < 0) {
    return false;
  }
  [[maybe_unused]] const auto* now_owned_by_the_slot = owned.release();
  sd_bus_slot_set_destroy_callback(slot, [](void* user) { delete static_cast<ReplyHandler*>(user); });
  sd_bus_slot_set_floating(slot, 1);
  sd_bus_slot_unref(slot);
  return true;
}

} // namespace bmsd::dbus
