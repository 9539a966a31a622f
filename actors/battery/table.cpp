#include "actors/battery/table.hpp"

#include <algorithm>

namespace bmsd::battery {

Table::Table(const NumberList& in, const NumberList& out) : in_(in), out_(out) {
  if (in_.size() > 1 && in_[0] > in_[in_.size() - 1]) {
    std::reverse(in_.begin(), in_.end());
    std::reverse(out_.begin(), out_.end());
  }
}

bool Table::is_valid(const NumberList& in, const NumberList& out, bool strict) {
  if (in.empty() || in.size() != out.size()) {
    return false;
  }
  auto not_rising = [strict](double a, double b) { return strict ? a >= b : a > b; };
  auto not_falling = [strict](double a, double b) { return strict ? a <= b : a < b; };
  return std::adjacent_find(in.begin(), in.end(), not_rising) == in.end() ||
         std::adjacent_find(in.begin(), in.end(), not_falling) == in.end();
}

std::size_t Table::position(double x) const {
  return static_cast<std::size_t>(std::upper_bound(in_.begin(), in_.end(), x) - in_.begin());
}

double Table::on_segment(std::size_t upper, double x) const {
  const double x0 = in_[upper - 1];
  const double y0 = out_[upper - 1];
  return y0 + (x - x0) * (out_[upper] - y0) / (in_[upper] - x0);
}

double Table::linear(double x) const {
  const std::size_t last = in_.size() - 1;
  if (x <= in_[0]) {
    return out_[0];
  }
  if (x >= in_[last]) {
    return out_[last];
  }
  const std::size_t i = position(x);
  const auto [low, high] = std::minmax(out_[i - 1], out_[i]);
  return std::clamp(on_segment(i, x), low, high);
}

double Table::step(double x, bool upper) const {
  const std::size_t last = in_.size() - 1;
  if (x <= in_[0]) {
    return out_[0];
  }
  if (x >= in_[last]) {
    return out_[last];
  }
  const std::size_t i = position(x);
  return upper ? out_[i] : out_[i - 1];
}

double Table::extrapolated(double x) const {
  const std::size_t last = in_.size() - 1;
  if (last == 0) {
    return out_[0];
  }
  return on_segment(std::clamp<std::size_t>(position(x), 1, last), x);
}

} // namespace bmsd::battery
