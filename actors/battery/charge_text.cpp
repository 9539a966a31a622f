#include "actors/battery/charge_text.hpp"

#include "actors/battery/text.hpp"

#include <cstdarg>
#include <cstdio>
#include <string_view>

namespace bmsd::battery {

namespace {

std::string_view mode_name(const ChargeTextInput& input) {
  switch (input.override) {
  case Override::cells_unknown: return "Error, cell voltages unknown";
  case Override::disconnected: return "Error, BMS lost";
  case Override::none: break;
  }
  switch (input.mode) {
  case ChargeMode::fixed: return "Keep always max voltage";
  case ChargeMode::bulk: return "Bulk";
  case ChargeMode::absorption: return "Absorption";
  case ChargeMode::float_transition: return "Float Transition";
  case ChargeMode::floating: return "Float";
  case ChargeMode::unknown: return "Float, no cell voltages";
  }
  return "";
}

[[gnu::format(printf, 2, 3)]] void line(std::string& text, const char* format, ...) {
  char buffer[160];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  if (!text.empty()) {
    text += '\n';
  }
  text += buffer;
}

const char* yes(bool value) {
  return value ? "yes" : "no";
}

} // namespace

void ChargeText::write(const ChargeTextInput& input, std::string& text) {
  if (known_ && input == last_) {
    return;
  }
  last_ = input;
  known_ = true;
  text = mode_name(input);
  if (input.override != Override::none || input.mode == ChargeMode::fixed) {
    return;
  }
  if (input.mode == ChargeMode::bulk || input.mode == ChargeMode::absorption) {
    text += input.overvoltage == Overvoltage::holding  ? " (Cell OVP)"
            : input.overvoltage == Overvoltage::rising ? " (Cell OVP*)"
                                                       : "";
    text += input.at_reset_voltage ? " & SoC Reset" : "";
    text += input.balancing ? " + Balancing" : "";
    text += input.heating ? " + Heating" : "";
  }
  text += input.step_mode ? " │ Step Mode" : " │ Linear Mode";
}

void write_debug_texts(const DebugInput& input, Status& status, const Tick& now) {
  const VoltageLimit& voltage = *input.voltage;
  const BatterySettings& settings = *input.settings;
  const double pack_max = to_volts(voltage.pack_max());
  const double sum = to_volts(input.cells->sum);
  const double spread = to_volts(input.cells->spread());
  const double soc = input.soc.value_or(0.0);
  const auto& phase = voltage.phase().state();
  const auto limited = voltage.control().state().limited_at;
  const std::int64_t absorbed = phase.absorbing_since ? now.s - *phase.absorbing_since : 0;

  std::string& text = status.charge_mode_debug;
  text.clear();
  line(text, "max_battery_voltage: %.2f V, battery_voltage: %.2f V", pack_max, status.voltage.value_or(0.0));
  line(text, "CVL: %.3f V + VOLTAGE_DROP: %.2f V = %.2f V", to_volts(voltage.cvl()), settings.voltage_drop,
       status.cvl.value_or(0.0));
  line(text, "wanted: %.3f V, limited: %lld s ago", to_volts(voltage.control().wanted()),
       limited ? static_cast<long long>(now.s - *limited) : -1LL);
  line(text, "cell sum: %.3f V, spread: %.3f V", sum, spread);
  line(text, "max_cell_voltage: %.3f V", to_volts(input.cells->highest));
  line(text, "soc: %.2f %%, of the BMS: %.2f %%, soh: %.1f %%", soc, status.sample.soc.value_or(0.0),
       status.sample.soh.value_or(0.0));
  line(text, "current: %.2f A, of the BMS: %.2f A", input.current.value_or(0.0), status.sample.current.value_or(0.0));
  line(text, "charge FET: %s, allowed: %s", yes(status.sample.charge_enabled.value_or(true)),
       yes(status.allow_charge.value_or(false)));
  line(text, "discharge FET: %s, allowed: %s", yes(status.sample.discharge_enabled.value_or(true)),
       yes(status.allow_discharge.value_or(false)));
  if (voltage.reset_plan().enabled()) {
    const auto age = voltage.reset_plan().state().reached.age(now);
    line(text, "SoC reset: last %lld d ago, next %s", age ? static_cast<long long>(*age / 86400) : -1LL,
         voltage.reset_plan().requested() ? "already planned" : "later");
  }

  std::string& to_float = status.charge_mode_debug_float;
  to_float.clear();
  line(to_float, "pack max %.2f V <= cell sum %.3f V: %s", pack_max, sum, yes(voltage.pack_max() <= input.cells->sum));
  line(to_float, "spread %.3f V <= %.3f V: %s", spread, settings.float_cell_diff,
       yes(spread <= settings.float_cell_diff));
  line(to_float, "max voltage allowed: %s", yes(phase.allow_max));
  line(to_float, "%d s < absorption %lld s: %s", settings.float_wait, static_cast<long long>(absorbed),
       yes(settings.float_wait < absorbed));

  std::string& to_bulk = status.charge_mode_debug_bulk;
  to_bulk.clear();
  line(to_bulk, "%.0f %% > SoC %.2f %%: %s", settings.bulk_soc_threshold, soc, yes(settings.bulk_soc_threshold > soc));
  line(to_bulk, "spread %.3f V >= %.3f V: %s", spread, settings.bulk_cell_diff, yes(spread >= settings.bulk_cell_diff));
  line(to_bulk, "max voltage not allowed: %s", yes(!phase.allow_max));
}

} // namespace bmsd::battery
