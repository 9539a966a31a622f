// Reads values out of an untrusted JSON object: each is absent, valid, or an error that stays.
// Pure; any thread; never throws for what the object holds.
#pragma once

#include "messages/error.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <optional>
#include <string>
#include <string_view>

namespace bmsd::protocols {

/// Parses text of unknown origin; nesting deeper than `max_depth` is refused before parsing.
inline Result<nlohmann::json> parse_json(std::string_view text, int max_depth) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      i += c == '\\' ? 1U : 0U;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      if (++depth > max_depth) {
        return Error{Fault::framing, "JSON nested too deeply"};
      }
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  auto value = nlohmann::json::parse(text, nullptr, false);
  if (value.is_discarded()) {
    return Error{Fault::framing, "not JSON"};
  }
  return value;
}

/// null counts as absent. After the first error all further reads give nothing; see error().
class JsonReader {
public:
  bool failed() const { return error_.fault != Fault::none; }
  const Error& error() const { return error_; }
  void fail(Fault fault, std::string detail) {
    if (!failed()) {
      error_ = {fault, std::move(detail)};
    }
  }

  /// The member of an object; nullptr when absent. `object` may be nullptr.
  static const nlohmann::json* find(const nlohmann::json* object, std::string_view key) {
    if (object == nullptr || !object->is_object()) {
      return nullptr;
    }
    auto it = object->find(key);
    return it == object->end() || it->is_null() ? nullptr : &*it;
  }

  /// An object inside an object; something else under this name is an error.
  const nlohmann::json* object(const nlohmann::json* parent, std::string_view key) {
    const auto* value = find(parent, key);
    if (value != nullptr && !value->is_object()) {
      fail(Fault::framing, std::string(key) + " is no object");
      return nullptr;
    }
    return value;
  }

  std::optional<double> number(const nlohmann::json* parent, std::string_view key, double low, double high) {
    const auto* value = find(parent, key);
    return value == nullptr ? std::nullopt : number(*value, key, low, high);
  }
  std::optional<double> number(const nlohmann::json& value, std::string_view key, double low, double high) {
    if (!value.is_number()) {
      fail(Fault::framing, std::string(key) + " is no number");
      return std::nullopt;
    }
    const double result = value.get<double>();
    if (!(result >= low && result <= high)) {
      fail(Fault::implausible, std::string(key) + " is out of range");
      return std::nullopt;
    }
    return result;
  }

  std::optional<int> whole(const nlohmann::json* parent, std::string_view key, int low, int high) {
    const auto value = number(parent, key, low, high);
    if (value && *value != std::floor(*value)) {
      fail(Fault::framing, std::string(key) + " is no whole number");
      return std::nullopt;
    }
    return value ? std::optional(static_cast<int>(*value)) : std::nullopt;
  }

  /// true or false; 1 and 0 too where `number_too`.
  std::optional<bool> flag(const nlohmann::json* parent, std::string_view key, bool number_too) {
    const auto* value = find(parent, key);
    if (value == nullptr) {
      return std::nullopt;
    }
    if (value->is_boolean()) {
      return value->get<bool>();
    }
    const bool is_zero = value->is_number() && *value == 0;
    const bool is_one = value->is_number() && *value == 1;
    if (number_too && (is_zero || is_one)) {
      return is_one;
    }
    fail(Fault::framing, std::string(key) + " is neither true nor false");
    return std::nullopt;
  }

  std::optional<std::string> text(const nlohmann::json* parent, std::string_view key) {
    const auto* value = find(parent, key);
    if (value == nullptr) {
      return std::nullopt;
    }
    if (!value->is_string()) {
      fail(Fault::framing, std::string(key) + " is no text");
      return std::nullopt;
    }
    return value->get<std::string>();
  }

private:
  Error error_;
};

} // namespace bmsd::protocols
