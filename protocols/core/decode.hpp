// Tables of fields: where a value stands in a reply, how it is coded, and which member it becomes.
//
//   constexpr std::array kBasicInfo = {
//       field(&Sample::voltage, 0, Wire::u16be).per_unit(100), // 10 mV
//       field(&Sample::soc, 19, Wire::u8).within(0, 100),
//       field(&Sample::charge_enabled, 20, Wire::u8).bits(0x01),
//       sensor_field(0, 23, Wire::u16be).shift(-2731).per_unit(10), // 0.1 K, "Temperature 1"
//       extra("capacity_nominal", 30, Wire::u16be).per_unit(100),
//   };
//   co_await decode(kBasicInfo, data, out);
//
// Pure; any thread. A field beyond the data is Fault::truncated unless it is optional(), a value
// outside its range Fault::implausible; `out` may hold some of the fields then.
#pragma once

#include "messages/alarms.hpp"
#include "messages/error.hpp"
#include "messages/frame.hpp"
#include "messages/sample.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace bmsd::protocols {

/// How an integer is coded: width, sign, byte order.
enum class Wire : std::uint8_t { u8, s8, u16be, s16be, u32be, s32be, u16le, s16le, u32le, s32le };

constexpr std::size_t width(Wire wire) {
  switch (wire) {
  case Wire::u8:
  case Wire::s8: return 1;
  case Wire::u16be:
  case Wire::s16be:
  case Wire::u16le:
  case Wire::s16le: return 2;
  default: return 4;
  }
}

/// The integer at `offset`; the caller has checked that it lies inside `bytes`.
constexpr std::int64_t integer(ByteView bytes, std::size_t offset, Wire wire) {
  const std::size_t size = width(wire);
  const bool little = wire >= Wire::u16le;
  std::uint32_t raw = 0;
  for (std::size_t i = 0; i < size; ++i) {
    raw = raw << 8 | bytes[offset + (little ? size - 1 - i : i)];
  }
  switch (wire) {
  case Wire::s8: return static_cast<std::int8_t>(raw);
  case Wire::s16be:
  case Wire::s16le: return static_cast<std::int16_t>(raw);
  case Wire::s32be:
  case Wire::s32le: return static_cast<std::int32_t>(raw);
  default: return raw;
  }
}

constexpr std::uint16_t be16(ByteView bytes, std::size_t offset) {
  return static_cast<std::uint16_t>(integer(bytes, offset, Wire::u16be));
}
constexpr std::uint16_t le16(ByteView bytes, std::size_t offset) {
  return static_cast<std::uint16_t>(integer(bytes, offset, Wire::u16le));
}

// -- extras -------------------------------------------------------------------

/// `name`: a string literal, as in the protocol's document. The last value of a name counts.
inline void set_extra(Sample& out, std::string_view name, Extra::Value value) {
  auto it = std::find_if(out.extra.begin(), out.extra.end(), [&](const Extra& extra) { return extra.name == name; });
  if (it == out.extra.end()) {
    out.extra.push_back({name, std::move(value)});
  } else {
    it->value = std::move(value);
  }
}

/// The same for a text; an empty one is left out.
inline void set_text(Sample& out, std::string_view name, std::string text) {
  if (!text.empty()) {
    set_extra(out, name, std::move(text));
  }
}

/// A temperature in °C; absent where no battery can be: an open sensor reads far below, a short one far above.
inline std::optional<double> sensor(double celsius) {
  return celsius > -40 && celsius <= 150 ? std::optional(celsius) : std::nullopt;
}

// -- fields -------------------------------------------------------------------

/// Where a value goes that is no member of the message.
struct ExtraNumber {
  std::string_view name;
};
struct ExtraFlag {
  std::string_view name;
};
struct Sensor {
  std::optional<double> Temperatures::*single = nullptr; ///< nullptr: battery[index]
  std::size_t index = 0;
};

/// One value of a reply: ((raw & mask) + shift) / per_unit. Made with field(), sensor_field(), extra() and
/// extra_flag() below.
template <class Message>
struct Field {
  std::variant<std::optional<double> Message::*, std::optional<int> Message::*, std::optional<bool> Message::*,
               ExtraNumber, ExtraFlag, Sensor>
      target;
  std::size_t offset = 0;
  Wire wire = Wire::u16be;
  std::int64_t mask = -1;
  double divisor = 1;
  std::int64_t offset_value = 0;
  double lowest = -std::numeric_limits<double>::infinity();
  double highest = std::numeric_limits<double>::infinity();
  std::optional<std::int64_t> none = std::nullopt;
  bool may_lack = false;

  /// Wire units per unit of the member: 100 for a voltage in 10 mV. Negative turns the sign.
  constexpr Field per_unit(double units) const {
    Field f = *this;
    f.divisor = units;
    return f;
  }
  /// Added to the raw value first: -2731 for temperatures in 0.1 K.
  constexpr Field shift(std::int64_t amount) const {
    Field f = *this;
    f.offset_value = amount;
    return f;
  }
  /// Only these bits of the raw value count; of a flag: any of them.
  constexpr Field bits(std::int64_t ones) const {
    Field f = *this;
    f.mask = ones;
    return f;
  }
  /// In the member's unit; a value outside cannot be true.
  constexpr Field within(double low, double high) const {
    Field f = *this;
    f.lowest = low;
    f.highest = high;
    return f;
  }
  /// This raw value means "not there": the member stays absent.
  constexpr Field absent(std::int64_t raw) const {
    Field f = *this;
    f.none = raw;
    return f;
  }
  /// Shorter replies are valid too: the member stays absent.
  constexpr Field optional() const {
    Field f = *this;
    f.may_lack = true;
    return f;
  }
};

/// A number or a flag of the message; a flag is true if any bit is set.
template <class Message, class Value>
constexpr Field<Message> field(std::optional<Value> Message::*member, std::size_t offset, Wire wire) {
  return {member, offset, wire};
}
/// Absent where no battery can be, see sensor().
constexpr Field<Sample> sensor_field(std::optional<double> Temperatures::*member, std::size_t offset, Wire wire) {
  return {Sensor{member}, offset, wire};
}
/// "Temperature 1" has index 0. (An int: a literal 0 of another type would be a null pointer as well.)
constexpr Field<Sample> sensor_field(int index, std::size_t offset, Wire wire) {
  return {Sensor{nullptr, static_cast<std::size_t>(index)}, offset, wire};
}
constexpr Field<Sample> extra(std::string_view name, std::size_t offset, Wire wire) {
  return {ExtraNumber{name}, offset, wire};
}
constexpr Field<Sample> extra_flag(std::string_view name, std::size_t offset, Wire wire) {
  return {ExtraFlag{name}, offset, wire};
}

namespace detail {

template <class Message>
void store(const Field<Message>& f, std::int64_t raw, double value, Message& out) {
  if (const auto* real = std::get_if<std::optional<double> Message::*>(&f.target)) {
    out.** real = value;
  } else if (const auto* whole = std::get_if<std::optional<int> Message::*>(&f.target)) {
    out.** whole = static_cast<int>(value);
  } else if (const auto* flag = std::get_if<std::optional<bool> Message::*>(&f.target)) {
    out.** flag = raw != 0;
  } else if constexpr (std::is_same_v<Message, Sample>) {
    if (const auto* number = std::get_if<ExtraNumber>(&f.target)) {
      set_extra(out, number->name, value);
    } else if (const auto* extra = std::get_if<ExtraFlag>(&f.target)) {
      set_extra(out, extra->name, raw != 0);
    } else if (const auto* place = std::get_if<Sensor>(&f.target)) {
      auto& slot =
          place->single != nullptr ? out.temperatures.*place->single : out.temperatures.battery.at(place->index);
      slot = sensor(value);
    }
  }
}

} // namespace detail

template <class Message>
Result<void> decode(std::span<const Field<Message>> table, ByteView bytes, Message& out) {
  for (const auto& f : table) {
    if (f.offset + width(f.wire) > bytes.size()) {
      if (f.may_lack) {
        continue;
      }
      return Error{Fault::truncated,
                   std::to_string(bytes.size()) + " bytes of data, field at offset " + std::to_string(f.offset)};
    }
    const std::int64_t raw = integer(bytes, f.offset, f.wire) & f.mask;
    if (f.none == raw) {
      continue;
    }
    const double value = static_cast<double>(raw + f.offset_value) / f.divisor + 0.0; // a turned sign makes no -0
    if (value < f.lowest || value > f.highest) {
      return Error{Fault::implausible, "raw value " + std::to_string(raw) + " at offset " + std::to_string(f.offset)};
    }
    detail::store(f, raw, value, out);
  }
  return {};
}
template <class Message, std::size_t N>
Result<void> decode(const std::array<Field<Message>, N>& table, ByteView bytes, Message& out) {
  return decode(std::span<const Field<Message>>(table), bytes, out);
}

// -- alarms -------------------------------------------------------------------

struct AlarmBit {
  unsigned bit = 0; ///< bit of the word, 0 = lowest
  Alarm alarm{};
  AlarmLevel level = 2;
};

/// A condition of which the BMS warns (level 1) before it acts (level 2).
struct AlarmPair {
  unsigned warning = 0;    ///< bit of the warnings, 0 = lowest
  unsigned protection = 0; ///< bit of the protections, which may stand in the same word
  Alarm alarm{};
};

constexpr bool bit_of(std::integral auto word, unsigned bit) {
  return (static_cast<std::uint64_t>(word) >> bit & 1U) != 0;
}

/// Raises what is set in `word`; the other alarms of the table become known and quiet.
constexpr void raise_alarms(std::span<const AlarmBit> table, std::integral auto word, Alarms& out) {
  for (const auto& entry : table) {
    out.raise(entry.alarm, bit_of(word, entry.bit) ? entry.level : AlarmLevel{0});
  }
}
/// The same for a table of pairs.
constexpr void raise_alarms(std::span<const AlarmPair> table, std::integral auto warnings,
                            std::integral auto protections, Alarms& out) {
  for (const auto& entry : table) {
    const bool warns = bit_of(warnings, entry.warning), acts = bit_of(protections, entry.protection);
    out.raise(entry.alarm, acts ? AlarmLevel{2} : warns ? AlarmLevel{1} : AlarmLevel{0});
  }
}

/// The word for raise_alarms() of a BMS that tells one condition by its number: bit `code` alone; 0 if there is none.
constexpr std::uint64_t word_of_code(std::int64_t code) {
  return code >= 0 && code < 64 ? std::uint64_t{1} << code : 0;
}

} // namespace bmsd::protocols
