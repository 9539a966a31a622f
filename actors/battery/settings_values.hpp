// Reading and printing of setting values, as they stand in config.ini.
#pragma once

#include "actors/battery/battery_settings.hpp"
#include "messages/text.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace bmsd::battery::values {

bool equal_nocase(std::string_view a, std::string_view b);

/// "KEY: value why"
Error refused(const KeyInfo& key, std::string_view value, std::string_view why);
/// "KEY: value why, allowed 2..4.3 V"
Error not_allowed(const KeyInfo& key, std::string_view value, const std::string& why);
/// "KEY: value is out of range, allowed 2..4.3 V"
Error out_of_range(const KeyInfo& key, std::string_view value);

/// The whole text as a finite number, whatever the locale.
std::optional<double> to_number(std::string_view text);
/// Checked against the range of the key; an empty text is what the key says it is.
Result<double> number(std::string_view text, const KeyInfo& key);
Result<double> whole_number(std::string_view text, const KeyInfo& key);
/// True or False, in any case. Not the yes and on of port keys: dbus-serialbattery takes these for False.
Result<bool> boolean(std::string_view text, const KeyInfo& key);
/// At least one item.
Result<void> read_list(NumberList& target, std::string_view text, const KeyInfo& key);

/// Calls `item` for each item of a comma separated list that is not empty; stops at the first error.
template <class Item>
Result<void> for_each_item(std::string_view text, Item&& item) {
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const auto part = trimmed(text.substr(0, comma));
    if (!part.empty()) {
      if (auto result = item(part); !result) {
        return result;
      }
    }
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return {};
}

std::string text_of(double value);
std::string text_of(int value);
std::string text_of(bool value);
std::string text_of(const std::string& value);
std::string text_of(const std::optional<double>& value);
std::string text_of(const TemperatureAdjust& value);
std::string text_of(const ClassicLimit& value);
template <class T>
requires std::is_enum_v<T> std::string text_of(T value) {
  return std::to_string(static_cast<int>(value));
}

template <class Items>
std::string joined(const Items& items) {
  std::string text;
  for (const auto& item : items) {
    if (!text.empty()) {
      text += ", ";
    }
    text += text_of(item);
  }
  return text;
}

} // namespace bmsd::battery::values
