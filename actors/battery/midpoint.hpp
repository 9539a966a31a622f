// Voltage in the middle of the pack, and how far its halves differ.
#pragma once

#include "actors/battery/sample_check.hpp"

#include <optional>

namespace bmsd::battery {

struct Midpoint {
  double voltage = 0.0;   ///< V, of the lower half; half of the middle cell included if the count is odd
  double deviation = 0.0; ///< %, of the halves without the middle cell
};

/// None without a list of at least 4 cells.
std::optional<Midpoint> midpoint(const CellView& cells);

} // namespace bmsd::battery
