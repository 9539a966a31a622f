// Rounds values for D-Bus and formats their texts. Pure; no allocation.
#pragma once

#include "actors/publisher/path_rows.hpp"

namespace bmsd::actors {

/// Rounded half away from zero, never -0; invalid where the number is not finite or too large to be true.
dbus::ValueView round_value(const dbus::ValueView& value, int decimals);

/// Room for any number with its unit.
using TextBuffer = std::array<char, 48>;
/// The text of a rounded value ("13.25V", "0xBA77", "---"); a text is its own text.
std::string_view format_value(const dbus::ValueView& value, const PathFormat& format, TextBuffer& buffer);

} // namespace bmsd::actors
