// Values of com.victronenergy.BusItem objects, as data. Pure; no D-Bus headers. docs/dbus.md has the contract.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace bmsd::dbus {

/// std::monostate: invalid (on the wire an empty array of int32). Flags and enumerations are int32, measurements
/// double. NaN and infinity count as invalid.
using Value = std::variant<std::monostate, std::int32_t, double, std::string>;
/// The same without owning its text.
using ValueView = std::variant<std::monostate, std::int32_t, double, std::string_view>;

/// Type of a path, fixed for life; its value may be invalid at any time.
enum class Type : std::uint8_t { integer, real, text };

/// What clients may write to a path, as numbers; an absent one is no limit.
struct WriteLimits {
  std::optional<Value> min{}, max{}, def{};
};

struct Item {
  std::string path; ///< "/Dc/0/Voltage"
  Type type = Type::real;
  Value value{};
  std::string text{};                            ///< what GetText says; ignored while the value is invalid
  std::shared_ptr<const WriteLimits> writable{}; ///< for clients, through SetValue; nullptr: read-only
};

/// Where a path likely is among the items of its service, counted as they were added: saves looking for it.
struct Place {
  std::size_t number;
  std::size_t hash; ///< path_hash() of the path: tells another one that is there
};
std::size_t path_hash(std::string_view path);

/// A new value of one path. The views need to live only as long as the call that takes them.
struct Change {
  std::string_view path;
  ValueView value;
  std::string_view text;
  std::optional<Place> place{};
};

/// Text of an invalid value.
inline constexpr std::string_view kInvalidText = "---";

ValueView view(const Value& value);
Value own(const ValueView& value);
bool equal(const Value& value, const ValueView& other);

/// Numbers become the type of the path where nothing is lost, an invalid value becomes "" on a text path.
/// nullopt: can't be converted.
std::optional<Value> convert(const Value& value, Type type);

/// A number as short as possible, a text as it is, "---" for invalid.
std::string plain_text(const Value& value);

/// What a bus carries: valid UTF-8 without NUL. Wrong bytes become U+FFFD. libdbus disconnects who sends others.
bool is_clean(std::string_view text);
std::string clean(std::string_view text);

/// "/" or elements of [A-Za-z0-9_] with single slashes in front.
bool is_object_path(std::string_view path);

} // namespace bmsd::dbus
