// JSON of any message that names its fields (messages/fields.hpp). Absent values are left out, so a
// Sample prints exactly what the BMS said. Key names are those of the capture format.
#pragma once

#include "messages/alarms.hpp"
#include "messages/error.hpp"
#include "messages/fields.hpp"
#include "messages/frame.hpp"
#include "messages/inline_vector.hpp"
#include "messages/sample.hpp"
#include "messages/status.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace bmsd {

using Json = nlohmann::ordered_json;

/// "dda50300", lower case.
std::string to_hex(ByteView bytes);
/// Upper or lower case, even number of digits; nothing else.
std::optional<Bytes> from_hex(std::string_view text);
/// The text under that key; empty: there is none, whatever else is there.
std::string text_at(const Json& object, const char* key);

namespace detail {

Json json_of(const Alarms& alarms);
Json json_of(const Temperatures& temperatures);
Json json_of(const std::vector<Extra>& extras);
Json json_of(const TimeToSoc& entry);

template <class T>
Json json_of(const T& value) requires(!Reflected<T> && !std::is_enum_v<T>) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::isfinite(value) ? Json(value) : Json(nullptr);
  } else {
    return Json(value);
  }
}

template <class T>
Json json_of(T value) requires std::is_enum_v<T> {
  return std::string(to_string(value));
}

template <Reflected T>
Json json_of(const T& value);

template <class T>
Json json_of(const std::optional<T>& value) {
  return value ? json_of(*value) : Json(nullptr);
}

template <class T, std::size_t N>
Json json_of(const InlineVector<T, N>& items) {
  Json list = Json::array();
  for (const auto& item : items) {
    list.push_back(json_of(item));
  }
  return list;
}

template <class T>
Json json_of(const std::vector<T>& items) {
  Json list = Json::array();
  for (const auto& item : items) {
    list.push_back(json_of(item));
  }
  return list;
}

/// Whether a field says anything at all.
template <class T>
bool is_present(const T&) {
  return true;
}
template <class T>
bool is_present(const std::optional<T>& value) {
  return value.has_value();
}
template <class T, std::size_t N>
bool is_present(const InlineVector<T, N>& items) {
  return !items.empty();
}
template <class T>
bool is_present(const std::vector<T>& items) {
  return !items.empty();
}
inline bool is_present(const std::string& text) {
  return !text.empty();
}
bool is_present(const Temperatures& temperatures);
inline bool is_present(const Alarms& alarms) {
  return alarms.any_known();
}

template <Reflected T>
Json json_of(const T& value) {
  Json object = Json::object();
  T::fields(value, [&](std::string_view name, const auto& field) {
    if (is_present(field)) {
      object[std::string(name)] = json_of(field);
    }
  });
  return object;
}

} // namespace detail

template <Reflected T>
Json to_json(const T& value) {
  return detail::json_of(value);
}
/// {"id":"351","data":"1402"}: three digits for 11-bit ids, eight for 29-bit ones.
Json to_json(const CanFrame& frame);
Json to_json(const Frame& frame);

} // namespace bmsd
