// Reads options of a single protocol out of its configuration. Pure; any thread.
#pragma once

#include "protocols/core/protocol.hpp"

#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

namespace bmsd::protocols {

inline std::string_view option(const ProtocolConfig& config, std::string_view key) {
  auto it = config.options.find(key);
  return it == config.options.end() ? std::string_view() : std::string_view(it->second);
}

/// `otherwise` when the option is missing or no number; neither "inf" nor "nan" is one.
inline double option(const ProtocolConfig& config, std::string_view key, double otherwise) {
  const auto text = option(config, key);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value) ? value : otherwise;
}

/// true, yes, on, 1.
inline bool option_set(const ProtocolConfig& config, std::string_view key) {
  const auto text = option(config, key);
  return text == "true" || text == "True" || text == "yes" || text == "on" || text == "1";
}

} // namespace bmsd::protocols
