// Rounding and the voltage unit of the charge logic.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

namespace bmsd::battery {

/// To `scale` = 10^decimals; half to even, decided on the exact binary value: 55.085 is stored a
/// little above itself and becomes 55.09, although 55.085 * 100 comes out as 5508.5.
inline double round_to(double value, double scale) {
  const double scaled = value * scale;
  const double below = std::floor(scaled);
  if (scaled - below != 0.5) {
    return std::nearbyint(scaled) / scale;
  }
  const double error = std::fma(value, scale, -scaled);
  const double rounded = error > 0.0 ? below + 1.0 : error < 0.0 ? below : std::nearbyint(scaled);
  return rounded / scale;
}
inline double round1(double value) {
  return round_to(value, 10.0);
}
inline double round2(double value) {
  return round_to(value, 100.0);
}
inline double round3(double value) {
  return round_to(value, 1000.0);
}

inline std::optional<double> round2(std::optional<double> value) {
  return value ? std::optional(round2(*value)) : value;
}

/// Voltages are added and compared as whole microvolts: sums of binary fractions differ in the last
/// bit and would show an overvoltage that is not there.
using Microvolts = std::int64_t;
inline constexpr Microvolts kMicro = 1'000'000;

inline Microvolts to_uv(double volts) {
  return std::llround(volts * 1e6);
}
inline double to_volts(Microvolts uv) {
  return static_cast<double>(uv) / 1e6;
}
/// A cell voltage times the cell count, to 10 mV.
inline Microvolts pack_uv(double cell_volts, int cells) {
  return to_uv(round2(cell_volts * cells));
}

/// NaN and infinities are no values.
inline std::optional<double> finite(std::optional<double> value) {
  return value && std::isfinite(*value) ? value : std::nullopt;
}

} // namespace bmsd::battery
