#include "actors/battery/text.hpp"

#include <array>
#include <charconv>
#include <cstddef>

namespace bmsd::battery {

namespace {

constexpr std::array<std::int64_t, 4> kUnitSeconds = {86400, 3600, 60, 1};
constexpr std::array<char, 4> kUnitNames = {'d', 'h', 'm', 's'};

/// Writes the units from `first` up to `count` of them.
void append_units(std::string& text, std::int64_t seconds, std::size_t first, std::size_t count) {
  bool any = false;
  for (std::size_t i = 0; i < kUnitSeconds.size(); ++i) {
    const std::int64_t amount = seconds / kUnitSeconds[i];
    seconds %= kUnitSeconds[i];
    if (i < first || i >= first + count || amount == 0) {
      continue;
    }
    if (any) {
      text += ' ';
    }
    any = true;
    append_number(text, amount);
    text += kUnitNames[i];
  }
}

} // namespace

void append_number(std::string& text, std::int64_t number) {
  std::array<char, 24> digits{};
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text.append(digits.data(), end);
}

void append_duration(std::string& text, std::int64_t seconds) {
  if (seconds < 0) {
    text += '-';
    seconds = -seconds;
  }
  const std::size_t first = seconds >= 86400 ? 0 : seconds >= 3600 ? 1 : 2;
  append_units(text, seconds, first, 2);
}

void append_full_duration(std::string& text, std::int64_t seconds) {
  append_units(text, seconds, 0, kUnitSeconds.size());
}

} // namespace bmsd::battery
