// What every layer does with texts from outside.
#pragma once

#include <string_view>

namespace bmsd {

/// Spaces, tabs and line ends.
inline constexpr std::string_view kBlanks = " \t\r\n";

/// Without blanks at both ends.
inline std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

} // namespace bmsd
