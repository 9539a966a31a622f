// Reads what to_json() of a message wrote. Tolerant: a key that is missing or of the wrong type
// leaves its field as it is, so that state files of other versions are read as far as they go.
#pragma once

#include "messages/fields.hpp"
#include "messages/json.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace bmsd {

template <Reflected T>
void from_json(const Json& json, T& target);

namespace detail {

template <class T>
void read_value(const Json& json, T& target);

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsInline : std::false_type {};
template <class T, std::size_t N>
struct IsInline<InlineVector<T, N>> : std::true_type {};

inline void read_alarms(const Json& json, Alarms& alarms) {
  for (std::size_t i = 0; i < kAlarmCount; ++i) {
    auto found = json.find(std::string(kAlarmNames[i]));
    if (found != json.end() && found->is_number_integer() && found->template get<int>() >= 0 &&
        found->template get<int>() <= 2) {
      alarms.set(static_cast<Alarm>(i), static_cast<AlarmLevel>(found->template get<int>()));
    }
  }
}

template <class T>
void read_value(const Json& json, T& target) {
  if constexpr (IsOptional<T>::value) {
    if (json.is_null()) {
      target.reset();
    } else {
      typename T::value_type value{};
      read_value(json, value);
      target = std::move(value);
    }
  } else if constexpr (Reflected<T>) {
    if (json.is_object()) {
      from_json(json, target);
    }
  } else if constexpr (std::is_same_v<T, Alarms>) {
    if (json.is_object()) {
      read_alarms(json, target);
    }
  } else if constexpr (IsVector<T>::value || IsInline<T>::value) {
    if (json.is_array()) {
      target.clear();
      for (const auto& item : json) {
        typename T::value_type value{};
        read_value(item, value);
        target.push_back(std::move(value));
      }
    }
  } else if constexpr (std::is_same_v<T, bool>) {
    if (json.is_boolean()) {
      target = json.get<bool>();
    }
  } else if constexpr (std::is_enum_v<T>) {
    if (json.is_number_integer()) {
      target = static_cast<T>(json.get<int>());
    }
  } else if constexpr (std::is_integral_v<T>) {
    if (json.is_number_integer()) {
      target = json.get<T>();
    } else if (json.is_number() && std::abs(json.get<double>()) < 9e15) {
      target = static_cast<T>(json.get<double>());
    }
  } else if constexpr (std::is_floating_point_v<T>) {
    if (json.is_number()) {
      target = json.get<T>();
    }
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (json.is_string()) {
      target = json.get<std::string>();
    }
  } else {
    static_assert(!sizeof(T), "no rule to read this type");
  }
}

} // namespace detail

template <Reflected T>
void from_json(const Json& json, T& target) {
  T::fields(target, [&](std::string_view name, auto& field) {
    auto found = json.find(std::string(name));
    if (found != json.end()) {
      detail::read_value(*found, field);
    }
  });
}

} // namespace bmsd
