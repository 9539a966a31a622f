// One lithium iron phosphate cell of the simulated battery: what it holds and the voltage it shows.
//
// The curve is a plausible rest voltage of LiFePO4, made for this project; it goes a little past
// empty and full so that a BMS has something to protect against. Pure. State of charge as 0..1.
#pragma once

namespace bmsd::sim {

inline constexpr double kEmptiest = -0.02; ///< state of charge at the lower end of the curve
inline constexpr double kFullest = 1.04;   ///< and at the upper end

/// Volts at rest; strictly rising between kEmptiest and kFullest, constant beyond.
double open_circuit_voltage(double soc);
/// The inverse: state of charge at a rest voltage, within the ends of the curve.
double soc_at_voltage(double volts);

struct Cell {
  double capacity = 280.0;    ///< Ah
  double charge = 140.0;      ///< Ah
  double resistance = 0.0005; ///< ohm

  double soc() const { return charge / capacity; }
  double rest_voltage() const { return open_circuit_voltage(soc()); }
  /// Terminal voltage at `current` (A, positive = charging).
  double voltage(double current) const { return rest_voltage() + current * resistance; }
  /// Counts charge; what goes beyond the ends of the curve is lost.
  void push(double ampere_hours);
};

} // namespace bmsd::sim
