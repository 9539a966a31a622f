#include "app/sim/cell_model.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace bmsd::sim {

namespace {

struct Point {
  double soc;
  double volts;
};

constexpr std::array<Point, 18> kCurve = {{
    {kEmptiest, 2.20},
    {0.00, 2.60},
    {0.02, 2.85},
    {0.05, 3.05},
    {0.10, 3.20},
    {0.20, 3.245},
    {0.30, 3.27},
    {0.40, 3.288},
    {0.50, 3.298},
    {0.60, 3.308},
    {0.70, 3.328},
    {0.80, 3.336},
    {0.90, 3.343},
    {0.95, 3.352},
    {0.98, 3.375},
    {1.00, 3.45},
    {1.02, 3.66},
    {kFullest, 3.90},
}};

double interpolate(double x, double Point::*from, double Point::*to) {
  const auto above =
      std::find_if(kCurve.begin() + 1, kCurve.end() - 1, [&](const Point& point) { return point.*from >= x; });
  const Point& a = *(above - 1);
  const Point& b = *above;
  const double share = std::clamp((x - a.*from) / (b.*from - a.*from), 0.0, 1.0);
  return std::lerp(a.*to, b.*to, share);
}

} // namespace

double open_circuit_voltage(double soc) {
  return interpolate(soc, &Point::soc, &Point::volts);
}

double soc_at_voltage(double volts) {
  return interpolate(volts, &Point::volts, &Point::soc);
}

void Cell::push(double ampere_hours) {
  charge = std::clamp(charge + ampere_hours, kEmptiest * capacity, kFullest * capacity);
}

} // namespace bmsd::sim
