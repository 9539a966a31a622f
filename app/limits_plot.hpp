// Draws a series as SVG: voltages, currents, SoC and charge mode over time.
#pragma once

#include "messages/status.hpp"

#include <optional>
#include <string>
#include <vector>

namespace bmsd::app {

class Plot {
public:
  explicit Plot(std::string title) : title_(std::move(title)) {}

  /// `t` in s, ascending.
  void add(double t, const Status& status);
  /// The whole document.
  std::string svg() const;

private:
  struct Point {
    double t;
    std::optional<double> voltage, cvl, current, ccl, dcl, soc, highest_cell, lowest_cell;
    std::string mode; ///< first word of the charge mode
  };

  std::string title_;
  std::vector<Point> points_;
};

} // namespace bmsd::app
