// Tables of the current limits and of the current correction.
#pragma once

#include "messages/inline_vector.hpp"

#include <cstddef>

namespace bmsd::battery {

inline constexpr std::size_t kMaxTablePoints = 32;
using NumberList = InlineVector<double, kMaxTablePoints>;

/// Points in ascending order of the input, made of two lists of equal length.
class Table {
public:
  Table() = default;
  /// Lists in descending order are reversed. Both must be valid (`is_valid`).
  Table(const NumberList& in, const NumberList& out);

  /// Equal lengths, at least one point, inputs rising or falling throughout. Equal neighbours (a
  /// vertical step) are allowed unless `strict`.
  static bool is_valid(const NumberList& in, const NumberList& out, bool strict = false);

  /// Straight lines between the points, the end values beyond them.
  double linear(double x) const;
  /// Steps. Between two points the output of the upper one if `upper`, else of the lower one; at a
  /// point: of the next one if `upper`, else its own.
  double step(double x, bool upper) const;
  /// Straight lines; beyond the ends the slope of the last segment goes on. Needs strict inputs.
  double extrapolated(double x) const;

  std::size_t size() const { return in_.size(); }
  double input(std::size_t i) const { return in_[i]; }
  double output(std::size_t i) const { return out_[i]; }

private:
  /// Number of inputs <= x.
  std::size_t position(double x) const;
  double on_segment(std::size_t upper, double x) const;

  NumberList in_, out_;
};

} // namespace bmsd::battery
