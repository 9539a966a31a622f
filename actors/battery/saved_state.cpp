#include "actors/battery/saved_state.hpp"

#include <string>
#include <type_traits>

namespace bmsd::battery {

namespace {

template <class T>
void read(const Json& json, T& value);

template <class T>
void read(const Json& json, std::optional<T>& value) {
  if (json.is_null()) {
    value.reset();
    return;
  }
  T content{};
  read(json, content);
  value = std::move(content);
}

template <class T>
void read(const Json& json, std::vector<T>& items) {
  if (json.is_array()) {
    items.clear();
    for (const auto& element : json) {
      read(element, items.emplace_back());
    }
  }
}

void read(const Json& json, Alarms& alarms) {
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    const auto found = json.find(std::string(kAlarmNames[i]));
    if (json.is_object() && found != json.end() && found->is_number_integer()) {
      alarms.set(static_cast<Alarm>(i), found->get<AlarmLevel>());
    }
  }
}

template <class T>
void read(const Json& json, T& value) {
  if constexpr (Reflected<T>) {
    if (json.is_object()) {
      T::fields(value, [&json](std::string_view name, auto& field) {
        const auto found = json.find(std::string(name));
        if (found != json.end()) {
          read(*found, field);
        }
      });
    }
  } else if constexpr (std::is_same_v<T, bool>) {
    value = json.is_boolean() ? json.get<bool>() : value;
  } else if constexpr (std::is_enum_v<T>) {
    constexpr int kMost = 16;
    for (int i = 0; i < kMost && json.is_string(); ++i) {
      if (to_string(static_cast<T>(i)) == json.get_ref<const std::string&>()) {
        value = static_cast<T>(i);
      }
    }
  } else if constexpr (std::is_integral_v<T>) {
    value = json.is_number_integer() ? json.get<T>() : value;
  } else {
    value = json.is_number() ? json.get<T>() : value;
  }
}

} // namespace

SavedState saved_state_from_json(const Json& json) {
  SavedState state;
  read(json, state);
  return state;
}

} // namespace bmsd::battery
