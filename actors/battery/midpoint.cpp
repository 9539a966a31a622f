#include "actors/battery/midpoint.hpp"

#include <cmath>

namespace bmsd::battery {

std::optional<Midpoint> midpoint(const CellView& cells) {
  constexpr int kFewest = 4;
  if (cells.source != CellSource::list || cells.count < kFewest) {
    return std::nullopt;
  }
  const auto count = static_cast<std::size_t>(cells.count);
  const std::size_t half = count / 2;
  Microvolts first = 0, last = 0;
  for (std::size_t i = 0; i < half; ++i) {
    first += cells.cells[i];
    last += cells.cells[count - 1 - i];
  }
  if (first + last == 0) {
    return std::nullopt;
  }
  const double middle = count % 2 == 1 ? to_volts(cells.cells[half]) / 2.0 : 0.0;
  Midpoint result;
  result.voltage = to_volts(first) + middle;
  result.deviation = std::abs(to_volts(last - first)) / to_volts(first + last) * 100.0;
  return result;
}

} // namespace bmsd::battery
