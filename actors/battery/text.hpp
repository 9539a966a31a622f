// Short texts for people.
#pragma once

#include <cstdint>
#include <string>

namespace bmsd::battery {

/// Appends "1d 22h", "14h", "42m 6s": the two largest units, without those that are zero;
/// "-" in front of a negative one. Zero gives nothing.
void append_duration(std::string& text, std::int64_t seconds);
/// Appends "1d 2h 3m 4s" with every unit that is not zero.
void append_full_duration(std::string& text, std::int64_t seconds);
void append_number(std::string& text, std::int64_t number);

} // namespace bmsd::battery
