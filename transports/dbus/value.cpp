#include "transports/dbus/value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>

namespace bmsd::dbus {

namespace {

/// Bytes of the UTF-8 sequence at the start of `text`; 0: not valid there.
std::size_t sequence_length(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto lead = byte(0);
  if (lead < 0x80) {
    return lead == 0 ? 0 : 1;
  }
  std::size_t length = lead >= 0xC2 && lead <= 0xDF   ? 2
                       : (lead & 0xF0) == 0xE0        ? 3
                       : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                      : 0;
  if (length == 0 || text.size() < length) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) {
      return 0;
    }
  }
  // Overlong forms, surrogates and numbers above U+10FFFF show in the second byte.
  auto second = byte(1);
  bool wrong = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
               (lead == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

std::string number_text(double number) {
  std::array<char, 32> buffer{};
  auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  return {buffer.data(), end};
}

std::optional<Value> to_integer(const Value& value) {
  if (auto* number = std::get_if<double>(&value)) {
    bool whole = std::trunc(*number) == *number;
    bool fits =
        *number >= std::numeric_limits<std::int32_t>::min() && *number <= std::numeric_limits<std::int32_t>::max();
    return whole && fits ? std::optional<Value>(static_cast<std::int32_t>(*number)) : std::nullopt;
  }
  return std::holds_alternative<std::int32_t>(value) ? std::optional<Value>(value) : std::nullopt;
}

std::optional<Value> to_real(const Value& value) {
  if (auto* number = std::get_if<std::int32_t>(&value)) {
    return std::optional<Value>(std::in_place, static_cast<double>(*number));
  }
  auto* number = std::get_if<double>(&value);
  return number && std::isfinite(*number) ? std::optional<Value>(value) : std::nullopt;
}

std::optional<Value> to_text(const Value& value) {
  std::optional<Value> text(std::in_place, std::in_place_type<std::string>);
  if (!std::holds_alternative<std::monostate>(value)) {
    std::get<std::string>(*text) = plain_text(value);
  }
  return text;
}

} // namespace

std::size_t path_hash(std::string_view path) {
  return std::hash<std::string_view>()(path);
}

ValueView view(const Value& value) {
  return std::visit([](const auto& v) -> ValueView { return v; }, value);
}

Value own(const ValueView& value) {
  if (auto* text = std::get_if<std::string_view>(&value)) {
    return std::string(*text);
  }
  if (auto* number = std::get_if<std::int32_t>(&value)) {
    return *number;
  }
  auto* number = std::get_if<double>(&value);
  return number ? Value(*number) : Value();
}

bool equal(const Value& value, const ValueView& other) {
  return view(value) == other;
}

std::optional<Value> convert(const Value& value, Type type) {
  switch (type) {
  case Type::integer: return to_integer(value);
  case Type::real: return to_real(value);
  case Type::text: return to_text(value);
  }
  return std::nullopt;
}

std::string plain_text(const Value& value) {
  if (auto* text = std::get_if<std::string>(&value)) {
    return *text;
  }
  if (auto* number = std::get_if<std::int32_t>(&value)) {
    return std::to_string(*number);
  }
  auto* number = std::get_if<double>(&value);
  return number ? number_text(*number) : std::string(kInvalidText);
}

bool is_clean(std::string_view text) {
  const auto special = std::find_if(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) <= 0; });
  text.remove_prefix(static_cast<std::size_t>(special - text.begin()));
  while (!text.empty()) {
    auto length = sequence_length(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

std::string clean(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    auto length = sequence_length(text);
    result += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

bool is_object_path(std::string_view path) {
  if (path == "/") {
    return true;
  }
  if (path.empty() || path.front() != '/' || path.back() == '/') {
    return false;
  }
  char previous = 0;
  for (char c : path) {
    bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!letter && (c != '/' || previous == '/')) {
      return false;
    }
    previous = c;
  }
  return true;
}

} // namespace bmsd::dbus
