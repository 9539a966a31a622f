#include "actors/publisher/path_text.hpp"

#include <charconv>
#include <cmath>

namespace bmsd::actors {

namespace {

constexpr std::array<double, 4> kPowers = {1.0, 10.0, 100.0, 1'000.0};
constexpr double kTooLarge = 1e12; // keeps value times power exact

/// `scaled` is the number times 10^decimals. Integer arithmetic, ten times as fast as printing a double.
char* put_fixed(char* out, char* end, std::int64_t scaled, int decimals, bool trim) {
  if (scaled < 0) {
    *out++ = '-';
    scaled = -scaled;
  }
  auto power = static_cast<std::int64_t>(kPowers[static_cast<std::size_t>(decimals)]);
  out = std::to_chars(out, end, scaled / power).ptr;
  auto fraction = scaled % power;
  if (decimals == 0 || (trim && fraction == 0)) {
    return out;
  }
  *out++ = '.';
  for (power /= 10; power > 0 && !(trim && fraction == 0); power /= 10) {
    *out++ = static_cast<char>('0' + fraction / power);
    fraction %= power;
  }
  return out;
}

char* put_hexadecimal(char* out, char* end, std::int32_t number) {
  *out++ = '0';
  *out++ = 'x';
  char* last = std::to_chars(out, end, static_cast<std::uint32_t>(number), 16).ptr;
  for (; out != last; ++out) {
    *out = *out >= 'a' ? static_cast<char>(*out - 'a' + 'A') : *out;
  }
  return last;
}

} // namespace

dbus::ValueView round_value(const dbus::ValueView& value, int decimals) {
  auto* number = std::get_if<double>(&value);
  if (!number) {
    return value;
  }
  if (!(std::abs(*number) < kTooLarge)) {
    return {};
  }
  double power = kPowers[static_cast<std::size_t>(decimals)];
  return std::round(*number * power) / power + 0.0;
}

std::string_view format_value(const dbus::ValueView& value, const PathFormat& format, TextBuffer& buffer) {
  char* begin = buffer.data();
  char* end = begin + buffer.size();
  char* out = begin;
  if (auto* text = std::get_if<std::string_view>(&value)) {
    return *text;
  }
  if (auto* integer = std::get_if<std::int32_t>(&value)) {
    bool hexadecimal = format.text == PathFormat::Text::hexadecimal;
    out = hexadecimal ? put_hexadecimal(out, end, *integer) : std::to_chars(out, end, *integer).ptr;
  } else if (auto* number = std::get_if<double>(&value)) {
    bool trim = format.text != PathFormat::Text::number;
    int decimals = trim ? format.decimals : format.text_decimals;
    out = put_fixed(out, end, std::llround(*number * kPowers[static_cast<std::size_t>(decimals)]), decimals, trim);
    out += format.unit.copy(out, static_cast<std::size_t>(end - out));
  } else {
    return dbus::kInvalidText;
  }
  return {begin, static_cast<std::size_t>(out - begin)};
}

} // namespace bmsd::actors
