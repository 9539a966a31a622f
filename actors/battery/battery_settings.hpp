// What a user can set for one battery. Key names and defaults are those of dbus-serialbattery's
// config.ini, so that its users keep theirs; docs/charge-control.md explains them.
#pragma once

#include "actors/battery/table.hpp"
#include "messages/error.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bmsd::battery {

enum class TableMode : std::uint8_t { linear = 1, step = 2 };
enum class VoltageController : std::uint8_t { off = 0, proportional = 1, integral = 2, clipped_sum = 3 };

inline constexpr std::size_t kSensorsThatCount = 4; ///< TEMPERATURE_1_... to TEMPERATURE_4_...

/// The input and output list of one limit.
struct LimitTable {
  NumberList in;
  NumberList fraction; ///< of the maximum current, 0-1
};

/// One line of the SoC rules of PRESET = classic.
struct ClassicLimit {
  double value = 0.0;
  bool relative = false; ///< `value` is a fraction of the maximum, else A
};

/// Limits in one direction.
struct CurrentSettings {
  double maximum = 0.0; ///< A
  bool by_cell_voltage = true;
  bool by_temperature = true;
  bool by_mosfet_temperature = true;
  bool by_soc = false;
  LimitTable cell_voltage, temperature, mosfet_temperature, soc;
  double recovery_threshold = 0.015; ///< fraction of the maximum
  int recovery_hold = 30;            ///< s
  double recovery_rate = 5.0;        ///< A/s, 0 = at once
  NumberList classic_soc;            ///< %
  InlineVector<ClassicLimit, kMaxTablePoints> classic_limit;
};

/// raw * slope + offset
struct TemperatureAdjust {
  double offset = 0.0; ///< °C
  double slope = 1.0;
};

struct BatterySettings {
  BatterySettings();

  // -- limits -------------------------------------------------------------------
  bool limits = true; ///< off: the battery is published without CVL, CCL and DCL
  bool classic = false;
  CurrentSettings charge, discharge;
  TableMode table_mode = TableMode::linear;
  int recalculation_every = 60;         ///< s
  double recalculation_on_change = 33;  ///< %
  bool limit_on_alarm = false;          ///< a BMS alarm of level 2 sets CCL or DCL to 0
  bool use_bms_voltage_limits = false;  ///< pack limits of the BMS instead of cell limits times n
  double min_cell_voltage = 2.9;        ///< V
  double max_cell_voltage = 3.45;       ///< V
  double float_cell_voltage = 3.375;    ///< V
  double soc_reset_cell_voltage = 3.65; ///< V
  int soc_reset_after_days = 0;         ///< 0 = off
  double voltage_drop = 0.0;            ///< V, added to the published CVL

  // -- voltage control ----------------------------------------------------------
  bool voltage_control = true;
  int float_wait = 900;             ///< s
  double float_cell_diff = 0.010;   ///< V
  double float_deviation = 0.003;   ///< V
  double bulk_soc_threshold = 80.0; ///< %, 0 = off
  double bulk_cell_diff = 0.080;    ///< V
  VoltageController controller = VoltageController::proportional;
  double integral_factor = 0.2;         ///< V/(V s)
  int voltage_recovery_hold = 60;       ///< s
  double voltage_recovery_rate = 0.001; ///< V/s, 0 = at once

  // -- state of charge, current -------------------------------------------------
  bool soc_calculation = false;
  bool auto_reset_soc = true;
  double battery_capacity = 99.0;                ///< Ah, if the BMS does not know it
  NumberList current_reported, current_measured; ///< A
  std::string external_device, external_current_path, external_soc_path;
  double soc_low_warning = 20.0; ///< %
  double soc_low_alarm = 10.0;   ///< %

  // -- temperatures -------------------------------------------------------------
  std::array<bool, kSensorsThatCount> temperature_source{true, true, true, true};
  std::array<std::string, kSensorsThatCount> temperature_names;
  std::array<TemperatureAdjust, kSensorsThatCount> temperature_adjust;
  TemperatureAdjust mos_adjust;

  // -- connection ---------------------------------------------------------------
  bool block_on_disconnect = false;
  int block_timeout = 30;           ///< min
  double block_voltage_min = 3.225; ///< V, cell
  double block_voltage_max = 3.375; ///< V, cell
  bool cable_alarm = true;
  std::optional<double> poll_interval; ///< s

  // -- what is shown ------------------------------------------------------------
  bool time_to_go = true;
  std::vector<int> time_to_soc_points; ///< %
  int time_to_soc_type = 1;            ///< 1 seconds, 2 text, 3 both
  int time_to_soc_every = 60;          ///< s
  bool history = true;
  bool midpoint = false;
  bool debug_texts = false;
  int cell_data_format = 1; ///< bit 0 /Voltages/Cell<n>, bit 1 /Cell/<n>/Volts
  bool publish_config = false;
  bool publish_json = false;

  /// Set by check(): state 10 and error 119 are shown.
  bool faulty = false;

  bool external_current() const { return !external_device.empty() && !external_current_path.empty(); }
  bool external_soc() const { return !external_device.empty() && !external_soc_path.empty(); }
};

/// One key, as the parser, the documentation and the D-Bus publication need it.
struct KeyInfo {
  std::string_view name;
  std::string_view unit;
  std::string_view allowed;    ///< "2..4.3"
  std::string_view text;       ///< one line
  bool safety;                 ///< a wrong value can harm the battery
  double low, high;            ///< numbers and list items; equal: no range
  std::optional<double> empty; ///< what an empty number means; absent: it is refused
  Result<void> (*apply)(BatterySettings&, std::string_view value, const KeyInfo&);
  std::string (*print)(const BatterySettings&);
};

/// All keys, in the order of the documentation.
std::span<const KeyInfo> keys();

/// The key of that name, in any case, also by its former name (MAX_VOLTAGE_TIME_SEC ...).
const KeyInfo* find_key(std::string_view name);
/// The present name if `name` is a former one.
std::optional<std::string_view> renamed(std::string_view name);
bool is_battery_key(std::string_view name);
bool is_preset(std::string_view name);
/// Visits all lines, those whose name (by `name_of`) is PRESET before the others, which change its values.
template <class Lines, class NameOf, class Take>
void presets_first(const Lines& lines, NameOf name_of, Take take) {
  for (const bool presets : {true, false}) {
    for (const auto& line : lines) {
      if (is_preset(name_of(line)) == presets) {
        take(line);
      }
    }
  }
}

/// Sets one key. Errors (Fault::rejected) leave the settings as they are and read
/// "MAX_CELL_VOLTAGE: 9.0 is out of range, allowed 2..4.3 V".
Result<void> apply_key(BatterySettings& settings, std::string_view name, std::string_view value);

struct ConfigProblem {
  std::string key;
  std::string text;
  bool safety = false; ///< shown as state 10, error 119
};

/// Checks what single keys cannot show, corrects towards the safe side and says so. A second call
/// finds nothing that was corrected by the first.
std::vector<ConfigProblem> check(BatterySettings& settings);

} // namespace bmsd::battery
