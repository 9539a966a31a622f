#include "actors/battery/settings_values.hpp"

#include <charconv>
#include <cmath>

namespace bmsd::battery::values {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

bool equal_nocase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

Error refused(const KeyInfo& key, std::string_view value, std::string_view why) {
  std::string text(key.name);
  text.append(": ").append(value.empty() ? std::string_view("an empty value") : value).append(" ").append(why);
  return {Fault::rejected, std::move(text)};
}

Error not_allowed(const KeyInfo& key, std::string_view value, const std::string& why) {
  std::string text = why + ", allowed ";
  text += key.allowed.empty() ? "a number" : key.allowed;
  if (!key.unit.empty()) {
    text.append(" ").append(key.unit);
  }
  return refused(key, value, text);
}

Error out_of_range(const KeyInfo& key, std::string_view value) {
  return not_allowed(key, value, "is out of range");
}

std::optional<double> to_number(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
  }
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) {
    return std::nullopt;
  }
  return number;
}

Result<double> number(std::string_view text, const KeyInfo& key) {
  if (text.empty() && key.empty) {
    return *key.empty;
  }
  const auto value = to_number(text);
  if (!value) {
    return not_allowed(key, text, "is not a number");
  }
  if (key.low != key.high && (*value < key.low || *value > key.high)) {
    return out_of_range(key, text);
  }
  return *value;
}

Result<double> whole_number(std::string_view text, const KeyInfo& key) {
  auto value = number(text, key);
  if (value && *value != std::trunc(*value)) {
    return not_allowed(key, text, "is not a whole number");
  }
  return value;
}

Result<bool> boolean(std::string_view text, const KeyInfo& key) {
  const bool yes = equal_nocase(text, "true");
  return yes || equal_nocase(text, "false") ? Result<bool>(yes) : refused(key, text, "is neither True nor False");
}

Result<void> read_list(NumberList& target, std::string_view text, const KeyInfo& key) {
  NumberList items;
  auto result = for_each_item(text, [&](std::string_view part) -> Result<void> {
    auto value = number(part, key);
    if (!value) {
      return value.error();
    }
    if (!items.push_back(*value)) {
      return refused(key, text, "has too many items, allowed " + std::to_string(kMaxTablePoints));
    }
    return {};
  });
  if (result && items.empty()) {
    return not_allowed(key, text, "has no items");
  }
  if (result) {
    target = items;
  }
  return result;
}

std::string text_of(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}
std::string text_of(int value) {
  return std::to_string(value);
}
std::string text_of(bool value) {
  return value ? "True" : "False";
}
std::string text_of(const std::string& value) {
  return value;
}
std::string text_of(const std::optional<double>& value) {
  return value ? text_of(*value) : std::string();
}
std::string text_of(const TemperatureAdjust& value) {
  return text_of(value.offset) + ", " + text_of(value.slope);
}
std::string text_of(const ClassicLimit& value) {
  return value.relative ? text_of(value.value * 100.0) + "%" : text_of(value.value);
}

} // namespace bmsd::battery::values
