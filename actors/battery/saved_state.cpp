#include "actors/battery/saved_state.hpp"

#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

namespace bmsd::battery {

namespace {

/// Each read() says whether the value was of the right kind; if not, it is as it was.
class StateReader {
public:
  /// Names of the fields that were of another kind, with a comma after each.
  std::string wrong;

  template <class T>
  bool read(const Json& json, T& value) {
    if constexpr (Reflected<T>) {
      return read_fields(json, value);
    } else if constexpr (std::is_same_v<T, bool>) {
      return take(json.is_boolean(), json, value);
    } else if constexpr (std::is_enum_v<T>) {
      return read_name(json, value);
    } else if constexpr (std::is_integral_v<T>) {
      return take(json.is_number_integer() && fits<T>(json), json, value);
    } else {
      return take(json.is_number(), json, value);
    }
  }

private:
  template <class T>
  static bool take(bool right, const Json& json, T& value) {
    value = right ? json.get<T>() : value;
    return right;
  }

  template <class T>
  static bool fits(const Json& json) {
    const auto number = json.get<std::int64_t>();
    return number >= static_cast<std::int64_t>(std::numeric_limits<T>::min()) &&
           (sizeof(T) == sizeof number || number <= static_cast<std::int64_t>(std::numeric_limits<T>::max()));
  }

  template <class T>
  bool read_fields(const Json& json, T& value) {
    if (!json.is_object()) {
      return false;
    }
    T::fields(value, [this, &json](std::string_view name, auto& field) {
      const auto found = json.find(std::string(name));
      if (found != json.end() && !read(*found, field)) {
        wrong.append(name).append(", ");
      }
    });
    return true;
  }

  template <class T>
  static bool read_name(const Json& json, T& value) {
    constexpr int kMost = 16;
    for (int i = 0; i < kMost && json.is_string(); ++i) {
      if (to_string(static_cast<T>(i)) == json.get_ref<const std::string&>()) {
        value = static_cast<T>(i);
        return true;
      }
    }
    return false;
  }

  template <class T>
  bool read(const Json& json, std::optional<T>& value) {
    T content{};
    if (!json.is_null() && !read(json, content)) {
      return false;
    }
    value = json.is_null() ? std::nullopt : std::optional<T>(std::move(content));
    return true;
  }

  template <class T>
  bool read(const Json& json, std::vector<T>& items) {
    std::vector<T> content;
    bool right = json.is_array();
    for (std::size_t i = 0; right && i < json.size(); ++i) {
      right = read(json[i], content.emplace_back());
    }
    items = right ? std::move(content) : items;
    return right;
  }

  bool read(const Json& json, Alarms& alarms) {
    for (std::size_t i = 0; i < kAlarmCount && json.is_object(); ++i) {
      const auto found = json.find(std::string(kAlarmNames[i]));
      if (found != json.end() && found->is_number_integer()) {
        alarms.set(static_cast<Alarm>(i), found->get<AlarmLevel>());
      }
    }
    return json.is_object();
  }
};

} // namespace

SavedState saved_state_from_json(const Json& json, std::string* ignored) {
  SavedState state;
  StateReader reader;
  reader.read(json, state);
  if (state.soc_calc && !(*state.soc_calc >= 0 && *state.soc_calc <= 100)) {
    state.soc_calc.reset();
    reader.wrong += "soc_calc, ";
  }
  if (ignored != nullptr && !reader.wrong.empty()) {
    *ignored = reader.wrong.substr(0, reader.wrong.size() - 2);
  }
  return state;
}

} // namespace bmsd::battery
