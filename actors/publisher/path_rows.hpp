// The table behind PathTable: which D-Bus path shows what, in which type, rounding and text. docs/dbus.md says why.
#pragma once

#include "messages/identity.hpp"
#include "messages/status.hpp"
#include "transports/dbus/value.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bmsd::actors {

/// What the paths of a battery depend on beside its status and identity.
struct PublisherOptions {
  std::string service; ///< its name on the bus
  std::string process_name = "bmsd";
  std::string process_version = BMSD_VERSION;
  std::string connection;           ///< "Serial /dev/ttyUSB0"
  bool insecure_connection = false; ///< Bluetooth
  int device_instance = 0;
  int product_id = 0xBA77;     ///< reserved by Victron for dbus-serialbattery; its GUI pages appear for this one alone
  std::string product_name;    ///< empty: "SerialBattery(<label>)"
  std::string custom_name;     ///< "": none given
  bool limits = true;          ///< false: a monitor; the paths of the limits do not exist
  bool calculated_soc = false; ///< SoC is ours: the BMS's own is shown beside it, a reset always possible
  bool allow_writes = false;   ///< commands may write to the BMS
  bool midpoint = false;       ///< MIDPOINT_ENABLE
  bool json = false;           ///< PUBLISH_BATTERY_DATA_AS_JSON
  unsigned cell_data_format = 1;       ///< BATTERY_CELL_DATA_FORMAT
  unsigned time_to_soc_type = 1;       ///< TIME_TO_SOC_VALUE_TYPE: 1 seconds, others text
  std::vector<int> time_to_soc_points; ///< %
  std::array<std::string, 4> temperature_names = {"Temp 1", "Temp 2", "Temp 3", "Temp 4"};
  std::vector<std::pair<std::string, dbus::Value>> config; ///< PUBLISH_CONFIG_VALUES: keys and values
  friend bool operator==(const PublisherOptions&, const PublisherOptions&) = default;
};

/// Settings that stay as the user wrote them.
enum class Switch : std::uint8_t { charging, discharging, balancing, heating };

/// What stays the same from poll to poll.
struct PathConstants {
  const Identity& identity;
  const PublisherOptions& options;
};

struct PathSource : PathConstants {
  const Status& status;
  std::array<std::int32_t, 4> switches; ///< by Switch; 1 = off
  int cell_count;
  bool any_setting; ///< there is something to set at all
};

/// Rounding of a measurement and of its text.
struct PathFormat {
  enum class Text : std::uint8_t { number, shortest, hexadecimal };
  dbus::Type type;
  int decimals = 0;           ///< of the value, 0-3
  Text text = Text::shortest; ///< number: with `text_decimals` and `unit`
  int text_decimals = 0;      ///< not more than `decimals`
  std::string_view unit = {};
};

/// When a path exists.
enum class PathWhen : std::uint8_t {
  always,
  limits,
  insecure,
  calculated_soc,
  midpoint,
  charge_switch,
  discharge_switch,
  balance_switch,
  heat_switch,
  soc_reset,
  cell_format_plain,  ///< bit 0 of the cell data format
  cell_format_nested, ///< bit 1
};

/// '#' in the path stands for: cell or temperature number from 1, name of the alarm, percent, key.
enum class PathRepeat : std::uint8_t { once, cells, temperatures, alarms, time_to_soc, config };

/// A function of one of the two sources: what the constants alone give is read again only when they change.
class PathGetter {
public:
  template <class Function>
  constexpr PathGetter(Function function) { // NOLINT(google-explicit-constructor): for the table
    if constexpr (std::is_convertible_v<Function, OfConstants>) {
      of_constants_ = function;
    } else {
      of_source_ = function;
    }
  }
  bool is_constant() const { return of_constants_ != nullptr; }
  dbus::ValueView operator()(const PathSource& source, std::size_t index) const {
    return is_constant() ? of_constants_(source, index) : of_source_(source, index);
  }

private:
  using OfConstants = dbus::ValueView (*)(const PathConstants& source, std::size_t index);
  using OfSource = dbus::ValueView (*)(const PathSource& source, std::size_t index);
  OfConstants of_constants_ = nullptr;
  OfSource of_source_ = nullptr;
};

struct PathRow {
  std::string_view path;
  PathFormat format;
  PathGetter get;
  PathWhen when = PathWhen::always;
  PathRepeat repeat = PathRepeat::once;
  bool writable = false;
};

std::span<const PathRow> path_rows();
bool path_exists(PathWhen when, const PublisherOptions& options, const Capabilities& capabilities);

} // namespace bmsd::actors
